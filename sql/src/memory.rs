//! How much memory queries may take: a share of what the machine or the container has. What sorts and aggregates need
//! beyond it goes to disk; what cannot is an error, where the system would end the process.

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::execution::memory_pool::{
    FairSpillPool, MemoryPool, TrackConsumersPool, UnboundedMemoryPool,
};

/// The memory that all running queries of a session share: `limit` bytes, or any amount.
pub(crate) fn pool(limit: Option<usize>) -> Arc<dyn MemoryPool> {
    match limit {
        Some(bytes) => Arc::new(TrackConsumersPool::new(FairSpillPool::new(bytes), NAMED)),
        None => Arc::new(UnboundedMemoryPool::default()),
    }
}

/// Four fifths of the memory there is, as in DuckDB; `None` where nobody says how much there is.
pub(crate) fn default_limit() -> Option<usize> {
    let machine = fs::read_to_string("/proc/meminfo").ok();
    let machine = machine.and_then(|text| total_memory(&text));
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let groups = limit_files(&groups).into_iter().filter_map(|file| {
        // Without a limit it says "max".
        fs::read_to_string(file).ok()?.trim().parse().ok()
    });
    let available: Option<usize> = machine.into_iter().chain(groups).min();
    available.map(|bytes| bytes / 5 * 4)
}

/// `MemTotal:       24604740 kB`, in bytes.
fn total_memory(meminfo: &str) -> Option<usize> {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: usize = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Where the limits of the control groups stand that the process is in, those around them included.
fn limit_files(groups: &str) -> Vec<PathBuf> {
    let files = |line: &str| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (root, file) = match parts.next()? {
            "" => ("/sys/fs/cgroup", "memory.max"),
            "memory" => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => return None,
        };
        let group = Path::new(parts.next()?).strip_prefix("/").ok()?;
        let files = group.ancestors().map(|group| Path::new(root).join(group).join(file));
        Some(files.collect::<Vec<_>>())
    };
    groups.lines().filter_map(files).flatten().collect()
}

/// How many of the largest users of memory an error of the engine names.
const NAMED: NonZeroUsize = NonZeroUsize::MIN;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_memory_is_read_in_kilobytes() {
        let text = "MemTotal:       24604740 kB\nMemFree:         1000000 kB\n";
        assert_eq!(total_memory(text), Some(24_604_740 * 1024));
        assert_eq!(total_memory("MemFree: 1 kB"), None);
        assert_eq!(total_memory("MemTotal: much"), None);
    }

    #[test]
    fn the_limits_of_all_enclosing_groups_count() {
        let files = |text| -> Vec<String> {
            limit_files(text).iter().map(|file| file.display().to_string()).collect()
        };
        assert_eq!(files("0::/\n"), ["/sys/fs/cgroup/memory.max"]);
        assert_eq!(
            files("0::/a/b\n"),
            [
                "/sys/fs/cgroup/a/b/memory.max",
                "/sys/fs/cgroup/a/memory.max",
                "/sys/fs/cgroup/memory.max",
            ]
        );
        assert_eq!(
            files("5:cpu:/x\n4:memory:/docker\n"),
            [
                "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            ]
        );
    }
}
