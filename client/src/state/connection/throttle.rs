//! How long a broker wants to be left alone, as its answers say (KIP-219).

use std::time::Duration;

use kavka_protocol::ApiKey;

/// What an answer of `api` that says `millis` asks this client for.
///
/// Older brokers have waited themselves before they answered, and only say for how long.
pub(crate) fn throttle(api: ApiKey, version: i16, millis: i32) -> Duration {
    let asks = CLIENT_WAITS_FROM.iter().any(|(of, first)| *of == api && version >= *first);
    let millis = if asks { u64::try_from(millis).unwrap_or(0) } else { 0 };
    Duration::from_millis(millis)
}

/// The same, read from the first bytes of an answer where they say it: those to ApiVersions and
/// Produce say it further on. An answer that is too short is left to whoever decodes it.
pub(super) fn throttle_in(api: ApiKey, version: i16, answer: &[u8]) -> Duration {
    if matches!(api, ApiKey::ApiVersions | ApiKey::Produce) {
        return Duration::ZERO;
    }
    // The correlation id, and from header version 1 on the tagged fields, of which there are none.
    let body = if api.response_header_version(version) >= 1 { 5 } else { 4 };
    let millis = answer.get(body..).and_then(|rest| rest.first_chunk::<4>());
    millis.map_or(Duration::ZERO, |millis| throttle(api, version, i32::from_be_bytes(*millis)))
}

/// The first version of each API in which a broker answers at once and leaves the waiting to its
/// client.
const CLIENT_WAITS_FROM: &[(ApiKey, i16)] = &[
    (ApiKey::ApiVersions, 2),
    (ApiKey::CreateTopics, 3),
    (ApiKey::DeleteTopics, 2),
    (ApiKey::Fetch, 8),
    (ApiKey::InitProducerId, 1),
    (ApiKey::ListOffsets, 3),
    (ApiKey::Metadata, 6),
    (ApiKey::Produce, 6),
];

#[cfg(test)]
mod tests {
    use kavka_protocol::messages::{
        CreateTopicsRequest, CreateTopicsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
        InitProducerIdRequest, InitProducerIdResponse, ListOffsetsRequest, ListOffsetsResponse,
        MetadataRequest, MetadataResponse,
    };
    use kavka_protocol::{CorrelationId, Request, SPOKEN};

    use super::*;
    use crate::testing::answer_bytes;

    #[test]
    fn every_api_that_is_spoken_says_who_waits() {
        assert!(CLIENT_WAITS_FROM.is_sorted_by_key(|(api, _)| format!("{api:?}")));
        // The answers of SASL have no such field; for OffsetForLeaderEpoch nobody is throttled.
        let nobody =
            [ApiKey::OffsetForLeaderEpoch, ApiKey::SaslAuthenticate, ApiKey::SaslHandshake];
        for (api, _) in SPOKEN.iter().filter(|(api, _)| !nobody.contains(api)) {
            assert!(CLIENT_WAITS_FROM.iter().any(|(of, _)| of == api), "{api:?}");
        }
    }

    #[test]
    fn the_throttle_is_found_in_every_version_that_asks_for_it() {
        found::<CreateTopicsRequest>(
            &CreateTopicsResponse::default().with_throttle_time_ms(70_000),
        );
        found::<DeleteTopicsRequest>(
            &DeleteTopicsResponse::default().with_throttle_time_ms(70_000),
        );
        found::<InitProducerIdRequest>(
            &InitProducerIdResponse::default().with_throttle_time_ms(70_000),
        );
        found::<ListOffsetsRequest>(&ListOffsetsResponse::default().with_throttle_time_ms(70_000));
        found::<MetadataRequest>(&MetadataResponse::default().with_throttle_time_ms(70_000));
    }

    fn found<R: Request>(response: &R::Response) {
        let api = ApiKey::try_from(R::KEY).unwrap();
        let (_, spoken) = SPOKEN.iter().find(|(of, _)| *of == api).unwrap();
        let (_, first) = CLIENT_WAITS_FROM.iter().find(|(of, _)| *of == api).unwrap();
        for version in spoken.min..=spoken.max {
            let answer = answer_bytes::<R>(response, version, CorrelationId(7));
            let expected = if version >= *first { 70 } else { 0 };
            let throttle = throttle_in(api, version, &answer[4..]);
            assert_eq!(throttle.as_secs(), expected, "{api:?} {version}");
        }
    }

    #[test]
    fn fetch_answers_are_judged_by_their_version_and_bad_ones_left_to_the_decoder() {
        let mut answer = vec![0, 0, 0, 7, 0, 1, 0, 0, 9];
        assert_eq!(throttle_in(ApiKey::Fetch, 7, &answer), Duration::ZERO);
        assert_eq!(throttle_in(ApiKey::Fetch, 8, &answer).as_millis(), 0x1_0000);
        assert_eq!(throttle_in(ApiKey::Fetch, 12, &answer).as_millis(), 0x0100_0009);
        answer[4] = 0xff;
        assert_eq!(throttle_in(ApiKey::Fetch, 8, &answer), Duration::ZERO, "less than nothing");
        assert_eq!(throttle_in(ApiKey::Fetch, 8, &answer[..7]), Duration::ZERO);
    }
}
