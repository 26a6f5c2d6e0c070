//! ApiVersions (versions 0 to 4, KIP-511): what is spoken here.

use kavka_protocol::{
    ApiKey, ErrorCode,
    messages::{ApiVersionsRequest, ApiVersionsResponse, api_versions_response::ApiVersion},
    server::encode_response,
};

use super::wire_code;
use crate::{
    cluster::{Call, Cluster, HandleError, Handled},
    dispatch,
};

/// Lists every API with the versions that are offered of it.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    call.body::<ApiVersionsRequest>()?;
    let offered = dispatch::served().filter_map(|api| offer(cluster, api)).collect();
    let response = ApiVersionsResponse::default()
        .with_error_code(wire_code(call.failure))
        .with_api_keys(offered)
        .with_finalized_features_epoch(-1);
    call.reply::<ApiVersionsRequest>(&response)
}

/// Answers a version that is not spoken, in the form of version 0, with what is spoken instead.
pub(crate) fn refuse(cluster: &Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let response = ApiVersionsResponse::default()
        .with_error_code(ErrorCode::UnsupportedVersion.code())
        .with_api_keys(offer(cluster, ApiKey::ApiVersions).into_iter().collect());
    let correlation_id = call.request.correlation_id;
    Ok(Handled::Reply(encode_response::<ApiVersionsRequest>(&response, 0, correlation_id)?))
}

fn offer(cluster: &Cluster, api: ApiKey) -> Option<ApiVersion> {
    let versions = cluster.versions(api)?;
    let offer = ApiVersion::default().with_api_key(api as i16);
    Some(offer.with_min_version(versions.min).with_max_version(versions.max))
}
