//! Progress on stderr while a statement runs, and its summary afterwards. Nothing is drawn where no one looks.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use kavka_sql::QueryProgress;

/// A line on the terminal that tells how far a statement is.
pub(crate) struct ProgressLine {
    bar: ProgressBar,
    started: Instant,
}

impl ProgressLine {
    /// A line on stderr when that is a terminal and `wanted`; otherwise it only keeps time.
    pub(crate) fn start(wanted: bool) -> Self {
        let is_drawn = wanted && std::io::stderr().is_terminal();
        let target =
            if is_drawn { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self { bar, started: Instant::now() }
    }

    /// Whether drawing makes sense at all.
    pub(crate) fn is_drawn(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Draws how far the statement is now.
    pub(crate) fn show(&self, progress: &QueryProgress) {
        self.bar.set_message(describe(progress, self.started.elapsed()));
        self.bar.tick();
    }

    /// Runs `print` while the line is out of the way.
    pub(crate) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Removes the line and says how long the statement ran.
    pub(crate) fn finish(self) -> Duration {
        self.bar.finish_and_clear();
        self.started.elapsed()
    }
}

/// Rows, speed and, where there is an end, how much of the way is done.
fn describe(progress: &QueryProgress, elapsed: Duration) -> String {
    let (rows, bytes) = moved(progress);
    let percent = progress.total().filter(|total| *total > 0).map_or(String::new(), |total| {
        format!("  {} %", (progress.offsets_read() * 100 / total).min(100))
    });
    format!("{}  {}{percent}", count(rows, "row"), speed(bytes, elapsed))
}

/// One line about a finished statement: what moved, how long it took, how fast that was.
pub(crate) fn summary(progress: &QueryProgress, elapsed: Duration) -> String {
    let (rows, bytes) = moved(progress);
    let seconds = elapsed.as_secs_f64();
    if rows == 0 {
        return format!("{seconds:.2} s");
    }
    let verb = if progress.rows_written() > 0 { "wrote" } else { "read" };
    let moved = format!("{verb} {}, {} in {seconds:.2} s", count(rows, "row"), size(bytes as f64));
    // A speed of a few rows says how long it took to begin.
    if rows < ROWS_FOR_SPEED {
        return moved;
    }
    let per_second = HumanCount((rows as f64 / seconds.max(1e-9)) as u64);
    format!("{moved}: {per_second} rows/s, {}", speed(bytes, elapsed))
}

/// `1 row`, `2 rows`, `1,000,000 rows`.
pub(crate) fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", HumanCount(number))
}

/// What a statement is about: what it wrote if it writes, otherwise what it read.
fn moved(progress: &QueryProgress) -> (u64, u64) {
    if progress.rows_written() > 0 {
        return (progress.rows_written(), progress.bytes_written());
    }
    (progress.rows_read(), progress.bytes_read())
}

fn speed(bytes: u64, elapsed: Duration) -> String {
    format!("{}/s", size(bytes as f64 / elapsed.as_secs_f64().max(1e-9)))
}

fn size(bytes: f64) -> String {
    match bytes {
        ..1e3 => format!("{bytes:.0} B"),
        ..1e6 => format!("{:.1} kB", bytes / 1e3),
        _ => format!("{:.1} MB", bytes / 1e6),
    }
}

/// Fewer are over before they have a speed.
const ROWS_FOR_SPEED: u64 = 1_000;

/// How often the line is drawn.
pub(crate) const REDRAW: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::{count, size};

    #[test]
    fn numbers_have_words_that_fit_them() {
        assert_eq!([count(1, "row"), count(1_500, "row")], ["1 row", "1,500 rows"]);
        let sizes = [12.0, 1_250.0, 3_210_000.0].map(size);
        assert_eq!(sizes, ["12 B", "1.2 kB", "3.2 MB"]);
    }
}
