//! [`Said`]: what was printed or logged.

use std::error::Error;
use std::fmt::Debug;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Level};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Everything that was said, whoever said it.
#[derive(Clone, Default)]
pub(crate) struct Said(Arc<Mutex<Vec<u8>>>);

impl Said {
    /// Takes down every log line of this thread, and every span that begins, until what is returned is
    /// dropped.
    pub(crate) fn listen(&self) -> (Dispatch, DefaultGuard) {
        // As long as there is only one subscriber, a place that another thread comes to first stays silent.
        let second = Dispatch::new(tracing_subscriber::registry());
        let logs = tracing_subscriber::fmt().with_max_level(Level::TRACE);
        let logs = logs.with_span_events(FmtSpan::NEW).with_ansi(false).with_writer(self.clone());
        (second, tracing::subscriber::set_default(logs.finish()))
    }

    pub(crate) fn add(&self, what: impl Debug) {
        writeln!(self.clone(), "{what:?}").unwrap();
    }

    pub(crate) fn add_error(&self, error: &dyn Error) {
        self.add(error);
        let mut next = Some(error);
        while let Some(error) = next {
            self.add(error.to_string());
            next = error.source();
        }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Said {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
