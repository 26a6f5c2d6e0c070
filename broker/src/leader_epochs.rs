//! Which leader wrote which part of a log (KIP-101, KIP-320), for readers that ask whether what they
//! have read is still there.

use kavka_protocol::{LeaderEpoch, Offset};

/// The epochs of a partition's leaders and where each began.
#[derive(Debug)]
pub(crate) struct LeaderEpochs {
    /// Never empty; epochs and offsets both rise.
    begun: Vec<(LeaderEpoch, Offset)>,
}

impl LeaderEpochs {
    /// Notes that the leader of `epoch` goes on at `start`, the end of the log.
    pub(crate) fn begin(&mut self, epoch: LeaderEpoch, start: Offset) {
        // A leader that wrote nothing leaves no trace.
        self.truncate(start);
        self.begun.push((epoch, start));
    }

    /// Notes that the log has lost what lies at `end` and behind; a leader begins there next.
    pub(crate) fn truncate(&mut self, end: Offset) {
        self.begun.retain(|(_, begun)| *begun < end);
    }

    /// Up to where the newest leader not after `epoch` wrote, and which one that was, in a log that
    /// reaches from `log_start` to `log_end`; `None` for an epoch that is still to come.
    pub(crate) fn end_of(
        &self,
        epoch: LeaderEpoch,
        log_start: Offset,
        log_end: Offset,
    ) -> Option<(LeaderEpoch, Offset)> {
        let gone = self.begun.partition_point(|(_, begun)| *begun <= log_start).saturating_sub(1);
        let known = self.begun.get(gone..)?;
        let later = known.partition_point(|(begun, _)| *begun <= epoch);
        let (known, later) = known.split_at(later);
        match (known.last(), later.first()) {
            (Some((last, _)), Some((_, end))) => Some((*last, *end)),
            // What an epoch before all of them wrote has been deleted.
            (None, Some((_, start))) => Some((epoch, log_start.max(*start))),
            (Some((last, _)), None) => (*last == epoch).then_some((epoch, log_end)),
            (None, None) => None,
        }
    }
}

impl Default for LeaderEpochs {
    /// Those of an empty log.
    fn default() -> Self {
        Self { begun: vec![(LeaderEpoch(0), 0)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Epoch 0 wrote ten records, 1 none, 2 twenty; 5 is the leader's, who has written twelve.
    fn four() -> LeaderEpochs {
        let mut epochs = LeaderEpochs::default();
        for (epoch, start) in [(1, 10), (2, 10), (5, 30)] {
            epochs.begin(LeaderEpoch(epoch), start);
        }
        epochs
    }

    #[test]
    fn an_epoch_ends_where_the_next_that_wrote_begins() {
        for (epoch, expected) in [
            (0, Some((0, 10))),
            (1, Some((0, 10))),
            (2, Some((2, 30))),
            (4, Some((2, 30))),
            (5, Some((5, 42))),
            (6, None),
        ] {
            let end = four().end_of(LeaderEpoch(epoch), 0, 42);
            assert_eq!(end.map(|(epoch, end)| (epoch.0, end)), expected, "epoch {epoch}");
        }
    }

    #[test]
    fn what_is_cut_off_takes_its_epochs_with_it() {
        let mut epochs = four();
        epochs.truncate(25);
        epochs.begin(LeaderEpoch(6), 25);
        for (epoch, expected) in [(2, (2, 25)), (5, (2, 25)), (6, (6, 42))] {
            let (found, end) = epochs.end_of(LeaderEpoch(epoch), 0, 42).unwrap();
            assert_eq!((found.0, end), expected, "epoch {epoch}");
        }
    }

    #[test]
    fn an_epoch_whose_records_are_deleted_ends_where_the_log_starts() {
        for (log_start, epoch, expected) in [
            (9, 0, (0, 10)),
            (10, 0, (0, 10)),
            (15, 0, (0, 15)),
            (15, 2, (2, 30)),
            (30, 2, (2, 30)),
        ] {
            let (found, end) = four().end_of(LeaderEpoch(epoch), log_start, 42).unwrap();
            assert_eq!((found.0, end), expected, "log from {log_start}, epoch {epoch}");
        }
    }
}
