//! What is known about each API: its key, the versions spoken here, and what a broker and this
//! client have in common.

use std::fmt;

pub use kafka_protocol::{messages::ApiKey, protocol::VersionRange};
use kafka_protocol::{messages::ApiVersionsResponse, protocol::Request};

/// The versions of every API that is spoken here.
///
/// From 13 on Fetch and Produce have the ids of topics instead of their names. Some brokers advertise
/// that and yet withhold the ids from Metadata: who does not know one asks in 12. SaslHandshake begins
/// with 1, after which SaslAuthenticate follows; after 0 it would be bytes without a frame.
pub const SPOKEN: &[(ApiKey, VersionRange)] = &[
    (ApiKey::ApiVersions, VersionRange { min: 0, max: 4 }),
    (ApiKey::CreateTopics, VersionRange { min: 2, max: 7 }),
    (ApiKey::DeleteTopics, VersionRange { min: 1, max: 6 }),
    (ApiKey::Fetch, VersionRange { min: 4, max: 18 }),
    (ApiKey::InitProducerId, VersionRange { min: 0, max: 5 }),
    (ApiKey::ListOffsets, VersionRange { min: 1, max: 11 }),
    (ApiKey::Metadata, VersionRange { min: 1, max: 13 }),
    (ApiKey::OffsetForLeaderEpoch, VersionRange { min: 2, max: 4 }),
    (ApiKey::Produce, VersionRange { min: 3, max: 13 }),
    (ApiKey::SaslAuthenticate, VersionRange { min: 0, max: 2 }),
    (ApiKey::SaslHandshake, VersionRange { min: 1, max: 1 }),
];

/// The versions of `api` spoken here; `None` when it is not spoken at all.
pub fn spoken(api: ApiKey) -> Option<VersionRange> {
    SPOKEN.iter().find(|(key, _)| *key == api).map(|(_, versions)| *versions)
}

/// The version in which the generated codec writes and reads what is `version` on the wire.
///
/// It knows ListOffsets up to 10. 11 came with a further question, the earliest offset that is still to
/// be uploaded (KIP-1023), and is laid out as 10 is.
pub(crate) fn codec_version(api: ApiKey, version: i16) -> i16 {
    match api {
        ApiKey::ListOffsets => version.min(10),
        _ => version,
    }
}

/// What one broker speaks, as it said itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct VersionTable {
    theirs: Vec<(i16, VersionRange)>,
}

impl VersionTable {
    /// Takes the broker's answer to ApiVersions.
    pub fn negotiate(answer: &ApiVersionsResponse) -> Self {
        let range = |min, max| VersionRange { min, max };
        let offered = answer.api_keys.iter();
        let theirs =
            offered.map(|api| (api.api_key, range(api.min_version, api.max_version))).collect();
        Self { theirs }
    }

    /// The version to send `R` in.
    pub fn version_for<R: Request>(&self) -> Result<i16, UnsupportedApi> {
        // Every generated request has a generated key.
        self.version_of(ApiKey::try_from(R::KEY).unwrap_or(ApiKey::ApiVersions))
    }

    /// The newest version of `api` that both sides speak.
    pub fn version_of(&self, api: ApiKey) -> Result<i16, UnsupportedApi> {
        let ours = spoken(api).unwrap_or(NONE);
        let theirs = self.theirs(api as i16);
        let common = theirs.map_or(NONE, |theirs| ours.intersect(&theirs));
        if common.is_empty() {
            return Err(UnsupportedApi { api, ours, theirs });
        }
        Ok(common.max)
    }

    fn theirs(&self, key: i16) -> Option<VersionRange> {
        self.theirs.iter().find(|(theirs, _)| *theirs == key).map(|(_, versions)| *versions)
    }
}

/// An API of which a broker and this client have no version in common.
#[derive(Debug, Clone, PartialEq)]
pub struct UnsupportedApi {
    /// The API.
    pub api: ApiKey,
    /// The versions spoken here.
    pub ours: VersionRange,
    /// The versions the broker speaks; `None` when it does not know the API.
    pub theirs: Option<VersionRange>,
}

impl fmt::Display for UnsupportedApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { api, ours, theirs } = self;
        if ours.is_empty() {
            return write!(f, "unsupported: {api:?} requests are not spoken by this client");
        }
        let ours = Versions(*ours);
        match theirs {
            None => write!(
                f,
                "the broker does not offer {api:?} (this client speaks {ours} of it): \
                 it is too old or the feature is switched off there"
            ),
            Some(theirs) if theirs.max < ours.0.min => write!(
                f,
                "the broker speaks {api:?} only in {}, this client needs {ours}: \
                 the broker is too old, Kafka {} or later is needed",
                Versions(*theirs),
                if *api == ApiKey::SaslHandshake { "1.0" } else { "0.11" }
            ),
            Some(theirs) => write!(
                f,
                "the broker speaks {api:?} only in {}, this client only in {ours}: \
                 a newer client is needed",
                Versions(*theirs)
            ),
        }
    }
}

impl std::error::Error for UnsupportedApi {}

/// The version to ask ApiVersions in once more after the broker has answered UNSUPPORTED_VERSION.
///
/// The answer names what the broker speaks, except from old brokers, which speak at least 0.
pub fn api_versions_fallback(answer: &ApiVersionsResponse) -> i16 {
    VersionTable::negotiate(answer).version_of(ApiKey::ApiVersions).unwrap_or(0)
}

/// A version range in words.
struct Versions(VersionRange);

impl fmt::Display for Versions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            VersionRange { min, max } if min == max => write!(f, "version {min}"),
            VersionRange { min, max } => write!(f, "versions {min} to {max}"),
        }
    }
}

/// No version at all.
const NONE: VersionRange = VersionRange { min: 0, max: -1 };

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::{
        FindCoordinatorRequest, MetadataRequest, api_versions_response::ApiVersion,
    };

    use super::*;

    fn table(api: ApiKey, min: i16, max: i16) -> VersionTable {
        let api = ApiVersion::default().with_api_key(api as i16);
        let api = api.with_min_version(min).with_max_version(max);
        VersionTable::negotiate(&ApiVersionsResponse::default().with_api_keys(vec![api]))
    }

    #[test]
    fn the_newest_version_both_sides_speak_is_taken() {
        for (min, max, expected) in [(0, 5, 5), (0, 99, 13), (13, 13, 13), (0, 1, 1)] {
            let version = table(ApiKey::Metadata, min, max).version_for::<MetadataRequest>();
            assert_eq!(version, Ok(expected), "{min} to {max}");
        }
    }

    #[test]
    fn what_is_lacking_is_said_with_both_sides_versions() {
        let message = |table: VersionTable, api| table.version_of(api).unwrap_err().to_string();
        assert_eq!(
            message(table(ApiKey::Fetch, 0, 3), ApiKey::Fetch),
            "the broker speaks Fetch only in versions 0 to 3, this client needs versions 4 to 18: \
             the broker is too old, Kafka 0.11 or later is needed"
        );
        assert_eq!(
            message(table(ApiKey::Fetch, 19, 19), ApiKey::Fetch),
            "the broker speaks Fetch only in version 19, this client only in versions 4 to 18: \
             a newer client is needed"
        );
        assert_eq!(
            message(table(ApiKey::Fetch, 4, 12), ApiKey::InitProducerId),
            "the broker does not offer InitProducerId (this client speaks versions 0 to 5 of it): \
             it is too old or the feature is switched off there"
        );
    }

    #[test]
    fn an_api_not_spoken_here_is_unsupported_whatever_the_broker_offers() {
        let error = table(ApiKey::FindCoordinator, 0, 6).version_for::<FindCoordinatorRequest>();
        let message = "unsupported: FindCoordinator requests are not spoken by this client";
        assert_eq!(error.unwrap_err().to_string(), message);
    }

    #[test]
    fn the_table_is_sorted_by_name() {
        assert!(SPOKEN.is_sorted_by_key(|(api, _)| format!("{api:?}")));
    }
}
