//! [`race`]: several ways to the same goal, each given a head start over the next.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use super::BoxFuture;

/// Starts the attempts in order, each when the one before it has failed or has had its head start,
/// and returns the first success, or every failure in the order they came.
///
/// Dropping the future drops every attempt.
pub(crate) async fn race<'a, T, E>(
    attempts: impl IntoIterator<Item = BoxFuture<'a, Result<T, E>>>,
    head_start: Duration,
) -> Result<T, Vec<E>> {
    let mut to_come = attempts.into_iter();
    let mut running: Vec<BoxFuture<'a, Result<T, E>>> = Vec::new();
    let mut failures = Vec::new();
    loop {
        match to_come.next() {
            Some(attempt) => running.push(attempt),
            None if running.is_empty() => return Err(failures),
            None => {}
        }
        let patience = if to_come.size_hint().0 > 0 { head_start } else { Duration::MAX };
        match tokio::time::timeout(patience, first_done(&mut running)).await {
            Ok(Ok(success)) => return Ok(success),
            Ok(Err(failure)) => failures.push(failure),
            Err(_) => {}
        }
    }
}

/// The outcome of whichever is done first; it leaves `running`.
async fn first_done<T>(running: &mut Vec<BoxFuture<'_, T>>) -> T {
    poll_fn(|context| {
        for (at, attempt) in running.iter_mut().enumerate() {
            if let Poll::Ready(outcome) = attempt.as_mut().poll(context) {
                drop(running.swap_remove(at));
                return Poll::Ready(outcome);
            }
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, sleep};

    use super::*;

    fn after(millis: u64, outcome: Result<u8, u8>) -> BoxFuture<'static, Result<u8, u8>> {
        Box::pin(async move {
            sleep(Duration::from_millis(millis)).await;
            outcome
        })
    }

    async fn timed(
        attempts: Vec<BoxFuture<'static, Result<u8, u8>>>,
    ) -> (Result<u8, Vec<u8>>, u64) {
        let started = Instant::now();
        let outcome = race(attempts, Duration::from_millis(250)).await;
        (outcome, u64::try_from(started.elapsed().as_millis()).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_failure_starts_the_next_attempt_at_once() {
        let (outcome, took) = timed(vec![after(10, Err(1)), after(10, Ok(2))]).await;
        assert_eq!(outcome, Ok(2));
        assert!(took < 250, "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_attempt_delays_the_next_by_its_head_start_only() {
        let (outcome, took) = timed(vec![after(60_000, Ok(1)), after(10, Ok(2))]).await;
        assert_eq!(outcome, Ok(2));
        assert!((250..400).contains(&took), "{took}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_attempt_still_wins_against_failures() {
        let (outcome, _) =
            timed(vec![after(5_000, Ok(1)), after(10, Err(2)), after(10, Err(3))]).await;
        assert_eq!(outcome, Ok(1));
    }

    #[tokio::test(start_paused = true)]
    async fn every_failure_is_reported() {
        let (outcome, _) = timed(vec![after(300, Err(1)), after(10, Err(2))]).await;
        assert_eq!(outcome, Err(vec![2, 1]));
        assert_eq!(timed(Vec::new()).await.0, Err(Vec::new()));
    }
}
