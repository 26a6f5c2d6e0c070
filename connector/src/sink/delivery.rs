//! What a sink promises about the rows it was given.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// `sink.delivery-guarantee`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeliveryGuarantee {
    /// After a flush every row is written, once or more often.
    #[default]
    AtLeastOnce,
    /// Rows are awaited at the end of the input only.
    None,
}

impl DeliveryGuarantee {
    /// Whether a flush in the middle of the input waits for what was written before.
    pub(crate) fn waits_at_checkpoints(self) -> bool {
        self == Self::AtLeastOnce
    }
}

impl FromStr for DeliveryGuarantee {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "at-least-once" => Ok(Self::AtLeastOnce),
            "none" => Ok(Self::None),
            "exactly-once" => Err(Error::unsupported("sink.delivery-guarantee", text)),
            _ => Err(Error::option(format!(
                "Could not parse value '{text}' for enum DeliveryGuarantee. \
                 Expected one of: [[exactly-once, at-least-once, none]]"
            ))),
        }
    }
}

impl fmt::Display for DeliveryGuarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtLeastOnce => "at-least-once",
            Self::None => "none",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarantees_read_back_as_written() {
        for guarantee in [DeliveryGuarantee::AtLeastOnce, DeliveryGuarantee::None] {
            assert_eq!(guarantee.to_string().parse::<DeliveryGuarantee>().unwrap(), guarantee);
        }
    }

    #[test]
    fn what_is_not_built_is_said_to_be_so() {
        let error = "exactly-once".parse::<DeliveryGuarantee>().unwrap_err();
        assert_eq!(error.to_string(), "unsupported: sink.delivery-guarantee=exactly-once");
    }
}
