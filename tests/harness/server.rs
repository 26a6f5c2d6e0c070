//! Servers in Java that die with this process.
//!
//! Each is a child of a small shell that holds a pipe to this process: when the test run ends, however it ends,
//! the pipe closes and the shell kills the server and removes its data.

use std::collections::{HashSet, VecDeque};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::random::Random;

/// One server: how it is started, where its data lives, and whether it runs.
pub(crate) struct Server {
    name: String,
    java: Command,
    directory: PathBuf,
    /// What it prints when it serves.
    sign: &'static str,
    process: Option<Process>,
}

/// What a server is told as a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Goes on.
    Continue,
    /// Is gone at once.
    Kill,
    /// Stands still.
    Stop,
    /// Ends in an orderly way.
    Terminate,
}

/// The news that a server serves, and its last words in case it never does.
pub(crate) struct Ready {
    name: String,
    started: mpsc::Receiver<()>,
    last_words: Arc<Mutex<VecDeque<String>>>,
}

/// The shell around one server; closing its input ends both.
struct Process {
    shell: Child,
    watchdog: Option<ChildStdin>,
}

impl Server {
    /// A server whose data is in `directory`, and that prints `sign` when it serves.
    pub(crate) fn new(name: String, java: Command, directory: PathBuf, sign: &'static str) -> Self {
        Self { name, java, directory, sign, process: None }
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Starts it on whatever data there is.
    pub(crate) fn launch(&mut self) -> Result<Ready, String> {
        let mut shell = self.shell()?;
        let watchdog = shell.stdin.take();
        let lines = BufReader::new(shell.stdout.take().ok_or("no output")?).lines();
        self.process = Some(Process { shell, watchdog });
        let (sender, started) = mpsc::channel();
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let (words, sign) = (Arc::clone(&last_words), self.sign);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if line.contains(sign) {
                    let _ = sender.send(());
                }
                remember(&words, line);
            }
        });
        Ok(Ready { name: self.name.clone(), started, last_words })
    }

    /// Tells it something; one that ends has ended when this returns.
    pub(crate) fn signal(&mut self, signal: Signal) {
        let Some(mut process) = self.process.take() else { return };
        process.tell(signal);
        match signal {
            Signal::Continue | Signal::Stop => self.process = Some(process),
            Signal::Kill | Signal::Terminate => drop(process.shell.wait()),
        }
    }

    /// The watchdog: starts Java and passes signals on. The end of its input, which the end of this process
    /// brings, kills the server and removes its data.
    fn shell(&self) -> Result<Child, String> {
        let script = r#""$@" 2>&1 & pid=$!
            while read -r signal; do
                kill -"$signal" $pid 2>/dev/null
                case $signal in KILL|TERM) wait $pid 2>/dev/null; exit ;; esac
            done
            kill -KILL $pid 2>/dev/null; wait $pid 2>/dev/null; rm -rf "$DATA""#;
        Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(self.java.get_program())
            .args(self.java.get_args())
            .env("DATA", &self.directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("sh: {error}"))
    }
}

impl Ready {
    /// Waits until the server serves.
    pub(crate) fn wait(&self) -> Result<(), String> {
        self.started.recv_timeout(START_LIMIT).map_err(|_| {
            let words = self.last_words.lock().unwrap_or_else(PoisonError::into_inner);
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            format!("{} did not start:\n{}", self.name, words.join("\n"))
        })
    }
}

impl Process {
    fn tell(&mut self, signal: Signal) {
        let name = match signal {
            Signal::Continue => "CONT",
            Signal::Kill => "KILL",
            Signal::Stop => "STOP",
            Signal::Terminate => "TERM",
        };
        if let Some(watchdog) = &mut self.watchdog {
            let _ = writeln!(watchdog, "{name}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.watchdog.take());
        let _ = self.shell.wait();
    }
}

/// A port that nobody uses, and that nobody is given while its server is down: the operating system gives
/// clients higher ones.
pub(crate) fn free_port() -> Result<u16, String> {
    static GIVEN: Mutex<Option<(Random, HashSet<u16>)>> = Mutex::new(None);
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let (random, given) = given.get_or_insert_with(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        (Random::new(since.as_nanos() as u64 ^ u64::from(std::process::id())), HashSet::new())
    });
    (0..1000)
        .map(|_| PORTS.start + random.below(PORTS.len()) as u16)
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok() && given.insert(*port))
        .ok_or_else(|| format!("no port of {PORTS:?} is free"))
}

/// A folder for a server's data.
pub(crate) fn folder() -> Result<PathBuf, String> {
    Ok(tempfile::tempdir().map_err(|error| error.to_string())?.keep())
}

fn remember(words: &Mutex<VecDeque<String>>, line: String) {
    let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
    words.push_back(line);
    if words.len() > KEPT_LINES {
        words.pop_front();
    }
}

/// Below those that connections get.
const PORTS: Range<u16> = 10_000..32_000;

/// A node usually serves after three seconds; a loaded machine takes longer.
const START_LIMIT: Duration = Duration::from_secs(120);

/// Enough of a node's log to see why it did not start.
const KEPT_LINES: usize = 40;
