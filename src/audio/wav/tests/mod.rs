mod damaged;
mod read;
mod write;

use crate::lacking::lacking;
use std::io::Cursor;
use std::path::Path;

use super::{WavError, WavFault, WavReader};
use crate::audio::SampleRate;

type MemoryReader = WavReader<Cursor<Vec<u8>>>;

fn open(bytes: Vec<u8>) -> Result<MemoryReader, WavFault> {
    WavReader::over(Cursor::new(bytes), Path::new("sound.wav")).map_err(|error| error.fault)
}

fn all(bytes: Vec<u8>) -> Vec<i16> {
    open(bytes).unwrap().read_all().unwrap().samples().to_vec()
}

/// A WAV file with one chunk `fmt ` and one chunk `data`.
fn wav(tag: u16, channels: u16, rate: u32, bits: u16, data: &[u8]) -> Vec<u8> {
    let frame = channels.wrapping_mul(bits / 8);
    let mut format = Vec::new();
    format.extend(tag.to_le_bytes());
    format.extend(channels.to_le_bytes());
    format.extend(rate.to_le_bytes());
    format.extend(rate.wrapping_mul(frame.into()).to_le_bytes());
    format.extend(frame.to_le_bytes());
    format.extend(bits.to_le_bytes());
    riff(&[(b"fmt ", &format), (b"data", data)])
}

fn riff(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (name, data) in chunks {
        body.extend(*name);
        body.extend((data.len() as u32).to_le_bytes());
        body.extend(*data);
        body.resize(body.len().next_multiple_of(2), 0);
    }
    let mut file = b"RIFF".to_vec();
    file.extend((body.len() as u32).to_le_bytes());
    file.extend(body);
    file
}

fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}
