//! The body of an answer, as it comes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, Stream, StreamExt as _};
use tieline_core::http::ProviderHttpError;
use tieline_oauth::PieceStream;

use crate::bulkhead::Seat;
use crate::call::LONGEST_ANSWER;

/// The body of an answer: a stream of its pieces, as they come. The call is under way until it is read to its end or dropped.
pub struct AnswerBody {
    pieces: PieceStream,
    seat: Option<Seat>,
    provider: &'static str,
}

impl AnswerBody {
    pub(crate) fn new(pieces: PieceStream, seat: Seat, provider: &'static str) -> Self {
        Self {
            pieces,
            seat: Some(seat),
            provider,
        }
    }

    pub(crate) fn provider(&self) -> &'static str {
        self.provider
    }

    /// All of it, in memory.
    ///
    /// # Errors
    /// When it is longer than [`LONGEST_ANSWER`], or breaks off.
    pub async fn bytes(self) -> Result<Bytes, ProviderHttpError> {
        gather(self.pieces).await
    }
}

impl Stream for AnswerBody {
    type Item = Result<Bytes, ProviderHttpError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.pieces.as_mut().poll_next(context);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.seat = None;
        }
        polled
    }
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").finish_non_exhaustive()
    }
}

/// All pieces, in memory.
pub(crate) async fn gather(pieces: PieceStream) -> Result<Bytes, ProviderHttpError> {
    match read_ahead(pieces, LONGEST_ANSWER).await? {
        Ahead::Whole(body) => Ok(body),
        Ahead::More(_) => Err(ProviderHttpError::permanent(
            "the answer is longer than 32 MiB",
        )),
    }
}

/// What was found by reading ahead.
pub(crate) enum Ahead {
    /// The body to its end.
    Whole(Bytes),
    /// It is longer: all of it, from its beginning.
    More(PieceStream),
}

/// Reads up to so many bytes.
pub(crate) async fn read_ahead(
    mut pieces: PieceStream,
    most: usize,
) -> Result<Ahead, ProviderHttpError> {
    let mut body = BytesMut::new();
    while let Some(piece) = pieces.next().await.transpose()? {
        if body.len() + piece.len() > most {
            let read = [Ok(body.freeze()), Ok(piece)];
            return Ok(Ahead::More(Box::pin(stream::iter(read).chain(pieces))));
        }
        body.extend_from_slice(&piece);
    }
    Ok(Ahead::Whole(body.freeze()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(lengths: &[usize]) -> PieceStream {
        let pieces: Vec<_> = lengths
            .iter()
            .map(|it| Ok(Bytes::from(vec![b'x'; *it])))
            .collect();
        Box::pin(stream::iter(pieces))
    }

    #[tokio::test]
    async fn what_is_too_long_is_not_held_in_memory_and_nothing_of_it_is_lost() {
        assert!(matches!(
            read_ahead(pieces(&[3, 4]), 7).await.unwrap(),
            Ahead::Whole(body) if body.len() == 7
        ));
        let Ahead::More(rest) = read_ahead(pieces(&[3, 4, 5]), 7).await.unwrap() else {
            unreachable!("it is longer");
        };
        assert_eq!(gather(rest).await.unwrap().len(), 12);
        let piece = LONGEST_ANSWER / 4;
        assert_eq!(
            gather(pieces(&[piece; 4])).await.unwrap().len(),
            LONGEST_ANSWER
        );
        assert!(
            gather(pieces(&[piece, piece, piece, piece, 1]))
                .await
                .is_err()
        );
    }
}
