//! One connection through a proxy: each direction takes frames in, and lets them out as the conditions
//! allow and the script says.

use std::io;
use std::sync::Mutex;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

use super::Shared;
use super::faults::{Departure, End, Exchange, next_frame};

/// Carries bytes between both until one of them, or a fault, ends it.
pub(super) async fn converse(shared: &Shared, client: TcpStream, broker: TcpStream) {
    let exchange = Mutex::new(Exchange::default());
    let mut ends = shared.ends.subscribe();
    ends.mark_unchanged();
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_broker, mut to_broker) = broker.into_split();
    let end = tokio::select! {
        done = async { tokio::try_join!(
            carry(shared, &exchange, Direction::Requests, &mut from_client, &mut to_broker),
            carry(shared, &exchange, Direction::Answers, &mut from_broker, &mut to_client),
        ) } => done.err(),
        _ = ends.changed() => Some(ends.borrow_and_update().1),
    };
    let mut nowhere = tokio::io::sink();
    match end {
        None => {}
        Some(End::Reset) => {
            let _ = to_client.as_ref().set_zero_linger();
        }
        Some(End::Close) => {
            drop((from_broker, to_broker));
            let _ = to_client.shutdown().await;
            // Bytes left unread would turn the end of the stream into a reset.
            let _ = tokio::io::copy(&mut from_client, &mut nowhere).await;
        }
        Some(End::HalfClose) => {
            let _ = to_client.shutdown().await;
            let _ = tokio::join!(
                tokio::io::copy(&mut from_client, &mut to_broker),
                tokio::io::copy(&mut from_broker, &mut nowhere),
            );
        }
    }
}

#[derive(Clone, Copy)]
enum Direction {
    Requests,
    Answers,
}

/// Carries one direction to its end; an error is a fault that ends the connection.
async fn carry(
    shared: &Shared,
    exchange: &Mutex<Exchange>,
    direction: Direction,
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
) -> Result<(), End> {
    let (sender, arrived) = unbounded_channel();
    let taken = async {
        take_in(shared, exchange, direction, from, sender).await;
        Ok::<_, End>(())
    };
    tokio::try_join!(taken, let_out(shared, arrived, to)).map(drop)
}

/// Reads frames, and has the script judge them, until the stream ends.
async fn take_in(
    shared: &Shared,
    exchange: &Mutex<Exchange>,
    direction: Direction,
    from: &mut OwnedReadHalf,
    to: UnboundedSender<(Instant, Departure)>,
) {
    let mut buffer = BytesMut::new();
    while from.read_buf(&mut buffer).await.is_ok_and(|count| count > 0) {
        while let Some(frame) = next_frame(&mut buffer) {
            let departure = judge(shared, exchange, direction, frame);
            if departure.is_some_and(|departure| to.send(departure).is_err()) {
                return;
            }
        }
    }
}

/// What leaves for `frame`, and when.
fn judge(
    shared: &Shared,
    exchange: &Mutex<Exchange>,
    direction: Direction,
    frame: Bytes,
) -> Option<(Instant, Departure)> {
    let conditions = *shared.conditions.borrow();
    let mut exchange = exchange.lock().expect("nobody panics with it");
    shared.with(|script| {
        let odds = conditions.reset_one_in;
        let departure = match direction {
            Direction::Requests => script.handle_request(&mut exchange, frame, odds),
            Direction::Answers => script.handle_answer(&mut exchange, frame, odds)?,
        };
        let jitter = script.below(conditions.jitter.as_micros() as usize + 1);
        let under_way = conditions.latency + Duration::from_micros(jitter as u64);
        Some((Instant::now() + under_way, departure))
    })
}

/// Writes what has arrived when its time has come, and the end of the stream behind it.
async fn let_out(
    shared: &Shared,
    mut arrived: UnboundedReceiver<(Instant, Departure)>,
    to: &mut OwnedWriteHalf,
) -> Result<(), End> {
    while let Some((due, departure)) = arrived.recv().await {
        tokio::time::sleep_until(due).await;
        let written = write(shared, departure.bytes, to).await;
        if let Some(end) = departure.end {
            return Err(end);
        }
        if written.is_err() {
            return Err(End::Close);
        }
    }
    shared.end_of_silence().await;
    let _ = to.shutdown().await;
    Ok(())
}

async fn write(shared: &Shared, mut bytes: Bytes, to: &mut OwnedWriteHalf) -> io::Result<()> {
    while !bytes.is_empty() {
        shared.end_of_silence().await;
        let conditions = *shared.conditions.borrow();
        let rate = conditions.bytes_per_second;
        let piece = conditions.piece.or(rate.map(|rate| rate / PIECES_PER_SECOND));
        let piece = piece.unwrap_or(bytes.len()).clamp(1, bytes.len());
        to.write_all(&bytes.split_to(piece)).await?;
        match rate {
            Some(rate) => {
                tokio::time::sleep(Duration::from_secs(1) * piece as u32 / rate as u32).await
            }
            // Whoever reads has a turn, so that pieces arrive one by one.
            None => tokio::task::yield_now().await,
        }
    }
    Ok(())
}

/// A slow line is slow all the time, not fast for a moment and still for the rest of a second.
const PIECES_PER_SECOND: usize = 50;
