//! Speech.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Deserialize;

use super::Delays;
use super::plan::Reply;
use super::voice::{self, Voice};

/// Answers with the sound of the text.
pub(super) fn answer(body: &[u8], delays: &Delays, voice: &Voice) -> Reply {
    match Asked::of(body) {
        Ok(asked) => asked.reply(delays, voice),
        Err(message) => Reply::refusal(400, &message),
    }
}

/// How many samples come in a piece.
pub(super) fn piece(delays: &Delays) -> usize {
    let samples = delays.chunk.as_secs_f64() * f64::from(voice::RATE);
    (samples.round() as usize).max(1)
}

/// What cannot be played.
pub(super) const NONSENSE: &[u8] = b"<html><body>502 Bad Gateway</body></html>\n";

#[derive(Deserialize)]
struct Asked {
    #[serde(default)]
    model: String,
    #[serde(default)]
    input: String,
    response_format: Option<String>,
    speed: Option<f64>,
}

impl Asked {
    fn of(body: &[u8]) -> Result<Self, String> {
        let asked: Self = serde_json::from_slice(body)
            .map_err(|error| format!("the request cannot be read: {error}"))?;
        if asked.model.is_empty() {
            return Err("you must provide a model parameter".to_owned());
        }
        if asked.input.trim().is_empty() {
            return Err("you must provide an input parameter".to_owned());
        }
        if asked.input.chars().count() > LONGEST {
            return Err(format!("input must not be longer than {LONGEST} characters"));
        }
        if !(0.25..=4.0).contains(&asked.speed()) {
            return Err("speed must be from 0.25 to 4".to_owned());
        }
        match asked.response_format.as_deref() {
            Some("pcm" | "wav") => Ok(asked),
            _ => Err("response_format must be pcm or wav here".to_owned()),
        }
    }

    fn speed(&self) -> f64 {
        self.speed.unwrap_or(1.0)
    }

    fn reply(&self, delays: &Delays, voice: &Voice) -> Reply {
        let all = voice::samples(&self.input, self.speed());
        let is_wav = self.response_format.as_deref() == Some("wav");
        let mut reply = Reply::new(if is_wav { "audio/wav" } else { "audio/pcm" });
        let (mut from, piece) = (0, piece(delays));
        while from < all {
            let len = piece.min(all - from);
            let sound = voice.piece(from, len);
            reply = match from {
                0 if is_wav => reply.then(delays.first_byte, wav(all, &sound)),
                0 => reply.then(delays.first_byte, sound),
                _ => reply.then(delays.chunk_every, sound),
            };
            from += len;
        }
        reply
    }
}

/// The head of a WAV file with so many samples, and its first ones.
fn wav(samples: usize, sound: &Bytes) -> Bytes {
    let bytes = u32::try_from(samples * 2).unwrap_or(u32::MAX);
    let mut file = BytesMut::with_capacity(44 + sound.len());
    file.put_slice(b"RIFF");
    file.put_u32_le(bytes.saturating_add(36));
    file.put_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    file.put_u32_le(voice::RATE);
    file.put_u32_le(voice::RATE * 2);
    file.put_slice(b"\x02\0\x10\0data");
    file.put_u32_le(bytes);
    file.put_slice(sound);
    file.freeze()
}

/// In characters, as OpenAI has it.
const LONGEST: usize = 4_096;
