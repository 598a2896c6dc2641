//! Samples in binary messages: little-endian, 16 bits, of any length.

use bytes::Bytes;

/// Cuts messages into whole samples. A sample may lie across two messages.
#[derive(Debug, Default)]
pub(super) struct Frames {
    /// The first half of a sample, whose second half comes with the next message.
    half: Option<u8>,
}

impl Frames {
    /// The samples of a message, in pieces of at most 40 ms.
    pub(super) fn cut(&mut self, mut message: Bytes) -> impl Iterator<Item = Bytes> + use<> {
        let mut joint = None;
        if !message.is_empty()
            && let Some(half) = self.half.take()
        {
            joint = Some(Bytes::copy_from_slice(&[half, message[0]]));
            message = message.slice(1..);
        }
        if message.len() % 2 == 1 {
            self.half = message.last().copied();
            message.truncate(message.len() - 1);
        }
        let pieces = std::iter::from_fn(move || {
            let length = message.len().min(PIECE);
            (length > 0).then(|| message.split_to(length))
        });
        joint.into_iter().chain(pieces)
    }
}

/// The samples that whole samples' bytes stand for.
pub(super) fn samples(bytes: &[u8]) -> impl Iterator<Item = i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
}

/// The bytes of samples.
pub(super) fn bytes(samples: &[i16]) -> Bytes {
    samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
}

/// In bytes: 40 ms at 16 kHz.
const PIECE: usize = 1280;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(messages: &[&[u8]]) -> Vec<i16> {
        let mut frames = Frames::default();
        let mut cut = Vec::new();
        for message in messages {
            for piece in frames.cut(Bytes::copy_from_slice(message)) {
                assert!(!piece.is_empty() && piece.len() % 2 == 0 && piece.len() <= PIECE);
                cut.extend(samples(&piece));
            }
        }
        cut
    }

    #[test]
    fn half_a_sample_waits_for_its_other_half() {
        assert_eq!(cut(&[&[1], &[0, 2], &[], &[0], &[3]]), [1, 2]);
        assert_eq!(cut(&[&[0xff, 0xff, 0x00], &[0x80]]), [-1, i16::MIN]);
    }

    proptest! {
        #[test]
        fn however_it_is_cut_no_sample_is_lost(
            sound in prop::collection::vec(any::<i16>(), 0..3000),
            cuts in prop::collection::vec(0_usize..6000, 0..20),
        ) {
            let whole = bytes(&sound);
            let mut cuts: Vec<_> = cuts.into_iter().map(|at| at.min(whole.len())).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let messages: Vec<_> = cuts.windows(2).map(|at| &whole[at[0]..at[1]]).collect();
            prop_assert_eq!(cut(&messages), sound);
        }
    }
}
