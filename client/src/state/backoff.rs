//! [`Backoff`]: how long to wait before trying again (KIP-580).

use std::time::Duration;

/// Waits that double from `first` to `max`, each up to a fifth longer or shorter, so that many
/// clients which failed together do not return together.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    failures: u32,
    random: fastrand::Rng,
}

/// The part that chance has in a wait, as a factor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jitter(f64);

impl Backoff {
    pub(crate) fn new(first: Duration, max: Duration, seed: u64) -> Self {
        let random = fastrand::Rng::with_seed(seed);
        Self { first, max: max.max(first), failures: 0, random }
    }

    /// Counts one more failure and says how long to wait after it.
    pub(crate) fn next(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        let jitter = self.draw();
        self.after(self.failures, jitter)
    }

    /// How long to wait after so many failures in a row, for an owner who counts them himself.
    pub(crate) fn after(&self, failures: u32, jitter: Jitter) -> Duration {
        let doublings = failures.saturating_sub(1).min(MAX_DOUBLINGS);
        let doubled = self.first.saturating_mul(1 << doublings);
        doubled.min(self.max).mul_f64(jitter.0)
    }

    /// How much longer or shorter than said the next waits are: what shares it comes back together.
    pub(crate) fn draw(&mut self) -> Jitter {
        Jitter(1.0 - JITTER + 2.0 * JITTER * self.random.f64())
    }

    /// Forgets the failures.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The longest wait, jitter aside.
    pub(crate) fn max(&self) -> Duration {
        self.max
    }
}

/// Kafka's jitter.
const JITTER: f64 = 0.2;

/// Beyond this every wait is the longest anyway: a millisecond has then become twelve days.
const MAX_DOUBLINGS: u32 = 30;

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn waits_double_up_to_the_longest_and_stay_within_the_jitter() {
        let mut backoff = Backoff::new(millis(100), millis(1000), 7);
        for expected in [100, 200, 400, 800, 1000, 1000] {
            let wait = backoff.next();
            let (low, high) = (millis(expected * 8 / 10), millis(expected * 12 / 10));
            assert!((low..=high).contains(&wait), "{wait:?} around {expected} ms");
        }
    }

    #[test]
    fn a_reset_starts_again_from_the_first_wait() {
        let mut backoff = Backoff::new(millis(100), millis(1000), 7);
        for _ in 0..40 {
            backoff.next();
        }
        backoff.reset();
        assert!(backoff.next() <= millis(120));
    }

    #[test]
    fn clients_with_different_seeds_wait_differently() {
        let wait = |seed| Backoff::new(millis(100), millis(1000), seed).next();
        assert_ne!(wait(1), wait(2));
        assert_eq!(wait(1), wait(1));
    }
}
