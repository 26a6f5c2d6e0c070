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
    pub(super) environment: Environment,
}

#[derive(Clone, Copy, Debug)]
enum Program {
    /// One of this crate's.
    Kavka,
    /// One of the folder `peers`.
    Peer(&'static str, Counted),
}

/// Who counts how often a client asks for memory.
#[derive(Clone, Copy, Debug)]
enum Counted {
    /// A program of the same name with another allocator.
    Twin,
    /// The program itself, whose runtime counts anyway.
    Itself,
    /// Nobody, as much of it is asked for in C, or nobody can tell.
    Nobody,
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

    /// The program that counts.
    pub(super) fn counted(&self, programs: &Programs, peers: &Path) -> Option<PathBuf> {
        match self.program {
            Program::Kavka => Some(programs.kavka_counted.clone()),
            Program::Peer(name, Counted::Twin) => Some(peers.join(format!("{name}-counted"))),
            Program::Peer(name, Counted::Itself) => Some(peers.join(name)),
            Program::Peer(_, Counted::Nobody) => None,
        }
    }
}

/// Who fetches with settings that are the same for everybody, each with the allocator that suits it best.
pub(super) const FETCHERS: &[Contestant] = &[
    kavka("kavka", "borrowed"),
    kavka("kavka-columns", "columns"),
    kavka("kavka-owned", "owned"),
    krafka(KEEPING_MEMORY),
    rskafka(KEEPING_MEMORY),
    LIBRDKAFKA,
    FRANZ_GO,
    JAVA,
];

/// Who produces with settings that are the same for everybody.
pub(super) const PRODUCERS: &[Contestant] = &[
    kavka("kavka", "batches"),
    kavka("kavka-single", "single"),
    krafka(KEEPING_MEMORY),
    rskafka(KEEPING_MEMORY),
    LIBRDKAFKA,
    FRANZ_GO,
    JAVA,
];

/// Who fetches as each client comes out of the box.
pub(super) const SHIPPED_FETCHERS: &[Contestant] = &[
    kavka("kavka", "borrowed"),
    krafka(&[]),
    rskafka(&[]),
    LIBRDKAFKA_SHIPPED,
    FRANZ_GO_SHIPPED,
    JAVA,
];

/// Who produces as each client comes out of the box.
pub(super) const SHIPPED_PRODUCERS: &[Contestant] = &[
    kavka("kavka", "batches"),
    krafka(&[]),
    rskafka(&[]),
    LIBRDKAFKA_SHIPPED,
    FRANZ_GO_SHIPPED,
    JAVA,
];

const fn kavka(client: &'static str, style: &'static str) -> Contestant {
    Contestant { client, program: Program::Kavka, style, environment: &[] }
}

const fn krafka(environment: Environment) -> Contestant {
    let program = Program::Peer("krafka-client", Counted::Twin);
    Contestant { client: "krafka", program, style: "", environment }
}

const fn rskafka(environment: Environment) -> Contestant {
    let program = Program::Peer("rskafka-client", Counted::Twin);
    Contestant { client: "rskafka", program, style: "", environment }
}

/// With jemalloc.
const LIBRDKAFKA: Contestant = Contestant {
    client: "librdkafka",
    program: Program::Peer("librdkafka-client", Counted::Nobody),
    style: "",
    environment: &[],
};

/// With the allocator of the system.
const LIBRDKAFKA_SHIPPED: Contestant = Contestant {
    program: Program::Peer("librdkafka-client-shipped", Counted::Nobody),
    ..LIBRDKAFKA
};

/// With pools of records.
const FRANZ_GO: Contestant = Contestant {
    client: "franz-go",
    program: Program::Peer("franz-go-client", Counted::Itself),
    style: "pool",
    environment: &[],
};

const FRANZ_GO_SHIPPED: Contestant = Contestant { style: "", ..FRANZ_GO };

const JAVA: Contestant = Contestant {
    client: "java",
    program: Program::Peer("java-client", Counted::Nobody),
    style: "",
    environment: &[],
};

/// Variables and their values.
type Environment = &'static [(&'static str, &'static str)];

/// glibc's allocator gives large pieces of memory back to the operating system at once, and then every page of the next
/// answer faults. Who does not use its buffers again is faster when it does not.
const KEEPING_MEMORY: Environment = &[
    ("MALLOC_MMAP_THRESHOLD_", "1073741824"),
    ("MALLOC_TRIM_THRESHOLD_", "4294967296"),
    ("MALLOC_TOP_PAD_", "67108864"),
];
