//! `auto.offset.reset=by_duration:…` (KIP-1106).

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use kavka_client::StartOffset;
use kavka_client::protocol::{BatchBuilder, Compression, Compressor, Offset};
use kavka_tests::trial;
use libtest_mimic::Trial;

use super::world::{World, tp};

pub(super) fn trials() -> Vec<Trial> {
    vec![trial::conversation(
        "fetch::resets::by_duration_goes_back_to_the_first_record_that_is_young_enough",
        by_duration_goes_back_to_the_first_record_that_is_young_enough,
    )]
}

/// Three records, so many hours old.
fn batch(hours: u64) -> Bytes {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let time = i64::try_from(now).unwrap() - i64::try_from(hours * 3_600_000).unwrap();
    let mut builder = BatchBuilder::new(Compression::None, None);
    for _ in 0..3 {
        builder.append(time, None, Some(b"value"), []).unwrap();
    }
    builder.seal(&mut Compressor::default()).unwrap().stamp(None)
}

async fn by_duration_goes_back_to_the_first_record_that_is_young_enough() {
    let world = World::start(1, 1).await;
    world.write(0, vec![batch(50), batch(30), batch(2)]).await;
    for (age, expected) in [("PT1H", 9), ("PT3H", 6), ("P1DT8H", 3), ("P7D", 0)] {
        let policy = format!("by_duration:{age}");
        let mut consumer = world.consumer(&[("auto.offset.reset", &policy)]);
        consumer.assign([(tp(0), StartOffset::At(500))]);
        let to: Offset = loop {
            let fetch = consumer.poll().await.unwrap();
            if let Some(reset) = fetch.resets().first() {
                break reset.to;
            }
        };
        assert_eq!(to, expected, "{age}");
    }
}
