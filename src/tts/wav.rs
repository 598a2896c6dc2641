//! The head of a WAV file that comes through a pipe.
//!
//! The lengths in it are not believed: a program that writes to a pipe does not know them yet.
//! The sound goes on to the end of the pipe.

use crate::audio::SampleRate;

/// What the head says, once it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) rate: SampleRate,
    /// Where the samples begin.
    pub(super) len: usize,
}

/// Reads the head of a file that begins with `bytes`: `None` when more bytes are needed.
///
/// # Errors
///
/// What is wrong, when it is not mono 16-bit PCM.
pub(super) fn head(bytes: &[u8]) -> Result<Option<Head>, &'static str> {
    let magic = bytes.len().min(4);
    if bytes[..magic] != b"RIFF"[..magic] {
        return Err("its output is no WAV sound");
    }
    let Some(form) = bytes.get(8..12) else { return Ok(None) };
    if form != b"WAVE" {
        return Err("its output is no WAV sound");
    }
    let mut rate = None;
    let mut at = 12;
    while let Some(header) = bytes.get(at..at + 8) {
        let body = at + 8;
        if &header[..4] == b"data" {
            let rate = rate.ok_or("its WAV output does not say its format")?;
            return Ok(Some(Head { rate, len: body }));
        }
        let len = u32_at(header, 4) as usize;
        if len > MAX_HEAD || body > MAX_HEAD {
            return Err("its WAV output has no sound in its first bytes");
        }
        if &header[..4] == b"fmt " {
            let Some(format) = bytes.get(body..body + 16) else { return Ok(None) };
            rate = Some(format_rate(format)?);
        }
        at = body + len.next_multiple_of(2);
    }
    Ok(None)
}

fn format_rate(format: &[u8]) -> Result<SampleRate, &'static str> {
    let (encoding, channels, bits) = (u16_at(format, 0), u16_at(format, 2), u16_at(format, 14));
    if (encoding, channels, bits) != (PCM, 1, 16) {
        return Err("its WAV output is not mono 16-bit PCM");
    }
    SampleRate::new(u32_at(format, 4)).ok_or("its WAV output says 0 Hz")
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

const PCM: u16 = 1;

/// A head longer than this is not one.
const MAX_HEAD: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wav(extra: &[u8], rate: u32, channels: u16) -> Vec<u8> {
        let mut bytes = b"RIFF\xff\xff\xff\xffWAVE".to_vec();
        bytes.extend(extra);
        bytes.extend(b"fmt \x10\0\0\0\x01\0");
        bytes.extend(channels.to_le_bytes());
        bytes.extend(rate.to_le_bytes());
        bytes.extend([0, 0, 0, 0, 2, 0, 16, 0]);
        bytes.extend(b"data\0\0\0\0");
        bytes
    }

    #[test]
    fn the_head_is_known_at_its_last_byte_whatever_its_lengths_say() {
        let bytes = wav(b"", 16_000, 1);
        for len in 0..bytes.len() {
            assert_eq!(head(&bytes[..len]), Ok(None), "{len}");
        }
        assert_eq!(head(&bytes), Ok(Some(Head { rate: SampleRate::SPEECH, len: 44 })));
    }

    #[test]
    fn other_chunks_are_skipped() {
        let bytes = wav(b"LIST\x03\0\0\0abc\0", 22_050, 1);
        assert_eq!(head(&bytes).unwrap().unwrap().len, 56);
    }

    #[test]
    fn what_is_not_mono_16_bit_sound_is_refused() {
        assert!(head(b"ID3").is_err());
        assert!(head(b"RIFF....AVI ").is_err());
        assert!(head(&wav(b"", 16_000, 2)).is_err());
        assert!(head(&wav(b"", 0, 1)).is_err());
        assert!(head(&wav(b"junk\xff\xff\xff\xff", 16_000, 1)).is_err());
        assert!(head(b"RIFF\0\0\0\0WAVEdata\0\0\0\0").is_err());
    }

    proptest! {
        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..100), flip in 0usize..44) {
            let _ = head(&bytes);
            let mut bytes = wav(&bytes, 16_000, 1);
            bytes[flip] ^= 0xff;
            let _ = head(&bytes);
        }
    }
}
