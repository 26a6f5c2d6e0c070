//! A recorder of the `metrics` facade that remembers what it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};

/// Remembers what it is told, of names that were described before.
#[derive(Default)]
pub(crate) struct Told {
    counters: Numbers,
    gauges: Numbers,
    described: Mutex<BTreeSet<String>>,
}

/// By name and labels.
type Numbers = Mutex<BTreeMap<String, Arc<AtomicU64>>>;

impl Told {
    /// The number of this name and these labels, `label=value` each.
    pub(crate) fn number(&self, name: &str, labels: &str) -> u64 {
        find(&self.counters, name, labels).unwrap_or(0)
    }

    /// The level of this name and these labels; `None` when it was never set.
    pub(crate) fn level(&self, name: &str, labels: &str) -> Option<f64> {
        find(&self.gauges, name, labels).map(f64::from_bits)
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, meaning: &SharedString) {
        assert!(unit.is_some() && !meaning.is_empty());
        self.described.lock().unwrap().insert(name.as_str().to_owned());
    }

    fn register(&self, numbers: &Numbers, key: &Key) -> Arc<AtomicU64> {
        assert!(self.described.lock().unwrap().contains(key.name()), "{}", key.name());
        let labels: Vec<_> = key.labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
        let place = format!("{} {}", key.name(), labels.join(","));
        Arc::clone(numbers.lock().unwrap().entry(place).or_default())
    }
}

impl Recorder for Told {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, meaning: SharedString) {
        self.describe(&name, unit, &meaning);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, meaning: SharedString) {
        self.describe(&name, unit, &meaning);
    }

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.register(&self.counters, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.register(&self.gauges, key))
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

fn find(numbers: &Numbers, name: &str, labels: &str) -> Option<u64> {
    let numbers = numbers.lock().unwrap();
    numbers.get(&format!("{name} {labels}")).map(|number| number.load(Ordering::Relaxed))
}
