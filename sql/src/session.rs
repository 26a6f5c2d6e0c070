//! The engine, set up to speak Flink.

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::functions::core::r#struct;
use datafusion::optimizer::Analyzer;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::functions::functions;
use crate::latency_rule::StreamLatencyRule;
use crate::map_literals::MapLiterals;
use crate::sink_rule::SinkParallelismRule;
use crate::time_zone_rule::TimeZoneRule;
use crate::types::FlinkTypes;
use crate::unbounded_rule::UnboundedRule;

/// A session with Flink's types, its names for functions, and our rules among the engine's.
pub(crate) fn new_session(mut config: SessionConfig) -> SessionContext {
    // The engine's functions would keep the zone of this moment: what they read is a wall clock's time, and
    // `TimeZoneRule` knows the zone of each statement.
    config.options_mut().execution.time_zone = None;
    let mut analyzer_rules = Analyzer::new().rules;
    analyzer_rules.push(Arc::new(TimeZoneRule));
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_expr_planners(vec![Arc::new(MapLiterals)])
        .with_default_features()
        .with_analyzer_rules(analyzer_rules)
        .with_physical_optimizer_rules(physical_rules())
        .with_type_planner(Arc::new(FlinkTypes))
        .build();
    let session = SessionContext::new_with_state(state);
    functions().into_iter().for_each(|function| session.register_udf(function));
    session.register_udf(r#struct().as_ref().clone().with_aliases(["row"]));
    session
}

/// The engine's rules, with ours in front of its last, which checks the finished plan.
fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    let ours: [Arc<dyn PhysicalOptimizerRule + Send + Sync>; 3] =
        [Arc::new(SinkParallelismRule), Arc::new(StreamLatencyRule), Arc::new(UnboundedRule)];
    let before_check = rules.len().saturating_sub(1);
    rules.splice(before_check..before_check, ours);
    rules
}
