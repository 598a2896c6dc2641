//! The way of a request's body.

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::Exchange;
use crate::net::{Body, NetError};
use crate::sim::journal::{Happening, How};
use crate::sim::link::Way;
use crate::sim::weather::{Place, Trouble};

impl Exchange {
    /// The body, when its last byte is there. A piece is taken when the one before has left.
    pub(super) async fn upload(&self, body: Body) -> Result<Bytes, NetError> {
        let mut way = self.way("up");
        let mut sent = 0;
        match body {
            Body::Whole(bytes) => {
                self.piece(&mut way, &mut sent, bytes.len()).await?;
                Ok(bytes)
            }
            Body::Stream(mut pieces) => {
                let mut all = BytesMut::new();
                let mut arrives = self.network.now();
                while let Some(piece) = pieces.next().await {
                    all.extend_from_slice(&piece);
                    arrives = self.leave(&mut way, &mut sent, piece.len()).await?;
                }
                self.until(arrives).await;
                Ok(all.freeze())
            }
        }
    }

    /// Sends a piece, and waits until it is there.
    async fn piece(&self, way: &mut Way, sent: &mut usize, bytes: usize) -> Result<(), NetError> {
        let arrives = self.leave(way, sent, bytes).await?;
        self.until(arrives).await;
        Ok(())
    }

    /// Sends a piece, and waits until it has left. Returns when it is there.
    async fn leave(
        &self,
        way: &mut Way,
        sent: &mut usize,
        bytes: usize,
    ) -> Result<crate::time::SessionTime, NetError> {
        let before = *sent;
        *sent += bytes;
        let strikes = |after: usize| before <= after && after < before + bytes.max(1);
        match self.trouble {
            Some(Trouble::Cut(Place::Up(after))) if strikes(after) => {
                return Err(self.lost(before, "it was cut"));
            }
            Some(Trouble::Stalled(Place::Up(after), length)) if strikes(after) => {
                way.stall(self.network.now(), length);
            }
            _ => {}
        }
        let passage = way.send(self.network.now(), bytes);
        self.until(passage.left).await;
        passage.arrives.ok_or_else(|| self.lost(before, "nothing gets through"))
    }

    fn lost(&self, bytes: usize, reason: &str) -> NetError {
        self.note(Happening::Over { exchange: self.number, bytes, how: How::Cut });
        self.broken_off(reason)
    }
}
