//! What the options say about writing.

use super::TableOptions;
use super::table::{
    KEY_FIELDS, SINK_DELIVERY_GUARANTEE, SINK_PARTITIONER, SINK_SEMANTIC,
    SINK_TRANSACTIONAL_ID_PREFIX,
};
use super::value;
use crate::error::{Error, ErrorKind};
use crate::sink::{DeliveryGuarantee, SinkPartitioner};

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SinkSettings {
    pub(crate) partitioner: SinkPartitioner,
    pub(crate) delivery: DeliveryGuarantee,
}

impl SinkSettings {
    /// Reads and checks what belongs to a sink.
    pub(crate) fn new(options: &TableOptions) -> Result<Self, Error> {
        let partitioner = partitioner(options)?;
        let delivery = delivery(options)?;
        Ok(Self { partitioner, delivery })
    }
}

fn partitioner(options: &TableOptions) -> Result<SinkPartitioner, Error> {
    let name = options.get(SINK_PARTITIONER).unwrap_or_default().trim();
    if name.is_empty() {
        return Err(Error::option("Option 'sink.partitioner' should be a non-empty string."));
    }
    if name == "round-robin" && options.given(KEY_FIELDS).is_some() {
        return Err(Error::option(
            "Currently 'round-robin' partitioner only works when option 'key.fields' is not specified.",
        ));
    }
    name.parse().map_err(|_| {
        let message = format!(
            "unsupported: {SINK_PARTITIONER}={name}: Could not find and instantiate partitioner class '{name}'. \
             The partitioners are default, fixed and round-robin."
        );
        Error::new(ErrorKind::Unsupported, message)
    })
}

fn delivery(options: &TableOptions) -> Result<DeliveryGuarantee, Error> {
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
    word.parse()
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
