//! A request that is sent while its sound is heard.

use std::future::pending;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::Response;
use tokio::sync::mpsc;

use super::recording::Recording;
use crate::net::{Incoming, NetError};

/// What becomes of a request.
pub(super) type Answer = Result<Response<Incoming>, NetError>;

/// A request in progress.
pub(super) type Asking<'a> = Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// The request, and the way into its body. Dropping it breaks the request off: a body without its
/// end is never taken for a whole one.
pub(super) struct Upload<'a> {
    answer: Asking<'a>,
    /// `None` marks the end. Gone once the end was sent, or nobody reads.
    body: Option<mpsc::Sender<Option<Bytes>>>,
}

impl<'a> Upload<'a> {
    /// Begins with `head`, and ends with `tail`. `ask` makes the request of its body.
    pub(super) fn begin(
        head: Bytes,
        tail: Bytes,
        ask: impl FnOnce(Pin<Box<dyn Stream<Item = Bytes> + Send>>) -> Asking<'a>,
    ) -> Self {
        let (sender, pieces) = mpsc::channel(PIECES);
        let sound = stream::unfold(pieces, |mut pieces| async move {
            match pieces.recv().await {
                Some(piece) => Some((piece?, pieces)),
                None => pending().await,
            }
        });
        let ends = |piece| stream::iter([piece]);
        let answer = ask(Box::pin(ends(head).chain(sound).chain(ends(tail))));
        Self { answer, body: Some(sender) }
    }

    /// Sends what there is of the recording; resolves when the service answers, which may be
    /// early. Cancel-safe.
    pub(super) async fn answer(&mut self, recording: &mut Recording) -> Answer {
        while recording.has_more()
            && let Some(body) = &self.body
        {
            let is_read = tokio::select! {
                biased;
                room = body.reserve() => room.map(|room| room.send(Some(recording.take()))).is_ok(),
                answer = &mut self.answer => return answer,
            };
            if !is_read {
                self.body = None;
            }
        }
        (&mut self.answer).await
    }

    /// Sends the rest and the end; resolves when the service answers.
    pub(super) async fn finish(&mut self, recording: &mut Recording) -> Answer {
        while let Some(body) = &self.body {
            let goes_on = tokio::select! {
                biased;
                room = body.reserve() => room.is_ok_and(|room| {
                    let more = recording.has_more().then(|| recording.take());
                    let goes_on = more.is_some();
                    room.send(more);
                    goes_on
                }),
                answer = &mut self.answer => return answer,
            };
            if !goes_on {
                self.body = None;
            }
        }
        (&mut self.answer).await
    }
}

/// Pieces on their way: what has no room stays in the recording, and goes as one.
const PIECES: usize = 16;
