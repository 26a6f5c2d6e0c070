//! Tests as values: libtest cannot ignore a test at run time, `libtest-mimic` can.

use std::future::Future;
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use tokio::runtime::{Builder, Runtime};

use crate::java;
use crate::real_kafka::RealKafka;
use crate::secured_kafka::SecuredKafka;

/// A test that needs nothing but this process.
pub fn plain(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// A test that holds a conversation on a runtime of its own.
pub fn conversation<F>(name: &str, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || within_limit(test()))
}

/// A test against the real Kafka node of this run: ignored by name where Kafka cannot run, failing there under CI.
pub fn real<F>(name: &str, test: fn(&'static RealKafka) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    let runner = move || within_limit(test(RealKafka::shared()?));
    Trial::test(format!("real_kafka::{name}"), runner).with_ignored_flag(is_ignored())
}

/// A test that owns its real Kafka cluster, because it kills nodes of it.
pub fn real_cluster<F>(name: &str, nodes: usize, test: fn(RealKafka) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    let runner = move || within_limit(test(RealKafka::cluster(nodes)?));
    Trial::test(format!("real_kafka::{name}"), runner).with_ignored_flag(is_ignored())
}

/// A test against the real Kafka node that asks who its clients are.
pub fn secured<F>(name: &str, test: fn(&'static SecuredKafka) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    let runner = move || within_limit(test(SecuredKafka::shared()?));
    Trial::test(format!("real_kafka::security::{name}"), runner).with_ignored_flag(is_ignored())
}

fn is_ignored() -> bool {
    !java::is_required() && java::available().is_err()
}

fn within_limit(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime: Runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime
        .block_on(async { tokio::time::timeout(LIMIT, test).await })
        .map_err(|_| Failed::from(format!("still running after {} s", LIMIT.as_secs())))
}

/// A test that hangs is a failure with a name, not a stuck run.
const LIMIT: Duration = Duration::from_secs(300);
