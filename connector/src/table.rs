//! [`Table`]: a definition that has been checked, and what can be done with it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow_schema::SchemaRef;
use chrono_tz::Tz;
use futures::future;
use kavka_client::protocol::TopicPartition;
use kavka_client::{Client, Properties};

use crate::clients::Clients;
use crate::ddl::TableDefinition;
use crate::error::Error;
use crate::format::{FormatTarget, Payload, PayloadColumn};
use crate::options::table::{
    KEY_FIELDS, KEY_FIELDS_PREFIX, SCAN_PARALLELISM, SINK_PARALLELISM, VALUE_FIELDS_INCLUDE,
};
use crate::options::{
    FormatChoice, Formats, SinkSettings, SourceSettings, TableOptions, TableProperties, Topics,
    Usage, check_primary_key, in_role,
};
use crate::schema::{Columns, Projection, ProjectionSpec};
use crate::sink::{SinkSpec, SinkWriter};
use crate::source::{
    AssemblerSpec, BatchLimits, BoundedMode, Discovery, Enumerator, GoneTopic, LedPartition,
    ReaderSpec, SourceOptions, SourcePlan, SourceReader, Split, StartupMode, Subscription,
};

/// One Kafka topic or several as a table. Cheap to clone.
#[derive(Clone)]
pub struct Table {
    inner: Arc<Inner>,
    time_zone: Tz,
}

struct Inner {
    definition: TableDefinition,
    columns: Columns,
    options: TableOptions,
    properties: TableProperties,
    topics: Topics,
    key: Option<Payload>,
    value: Payload,
}

impl Table {
    /// Checks everything about `definition` that does not depend on whether the table is read or written.
    ///
    /// `defaults` are Kafka properties for whatever the table does not say itself in `properties.*`.
    ///
    /// # Errors
    /// An option is missing, unknown, malformed, not built or in conflict with another; a column cannot be what it is
    /// declared as.
    pub fn create(definition: TableDefinition, defaults: &Properties) -> Result<Self, Error> {
        let options = TableOptions::resolve(&definition.options)?;
        let properties = TableProperties::new(&definition.options, defaults);
        options.check_connector()?;
        let formats = Formats::discover(&options)?;
        options.check_names(&formats, properties.has_bootstrap_servers())?;
        options.check_values()?;
        check_primary_key(&definition, &formats)?;
        let columns = Columns::new(&definition)?;
        let (key, value) = payloads(&columns, &options, &formats)?;
        properties.check(&definition.name.0.join("."))?;
        let topics = options.topics()?;
        let inner = Inner { definition, columns, options, properties, topics, key, value };
        Ok(Self { inner: Arc::new(inner), time_zone: Tz::UTC })
    }

    /// The same table in a session whose time zone is `time_zone`; without it, that is UTC.
    ///
    /// It matters where a point in time is declared as a reading of a clock: `TIMESTAMP(3) METADATA FROM 'timestamp'`.
    #[must_use]
    pub fn in_time_zone(&self, time_zone: Tz) -> Self {
        Self { inner: Arc::clone(&self.inner), time_zone }
    }

    /// The definition, as written.
    pub fn definition(&self) -> &TableDefinition {
        &self.inner.definition
    }

    /// The topic, if the table is of one that it names.
    pub fn topic(&self) -> Option<&str> {
        self.inner.topics.only()
    }

    /// What is read: physical and metadata columns in the order of the table. Computed columns are the engine's.
    ///
    /// The fields of metadata columns are marked with [`METADATA_KEY`](crate::METADATA_KEY), and with
    /// [`METADATA_VIRTUAL`](crate::METADATA_VIRTUAL) where they are not written.
    pub fn schema(&self) -> &SchemaRef {
        self.inner.columns.schema()
    }

    /// What is written: physical and non-VIRTUAL metadata columns in the order of the table.
    pub fn sink_schema(&self) -> SchemaRef {
        Arc::clone(self.inner.columns.sink_schema())
    }

    /// `scan.parallelism`: how many readers the user wants.
    pub fn scan_parallelism(&self) -> Option<usize> {
        self.parallelism(SCAN_PARALLELISM)
    }

    /// `sink.parallelism`: how many writers the user wants.
    pub fn sink_parallelism(&self) -> Option<usize> {
        self.parallelism(SINK_PARALLELISM)
    }

    /// Checks what belongs to reading, and finds out where each partition starts and ends now.
    ///
    /// # Errors
    /// The options do not say how to read, the cluster cannot be reached, or a topic that is named or a listed
    /// partition does not exist. A pattern may match no topic. Dropping the future gives up.
    pub async fn plan_source(
        &self,
        clients: &Clients,
        options: &SourceOptions,
    ) -> Result<SourcePlan, Error> {
        let settings = self.source_settings(options.batch_mode)?;
        let SourceSettings { startup, bounded, discovery } = settings;
        let client = self.connect(clients).await?;
        let group = self.inner.properties.group()?;
        let partitions = self.partitions(&client).await?;
        let subscription =
            Subscription { startup: &startup, bounded: &bounded, group: group.as_deref() };
        let enumerator = Enumerator::new(subscription, &partitions)
            .map_err(|error| self.in_role(Usage::Read, error))?;
        let splits = self.look_up(&client, enumerator).await?;
        let known = partitions.into_iter().map(|(partition, _)| partition).collect();
        Ok(SourcePlan {
            splits,
            is_bounded: bounded.is_bounded(),
            startup,
            bounded,
            discovery: discovery.map(|interval| Discovery { interval, known }),
        })
    }

    /// The partitions beside those that are `known`, each from its beginning wherever the table starts otherwise:
    /// whatever is in them was written after the read had begun.
    ///
    /// # Errors
    /// The cluster cannot be reached, or a topic that is named is gone. Dropping the future gives up.
    pub async fn new_splits(
        &self,
        clients: &Clients,
        known: &BTreeSet<TopicPartition>,
    ) -> Result<Vec<Split>, Error> {
        let client = self.connect(clients).await?;
        let mut new = self.partitions(&client).await?;
        new.retain(|(partition, _)| !known.contains(partition));
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let subscription = Subscription {
            startup: &StartupMode::EarliestOffset,
            bounded: &BoundedMode::Unbounded,
            group: None,
        };
        self.look_up(&client, Enumerator::new(subscription, &new)?).await
    }

    /// Every partition there is now.
    async fn partitions(&self, client: &Client) -> Result<Vec<LedPartition>, Error> {
        let topics = match &self.inner.topics {
            Topics::Matching(pattern) => client.topics(pattern).await,
            Topics::Named(names) => {
                let described = names.iter().map(|name| client.topic(name));
                future::try_join_all(described).await
            }
        };
        let topics = topics.map_err(|error| self.cannot("read", error))?;
        let led = topics.iter().flat_map(|topic| {
            topic.partitions.iter().map(|partition| {
                let place = TopicPartition::new(Arc::clone(&topic.name), partition.partition);
                (place, partition.leader)
            })
        });
        Ok(led.collect())
    }

    async fn look_up(
        &self,
        client: &Client,
        mut enumerator: Enumerator,
    ) -> Result<Vec<Split>, Error> {
        while let Some(lookups) = enumerator.poll_lookup() {
            let answers =
                client.list_offsets(&lookups).await.map_err(|error| self.cannot("read", error))?;
            enumerator.handle_offsets(&answers)?;
        }
        Ok(enumerator.splits())
    }

    /// A reader of some of the splits of a plan that was made with the same `clients`.
    ///
    /// # Errors
    /// The projection or the splits do not fit the table, or its source was not planned with `clients`.
    pub fn reader(&self, clients: &Clients, spec: ReaderSpec) -> Result<SourceReader, Error> {
        let properties = self.inner.properties.resolve()?;
        let Some(client) = clients.get(&properties.connection()) else {
            return Err(self.misuse("there is no connection: plan the source first"));
        };
        if spec.is_bounded && spec.splits.iter().any(|split| split.stop.is_none()) {
            return Err(self.misuse("a read that is to end has a split that does not"));
        }
        // The modes decide only where the reader goes on when an offset is gone; the splits have their offsets.
        let startup = self.source_settings(spec.is_bounded)?.startup;
        let consumer = client
            .consumer(properties.consumer(&startup))
            .map_err(|error| self.cannot("read", error))?;
        let schema = self.schema().project(&spec.projection).map_err(|error| {
            self.misuse("the projection names a column that the table does not have")
                .with_source(error)
        })?;
        let assembler = AssemblerSpec {
            schema: Arc::new(schema),
            key: self.inner.key.clone(),
            value: self.inner.value.clone(),
            time_zone: self.time_zone,
        };
        let limits = BatchLimits { rows: spec.batch_size, bytes: spec.batch_bytes };
        let when_gone = match &self.inner.topics {
            Topics::Matching(_) if !spec.is_bounded => GoneTopic::IsAwaited,
            _ => GoneTopic::Ends,
        };
        SourceReader::new(consumer, spec.splits, &assembler, limits, when_gone)
    }

    /// The writer with this index of `writers` that together are the table's sink.
    ///
    /// # Errors
    /// The table cannot be written as it is declared, or the cluster cannot be reached. Dropping the future gives up.
    pub async fn sink(
        &self,
        clients: &Clients,
        writer: usize,
        writers: usize,
    ) -> Result<SinkWriter, Error> {
        let settings = self.sink_settings()?;
        let topic =
            self.inner.topics.to_write().map_err(|error| self.in_role(Usage::Write, error))?;
        let client = self.connect(clients).await?;
        let properties = self.inner.properties.resolve()?;
        let producer =
            client.producer(properties.producer()).map_err(|error| self.cannot("write", error))?;
        let spec = SinkSpec {
            table: self.inner.definition.name.0.join("."),
            topic: topic.to_owned(),
            schema: self.sink_schema(),
            key: self.inner.key.clone(),
            value: self.inner.value.clone(),
            partitioner: settings.partitioner,
            writer,
            writers,
            time_zone: self.time_zone,
        };
        SinkWriter::new(&client, producer, spec).await
    }

    fn source_settings(&self, batch_mode: bool) -> Result<SourceSettings, Error> {
        SourceSettings::new(&self.inner.options, &self.inner.properties, batch_mode)
            .map_err(|error| self.in_role(Usage::Read, error))
    }

    fn sink_settings(&self) -> Result<SinkSettings, Error> {
        let settings = SinkSettings::new(&self.inner.options);
        let checked =
            settings.and_then(|settings| self.inner.columns.check_writable().map(|()| settings));
        checked.map_err(|error| self.in_role(Usage::Write, error))
    }

    async fn connect(&self, clients: &Clients) -> Result<Client, Error> {
        clients.connected(self.inner.properties.resolve()?.connection()).await
    }

    fn parallelism(&self, option: &str) -> Option<usize> {
        self.inner.options.parallelism(option).ok().flatten()
    }

    fn in_role(&self, usage: Usage, cause: Error) -> Error {
        in_role(usage, &self.inner.definition, cause)
    }

    fn cannot(&self, what: &str, source: kavka_client::Error) -> Error {
        Error::client(format!("cannot {what} table {}", self.inner.definition.name), source)
    }

    fn misuse(&self, what: &str) -> Error {
        Error::schema(format!("cannot read table {}: {what}", self.inner.definition.name))
    }
}

/// Shows no properties, which may hold secrets.
impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table")
            .field("name", &self.inner.definition.name)
            .field("topics", &self.inner.topics)
            .field("time_zone", &self.time_zone)
            .finish_non_exhaustive()
    }
}

/// What keys and values hold; every format is tried on its columns, so that it can refuse types and options.
fn payloads(
    columns: &Columns,
    options: &TableOptions,
    formats: &Formats,
) -> Result<(Option<Payload>, Payload), Error> {
    let physical: Vec<&str> =
        columns.physical().iter().map(|field| field.name().as_str()).collect();
    let key_fields = options.list(KEY_FIELDS)?;
    let prefix = options.get(KEY_FIELDS_PREFIX).unwrap_or_default();
    let projection = Projection::new(ProjectionSpec {
        physical: &physical,
        has_key_format: formats.key.is_some(),
        key_fields: key_fields.as_deref(),
        prefix,
        except_key: options
            .get(VALUE_FIELDS_INCLUDE)
            .is_some_and(|word| word.eq_ignore_ascii_case("EXCEPT_KEY")),
    })?;
    let key = formats
        .key
        .as_ref()
        .map(|choice| payload(columns, choice, &projection.key, prefix))
        .transpose()?;
    let value = payload(columns, &formats.value, &projection.value, "")?;
    Ok((key, value))
}

fn payload(
    columns: &Columns,
    choice: &FormatChoice,
    indices: &[usize],
    prefix: &str,
) -> Result<Payload, Error> {
    let column = |index: &usize| {
        let field = columns.physical().get(*index)?;
        let name = field.name().strip_prefix(prefix).unwrap_or(field.name());
        let inside = field.as_ref().clone().with_name(name);
        Some(PayloadColumn { column: field.name().clone(), field: Arc::new(inside) })
    };
    let payload = Payload {
        format: choice.format,
        columns: indices.iter().filter_map(column).collect(),
        options: choice.options.clone(),
    };
    let target: FormatTarget = payload.target(|_| true);
    payload.format.decoder(&target)?;
    Ok(payload)
}
