//! What brokers answer, and what follows from it: data is buffered, refused partitions are asked
//! for again, looked up or reported.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use kavka_protocol::{
    ApiKey, BrokerId, Disposition, ErrorCode, FetchedPartition, FetchedTopic, IsolationLevel,
    LeaderEpoch, Offset, TopicId, TopicPartition, VisibleBatches,
};

use super::buffer::{Piece, walk};
use super::planner::{Asked, Outstanding};
use super::reset::{Found, Lookup, PositionReset, ResetCause};
use super::session::SessionId;
use super::stage::{FetchPosition, Stage};
use super::validation::EpochEndOffset;
use super::{Fetcher, LookupPartition, LookupPlan, MetadataNeed};
use crate::error::{Error, ErrorKind};
use crate::state::metadata::LeaderHint;

/// What a broker answers to one fetch.
#[derive(Clone, Debug, Default)]
pub(crate) struct FetchAnswer {
    /// The fetch session it keeps; 0 is none.
    pub(crate) session: SessionId,
    /// How long it wants to be left alone.
    pub(crate) throttle: Duration,
    pub(crate) partitions: Vec<FetchedPartition>,
}

/// What a broker says instead of answering for one partition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    /// Who should be asked.
    pub(super) leader: Option<(BrokerId, LeaderEpoch)>,
    /// The topic that was asked about, unless it was by name.
    pub(super) topic_id: Option<TopicId>,
}

impl From<ErrorCode> for Refusal {
    fn from(code: ErrorCode) -> Self {
        Self { code, leader: None, topic_id: None }
    }
}

/// What a broker says about one end of one log.
#[derive(Clone, Debug)]
pub(crate) struct LookupAnswer {
    pub(crate) topic_partition: TopicPartition,
    /// `Ok(None)`: the broker named no offset.
    pub(crate) offset: Result<Option<Offset>, ErrorCode>,
}

impl Fetcher {
    /// The fetch at `broker` was answered, or failed as a whole.
    pub(crate) fn handle_fetch(
        &mut self,
        broker: BrokerId,
        answer: Result<FetchAnswer, Error>,
        now: Instant,
    ) {
        let Some(mut outstanding) = self.finish(broker) else { return };
        self.jitter = self.retry_backoff.draw();
        let FetchAnswer { session, throttle, partitions } = match answer {
            Ok(answer) => answer,
            Err(error) => return self.handle_failed_fetch(broker, &outstanding, error, now),
        };
        self.planner.forget_failures(broker);
        if !throttle.is_zero() {
            self.planner.delay(broker, now + throttle);
        }
        let has_ids = partitions.iter().any(|one| matches!(one.topic, FetchedTopic::Id(_)));
        let names = if has_ids { outstanding.topic_names() } else { HashMap::new() };
        for fetched in partitions {
            let topic = match &fetched.topic {
                FetchedTopic::Name(name) => Some(&**name),
                FetchedTopic::Id(id) => names.get(id).map(|name| &**name),
            };
            let asked = topic.and_then(|topic| outstanding.take(topic, fetched.partition));
            if let Some((partition, asked)) = asked {
                self.note_end(broker, &partition, &fetched);
                self.handle_partition(broker, &partition, asked, fetched, now);
            }
        }
        if self.planner.session(broker).is_some_and(|session| session.is_incremental()) {
            for (partition, asked) in outstanding.into_rest() {
                self.handle_no_news(broker, &partition, asked);
            }
        }
        if let Some(known) = self.planner.session(broker) {
            known.handle_answer(session);
        }
        self.settle_sources();
    }

    /// The lookup `plan` was answered, or failed as a whole.
    pub(crate) fn handle_lookup(
        &mut self,
        plan: &LookupPlan,
        answers: Result<Vec<LookupAnswer>, Error>,
        now: Instant,
    ) {
        self.jitter = self.retry_backoff.draw();
        self.has_questions = true;
        let answers = answers.unwrap_or_else(|error| {
            self.handle_broker_failure(plan.broker, error, now);
            Vec::new()
        });
        let answers: HashMap<_, _> =
            answers.into_iter().map(|answer| (answer.topic_partition, answer.offset)).collect();
        for asked in &plan.partitions {
            let answer = answers.get(&asked.topic_partition).copied();
            self.handle_looked_up(plan.broker, asked, answer, now);
        }
    }

    /// Some delay may be over.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        self.positions.handle_timeout(now);
        self.planner.handle_timeout(now);
        self.have_sources_moved |= self.positions.handle_sources(now);
        self.settle_sources();
        self.has_questions = true;
        self.want_leaders();
    }

    fn finish(&mut self, broker: BrokerId) -> Option<Outstanding> {
        let outstanding = self.planner.finish(broker)?;
        for partition in outstanding.partitions() {
            if let Some(position) = self.positions.get_mut(partition) {
                position.asked_at = position.asked_at.filter(|asked| *asked != broker);
            }
        }
        Some(outstanding)
    }

    /// There is no answer for a request as a whole. A session that is lost is no failure.
    fn handle_failed_fetch(
        &mut self,
        broker: BrokerId,
        outstanding: &Outstanding,
        error: Error,
        now: Instant,
    ) {
        if error.code() == Some(ErrorCode::FetchSessionTopicIdError) {
            self.metadata = Some(MetadataNeed::Fresh);
        }
        let session = self.planner.session(broker);
        if session.is_some_and(|session| session.handle_refusal(error.code())) {
            return;
        }
        for partition in outstanding.partitions() {
            self.leave_replica(partition, broker, now);
        }
        self.settle_sources();
        self.handle_broker_failure(broker, error, now);
    }

    /// Remembers what an answer within a session need not repeat.
    fn note_end(
        &mut self,
        broker: BrokerId,
        partition: &TopicPartition,
        fetched: &FetchedPartition,
    ) {
        let end = readable_end(fetched, self.isolation);
        if let Some(session) = self.planner.session(broker) {
            session.note_end(partition, end);
        }
    }

    /// The broker has nothing to say about a partition: it is as it was when last named.
    fn handle_no_news(&mut self, broker: BrokerId, partition: &TopicPartition, asked: Asked) {
        let end = self.planner.session(broker).and_then(|session| session.end(partition));
        if self.is_awaited(partition, asked)
            && let Some(position) = self.positions.get_mut(partition)
        {
            position.note_log(partition, None, end, &mut self.counts);
            self.handle_nothing(partition, asked);
        }
    }

    /// Whether an answer to what was `asked` is still of use: nobody has moved the position, and nobody
    /// else leads the partition.
    fn is_awaited(&mut self, partition: &TopicPartition, asked: Asked) -> bool {
        self.positions.current(partition, asked.version).is_some_and(|position| {
            let fetched = position.fetched().map(|fetched| fetched.offset);
            fetched == Some(asked.offset) && !position.has_left(asked.leader)
        })
    }

    /// Takes what one partition brought, unless nobody waits for it any more.
    fn handle_partition(
        &mut self,
        broker: BrokerId,
        partition: &TopicPartition,
        asked: Asked,
        fetched: FetchedPartition,
        now: Instant,
    ) {
        if !self.is_awaited(partition, asked) {
            return;
        }
        if is_refused(&fetched) && self.leave_replica(partition, broker, now) {
            return self.handle_replica_refusal(partition, &fetched);
        }
        match fetched.error {
            None if let Some((epoch, end_offset)) = fetched.diverging_epoch => {
                self.handle_divergence(partition, EpochEndOffset { epoch, end_offset }, now);
            }
            None => {
                self.note_topic(partition, &fetched.topic);
                self.prefer(partition, fetched.preferred_read_replica, now);
                self.handle_records(broker, partition, asked, fetched, now);
            }
            Some(ErrorCode::OffsetOutOfRange) => self.handle_out_of_range(partition, asked.offset),
            Some(code) => {
                let error = Error::broker(code).with_api(ApiKey::Fetch).with_broker(broker);
                let refusal =
                    Refusal { code, leader: fetched.current_leader, topic_id: fetched.topic.id() };
                self.handle_refusal(partition, refusal, error.with_offset(asked.offset), now);
            }
        }
    }

    fn handle_records(
        &mut self,
        broker: BrokerId,
        partition: &TopicPartition,
        asked: Asked,
        fetched: FetchedPartition,
        now: Instant,
    ) {
        let log_end = readable_end(&fetched, self.isolation);
        let has_bytes = !fetched.records.is_empty();
        let Some(position) = self.positions.get_mut(partition) else { return };
        let Some(from) = position.fetched() else { return };
        let (isolation, aborted) = (self.isolation, fetched.aborted_transactions);
        let batches =
            |records| VisibleBatches::new(records, from.offset, isolation, aborted.clone());
        let walked = walk(batches(fetched.records.clone()), from);
        let has_progress = walked.next.offset > asked.offset;
        position.note_log(partition, fetched.log_start_offset, log_end, &mut self.counts);
        if has_progress {
            self.arrived += 1;
            position.advance(walked.next, self.arrived);
            self.buffer.push(Piece {
                topic_partition: partition.clone(),
                from: asked.offset,
                next: walked.next,
                batches: batches(fetched.records.slice(..walked.length)),
                contents: walked.contents,
                size: walked.length,
                broker,
                high_watermark: fetched.high_watermark,
            });
        }
        if let Some(damage) = walked.damage {
            let error = corrupt(walked.next.offset).with_source(damage).with_broker(broker);
            self.fail(partition, error);
        } else if has_bytes && !has_progress {
            self.handle_standstill(partition, now);
        } else if !has_bytes {
            self.handle_nothing(partition, asked);
        }
    }

    /// There is nothing more for now.
    fn handle_nothing(&mut self, partition: &TopicPartition, asked: Asked) {
        let Some(position) = self.positions.get_mut(partition) else { return };
        position.refusals = 0;
        if position.announce_end().is_some() {
            self.arrivals.push((partition.clone(), asked.version));
        }
    }

    /// Bytes came, but no whole batch: the next request names this partition further in front, and
    /// if that does not help, not at once.
    fn handle_standstill(&mut self, partition: &TopicPartition, now: Instant) {
        if self.count_refusal(partition) > 1 {
            self.delay(partition, now);
        }
    }

    fn handle_out_of_range(&mut self, partition: &TopicPartition, offset: Offset) {
        let delivered = self.position(partition);
        let lookup = Lookup::out_of_range(offset, self.reset);
        self.positions.reset(partition, Stage::Lookup { delivered, lookup });
        self.has_questions = true;
    }

    /// A broker refused one partition; `error` says so to people.
    pub(super) fn handle_refusal(
        &mut self,
        partition: &TopicPartition,
        refusal: Refusal,
        error: Error,
        now: Instant,
    ) {
        let Refusal { code, leader, topic_id } = refusal;
        let refusals = self.count_refusal(partition);
        match code.disposition() {
            // Asking for the same bytes again would only repeat it.
            _ if code == ErrorCode::CorruptMessage => self.fail(partition, error),
            Disposition::Fenced | Disposition::Fatal => self.fail(partition, error),
            // Whoever goes on refusing may not be the one to ask.
            Disposition::Retry if refusals == 1 => self.delay(partition, now),
            Disposition::Retry | Disposition::RefreshMetadata | Disposition::FindCoordinator => {
                self.delay(partition, now);
                match leader.filter(|_| refusals == 1) {
                    Some((leader, epoch)) => {
                        let topic_partition = partition.clone();
                        self.hints.push(LeaderHint { topic_partition, topic_id, leader, epoch });
                    }
                    None => self.metadata = Some(MetadataNeed::Fresh),
                }
            }
        }
    }

    fn handle_looked_up(
        &mut self,
        broker: BrokerId,
        asked: &LookupPartition,
        answer: Option<Result<Option<Offset>, ErrorCode>>,
        now: Instant,
    ) {
        let partition = &asked.topic_partition;
        let Some(position) = self.positions.current(partition, asked.version) else { return };
        let Stage::Lookup { lookup, .. } = &mut position.stage else { return };
        lookup.is_asked = false;
        match answer {
            Some(Ok(Some(offset))) => {
                let found = lookup.handle_answer(offset);
                self.handle_found(partition, found);
            }
            Some(Err(code)) => {
                let error = Error::broker(code).with_api(ApiKey::ListOffsets).with_broker(broker);
                self.handle_refusal(partition, code.into(), error, now);
            }
            Some(Ok(None)) if lookup.handle_nothing() => {}
            Some(Ok(None)) | None => {
                self.count_refusal(partition);
                self.delay(partition, now);
            }
        }
    }

    fn handle_found(&mut self, partition: &TopicPartition, found: Found) {
        match found {
            Found::AskAgain => {}
            Found::Position(offset) => {
                self.positions.reset(partition, Stage::at(FetchPosition::unknown(offset)));
                self.has_moved = true;
            }
            Found::Reset { from, to, cause } => {
                self.go_on_at(partition, from, FetchPosition::unknown(to), cause);
            }
            Found::OutOfRange { position, log_start, log_end } => {
                self.positions.reset(partition, Stage::at(FetchPosition::unknown(position)));
                self.fail(partition, out_of_range(position, log_start, log_end));
            }
        }
    }

    /// Leaves the position `from` for good, and tells the application.
    pub(super) fn go_on_at(
        &mut self,
        partition: &TopicPartition,
        from: Offset,
        to: FetchPosition,
        cause: ResetCause,
    ) {
        self.positions.reset(partition, Stage::at(to));
        let topic_partition = partition.clone();
        let reset = PositionReset { topic_partition, from, to: to.offset, cause };
        if let Some(position) = self.positions.get_mut(partition) {
            position.counted(partition, &mut self.counts).note_reset(reset.passed_over());
        }
        self.unlogged.push(reset.clone());
        self.resets.push(reset);
        self.has_moved = true;
    }

    pub(super) fn handle_broker_failure(&mut self, broker: BrokerId, error: Error, now: Instant) {
        let failures = self.planner.count_failure(broker);
        let wait = self.retry_backoff.after(failures, self.jitter);
        self.planner.delay(broker, now + wait);
        self.metadata = Some(MetadataNeed::Fresh);
        if !error.is_retriable() {
            self.fault = Some(error.with_broker(broker));
        }
    }

    /// The application will be told, once it has everything before this position.
    pub(super) fn fail(&mut self, partition: &TopicPartition, error: Error) {
        if let Some(position) = self.positions.get_mut(partition) {
            position.failure = Some(error.with_topic_partition(partition.clone()));
            if !self.failed.contains(partition) {
                self.failed.push_back(partition.clone());
            }
        }
    }

    pub(super) fn count_refusal(&mut self, partition: &TopicPartition) -> u32 {
        let Some(position) = self.positions.get_mut(partition) else { return 1 };
        position.refusals = position.refusals.saturating_add(1);
        position.refusals
    }

    pub(super) fn delay(&mut self, partition: &TopicPartition, now: Instant) {
        if let Some(position) = self.positions.get(partition) {
            let at = now + self.retry_backoff.after(position.refusals, self.jitter);
            self.positions.delay(partition, at);
        }
    }
}

/// Whether a broker gives nothing, for a reason that another one may not have. One that does not know of
/// a new leader yet soon will.
fn is_refused(fetched: &FetchedPartition) -> bool {
    let is_behind = fetched.error == Some(ErrorCode::UnknownLeaderEpoch);
    !is_behind && (fetched.error.is_some() || fetched.diverging_epoch.is_some())
}

/// Up to where the log may be read.
fn readable_end(fetched: &FetchedPartition, isolation: IsolationLevel) -> Option<Offset> {
    match isolation {
        IsolationLevel::ReadUncommitted => fetched.high_watermark,
        IsolationLevel::ReadCommitted => fetched.last_stable_offset.or(fetched.high_watermark),
    }
}

fn corrupt(offset: Offset) -> Error {
    let advice = "the fetched record batch is damaged; seek behind it to go on without its records";
    Error::new(ErrorKind::CorruptData, advice).with_api(ApiKey::Fetch).with_offset(offset)
}

fn out_of_range(position: Offset, log_start: Offset, log_end: Offset) -> Error {
    let message = format!(
        "the position is outside of the log, which holds offsets {log_start} to before {log_end}, \
         and auto.offset.reset is none; seek into the log, or set auto.offset.reset to earliest or latest"
    );
    Error::new(ErrorKind::OffsetOutOfRange, message).with_api(ApiKey::Fetch).with_offset(position)
}
