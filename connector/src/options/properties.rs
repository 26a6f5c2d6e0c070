//! `properties.*`: what is handed to the Kafka client, over the defaults of the session.

use indexmap::IndexMap;
use kavka_client::{Properties, Role, Support, check_properties, keys, property_definitions};

use super::reference;
use super::table::PROPERTIES;
use crate::error::Error;
use crate::source::StartupMode;

/// The Kafka properties of one table, as written.
#[derive(Clone, Debug)]
pub(crate) struct TableProperties {
    /// What the table says itself, over the defaults.
    written: Properties,
    /// What the table says itself.
    own: Properties,
}

/// The Kafka properties of one table, with every reference resolved.
#[derive(Clone, Debug)]
pub(crate) struct ClientProperties(Properties);

impl TableProperties {
    /// The `properties.*` of a table over the session's `defaults`.
    pub(crate) fn new(options: &IndexMap<String, String>, defaults: &Properties) -> Self {
        let own: Properties = options
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(PROPERTIES)?, value)))
            .collect();
        Self { written: own.clone().merged_over(defaults), own }
    }

    /// Warns of names that Kafka does not have; under `kavka.strict.properties` they are errors.
    pub(crate) fn check(&self, table: &str) -> Result<(), Error> {
        let known_here: Properties =
            self.written.iter().filter(|(name, _)| !CONNECTOR_ONLY.contains(name)).collect();
        let warnings = check_properties(&known_here, false).map_err(|error| {
            Error::option(format!("the properties of table '{table}' are wrong")).with_source(error)
        })?;
        for warning in warnings {
            tracing::warn!("table '{table}': {warning}");
        }
        for (name, why) in self.ignored() {
            tracing::warn!("table '{table}': '{PROPERTIES}{name}' is ignored: {why}");
        }
        Ok(())
    }

    /// What the table says itself and nothing here obeys, and why.
    pub(crate) fn ignored(&self) -> Vec<(&str, &'static str)> {
        let unused = |name: &str| {
            let definition =
                property_definitions().iter().find(|definition| definition.name() == name);
            definition.is_some_and(|definition| definition.support() == Support::Unused)
        };
        let why = |name: &str, value: &str| match name {
            COMMIT_ON_CHECKPOINT if value.trim().eq_ignore_ascii_case("true") => {
                Some("no offsets are committed")
            }
            DISCOVERY_INTERVAL if value.trim().parse().is_ok_and(|interval: i64| interval > 0) => {
                Some("'scan.topic-partition-discovery.interval' says how often")
            }
            _ if DESERIALIZERS.contains(&name) => Some("formats read keys and values"),
            _ if SERIALIZERS.contains(&name) => Some("formats write keys and values"),
            // What is switched off is off.
            _ if value.trim().eq_ignore_ascii_case("false") => None,
            _ if unused(name) => Some("nothing here depends on it yet"),
            _ => None,
        };
        self.own.iter().filter_map(|(name, value)| Some((name, why(name, value)?))).collect()
    }

    /// Whether it is known where the cluster is.
    pub(crate) fn has_bootstrap_servers(&self) -> bool {
        self.written.get(keys::BOOTSTRAP_SERVERS).is_some_and(|servers| !servers.trim().is_empty())
    }

    /// The consumer group.
    pub(crate) fn group(&self) -> Result<Option<String>, Error> {
        Ok(self.get(keys::GROUP_ID)?.filter(|group| !group.is_empty()))
    }

    /// Checks what the user says about committing offsets: never without a group, and not in the background.
    pub(crate) fn check_commit(&self) -> Result<(), Error> {
        let is_on = |name| {
            Ok(self.get(name)?.is_some_and(|value| value.trim().eq_ignore_ascii_case("true")))
        };
        let in_background = is_on(keys::ENABLE_AUTO_COMMIT)?;
        if self.group()?.is_none() && (in_background || is_on(COMMIT_ON_CHECKPOINT)?) {
            return Err(Error::option(
                "Property group.id is required when offset commit is enabled",
            ));
        }
        if in_background {
            return Err(Error::unsupported("properties.enable.auto.commit", "true"));
        }
        Ok(())
    }

    /// Checks where to go on when a group has no offset.
    pub(crate) fn check_offset_reset(&self) -> Result<(), Error> {
        let Some(reset) = self.get(keys::AUTO_OFFSET_RESET)? else { return Ok(()) };
        if ["latest", "earliest", "none"]
            .iter()
            .any(|valid| valid.eq_ignore_ascii_case(reset.trim()))
        {
            return Ok(());
        }
        Err(Error::option(format!(
            "auto.offset.reset can not be set to {reset}. Valid values: [latest,earliest,none]"
        )))
    }

    /// Reads every reference, such as `${env:PASSWORD}`, as it is now.
    pub(crate) fn resolve(&self) -> Result<ClientProperties, Error> {
        let mut resolved = Properties::new();
        for (name, value) in self.written.iter() {
            let option = format!("{PROPERTIES}{name}");
            resolved.set(name, reference::resolve(&option, value)?);
        }
        Ok(ClientProperties(resolved))
    }

    fn get(&self, name: &str) -> Result<Option<String>, Error> {
        let option = format!("{PROPERTIES}{name}");
        self.written
            .get(name)
            .map(|value| Ok(reference::resolve(&option, value)?.into_owned()))
            .transpose()
    }
}

impl ClientProperties {
    /// What decides how and to what a connection is made; tables in which it is equal share one.
    pub(crate) fn connection(&self) -> Properties {
        let mut connection = self.of_roles(&[Role::Client]);
        if let Some(prefix) = self.0.get(CLIENT_ID_PREFIX) {
            connection.set(keys::CLIENT_ID, prefix);
        }
        connection
    }

    /// What a consumer gets; the start decides where it goes on when an offset is gone.
    pub(crate) fn consumer(&self, startup: &StartupMode) -> Properties {
        let mut consumer = self.of_roles(&[Role::Client, Role::Consumer]);
        if consumer.get(keys::ENABLE_AUTO_COMMIT).is_none() {
            consumer.set(keys::ENABLE_AUTO_COMMIT, "false");
        }
        consumer.set(keys::AUTO_OFFSET_RESET, startup.offset_reset());
        consumer
    }

    /// What a producer gets.
    pub(crate) fn producer(&self) -> Properties {
        self.of_roles(&[Role::Client, Role::Producer])
    }

    /// Of a property list that serves every role, what concerns `roles`. What Kafka does not know was warned of.
    fn of_roles(&self, roles: &[Role]) -> Properties {
        let concerns = |name: &str| {
            let definition =
                property_definitions().iter().find(|definition| definition.name() == name);
            definition.is_some_and(|definition| roles.contains(&definition.role()))
        };
        let serializers = |name: &str| DESERIALIZERS.contains(&name) || SERIALIZERS.contains(&name);
        self.0.iter().filter(|(name, _)| concerns(name) && !serializers(name)).collect()
    }
}

const CLIENT_ID_PREFIX: &str = "client.id.prefix";
const COMMIT_ON_CHECKPOINT: &str = "commit.offsets.on.checkpoint";
const DISCOVERY_INTERVAL: &str = "partition.discovery.interval.ms";

/// Properties that Flink's connector reads itself and Kafka's client does not know.
const CONNECTOR_ONLY: [&str; 6] = [
    CLIENT_ID_PREFIX,
    COMMIT_ON_CHECKPOINT,
    "flink.disable-metrics",
    DISCOVERY_INTERVAL,
    "register.consumer.metrics",
    "register.producer.metrics",
];

const DESERIALIZERS: [&str; 2] = ["key.deserializer", "value.deserializer"];
const SERIALIZERS: [&str; 2] = ["key.serializer", "value.serializer"];
