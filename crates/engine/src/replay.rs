//! Bodies that can be sent twice: those in memory, and those in pieces as long as little of them was taken.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use tieline_oauth::{ByteStream, CallBody};

/// So much of a body in pieces is kept while it is sent: 64 KiB.
pub(crate) const KEPT: usize = 64 << 10;

/// The body of a call, to be sent once and perhaps once more.
pub(crate) enum Replayable {
    Bytes(Bytes),
    Stream(Arc<Mutex<Source>>),
}

/// A body in pieces, with those that were taken from it, until they are too many.
pub(crate) struct Source {
    /// `None` once it is sent again: whoever sent it first gets nothing more.
    pieces: Option<ByteStream>,
    kept: Option<Vec<Bytes>>,
    length: usize,
}

impl Replayable {
    pub(crate) fn of(body: CallBody) -> Self {
        match body {
            CallBody::Bytes(bytes) => Self::Bytes(bytes),
            CallBody::Stream(pieces) => Self::Stream(Arc::new(Mutex::new(Source {
                // It is asked again after its end.
                pieces: Some(Box::pin(pieces.fuse())),
                kept: Some(Vec::new()),
                length: 0,
            }))),
        }
    }

    /// To be sent first.
    pub(crate) fn first(&self) -> CallBody {
        match self {
            Self::Bytes(bytes) => CallBody::Bytes(bytes.clone()),
            Self::Stream(source) => CallBody::Stream(Box::pin(Kept(Arc::clone(source)))),
        }
    }

    /// To be sent again; `None` where more was taken than is kept. What is still being sent of the first breaks off.
    pub(crate) fn again(self) -> Option<CallBody> {
        match self {
            Self::Bytes(bytes) => Some(CallBody::Bytes(bytes)),
            Self::Stream(source) => {
                let mut source = source.lock().unwrap_or_else(PoisonError::into_inner);
                let kept = source.kept.take()?;
                let rest = source.pieces.take()?;
                let kept = stream::iter(kept.into_iter().map(Ok));
                Some(CallBody::Stream(Box::pin(kept.chain(rest))))
            }
        }
    }
}

/// Takes pieces, and keeps them.
struct Kept(Arc<Mutex<Source>>);

impl Stream for Kept {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut source = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pieces) = &mut source.pieces else {
            let again = io::Error::other("the request is being sent again");
            return Poll::Ready(Some(Err(again)));
        };
        let polled = pieces.as_mut().poll_next(context);
        match &polled {
            Poll::Ready(Some(Ok(piece))) => source.keep(piece),
            Poll::Ready(Some(Err(_))) => source.kept = None,
            Poll::Ready(None) | Poll::Pending => {}
        }
        polled
    }
}

impl Source {
    fn keep(&mut self, piece: &Bytes) {
        self.length = self.length.saturating_add(piece.len());
        match &mut self.kept {
            Some(kept) if self.length <= KEPT => kept.push(piece.clone()),
            kept => *kept = None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(lengths: &[usize]) -> Replayable {
        let pieces: Vec<_> = lengths
            .iter()
            .map(|it| Ok(Bytes::from(vec![b'x'; *it])))
            .collect();
        Replayable::of(CallBody::Stream(Box::pin(stream::iter(pieces))))
    }

    async fn length(body: CallBody) -> usize {
        let CallBody::Stream(pieces) = body else {
            unreachable!("it is a stream");
        };
        let pieces: Vec<_> = pieces.collect().await;
        pieces.into_iter().map(|piece| piece.unwrap().len()).sum()
    }

    #[tokio::test]
    async fn a_short_one_is_sent_again_whole() {
        let body = body(&[KEPT - 5, 5]);
        assert_eq!(length(body.first()).await, KEPT);
        assert_eq!(length(body.again().unwrap()).await, KEPT);
    }

    #[tokio::test]
    async fn of_a_long_one_nothing_is_kept() {
        let body = body(&[KEPT, 1]);
        assert_eq!(length(body.first()).await, KEPT + 1);
        assert!(body.again().is_none());
    }

    #[tokio::test]
    async fn a_long_one_of_which_little_was_taken_goes_on_where_it_stands() {
        let body = body(&[5, KEPT, 7]);
        let CallBody::Stream(mut first) = body.first() else {
            unreachable!("it is a stream");
        };
        assert_eq!(first.next().await.unwrap().unwrap().len(), 5);
        assert_eq!(length(body.again().unwrap()).await, KEPT + 12);
        assert!(first.next().await.unwrap().is_err(), "cut off, not ended");
    }

    #[tokio::test]
    async fn one_that_broke_off_is_not_sent_again() {
        let pieces = [Ok(Bytes::from_static(b"x")), Err(io::Error::other("gone"))];
        let body = Replayable::of(CallBody::Stream(Box::pin(stream::iter(pieces))));
        let CallBody::Stream(first) = body.first() else {
            unreachable!("it is a stream");
        };
        assert_eq!(first.collect::<Vec<_>>().await.len(), 2);
        assert!(body.again().is_none());
    }
}
