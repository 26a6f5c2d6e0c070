//! Who takes part, and how each is at its best.

use std::path::{Path, PathBuf};

/// A client, in one of its ways, with one set of settings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contestant {
    /// What it is called in tables.
    pub(super) client: &'static str,
    program: Program,
    /// The way it goes, see [`Job`](kavka_bench_line::Job).
    pub(super) style: &'static str,
    /// Variables of its environment.
    pub(super) environment: &'static [(&'static str, &'static str)],
}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// One of this crate's.
    Kavka,
    /// One of the workspace `peers`, and whether another one counts its allocations.
    Peer(&'static str, bool),
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The stand-in for brokers.
    pub stand_in: PathBuf,
    /// kavka.
    pub kavka: PathBuf,
    /// kavka, its allocations counted.
    pub kavka_counted: PathBuf,
}

impl Contestant {
    pub(super) fn is_kavka(&self) -> bool {
        matches!(self.program, Program::Kavka)
    }

    /// The program to time.
    pub(super) fn timed(&self, programs: &Programs, peers: &Path) -> PathBuf {
        match self.program {
            Program::Kavka => programs.kavka.clone(),
            Program::Peer(name, _) => peers.join(name),
        }
    }

    /// The program that counts; `None` where much of the memory is asked for in another language.
    pub(super) fn counted(&self, programs: &Programs, peers: &Path) -> Option<PathBuf> {
        match self.program {
            Program::Kavka => Some(programs.kavka_counted.clone()),
            Program::Peer(name, is_counted) => {
                is_counted.then(|| peers.join(format!("{name}-counted")))
            }
        }
    }
}

/// Who fetches with settings that are the same for everybody, each with the allocator that suits it best.
pub(super) const FETCHERS: &[Contestant] = &[
    kavka("kavka", "borrowed"),
    kavka("kavka-columns", "columns"),
    kavka("kavka-owned", "owned"),
    peer("krafka", "krafka-client", KEEPING_MEMORY),
    peer("rskafka", "rskafka-client", KEEPING_MEMORY),
    LIBRDKAFKA,
];

/// Who produces with settings that are the same for everybody.
pub(super) const PRODUCERS: &[Contestant] = &[
    kavka("kavka", "batches"),
    kavka("kavka-single", "single"),
    peer("krafka", "krafka-client", KEEPING_MEMORY),
    peer("rskafka", "rskafka-client", KEEPING_MEMORY),
    LIBRDKAFKA,
];

/// Who fetches as each client comes out of the box.
pub(super) const SHIPPED_FETCHERS: &[Contestant] = &[
    kavka("kavka", "borrowed"),
    peer("krafka", "krafka-client", &[]),
    peer("rskafka", "rskafka-client", &[]),
    LIBRDKAFKA_SHIPPED,
];

/// Who produces as each client comes out of the box.
pub(super) const SHIPPED_PRODUCERS: &[Contestant] = &[
    kavka("kavka", "batches"),
    peer("krafka", "krafka-client", &[]),
    peer("rskafka", "rskafka-client", &[]),
    LIBRDKAFKA_SHIPPED,
];

/// With jemalloc.
const LIBRDKAFKA: Contestant = uncounted("librdkafka-client");
/// With the allocator of the system.
const LIBRDKAFKA_SHIPPED: Contestant = uncounted("librdkafka-client-shipped");

const fn kavka(client: &'static str, style: &'static str) -> Contestant {
    Contestant { client, program: Program::Kavka, style, environment: &[] }
}

const fn peer(
    client: &'static str,
    program: &'static str,
    environment: &'static [(&'static str, &'static str)],
) -> Contestant {
    Contestant { client, program: Program::Peer(program, true), style: "", environment }
}

const fn uncounted(program: &'static str) -> Contestant {
    Contestant {
        client: "librdkafka",
        program: Program::Peer(program, false),
        style: "",
        environment: &[],
    }
}

/// glibc's allocator gives large pieces of memory back to the operating system at once, and then every page of the next
/// answer faults. Who does not use its buffers again is faster when it does not.
const KEEPING_MEMORY: &[(&str, &str)] = &[
    ("MALLOC_MMAP_THRESHOLD_", "1073741824"),
    ("MALLOC_TRIM_THRESHOLD_", "4294967296"),
    ("MALLOC_TOP_PAD_", "67108864"),
];
