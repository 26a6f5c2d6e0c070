//! [`TlsStream`]: TLS over a stream, with the manners of a socket.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client;

use crate::io::Stream;

/// A TLS connection that sends what it was given without being told to flush.
///
/// The owner must keep reading: what the socket did not take at once is sent on along with reads.
pub(super) struct TlsStream {
    inner: client::TlsStream<Stream>,
    /// Whether encrypted bytes may still wait for the socket.
    is_unsent: bool,
}

impl TlsStream {
    pub(super) fn new(inner: client::TlsStream<Stream>) -> Self {
        Self { inner, is_unsent: true }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.is_unsent {
            ready!(Pin::new(&mut self.inner).poll_flush(context))?;
            self.is_unsent = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what was just taken, as far as the socket goes.
    fn sent(
        &mut self,
        context: &mut Context<'_>,
        written: io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        self.is_unsent = true;
        if let (Ok(_), Poll::Ready(Err(error))) = (&written, self.poll_send(context)) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(written)
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(Err(error)) = self.poll_send(context) {
            return Poll::Ready(Err(error));
        }
        match ready!(Pin::new(&mut self.inner).poll_read(context, buffer)) {
            // An end without TLS's own farewell is an end: Kafka's frames show what is missing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Poll::Ready(Ok(())),
            read => Poll::Ready(read),
        }
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes));
        self.sent(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write_vectored(context, slices));
        self.sent(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.is_unsent = true;
        self.poll_send(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }
}
