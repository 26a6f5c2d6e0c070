//! One file per API: what is asked, what is done, what is answered.

pub(crate) mod api_versions;
pub(crate) mod create_topics;
pub(crate) mod delete_topics;
pub(crate) mod fetch;
pub(crate) mod init_producer_id;
pub(crate) mod list_offsets;
pub(crate) mod metadata;
pub(crate) mod offset_for_leader_epoch;
pub(crate) mod produce;

use kavka_protocol::{
    ErrorCode, Request, StrBytes,
    server::{decode_request_body, encode_response},
};

use crate::cluster::{Call, HandleError, Handled};

impl Call<'_> {
    /// The request itself.
    fn body<R: Request>(&self) -> Result<R, HandleError> {
        Ok(decode_request_body(self.request)?)
    }

    /// Answers with `response`.
    fn reply<R: Request>(&self, response: &R::Response) -> Result<Handled, HandleError> {
        let (version, correlation_id) = (self.request.version, self.request.correlation_id);
        Ok(Handled::Reply(encode_response::<R>(response, version, correlation_id)?))
    }

    /// Goes on unless the script wants an error instead.
    fn permit(&self) -> Result<(), ErrorCode> {
        self.failure.map_or(Ok(()), Err)
    }
}

/// The number on the wire; 0 says that all is well.
fn wire_code(error: Option<ErrorCode>) -> i16 {
    error.map_or(0, ErrorCode::code)
}

fn text(text: impl Into<String>) -> StrBytes {
    StrBytes::from_string(text.into())
}
