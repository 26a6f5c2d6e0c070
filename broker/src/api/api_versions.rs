//! ApiVersions (versions 0 to 4, KIP-511): what is spoken here.

use kavka_protocol::{
    ApiKey, ErrorCode,
    messages::{ApiVersionsRequest, ApiVersionsResponse, api_versions_response::ApiVersion},
    server::encode_response,
};

use crate::{
    cluster::{Call, Cluster, HandleError, Handled},
    dispatch,
};

/// Lists every API with the versions that are offered of it, to a client that says properly who it
/// is.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: ApiVersionsRequest = call.body()?;
    let response = ApiVersionsResponse::default().with_finalized_features_epoch(-1);
    let response = match permit(call, &request) {
        Ok(()) => {
            let offered = dispatch::served().filter_map(|api| offer(cluster, api));
            response.with_api_keys(offered.collect())
        }
        Err(error) => response.with_error_code(error.code()),
    };
    call.reply::<ApiVersionsRequest>(&response)
}

fn permit(call: &Call<'_>, request: &ApiVersionsRequest) -> Result<(), ErrorCode> {
    call.permit()?;
    let names = [&request.client_software_name, &request.client_software_version];
    let is_named =
        call.request.version < FIRST_WITH_NAMES || names.into_iter().all(|name| is_name(name));
    is_named.then_some(()).ok_or(ErrorCode::InvalidRequest)
}

/// Letters and digits, and between them dots and dashes.
fn is_name(name: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric();
    name.starts_with(is_plain)
        && name.ends_with(is_plain)
        && name.chars().all(|c| is_plain(c) || matches!(c, '.' | '-'))
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

/// From this version on a client says what software it is (KIP-511).
const FIRST_WITH_NAMES: i16 = 3;
