//! What the options say about writing.

use super::TableOptions;
use super::table::{
    KEY_FIELDS, SINK_DELIVERY_GUARANTEE, SINK_PARTITIONER, SINK_SEMANTIC,
    SINK_TRANSACTIONAL_ID_PREFIX,
};
use super::value;
use crate::error::Error;
use crate::sink::SinkPartitioner;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SinkSettings {
    pub(crate) partitioner: SinkPartitioner,
}

impl SinkSettings {
    /// Reads and checks what belongs to a sink.
    pub(crate) fn new(options: &TableOptions) -> Result<Self, Error> {
        let partitioner = partitioner(options)?;
        check_delivery(options)?;
        Ok(Self { partitioner })
    }
}

fn partitioner(options: &TableOptions) -> Result<SinkPartitioner, Error> {
    let name = options.get(SINK_PARTITIONER).unwrap_or_default().trim();
    if name == "round-robin" && options.given(KEY_FIELDS).is_some() {
        return Err(Error::option(
            "Currently 'round-robin' partitioner only works when option 'key.fields' is not specified.",
        ));
    }
    name.parse()
}

/// In Flink `none` and `at-least-once` differ at a checkpoint, where `none` does not wait. There are no checkpoints
/// here: with either every row is acknowledged when an INSERT has ended, and one that cannot be delivered ends it.
fn check_delivery(options: &TableOptions) -> Result<(), Error> {
    let (option, word) = match options.given(SINK_SEMANTIC) {
        Some(semantic) => (SINK_SEMANTIC, semantic_word(semantic)?),
        None => {
            (SINK_DELIVERY_GUARANTEE, options.choice(SINK_DELIVERY_GUARANTEE)?.unwrap_or_default())
        }
    };
    if word == "exactly-once" {
        check_prefix(options)?;
        return Err(Error::unsupported(option, "exactly-once"));
    }
    Ok(())
}

/// The old option is read in upper case with underscores, and wins.
fn semantic_word(semantic: &str) -> Result<String, Error> {
    tracing::warn!("option '{SINK_SEMANTIC}' is deprecated, use '{SINK_DELIVERY_GUARANTEE}'");
    let word = semantic.trim().to_ascii_lowercase().replace('_', "-");
    value::choice(SINK_SEMANTIC, &word, &["none", "at-least-once", "exactly-once"])
        .map(str::to_owned)
}

fn check_prefix(options: &TableOptions) -> Result<(), Error> {
    match options.given(SINK_TRANSACTIONAL_ID_PREFIX) {
        None => Err(Error::option(
            "sink.transactional-id-prefix must be specified when using DeliveryGuarantee.EXACTLY_ONCE.",
        )),
        Some(prefix) if prefix.len() > LONGEST_PREFIX => Err(Error::option(format!(
            "The option '{SINK_TRANSACTIONAL_ID_PREFIX}' is too long: the prefix is too long with {} bytes, \
             at most {LONGEST_PREFIX} are allowed.",
            prefix.len()
        ))),
        Some(_) => Ok(()),
    }
}

/// Flink's limit in UTF-8 bytes, which leaves room for the rest of a transactional id.
const LONGEST_PREFIX: usize = 64_000;
