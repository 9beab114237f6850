//! The byte stream of a connection, with what is worth knowing when it breaks.
//!
//! hyper and tonic wrap an I/O error several times over; the TLS alert that a server sends after the
//! handshake (`certificate required`) would be lost in there. So the stream itself keeps it.

use std::io;
use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::observation::{Layer, Outage};

/// Bytes of the first answer that are kept to say what it was instead of HTTP.
const HEAD: usize = 32;

/// What passed over one connection.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes read so far.
    pub read: u64,
    /// The first bytes read.
    pub head: Vec<u8>,
    /// The first failure of the stream.
    pub broke: Option<Outage>,
}

/// Shared with whoever asks after a failure.
pub type Shared = Arc<Mutex<Traffic>>;

pub fn look(traffic: &Mutex<Traffic>) -> MutexGuard<'_, Traffic> {
    traffic.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Anything that bytes go through both ways.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Turns an I/O error, after so many bytes read, into an outage with the right layer.
pub type NameError = Box<dyn Fn(&io::Error, u64) -> Outage + Send>;

/// A connection, plain or TLS.
pub struct Wire {
    inner: Box<dyn Duplex>,
    traffic: Shared,
    name_error: NameError,
    heard: Heard,
}

/// When a byte last came, over any connection of a connector: nanoseconds of a [`Stamp`].
///
/// [`Stamp`]: crate::clock::Stamp
pub type Heard = Arc<AtomicU64>;

impl Wire {
    pub fn new(inner: Box<dyn Duplex>, name_error: NameError, heard: Heard) -> Self {
        Self {
            inner,
            traffic: Shared::default(),
            name_error,
            heard,
        }
    }

    pub fn traffic(&self) -> Shared {
        self.traffic.clone()
    }

    fn note<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &result {
            let mut traffic = look(&self.traffic);
            let outage = (self.name_error)(error, traffic.read);
            // A write may fail because the peer is gone before its alert, which says why, is read.
            if traffic.broke.is_none() || outage.layer == Layer::Tls {
                traffic.broke = Some(outage);
            }
        }
        result
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.inner).poll_read(cx, buf);
        let fresh = &buf.filled()[before..];
        if !fresh.is_empty() {
            self.heard.store(crate::clock::stamp().0, Relaxed);
            let mut traffic = look(&self.traffic);
            traffic.read += fresh.len() as u64;
            let room = HEAD.saturating_sub(traffic.head.len());
            traffic.head.extend(fresh.iter().take(room));
        }
        self.note(result)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.note(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.inner).poll_flush(cx);
        self.note(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A failed goodbye says nothing about the answer, so it is not kept.
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
