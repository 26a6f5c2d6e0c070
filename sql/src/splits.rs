//! Splits as rows: what is to be read travels through the plan as data, one row per split, so that whatever divides a
//! plan's input among workers divides the partitions of a topic.

use std::cmp::Reverse;
use std::sync::{Arc, LazyLock};

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::ExecutionPlan;
use kavka_connector::Split;
use kavka_connector::client::protocol::{BrokerId, TopicPartition};

/// The columns of a split's row.
pub(crate) static SPLIT_SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("topic", DataType::Utf8, false),
        Field::new("partition", DataType::Int32, false),
        Field::new("start", DataType::Int64, false),
        Field::new("stop", DataType::Int64, true),
        Field::new("leader", DataType::Int32, true),
    ]))
});

/// A plan whose partitions are `groups`.
pub(crate) fn splits_exec(groups: &[Vec<Split>]) -> Result<Arc<dyn ExecutionPlan>> {
    let batches: Result<Vec<_>> =
        groups.iter().map(|group| Ok(vec![encode_splits(group)?])).collect();
    Ok(MemorySourceConfig::try_new_exec(&batches?, SPLIT_SCHEMA.clone(), None)?)
}

/// The groups that `plan` hands out, as far as they can be seen before it runs.
pub(crate) fn visible_splits(plan: &dyn ExecutionPlan) -> Option<Vec<Vec<Split>>> {
    let Some(source) = plan.downcast_ref::<DataSourceExec>() else {
        let children = plan.children();
        let [child] = children.as_slice() else { return None };
        return visible_splits(child.as_ref());
    };
    let memory = source.data_source().downcast_ref::<MemorySourceConfig>()?;
    let decode = |batches: &Vec<RecordBatch>| {
        let splits: Result<Vec<_>> = batches.iter().map(decode_splits).collect();
        splits.ok().map(|splits| splits.concat())
    };
    memory.partitions().iter().map(decode).collect()
}

fn encode_splits(splits: &[Split]) -> Result<RecordBatch> {
    let topics = splits.iter().map(|split| &*split.topic_partition.topic);
    let partitions = splits.iter().map(|split| split.topic_partition.partition);
    let leaders = splits.iter().map(|split| split.leader.map(|leader| leader.0));
    Ok(RecordBatch::try_new(
        SPLIT_SCHEMA.clone(),
        vec![
            Arc::new(StringArray::from_iter_values(topics)),
            Arc::new(Int32Array::from_iter_values(partitions)),
            Arc::new(Int64Array::from_iter_values(splits.iter().map(|split| split.start))),
            Arc::new(splits.iter().map(|split| split.stop).collect::<Int64Array>()),
            Arc::new(leaders.collect::<Int32Array>()),
        ],
    )?)
}

/// The splits that the rows of `batch` describe.
pub(crate) fn decode_splits(batch: &RecordBatch) -> Result<Vec<Split>> {
    if batch.schema().fields() != SPLIT_SCHEMA.fields() {
        let message = "the rows under a Kafka scan do not describe splits".to_owned();
        return Err(DataFusionError::Internal(message));
    }
    let topics = batch.column(0).as_string::<i32>();
    let partitions = batch.column(1).as_primitive::<Int32Type>();
    let starts = batch.column(2).as_primitive::<Int64Type>();
    let stops = batch.column(3).as_primitive::<Int64Type>();
    let leaders = batch.column(4).as_primitive::<Int32Type>();
    let split = |row| Split {
        topic_partition: TopicPartition::new(topics.value(row), partitions.value(row)),
        start: starts.value(row),
        stop: stops.is_valid(row).then(|| stops.value(row)),
        leader: leaders.is_valid(row).then(|| BrokerId(leaders.value(row))),
    };
    Ok((0..batch.num_rows()).map(split).collect())
}

/// Divides `splits` over at most `groups` groups of about equal work; a partition is never divided.
pub(crate) fn group_splits(mut splits: Vec<Split>, groups: usize) -> Vec<Vec<Split>> {
    let count = groups.min(splits.len()).max(1);
    splits.sort_by_key(|split| Reverse(work(split)));
    let mut loads = vec![0_u64; count];
    let mut grouped: Vec<Vec<Split>> = vec![Vec::new(); count];
    for split in splits {
        let lightest = (0..count).min_by_key(|group| loads[*group]).unwrap_or_default();
        loads[lightest] += work(&split).max(1);
        grouped[lightest].push(split);
    }
    for group in &mut grouped {
        group.sort_by(|a, b| a.topic_partition.cmp(&b.topic_partition));
    }
    grouped
}

/// How many offsets a split spans; a split without an end counts as one, since nothing is known of it.
fn work(split: &Split) -> u64 {
    offsets(split).unwrap_or(1)
}

/// How many offsets `split` spans, gaps included; `None` without an end.
pub(crate) fn offsets(split: &Split) -> Option<u64> {
    split.stop.map(|stop| u64::try_from(stop.saturating_sub(split.start)).unwrap_or_default())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn split(partition: i32, start: i64, stop: Option<i64>) -> Split {
        let topic_partition = TopicPartition::new("orders", partition);
        Split { topic_partition, start, stop, leader: Some(BrokerId(1)) }
    }

    #[test]
    fn splits_survive_the_way_through_the_plan() {
        let groups = vec![vec![split(0, 3, Some(9)), split(2, 0, None)], vec![split(1, 5, None)]];
        let plan = splits_exec(&groups).unwrap();
        let seen = visible_splits(plan.as_ref()).unwrap();
        assert_eq!(format!("{seen:?}"), format!("{groups:?}"));
    }

    #[test]
    fn groups_have_about_equal_work_and_whole_partitions() {
        let splits = [(0, 100), (1, 10), (2, 60), (3, 30), (4, 0)]
            .map(|(partition, stop)| split(partition, 0, Some(stop)));
        let grouped = group_splits(splits.to_vec(), 2);
        let partitions: Vec<Vec<i32>> = grouped
            .iter()
            .map(|group| group.iter().map(|split| split.topic_partition.partition).collect())
            .collect();
        assert_eq!(partitions, [vec![0, 4], vec![1, 2, 3]]);
    }

    #[test]
    fn there_are_no_more_groups_than_splits_and_at_least_one() {
        assert_eq!(group_splits(vec![split(0, 0, None), split(1, 0, None)], 8).len(), 2);
        assert_eq!(group_splits(Vec::new(), 8), [Vec::<Split>::new()]);
    }
}
