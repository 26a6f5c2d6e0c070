//! The only place that touches sockets: making connections, driving them, keeping them.

mod buffers;
mod connect;
mod driver;
mod input;
mod pool;
mod race;
mod sasl;
mod stream;

use std::time::Instant;

pub use connect::{BoxFuture, Connect, TcpConnect};
pub(crate) use pool::{Lane, PendingAnswer, Pool, Target};
pub(crate) use race::race;
pub use stream::Stream;

/// The time of the runtime, which tests may hold still.
pub(crate) fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}

/// Sleeps until `time`; for ever without one.
pub(crate) async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of what is under way, which then is no more; for ever when nothing is.
pub(crate) async fn finished<T>(under_way: &mut Option<BoxFuture<'static, T>>) -> T {
    let Some(future) = under_way else {
        return std::future::pending().await;
    };
    let end = future.await;
    *under_way = None;
    end
}
