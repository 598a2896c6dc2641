//! The order in which every codec tells what happens, whatever the other side does.

use crate::duplex::{Decoded, DuplexEvent, ReplyId};

/// Watches a codec: an answer begins once and ends once, and everything of it lies in between.
#[derive(Debug, Default)]
pub(in crate::duplex) struct Order {
    last: Option<ReplyId>,
    open: Option<ReplyId>,
}

impl Order {
    /// Takes what was decoded.
    pub(in crate::duplex) fn check(&mut self, decoded: &mut Decoded) {
        for event in decoded.events.drain(..) {
            match event {
                DuplexEvent::ReplyStarted { reply, .. } => {
                    assert_eq!(self.open, None, "{reply} begins within another");
                    assert!(self.last < Some(reply), "{reply} is no new one");
                    (self.last, self.open) = (Some(reply), Some(reply));
                }
                DuplexEvent::Text { reply, ref delta } => {
                    assert_eq!(self.open, Some(reply), "words");
                    assert!(!delta.is_empty());
                }
                DuplexEvent::Sound { reply, ref audio } => {
                    assert_eq!(self.open, Some(reply), "sound");
                    assert!(!audio.samples().is_empty());
                }
                DuplexEvent::ToolCall { reply, .. } => assert_eq!(self.open, Some(reply), "a call"),
                DuplexEvent::ReplyEnded { reply, .. } => {
                    assert_eq!(self.open.take(), Some(reply), "an end");
                }
                _ => {}
            }
        }
    }

    /// The connection was lost: nothing goes on.
    pub(in crate::duplex) fn check_lost(&mut self, decoded: &mut Decoded) {
        self.check(decoded);
        assert_eq!(self.open, None, "an answer goes on without a connection");
    }
}
