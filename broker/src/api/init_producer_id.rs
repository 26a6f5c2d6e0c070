//! InitProducerId (versions 0 to 5): an identity for an idempotent producer.
//!
//! There is no transaction coordinator: a transactional id is refused.

use kavka_protocol::{
    ErrorCode,
    messages::{InitProducerIdRequest, InitProducerIdResponse, ProducerId},
};

use super::wire_code;
use crate::cluster::{Call, Cluster, HandleError, Handled};

/// Hands out a producer id nobody had before, at epoch 0.
pub(crate) fn handle(cluster: &mut Cluster, call: &Call<'_>) -> Result<Handled, HandleError> {
    let request: InitProducerIdRequest = call.body()?;
    let (error, id, epoch) = match permit(call, &request) {
        Ok(()) => (None, cluster.next_producer_id(), 0),
        Err(error) => (Some(error), -1, -1),
    };
    let response = InitProducerIdResponse::default()
        .with_error_code(wire_code(error))
        .with_producer_id(ProducerId(id))
        .with_producer_epoch(epoch);
    call.reply::<InitProducerIdRequest>(&response)
}

fn permit(call: &Call<'_>, request: &InitProducerIdRequest) -> Result<(), ErrorCode> {
    call.permit()?;
    if let Some(id) = &request.transactional_id {
        tracing::warn!(transactional_id = id.as_str(), "unsupported: transactional.id is set");
        return Err(ErrorCode::InvalidRequest);
    }
    Ok(())
}
