//! What was heard of an utterance, kept until it is transcribed.

use bytes::Bytes;

/// The sound so far: 16-bit samples, at most a minute of them.
///
/// Of a longer utterance, what was sent is let go; it cannot be sent again.
#[derive(Debug, Default)]
pub(super) struct Recording {
    sound: Vec<u8>,
    /// How many bytes of `sound` were sent.
    sent: usize,
    /// Its beginning was let go.
    cut: bool,
}

/// A minute waits to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Recording {
    /// Adds sound.
    pub(super) fn push(&mut self, samples: &[i16]) -> Result<(), Full> {
        self.sound.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        if self.sound.len() > LONGEST {
            self.cut |= self.sent > 0;
            self.sound.drain(..self.sent);
            self.sent = 0;
        }
        if self.sound.len() > LONGEST { Err(Full) } else { Ok(()) }
    }

    /// Whether there is sound that was not sent.
    pub(super) fn has_more(&self) -> bool {
        self.sent < self.sound.len()
    }

    /// The sound that was not sent; it is now.
    pub(super) fn take(&mut self) -> Bytes {
        let more = Bytes::copy_from_slice(&self.sound[self.sent..]);
        self.sent = self.sound.len();
        more
    }

    /// All of it is to be sent again.
    pub(super) fn rewind(&mut self) {
        self.sent = 0;
    }

    /// All of the sound, if it is still there.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        (!self.cut).then_some(&self.sound)
    }
}

/// In bytes: a minute. A turn lasts 30 s by default.
const LONGEST: usize = 60 * 32_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_kept_up_to_a_minute() {
        let mut recording = Recording::default();
        recording.push(&[1, -2]).unwrap();
        assert_eq!(recording.take(), [1, 0, 0xfe, 0xff][..]);
        assert!(!recording.has_more());
        recording.push(&vec![0; LONGEST / 2 - 2]).unwrap();
        assert_eq!(recording.whole().unwrap().len(), LONGEST);
        recording.push(&[7]).unwrap();
        assert_eq!(recording.whole(), None);
        assert_eq!(recording.take().len(), LONGEST - 4 + 2);
    }

    #[test]
    fn a_minute_that_was_not_sent_is_too_much() {
        let mut recording = Recording::default();
        recording.push(&vec![0; LONGEST / 2]).unwrap();
        assert_eq!(recording.push(&[0]), Err(Full));
    }
}
