//! What an answer means for the batch it is about: the one place where produce errors are judged.

use kavka_protocol::{Disposition, ErrorCode};

/// What has to happen with a batch after an attempt to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the log, once.
    Acked,
    /// The same bytes are sent again, with the same stamp.
    Retry,
    /// It is surely not in the log and never will be under its stamp: it gets a stamp of a new epoch.
    Restamp,
    /// It is too large as it is, but its records may fit in smaller batches.
    Split,
    /// It is given up; the producer goes on.
    Fail,
    /// It is given up, and nothing this producer sends will be accepted any more.
    Fatal,
}

/// What is known about the batch that an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Circumstances {
    /// The batch carries a stamp, so that the broker recognises what it already has.
    pub(crate) is_stamped: bool,
    /// Every batch before it in its partition is settled.
    pub(crate) is_oldest: bool,
    /// A batch right before it was given up that may be in the log.
    pub(crate) is_after_doubt: bool,
    /// An earlier attempt may have written it.
    pub(crate) maybe_written: bool,
    /// How many records it holds.
    pub(crate) records: usize,
}

/// What `code` means for a batch in these `circumstances`; no code means success.
pub(crate) fn classify(circumstances: Circumstances, code: Option<ErrorCode>) -> Outcome {
    let Some(code) = code else {
        return Outcome::Acked;
    };
    match code {
        ErrorCode::DuplicateSequenceNumber if circumstances.is_stamped => Outcome::Acked,
        ErrorCode::OutOfOrderSequenceNumber | ErrorCode::UnknownProducerId => {
            after_gap(circumstances)
        }
        ErrorCode::MessageTooLarge | ErrorCode::RecordListTooLarge => too_large(circumstances),
        ErrorCode::ClusterAuthorizationFailed
        | ErrorCode::InvalidProducerIdMapping
        | ErrorCode::ProducerFenced
        | ErrorCode::TransactionalIdAuthorizationFailed
        | ErrorCode::UnsupportedVersion => Outcome::Fatal,
        _ => match code.disposition() {
            Disposition::Retry | Disposition::RefreshMetadata => Outcome::Retry,
            Disposition::FindCoordinator | Disposition::Fenced | Disposition::Fatal => {
                Outcome::Fail
            }
        },
    }
}

/// The broker misses what should precede the batch. A batch behind others waits for their fate. The
/// oldest has nobody to wait for: what preceded it was given up or lost by the broker, and with it
/// every earlier attempt of this batch (KIP-360). Only if both were left open, their old requests
/// could still get into the log one after the other, and a new stamp would write the batch twice.
fn after_gap(circumstances: Circumstances) -> Outcome {
    match circumstances {
        Circumstances { is_stamped: false, .. } => Outcome::Fail,
        Circumstances { is_oldest: false, .. } => Outcome::Retry,
        Circumstances { is_after_doubt: true, maybe_written: true, .. } => Outcome::Fail,
        Circumstances { is_oldest: true, .. } => Outcome::Restamp,
    }
}

/// Halves have stamps of their own, so the broker would not recognise in them a batch that it has
/// already written: only a batch that surely was not written is split.
fn too_large(circumstances: Circumstances) -> Outcome {
    match circumstances {
        Circumstances { maybe_written: false, records: 2.., .. } => Outcome::Split,
        _ => Outcome::Fail,
    }
}

/// Whether an answer of `code` leaves it open if the batch was written.
///
/// Leaders answer with the codes listed here while the batch may be in their log already: they
/// write first and wait for the other replicas afterwards. All other codes are given before.
pub(crate) fn leaves_open(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::KafkaStorageError
            | ErrorCode::NetworkException
            | ErrorCode::NotEnoughReplicasAfterAppend
            | ErrorCode::NotLeaderOrFollower
            | ErrorCode::RequestTimedOut
            | ErrorCode::Unknown(_)
            | ErrorCode::UnknownServerError
            | ErrorCode::UnknownTopicOrPartition
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLDEST: Circumstances = Circumstances {
        is_stamped: true,
        is_oldest: true,
        is_after_doubt: false,
        maybe_written: false,
        records: 3,
    };
    const LATER: Circumstances = Circumstances { is_oldest: false, ..OLDEST };
    const UNSTAMPED: Circumstances = Circumstances { is_stamped: false, ..OLDEST };
    const SINGLE: Circumstances = Circumstances { records: 1, ..OLDEST };
    const UNCERTAIN: Circumstances = Circumstances { maybe_written: true, ..OLDEST };
    const DOUBLY_UNCERTAIN: Circumstances = Circumstances { is_after_doubt: true, ..UNCERTAIN };
    const ALL: [Circumstances; 6] = [OLDEST, LATER, UNSTAMPED, SINGLE, UNCERTAIN, DOUBLY_UNCERTAIN];

    #[test]
    fn no_code_is_success_in_every_circumstance() {
        for circumstances in ALL {
            assert_eq!(classify(circumstances, None), Outcome::Acked);
        }
    }

    #[test]
    fn codes_about_sequences_and_sizes_depend_on_the_circumstances() {
        use Outcome::{Acked, Fail, Restamp, Retry, Split};
        for (code, expected) in [
            (ErrorCode::DuplicateSequenceNumber, [Acked, Acked, Fail, Acked, Acked, Acked]),
            (ErrorCode::OutOfOrderSequenceNumber, [Restamp, Retry, Fail, Restamp, Restamp, Fail]),
            (ErrorCode::UnknownProducerId, [Restamp, Retry, Fail, Restamp, Restamp, Fail]),
            (ErrorCode::MessageTooLarge, [Split, Split, Split, Fail, Fail, Fail]),
            (ErrorCode::RecordListTooLarge, [Split, Split, Split, Fail, Fail, Fail]),
        ] {
            let found = ALL.map(|circumstances| classify(circumstances, Some(code)));
            assert_eq!(found, expected, "{code}");
        }
    }

    #[test]
    fn every_other_code_means_the_same_in_every_circumstance() {
        const RETRY: &[ErrorCode] = &[
            ErrorCode::CorruptMessage,
            ErrorCode::UnknownTopicOrPartition,
            ErrorCode::LeaderNotAvailable,
            ErrorCode::NotLeaderOrFollower,
            ErrorCode::RequestTimedOut,
            ErrorCode::ReplicaNotAvailable,
            ErrorCode::NetworkException,
            ErrorCode::CoordinatorLoadInProgress,
            ErrorCode::NotEnoughReplicas,
            ErrorCode::NotEnoughReplicasAfterAppend,
            ErrorCode::NotController,
            ErrorCode::ConcurrentTransactions,
            ErrorCode::KafkaStorageError,
            ErrorCode::FetchSessionIdNotFound,
            ErrorCode::InvalidFetchSessionEpoch,
            ErrorCode::ListenerNotFound,
            ErrorCode::FencedLeaderEpoch,
            ErrorCode::UnknownLeaderEpoch,
            ErrorCode::OffsetNotAvailable,
            ErrorCode::PreferredLeaderNotAvailable,
            ErrorCode::EligibleLeadersNotAvailable,
            ErrorCode::ElectionNotNeeded,
            ErrorCode::UnstableOffsetCommit,
            ErrorCode::ThrottlingQuotaExceeded,
            ErrorCode::UnknownTopicId,
            ErrorCode::InconsistentTopicId,
            ErrorCode::FetchSessionTopicIdError,
            ErrorCode::ShareSessionNotFound,
            ErrorCode::InvalidShareSessionEpoch,
            ErrorCode::ShareSessionLimitReached,
        ];
        const FATAL: &[ErrorCode] = &[
            ErrorCode::ClusterAuthorizationFailed,
            ErrorCode::UnsupportedVersion,
            ErrorCode::InvalidProducerIdMapping,
            ErrorCode::TransactionalIdAuthorizationFailed,
            ErrorCode::ProducerFenced,
        ];
        const DEPENDENT: &[ErrorCode] = &[
            ErrorCode::MessageTooLarge,
            ErrorCode::RecordListTooLarge,
            ErrorCode::OutOfOrderSequenceNumber,
            ErrorCode::DuplicateSequenceNumber,
            ErrorCode::UnknownProducerId,
        ];
        let unknown = ErrorCode::Unknown(9999);
        for code in ErrorCode::ALL.iter().chain([&unknown]) {
            let expected = match code {
                code if RETRY.contains(code) => Outcome::Retry,
                code if FATAL.contains(code) => Outcome::Fatal,
                code if DEPENDENT.contains(code) => continue,
                _ => Outcome::Fail,
            };
            for circumstances in ALL {
                assert_eq!(classify(circumstances, Some(*code)), expected, "{code}");
            }
        }
    }

    #[test]
    fn refusals_before_the_log_is_touched_leave_nothing_open() {
        for code in [
            ErrorCode::CorruptMessage,
            ErrorCode::InvalidRecord,
            ErrorCode::MessageTooLarge,
            ErrorCode::NotEnoughReplicas,
            ErrorCode::OutOfOrderSequenceNumber,
            ErrorCode::TopicAuthorizationFailed,
            ErrorCode::UnknownProducerId,
            ErrorCode::UnknownTopicId,
        ] {
            assert!(!leaves_open(code), "{code}");
        }
        for code in [
            ErrorCode::NotEnoughReplicasAfterAppend,
            ErrorCode::NotLeaderOrFollower,
            ErrorCode::RequestTimedOut,
            ErrorCode::UnknownServerError,
        ] {
            assert!(leaves_open(code), "{code}");
        }
    }
}
