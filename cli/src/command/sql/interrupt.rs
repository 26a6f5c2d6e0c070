//! Ctrl-C as something a running statement can wait for.

use tokio::sync::watch;

/// Counts the presses of Ctrl-C; from the first one made, the signal no longer ends the process.
#[derive(Clone)]
pub(crate) struct Interrupt {
    presses: watch::Receiver<u64>,
}

impl Interrupt {
    /// Listens from now on, for as long as the runtime lives.
    pub(crate) fn listen() -> Self {
        let (sender, presses) = watch::channel(0);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                sender.send_modify(|count| *count += 1);
            }
        });
        Self { presses }
    }

    /// Forgets earlier presses: they meant an earlier statement.
    pub(crate) fn reset(&mut self) {
        self.presses.mark_unchanged();
    }

    /// Resolves at the next press; for ever pending where signals cannot be had.
    pub(crate) async fn pressed(&mut self) {
        if self.presses.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
