//! A table whose splits are known without a cluster, and the plans over it.

use datafusion::prelude::SessionContext;
use kavka_connector::{BoundedMode, StartupMode, parse_create_table};

use super::*;
use crate::splits::tests::split;

/// A table that answers with fixed splits where it would ask a cluster.
#[derive(Debug)]
pub(crate) struct FixedTable {
    source: KafkaSource,
    splits: SourcePlan,
}

impl FixedTable {
    /// Registers `orders`: three partitions from offset 0 to 100, or without an end.
    pub(crate) fn register(session: &SessionContext, name: &str, is_bounded: bool) {
        let sql = format!(
            "CREATE TABLE {name} (id BIGINT NOT NULL, price DOUBLE, tags ARRAY<STRING>, \
             part INT METADATA FROM 'partition' VIRTUAL, at TIMESTAMP_LTZ(3) METADATA FROM 'timestamp') \
             WITH ('connector' = 'kafka', 'topic' = 'orders', 'format' = 'json', \
             'properties.bootstrap.servers' = 'localhost:1', 'scan.startup.mode' = 'earliest-offset')"
        );
        let definition = parse_create_table(&sql).unwrap();
        let table = Table::create(definition, &Default::default()).unwrap();
        let clients = Clients::default();
        let source = KafkaSource { name: name.into(), table, clients };
        let stop = is_bounded.then_some(100);
        let splits = [0, 1, 2].map(|partition| split(partition, 0, stop)).to_vec();
        let (startup, bounded) = (StartupMode::EarliestOffset, BoundedMode::Unbounded);
        let table = Self {
            source,
            splits: SourcePlan { splits, is_bounded, startup, bounded, discovery: None },
        };
        session.register_table(TableReference::bare(name), Arc::new(table)).unwrap();
    }
}

#[async_trait]
impl TableProvider for FixedTable {
    fn schema(&self) -> SchemaRef {
        self.source.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        self.source.supports_filters_pushdown(filters)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let splits = self.splits.clone();
        self.source.scan_splits(state, splits, projection, filters)
    }
}
