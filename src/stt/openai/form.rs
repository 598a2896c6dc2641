//! The form that a recording is sent in: some fields, then a WAV file, of which only the samples
//! may be still unknown.

use std::fmt::Write;

use bytes::Bytes;

/// A form (`multipart/form-data`) without the samples of its file.
#[derive(Debug)]
pub(super) struct Form {
    boundary: String,
    fields: String,
}

impl Form {
    /// A form with these fields before its file `audio.wav`.
    pub(super) fn new(fields: &[(&str, &str)]) -> Self {
        let mut boundary = BOUNDARY.to_owned();
        while fields.iter().any(|(_, value)| value.contains(&boundary)) {
            boundary.push('-');
        }
        let mut text = String::new();
        for (name, value) in fields {
            let _infallible = write!(
                text,
                "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
        }
        let _infallible = write!(
            text,
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; \
             filename=\"audio.wav\"\r\nContent-Type: audio/wav\r\n\r\n"
        );
        Self { boundary, fields: text }
    }

    /// The header `content-type` of the request.
    pub(super) fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// All before the samples, of which there are so many bytes, if that is known.
    pub(super) fn head(&self, sound: Option<u32>) -> Bytes {
        let mut head = Vec::with_capacity(self.fields.len() + 44);
        head.extend(self.fields.as_bytes());
        head.extend(wav_head(sound));
        head.into()
    }

    /// All after the samples.
    pub(super) fn tail(&self) -> Bytes {
        format!("\r\n--{}--\r\n", self.boundary).into()
    }

    /// The whole form.
    pub(super) fn whole(&self, sound: &[u8]) -> Bytes {
        let len = u32::try_from(sound.len()).ok();
        [&*self.head(len), sound, &*self.tail()].concat().into()
    }
}

/// The head of a WAV file of 16 kHz, mono, 16 bits. An unknown length is the largest number, as
/// `ffmpeg` writes it into a pipe.
fn wav_head(sound: Option<u32>) -> Vec<u8> {
    let mut head = Vec::with_capacity(44);
    head.extend(b"RIFF");
    head.extend(sound.map_or(u32::MAX, |len| len.saturating_add(36)).to_le_bytes());
    head.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    head.extend(RATE.to_le_bytes());
    head.extend((RATE * 2).to_le_bytes());
    head.extend(b"\x02\0\x10\0data");
    head.extend(sound.unwrap_or(u32::MAX).to_le_bytes());
    head
}

/// No sound holds this, but for one chance in 10^60.
const BOUNDARY: &str = "banter-6f1c0a5b92d74e38";
/// In Hz.
const RATE: u32 = 16_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_form_holds_its_fields_and_a_wav_file() {
        let form = Form::new(&[("model", "whisper-1"), ("prompt", "Tea\r\nfor two")]);
        let whole = form.whole(&[1, 2, 3, 4]);
        let text = whole.escape_ascii().to_string();
        let b = BOUNDARY;
        assert!(text.starts_with(&format!(
            "--{b}\\r\\nContent-Disposition: form-data; name=\\\"model\\\"\\r\\n\\r\\nwhisper-1\\r\\n--{b}"
        )));
        assert!(text.contains("\\r\\n\\r\\nTea\\r\\nfor two\\r\\n--"));
        assert!(text.contains("audio/wav\\r\\n\\r\\nRIFF(\\x00\\x00\\x00WAVEfmt "));
        assert!(text.ends_with(&format!(
            "data\\x04\\x00\\x00\\x00\\x01\\x02\\x03\\x04\\r\\n--{b}--\\r\\n"
        )));
        assert_eq!(form.content_type(), format!("multipart/form-data; boundary={b}"));
    }

    #[test]
    fn an_unknown_length_is_the_largest_number() {
        let head = Form::new(&[]).head(None);
        assert!(head.ends_with(b"data\xff\xff\xff\xff"));
        assert_eq!(head[head.len() - 44..][..8], *b"RIFF\xff\xff\xff\xff");
    }

    #[test]
    fn a_field_cannot_end_the_form() {
        let form = Form::new(&[("prompt", &format!("x\r\n--{BOUNDARY}--\r\n"))]);
        assert_eq!(form.boundary, format!("{BOUNDARY}---"));
    }
}
