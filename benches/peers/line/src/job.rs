//! What a whole client is to do.

use std::{collections::HashMap, path::PathBuf};

/// Which way records go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Read all of a topic from its beginning.
    Fetch,
    /// Write, and see every record acknowledged.
    Produce,
}

/// What one program is to do once; it travels as arguments `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Which way records go.
    pub work: Work,
    /// For `bootstrap.servers`.
    pub servers: String,
    /// The topic.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many records there are to read or to write, in all partitions together.
    pub records: u64,
    /// Which of a client's ways to go; empty for its usual one.
    pub style: String,
    /// Whether the client's own defaults hold, instead of settings that are the same for everybody.
    pub is_shipped: bool,
    /// The codec to write with.
    pub codec: String,
    /// What to write, see [`Entries`](crate::Entries).
    pub entries: Option<PathBuf>,
    /// The bytes of a value in there.
    pub value_size: usize,
    /// The certificates to trust, as PEM, where the connection is to be encrypted.
    pub ca: Option<PathBuf>,
    /// After so many seconds the program gives up.
    pub limit: u64,
}

impl Job {
    /// Where the record goes that is written `turn`th: partitions take turns.
    #[inline]
    pub fn partition(&self, turn: u64) -> i32 {
        // Less than the number of partitions.
        (turn % u64::from(self.partitions.unsigned_abs())) as i32
    }

    /// The turns of one partition.
    pub fn turns_of(&self, partition: i32) -> impl Iterator<Item = u64> + use<> {
        let step = self.partitions.unsigned_abs() as usize;
        (u64::from(partition.unsigned_abs())..self.records).step_by(step)
    }

    /// The job as arguments.
    pub fn arguments(&self) -> Vec<String> {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let work = match self.work {
            Work::Fetch => "fetch",
            Work::Produce => "produce",
        };
        let named = [
            ("work", Some(work.to_owned())),
            ("servers", Some(self.servers.clone())),
            ("topic", Some(self.topic.clone())),
            ("partitions", Some(self.partitions.to_string())),
            ("records", Some(self.records.to_string())),
            ("style", Some(self.style.clone())),
            ("shipped", Some(self.is_shipped.to_string())),
            ("codec", Some(self.codec.clone())),
            ("entries", path(&self.entries)),
            ("value-size", Some(self.value_size.to_string())),
            ("ca", path(&self.ca)),
            ("limit", Some(self.limit.to_string())),
        ];
        named.into_iter().filter_map(|(name, value)| Some(format!("{name}={}", value?))).collect()
    }

    /// The job that `arguments` say.
    pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut named = HashMap::new();
        for argument in arguments {
            let (name, value) =
                argument.split_once('=').ok_or(format!("not name=value: {argument}"))?;
            named.insert(name.to_owned(), value.to_owned());
        }
        let mut take = |name: &str| named.remove(name).ok_or(format!("no {name}"));
        let job = Self {
            work: match &*take("work")? {
                "fetch" => Work::Fetch,
                "produce" => Work::Produce,
                other => return Err(format!("no work {other}")),
            },
            servers: take("servers")?,
            topic: take("topic")?,
            partitions: number("partitions", &take("partitions")?)?,
            records: number("records", &take("records")?)?,
            style: take("style")?,
            is_shipped: number("shipped", &take("shipped")?)?,
            codec: take("codec")?,
            entries: take("entries").ok().map(PathBuf::from),
            value_size: number("value-size", &take("value-size")?)?,
            ca: take("ca").ok().map(PathBuf::from),
            limit: number("limit", &take("limit")?)?,
        };
        match named.into_keys().next() {
            None => Ok(job),
            Some(name) => Err(format!("not understood: {name}")),
        }
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("{name} cannot be {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job {
            work: Work::Produce,
            servers: "127.0.0.1:9092".to_owned(),
            topic: "records".to_owned(),
            partitions: 6,
            records: 9_000_000,
            style: String::new(),
            is_shipped: true,
            codec: "lz4".to_owned(),
            entries: Some("/tmp/entries=1".into()),
            value_size: 1024,
            ca: None,
            limit: 60,
        }
    }

    #[test]
    fn a_job_survives_the_arguments() {
        assert_eq!(Job::parse(job().arguments().into_iter()), Ok(job()));
    }

    #[test]
    fn every_turn_is_one_partitions() {
        let job = Job { records: 20, ..job() };
        let mut turns: Vec<_> = (0..6).flat_map(|partition| job.turns_of(partition)).collect();
        turns.sort_unstable();
        assert_eq!(turns, (0..20).collect::<Vec<_>>());
        assert!(job.turns_of(5).all(|turn| job.partition(turn) == 5));
    }

    #[test]
    fn what_is_missing_or_not_understood_is_refused() {
        let arguments = job().arguments();
        assert_eq!(Job::parse(arguments[1..].iter().cloned()), Err("no work".to_owned()));
        for wrong in ["records", "records=many", "colour=red", "work=rest"] {
            let arguments = arguments.iter().cloned().chain([wrong.to_owned()]);
            assert!(Job::parse(arguments).is_err(), "{wrong}");
        }
    }
}
