//! Makes sound of what a service of speech answers: raw samples or a WAV file, and nothing that
//! would be noise.

use std::time::Duration;

use super::super::pcm::Pcm;
use super::super::wav;
use crate::audio::{AudioChunk, SampleRate};

/// An answer as it comes.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    raw_rate: SampleRate,
    /// How long the sound may last, and does.
    limit: Duration,
    lasts: Duration,
}

#[derive(Debug)]
enum State {
    /// What it is shows in the first bytes.
    Begins(Vec<u8>),
    Sound(Pcm),
}

impl Decoder {
    /// An answer of this `content-type`, with sound for at most `limit`.
    ///
    /// # Errors
    ///
    /// What the answer is instead of sound.
    pub(super) fn new(content_type: Option<&str>, limit: Duration) -> Result<Self, String> {
        let kind = content_type.unwrap_or_default().to_ascii_lowercase();
        let mut parts = kind.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        if is_other(kind) {
            return Err(instead(kind));
        }
        let said = parts.find_map(|part| part.strip_prefix("rate=")?.parse().ok());
        let raw_rate = said.map_or(Ok(RATE), rate)?;
        let state = State::Begins(Vec::new());
        Ok(Self { state, raw_rate, limit, lasts: Duration::ZERO })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    ///
    /// What they are instead of sound.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), String> {
        match &mut self.state {
            State::Sound(pcm) => pcm.bytes().extend(bytes),
            State::Begins(begun) => {
                begun.extend(bytes);
                if begun.len() >= TELLING {
                    self.begin()?;
                }
            }
        }
        Ok(())
    }

    /// The next chunk, if there is one.
    ///
    /// # Errors
    ///
    /// When the sound lasts too long.
    pub(super) fn chunk(&mut self) -> Result<Option<AudioChunk>, String> {
        let State::Sound(pcm) = &mut self.state else { return Ok(None) };
        let chunk = pcm.chunk();
        self.counted(chunk)
    }

    /// The next chunk when no more bytes come.
    ///
    /// # Errors
    ///
    /// As for [`push`](Self::push) and [`chunk`](Self::chunk), and when there was no sound at all.
    pub(super) fn rest(&mut self) -> Result<Option<AudioChunk>, String> {
        self.begin()?;
        let State::Sound(pcm) = &mut self.state else { return Err("it gave no sound".to_owned()) };
        let chunk = pcm.rest();
        if chunk.is_none() && !pcm.spoke() {
            return Err("it gave no sound".to_owned());
        }
        self.counted(chunk)
    }

    fn counted(&mut self, chunk: Option<AudioChunk>) -> Result<Option<AudioChunk>, String> {
        self.lasts += chunk.as_ref().map_or(Duration::ZERO, AudioChunk::duration);
        if self.lasts > self.limit {
            let limit = self.limit.as_secs_f32();
            return Err(format!("it does not stop: over {limit:.0} s of sound for this text"));
        }
        Ok(chunk)
    }

    /// Finds out what the answer is, if that is still open and its first bytes say it.
    fn begin(&mut self) -> Result<(), String> {
        let State::Begins(begun) = &mut self.state else { return Ok(()) };
        if let Some(other) = other(begun) {
            return Err(instead(other));
        }
        let (from, rate) = match begun.starts_with(b"RIFF") {
            false => (0, self.raw_rate),
            true => match wav::head(begun)? {
                Some(head) => (head.len, rate(head.rate.hz())?),
                None => return Ok(()),
            },
        };
        let mut pcm = Pcm::new(rate);
        pcm.bytes().extend(&begun[from..]);
        self.state = State::Sound(pcm);
        Ok(())
    }
}

/// `hz`, if sound can be played at it.
fn rate(hz: u32) -> Result<SampleRate, String> {
    let rate = SampleRate::new(hz).filter(|rate| (8_000..=192_000).contains(&rate.hz()));
    rate.ok_or_else(|| format!("it speaks at {hz} Hz"))
}

/// Whether a type is that of something else than raw sound or WAV. Some servers send sound
/// without a type of its own.
fn is_other(kind: &str) -> bool {
    match kind.split_once('/') {
        Some(("text" | "image" | "video", _)) => true,
        Some(("audio", sub)) => {
            let other = ["mp", "ogg", "opus", "flac", "aac", "webm", "m4a", "x-m4a", "basic"];
            other.iter().any(|other| sub.starts_with(other))
        }
        Some((_, sub)) => ["json", "xml", "ogg"].iter().any(|other| sub.contains(other)),
        None => false,
    }
}

/// What begins like this, if it is not sound that can be played.
///
/// As samples, these bytes would be a bang that no speech begins with: a match is no accident.
fn other(begun: &[u8]) -> Option<&'static str> {
    match begun {
        [b'I', b'D', b'3', ..] => Some("MP3"),
        [b'O', b'g', b'g', b'S', ..] => Some("Ogg"),
        [b'f', b'L', b'a', b'C', ..] => Some("FLAC"),
        // The frames of MPEG's layer 3, and of AAC.
        [0xff, 0xe2 | 0xe3 | 0xf2 | 0xf3 | 0xfa | 0xfb, ..] => Some("MP3"),
        [0xff, 0xf0 | 0xf1 | 0xf8 | 0xf9, ..] => Some("AAC"),
        [b'<', rest @ ..] if is_text(rest) => Some("a web page"),
        [b'{' | b'[', rest @ ..] if is_text(rest) => Some("JSON"),
        _ => None,
    }
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().take(TELLING - 1).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace())
}

fn instead(what: &str) -> String {
    format!("it sent {what}, not the raw sound (`pcm`) that it was asked for")
}

/// What `pcm` means to OpenAI.
pub(super) const RATE: SampleRate = SampleRate::new(24_000).unwrap();

/// So many bytes show what an answer is: a quarter of a millisecond of sound.
const TELLING: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    /// The samples, and the rate, of an answer that comes in these pieces.
    fn decoded<'a>(
        kind: Option<&str>,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(Vec<i16>, u32), String> {
        let mut decoder = Decoder::new(kind, LONG)?;
        let mut chunks = Vec::new();
        for piece in pieces {
            decoder.push(piece)?;
            while let Some(chunk) = decoder.chunk()? {
                chunks.push(chunk);
            }
        }
        while let Some(chunk) = decoder.rest()? {
            chunks.push(chunk);
        }
        let rate = chunks.first().map_or(0, |chunk| chunk.rate().hz());
        Ok((chunks.iter().flat_map(|chunk| chunk.samples().to_vec()).collect(), rate))
    }

    fn wav(hz: u32, bits: u16) -> Vec<u8> {
        let mut bytes = b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
        bytes.extend(hz.to_le_bytes());
        bytes.extend([0, 0, 0, 0, 2, 0]);
        bytes.extend(bits.to_le_bytes());
        bytes.extend(b"data\xff\xff\xff\xff");
        bytes
    }

    #[test]
    fn raw_sound_is_the_same_wherever_it_is_split() {
        let samples: Vec<i16> = (0..3_000).collect();
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let expected = Ok((samples, 24_000));
        for size in [1, 2, 3, 7, 11, 13, 959, 6_000] {
            assert_eq!(decoded(Some("audio/pcm"), bytes.chunks(size)), expected, "{size}");
        }
        assert_eq!(decoded(None, [&b"\x01\0\x02"[..]]), Ok((vec![1], 24_000)));
    }

    #[test]
    fn a_wav_file_is_read_at_its_own_rate() {
        let mut bytes = wav(22_050, 16);
        bytes.extend([1, 0, 2, 0]);
        for size in [1, 5, 43, 45, 100] {
            let sound = decoded(Some("audio/wav"), bytes.chunks(size));
            assert_eq!(sound, Ok((vec![1, 2], 22_050)), "{size}");
        }
        let raw = decoded(Some("audio/pcm; rate=16000; channels=1"), [&[0u8; 20][..]]);
        assert_eq!(raw, Ok((vec![0; 10], 16_000)));
    }

    #[test]
    fn what_is_no_sound_is_never_played() {
        for (kind, bytes) in [
            (Some("audio/mpeg"), &[0; 20][..]),
            (Some("audio/ogg; codecs=opus"), &[0; 20]),
            (Some("application/json"), b"{\"error\":\"no\"}"),
            (Some("text/html; charset=utf-8"), b"<html>"),
            (None, b"ID3\x04\0\0\0\0\0\0\0\0\0"),
            (Some("audio/pcm"), b"\xff\xfb\x90\x64\0\0\0\0\0\0\0\0\0"),
            (Some("audio/pcm"), b"OggS\0\x02\0\0\0\0\0\0\0\0"),
            (None, b"fLaC\0\0\0\x22\x10\0\x10\0\0"),
            (Some("application/octet-stream"), b"<!DOCTYPE html>"),
            (None, b"{\"error\": {\"message\": \"no\"}}"),
            (None, b"{}"),
            (None, b""),
            (None, b"\x01"),
            (None, &wav(24_000, 8)),
            (None, &wav(7, 16)),
            (None, &wav(24_000, 16)),
            (None, &wav(24_000, 16)[..30]),
            (Some("audio/pcm; rate=1"), &[0; 20]),
        ] {
            let sound = decoded(kind, [bytes]);
            assert!(sound.is_err(), "{kind:?} {}: {sound:?}", bytes.escape_ascii());
        }
    }

    #[test]
    fn quiet_sound_is_not_taken_for_anything_else() {
        for start in [i16::from_le_bytes([b'{', 0]), i16::from_le_bytes([b'<', 1]), -1, 0] {
            let bytes: Vec<u8> = [start, 5, -1, -300, 80, 9, 7].map(i16::to_le_bytes).concat();
            assert!(decoded(Some("audio/pcm"), [&*bytes]).is_ok(), "{start}");
        }
    }

    #[test]
    fn sound_without_end_is_cut_off() {
        let mut decoder = Decoder::new(None, Duration::from_secs(1)).unwrap();
        let second = || {
            decoder.push(&[0; 4_800])?;
            decoder.chunk()
        };
        let good = std::iter::repeat_with(second).take_while(Result::is_ok).take(100).count();
        assert_eq!(good, 10);
    }
}
