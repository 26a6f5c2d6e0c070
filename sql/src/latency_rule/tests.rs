use arrow_array::Int32Array;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use datafusion::common::JoinType;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{Column, lit};
use datafusion::physical_plan::execution_plan::ChildrenPropertiesMode;
use datafusion::physical_plan::expressions::binary;
use datafusion::physical_plan::joins::NestedLoopJoinExec;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::{FutureExt, StreamExt};

use super::*;

/// One batch, and then nothing, ever.
#[derive(Debug)]
struct Quiet(RecordBatch, SchemaRef);

impl PartitionStream for Quiet {
    fn schema(&self) -> &SchemaRef {
        &self.1
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batches = stream::iter([Ok(self.0.clone())]).chain(stream::pending());
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.1), batches))
    }
}

fn filter_over_a_quiet_source(fetch: Option<usize>) -> FilterExec {
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("b", DataType::Int32, true),
    ]));
    let column = |values: Vec<i32>| Arc::new(Int32Array::from(values)) as _;
    let columns = vec![column(vec![1, 2, 3]), column(vec![7, 8, 9])];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let quiet = Arc::new(Quiet(batch, Arc::clone(&schema)));
    let source = StreamingTableExec::try_new(
        Arc::clone(&schema),
        vec![quiet as _],
        None,
        Vec::new(),
        true,
        None,
    );
    let column = Arc::new(Column::new("a", 0));
    let predicate = binary(column, Operator::Gt, lit(1), &schema).unwrap();
    let filter = FilterExecBuilder::new(predicate, Arc::new(source.unwrap()))
        .apply_projection(Some(vec![1]))
        .unwrap()
        .with_fetch(fetch);
    filter.build().unwrap()
}

#[tokio::test]
async fn matching_rows_surface_while_the_source_is_quiet() {
    let plan = streaming(&filter_over_a_quiet_source(None));
    let mut stream = plan.execute(0, Arc::new(TaskContext::default())).unwrap();
    let batch = stream.next().now_or_never().flatten().expect("the rows are held back").unwrap();
    assert_eq!(batch.column(0).as_ref(), &Int32Array::from(vec![8, 9]) as &dyn arrow_array::Array);
    assert!(stream.next().now_or_never().is_none());
}

#[tokio::test]
async fn an_enclosed_join_hands_on_each_row_while_its_input_is_quiet() {
    let quiet = Arc::clone(filter_over_a_quiet_source(None).input());
    let build = Arc::new(LocalLimitExec::new(Arc::clone(&quiet), 3));
    let join = NestedLoopJoinExec::try_new(build, quiet, None, &JoinType::Inner, None).unwrap();
    let plan = enclosed(Arc::new(join), 8192).unwrap().data;
    let mut stream = plan.execute(0, Arc::new(TaskContext::default())).unwrap();
    for _ in 0..9 {
        let batch = stream.next().now_or_never().flatten().expect("a row is held back");
        assert_eq!(batch.unwrap().num_rows(), 1);
    }
    assert!(stream.next().now_or_never().is_none());
}

#[tokio::test]
async fn the_filters_limit_stays() {
    let plan = streaming(&filter_over_a_quiet_source(Some(1)));
    let stream = plan.execute(0, Arc::new(TaskContext::default())).unwrap();
    let batches: Vec<_> = stream.map(|batch| batch.unwrap().num_rows()).collect().await;
    assert_eq!(batches, [1]);
}

#[test]
fn a_changed_input_leaves_the_filter_as_it_is() {
    let filter = filter_over_a_quiet_source(None);
    let plan = streaming(&filter);
    let children = vec![Arc::clone(filter.input())];
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    let changed = Arc::clone(&plan).replace_children(children, options).unwrap();
    assert_eq!(changed.schema(), plan.schema());
    assert_eq!(changed.name(), "StreamFilterExec");
}
