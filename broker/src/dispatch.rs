//! Which handler serves which API.

use kavka_protocol::ApiKey;

use crate::{
    api,
    cluster::{Call, Cluster, HandleError, Handled},
};

/// Handles a request whose version is one that is spoken.
type Handler = fn(&mut Cluster, &Call<'_>) -> Result<Handled, HandleError>;

/// Every API that is served.
const HANDLERS: &[(ApiKey, Handler)] = &[
    (ApiKey::ApiVersions, api::api_versions::handle),
    (ApiKey::CreateTopics, api::create_topics::handle),
    (ApiKey::DeleteTopics, api::delete_topics::handle),
    (ApiKey::Fetch, api::fetch::handle),
    (ApiKey::InitProducerId, api::init_producer_id::handle),
    (ApiKey::ListOffsets, api::list_offsets::handle),
    (ApiKey::Metadata, api::metadata::handle),
    (ApiKey::OffsetForLeaderEpoch, api::offset_for_leader_epoch::handle),
    (ApiKey::Produce, api::produce::handle),
];

/// Every API that is served, in the order of their numbers.
pub(crate) fn served() -> impl Iterator<Item = ApiKey> {
    ApiKey::iter().filter(|api| knows(*api))
}

/// Whether the API is served.
pub(crate) fn knows(api: ApiKey) -> bool {
    handler(api).is_some()
}

/// Hands a request to the handler of its API.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let (api, version) = (call.request.api_key, call.request.version);
    let handler = handler(api).ok_or(HandleError::Version { api, version })?;
    handler(cluster, call)
}

fn handler(api: ApiKey) -> Option<Handler> {
    HANDLERS.iter().find(|(key, _)| *key == api).map(|(_, handler)| *handler)
}
