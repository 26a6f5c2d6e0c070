//! The program around a [`Broker`]: it listens, and tells the benchmark what has passed.

use std::{
    fmt,
    io::{self, BufRead, Write},
    net::{TcpListener, TcpStream},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use kavka_bench_line::Tally;

use super::{Broker, connection::converse, tls};
use crate::Result;

/// Bytes that have passed, lengths of frames included and encryption not.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Traffic {
    pub(super) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// What has passed since the last report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Bytes sent to clients.
    pub sent: u64,
    /// Bytes received from clients.
    pub received: u64,
    /// What clients have written.
    pub tally: Tally,
}

/// Accepts connections, and answers every line of stdin with a [`Report`], until stdin ends.
pub fn serve(listener: TcpListener, broker: Arc<dyn Broker>, is_encrypted: bool) -> Result<()> {
    let traffic = Arc::new(Traffic::default());
    let encryption = if is_encrypted { Some(tls::server()?) } else { None };
    let (accepting, counted) = (Arc::clone(&broker), Arc::clone(&traffic));
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (broker, traffic) = (Arc::clone(&accepting), Arc::clone(&counted));
            let encryption = encryption.clone();
            thread::spawn(move || {
                let ended = attend(stream, encryption, &*broker, &traffic);
                if let Err(error) = ended {
                    eprintln!("a connection was closed: {error}");
                }
            });
        }
    });
    let mut output = io::stdout().lock();
    writeln!(output, "{port}")?;
    output.flush()?;
    for line in io::stdin().lock().lines() {
        line?;
        let report = Report {
            sent: traffic.sent.swap(0, Ordering::Relaxed),
            received: traffic.received.swap(0, Ordering::Relaxed),
            tally: broker.take_tally(),
        };
        writeln!(output, "{report}")?;
        output.flush()?;
    }
    Ok(())
}

fn attend(
    stream: TcpStream,
    encryption: Option<tls::Server>,
    broker: &dyn Broker,
    traffic: &Traffic,
) -> Result<()> {
    stream.set_nodelay(true)?;
    match encryption {
        None => converse(stream, broker, traffic),
        Some(server) => converse(tls::accept(server, stream)?, broker, traffic),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, received, tally: Tally { records, offsets, values } } = self;
        write!(f, "{sent} {received} {records} {offsets} {values}")
    }
}

impl FromStr for Report {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let numbers: Result<Vec<u64>, _> = line.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[sent, received, records, offsets, values]) => {
                Ok(Self { sent, received, tally: Tally { records, offsets, values } })
            }
            _ => Err(format!("not a report: {line}")),
        }
    }
}
