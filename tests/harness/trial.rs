//! Tests as values: libtest cannot ignore a test at run time, `libtest-mimic` can.

use std::future::Future;
use std::process::{Command, Stdio};
use std::time::Duration;

use libtest_mimic::{Failed, Trial};
use tokio::runtime::{Builder, Runtime};

use crate::embedded;
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

/// A conversation on a runtime that has no thread but the one it is held on.
pub fn single_threaded<F>(name: &str, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || run_on(Builder::new_current_thread(), test()))
}

/// A conversation in a process of its own, which the shell prepares by `preparation`: for what would disturb
/// the other tests.
pub fn isolated<F>(name: &'static str, preparation: &'static str, test: fn() -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || match std::env::var_os(ISOLATED) {
        Some(_) => within_limit(test()),
        None => isolate(name, preparation),
    })
}

/// A test in a process of its own, with a broker in this one: for what is counted by process. It is told where
/// the broker listens.
pub fn apart<F>(name: &'static str, test: fn(String) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    Trial::test(name, move || match std::env::var(BROKER) {
        Ok(bootstrap_servers) => within_limit(test(bootstrap_servers)),
        Err(_) => {
            let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
            let broker = runtime.block_on(embedded::broker());
            isolate(name, &format!("export {BROKER}={}", broker.bootstrap_servers()))
        }
    })
}

/// Runs this program again, for this one test.
fn isolate(name: &str, preparation: &str) -> Result<(), Failed> {
    let output = Command::new("sh")
        .args(["-c", &format!("{preparation} && exec \"$0\" \"$@\"")])
        .arg(std::env::current_exe()?)
        .args(["--exact", name])
        .env(ISOLATED, "1")
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Failed::from(String::from_utf8_lossy(&said).into_owned()))
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

/// A test against the three real Kafka nodes that ask who their clients are.
pub fn secured<F>(name: &str, test: fn(SecuredKafka) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    let runner = move || within_limit(test(SecuredKafka::shared()?));
    Trial::test(format!("real_kafka::security::{name}"), runner).with_ignored_flag(is_ignored())
}

/// A test that has these three nodes to itself, because it kills some of them.
pub fn three_nodes<F>(name: &str, test: fn(SecuredKafka) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    let runner = move || within_limit(test(SecuredKafka::alone()?));
    Trial::test(format!("real_kafka::three_nodes::{name}"), runner).with_ignored_flag(is_ignored())
}

/// A test against one node of an older release. It takes minutes to fetch and start these, so that it is
/// ignored by name unless `KAVKA_OLD_KAFKA=1`.
pub fn old<F>(name: &str, version: &'static str, test: fn(&'static RealKafka) -> F) -> Trial
where
    F: Future<Output = ()> + 'static,
{
    let runner = move || within_limit(test(RealKafka::old(version)?));
    let is_wanted = std::env::var("KAVKA_OLD_KAFKA").is_ok_and(|value| value == "1");
    Trial::test(format!("real_kafka::old::{version}::{name}"), runner)
        .with_ignored_flag(!is_wanted || is_ignored())
}

fn is_ignored() -> bool {
    !java::is_required() && java::available().is_err()
}

fn within_limit(test: impl Future<Output = ()>) -> Result<(), Failed> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2);
    run_on(builder, test)
}

fn run_on(mut builder: Builder, test: impl Future<Output = ()>) -> Result<(), Failed> {
    let runtime: Runtime = builder.enable_all().build()?;
    runtime
        .block_on(async { tokio::time::timeout(LIMIT, test).await })
        .map_err(|_| Failed::from(format!("still running after {} s", LIMIT.as_secs())))
}

/// Set in the process of an isolated test.
const ISOLATED: &str = "KAVKA_ISOLATED_TEST";

/// Set where a test is apart from its broker: where that listens.
const BROKER: &str = "KAVKA_TEST_BROKER";

/// A test that hangs is a failure with a name, not a stuck run.
const LIMIT: Duration = Duration::from_secs(300);
