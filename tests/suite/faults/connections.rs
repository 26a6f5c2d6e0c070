//! Connections that do not come about, or end: at every byte, in every way, and for a while.

use kavka_client::ErrorKind;
use kavka_protocol::{ApiKey, TopicPartition};
use kavka_tests::proxy::{Conditions, End, Fault, Reach};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::{Ground, RECOVERY, TOPIC, within};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial::conversation(
            "faults::brokers_that_refuse_for_a_while_delay_and_lose_nothing",
            brokers_that_refuse_for_a_while_delay_and_lose_nothing,
        ),
        trial::conversation(
            "faults::a_broker_that_accepts_and_says_nothing_delays_and_loses_nothing",
            a_broker_that_accepts_and_says_nothing_delays_and_loses_nothing,
        ),
        trial::conversation(
            "faults::a_request_cut_at_any_byte_is_carried_out_once",
            a_request_cut_at_any_byte_is_carried_out_once,
        ),
        trial::conversation(
            "faults::an_answer_cut_at_any_byte_is_asked_for_again",
            an_answer_cut_at_any_byte_is_asked_for_again,
        ),
        trial::conversation(
            "faults::lookups_survive_an_answer_cut_anywhere",
            lookups_survive_an_answer_cut_anywhere,
        ),
        trial::conversation(
            "faults::connections_that_all_end_at_once_are_made_anew",
            connections_that_all_end_at_once_are_made_anew,
        ),
        trial::conversation(
            "faults::one_in_a_hundred_resets_loses_and_repeats_nothing",
            one_in_a_hundred_resets_loses_and_repeats_nothing,
        ),
        trial::conversation(
            "faults::a_broker_that_vanishes_for_a_while_is_found_again",
            a_broker_that_vanishes_for_a_while_is_found_again,
        ),
        trial::conversation(
            "faults::a_short_silence_costs_no_connection",
            a_short_silence_costs_no_connection,
        ),
        trial::conversation(
            "faults::a_cluster_that_vanishes_ends_calls_with_their_time",
            a_cluster_that_vanishes_ends_calls_with_their_time,
        ),
    ]
}

async fn brokers_that_refuse_for_a_while_delay_and_lose_nothing() {
    let ground = Ground::start(2, 4).await;
    let mut traffic = ground.traffic(&[]).await;
    traffic.send(1000).await;
    traffic.settled().await;
    traffic
        .during(async {
            for proxy in ground.proxies.iter() {
                proxy.reach(Reach::Refused);
                proxy.end_all(End::Close);
            }
            ground.proxies.node(0).more_attempted(5).await;
            ground.proxies.iter().for_each(|proxy| proxy.reach(Reach::Open));
        })
        .await;
    assert!(ground.recovers(traffic).await > 1000);
}

async fn a_broker_that_accepts_and_says_nothing_delays_and_loses_nothing() {
    let ground = Ground::start(2, 4).await;
    let mut traffic = ground.traffic(&[]).await;
    let mute = ground.proxies.node(0);
    traffic
        .during(async {
            mute.set(Conditions { is_silent: true, ..Conditions::default() });
            mute.end_all(End::Reset);
            // One connection was given up and another made, in vain as well.
            mute.more_accepted(3).await;
            mute.set(Conditions::default());
        })
        .await;
    ground.recovers(traffic).await;
}

const ENDS: [End; 3] = [End::Close, End::HalfClose, End::Reset];

async fn a_request_cut_at_any_byte_is_carried_out_once() {
    let cuts = |end| [0, 1, 4, 11, 30, usize::MAX].map(|after| Fault::CutRequest { after, end });
    cut_everywhere(ENDS.map(cuts).concat()).await;
}

async fn an_answer_cut_at_any_byte_is_asked_for_again() {
    let cuts = |end| [0, 1, 4, 7, 8, 30].map(|after| Fault::CutAnswer { after, end });
    cut_everywhere(ENDS.map(cuts).concat()).await;
}

/// Each cut happens to what is written and to what is read, and to the greeting of a new connection.
async fn cut_everywhere(cuts: Vec<Fault>) {
    let ground = Ground::start(1, 3).await;
    let mut traffic = ground.traffic(&[]).await;
    let proxy = ground.proxies.node(0);
    for api in [ApiKey::Produce, ApiKey::Fetch, ApiKey::ApiVersions] {
        for fault in &cuts {
            let happened = proxy.more_happened(1);
            proxy.once(api, *fault);
            if api == ApiKey::ApiVersions {
                proxy.end_all(End::Reset);
            }
            within(RECOVERY, traffic.during(happened)).await;
        }
    }
    ground.recovers(traffic).await;
    assert_eq!(proxy.happened(), 3 * cuts.len());
}

async fn lookups_survive_an_answer_cut_anywhere() {
    let ground = Ground::start(2, 2).await;
    let partition = TopicPartition::new(TOPIC, 0);
    for after in [0, 3, 6, 9, 20] {
        for api in [ApiKey::Metadata, ApiKey::ListOffsets] {
            let fault = Fault::CutAnswer { after, end: End::Close };
            ground.proxies.iter().for_each(|proxy| proxy.once(api, fault));
        }
        let topic = within(RECOVERY, ground.client.topic(TOPIC)).await.expect("the topic");
        assert_eq!(topic.partitions.len(), 2);
        let latest = [(partition.clone(), kavka_client::OffsetSpec::Latest)];
        let listed = within(RECOVERY, ground.client.list_offsets(&latest)).await.expect("listed");
        assert_eq!(listed[0].offset, Some(0));
    }
    assert!(ground.proxies.happened() >= 10);
}

async fn connections_that_all_end_at_once_are_made_anew() {
    let ground = Ground::start(3, 6).await;
    let mut traffic = ground.traffic(&[]).await;
    for end in ENDS {
        traffic.send(500).await;
        traffic.settled().await;
        let accepted: Vec<usize> = ground.proxies.iter().map(|proxy| proxy.accepted()).collect();
        ground.proxies.iter().for_each(|proxy| proxy.end_all(end));
        traffic.send(500).await;
        within(RECOVERY, traffic.settled()).await;
        let mut again = ground.proxies.iter().zip(accepted);
        assert!(again.all(|(proxy, before)| proxy.accepted() > before), "{end:?}");
    }
    ground.recovers(traffic).await;
}

async fn one_in_a_hundred_resets_loses_and_repeats_nothing() {
    let ground = Ground::start(3, 6).await;
    let small = [("batch.size", "500"), ("max.partition.fetch.bytes", "2000")];
    let mut traffic = ground.traffic(&small).await;
    ground.proxies.set(Conditions { reset_one_in: Some(100), ..Conditions::default() });
    let first = ground.proxies.node(0);
    within(RECOVERY * 3, traffic.during(first.more_happened(10))).await;
    ground.proxies.set(Conditions::default());
    ground.recovers(traffic).await;
    assert!(ground.proxies.happened() >= 10);
}

/// Packets are lost, in both directions and those of new connections as well.
async fn a_broker_that_vanishes_for_a_while_is_found_again() {
    let ground = Ground::with(2, 4, &[("socket.connection.setup.timeout.ms", "500")]).await;
    let mut traffic = ground.traffic(&[]).await;
    let gone = ground.proxies.node(0);
    traffic
        .during(async {
            gone.set(Conditions { is_silent: true, ..Conditions::default() });
            gone.reach(Reach::Lost);
            // Requests have been given up with their connection, and then connections themselves.
            gone.more_attempted(3).await;
            gone.reach(Reach::Open);
            gone.set(Conditions::default());
        })
        .await;
    ground.recovers(traffic).await;
}

async fn a_short_silence_costs_no_connection() {
    let ground = Ground::with(1, 2, &[("request.timeout.ms", "30000")]).await;
    let mut traffic = ground.traffic(&[]).await;
    traffic.send(100).await;
    traffic.settled().await;
    let proxy = ground.proxies.node(0);
    let before = proxy.accepted();
    proxy.set(Conditions { is_silent: true, ..Conditions::default() });
    traffic.during(tokio::time::sleep(std::time::Duration::from_millis(1500))).await;
    proxy.set(Conditions::default());
    ground.recovers(traffic).await;
    assert_eq!(proxy.accepted(), before);
}

/// Nobody is there any more: each call says so when its time is up, and not later.
async fn a_cluster_that_vanishes_ends_calls_with_their_time() {
    let limits =
        [("default.api.timeout.ms", "1500"), ("socket.connection.setup.timeout.ms", "500")];
    let ground = Ground::with(2, 2, &limits).await;
    let patience = [("delivery.timeout.ms", "1500"), ("max.block.ms", "1500")];
    let producer = ground.client.producer(patience).expect("a producer");
    kavka_tests::numbered::send(&producer, TOPIC, 0..10).await.await.expect("delivered");
    for proxy in ground.proxies.iter() {
        proxy.set(Conditions { is_silent: true, ..Conditions::default() });
        proxy.reach(Reach::Lost);
    }
    let sent = kavka_tests::numbered::send(&producer, TOPIC, 10..20).await;
    let (written, known, listed) = within(RECOVERY, async {
        let latest = [(TopicPartition::new(TOPIC, 0), kavka_client::OffsetSpec::Latest)];
        tokio::join!(sent, ground.client.topic(TOPIC), ground.client.list_offsets(&latest))
    })
    .await;
    let error = written.expect_err("nobody there");
    assert_eq!((error.kind(), error.may_have_been_written()), (ErrorKind::Timeout, true));
    for error in [known.expect_err("nobody there"), listed.expect_err("nobody there")] {
        assert!(error.is_retriable(), "{error}");
    }
}
