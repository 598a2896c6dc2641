//! What stands before the samples of a WAV file.
//!
//! Read here and not by `hound`, which does not say what is wrong with a file, does not skip the
//! padding of odd chunks, and believes the length of the sound.

use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroU16;

use super::WavFault;
use crate::audio::{SampleRate, convert};

/// How the samples are stored, and where. The input stands at their start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) encoding: Encoding,
    pub(super) rate: SampleRate,
    pub(super) channels: NonZeroU16,
    /// Samples of each channel. The file has them all.
    pub(super) frames: u64,
}

impl Header {
    /// Reads up to the first sample.
    pub(super) fn read(input: &mut (impl Read + Seek)) -> Result<Self, WavFault> {
        let size = input.seek(SeekFrom::End(0)).map_err(WavFault::Read)?;
        input.seek(SeekFrom::Start(0)).map_err(WavFault::Read)?;
        riff(input, size)?;
        let mut format = None;
        for _ in 0..MAX_CHUNKS {
            let [a, b, c, d, length @ ..] = bytes::<8>(input)?;
            let length = u64::from(u32::from_le_bytes(length));
            match &[a, b, c, d] {
                b"fmt " => format = Some(read_format(input, length)?),
                b"data" => {
                    let format = format.ok_or(WavFault::Header("sound before its format"))?;
                    let start = input.stream_position().map_err(WavFault::Read)?;
                    return finish(format, length, size.saturating_sub(start));
                }
                _ => skip(input, length)?,
            }
        }
        Err(WavFault::Header("too much stands before the sound"))
    }

    /// Bytes of one sample of every channel.
    pub(super) fn frame_bytes(&self) -> usize {
        usize::from(self.channels.get()) * self.encoding.bytes()
    }
}

/// How one sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    U8,
    I16,
    I24,
    I32,
    F32,
}

impl Encoding {
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
        }
    }

    /// One sample from its bytes; what is finer than 16 bits is cut off.
    pub(super) fn decode(self, bytes: &[u8]) -> i16 {
        match (self, bytes) {
            (Self::U8, &[a]) => (i16::from(a) - 128) << 8,
            (Self::I16, &[a, b]) | (Self::I24, &[_, a, b]) | (Self::I32, &[_, _, a, b]) => {
                i16::from_le_bytes([a, b])
            }
            (Self::F32, &[a, b, c, d]) => convert::sample_to_i16(f32::from_le_bytes([a, b, c, d])),
            _ => 0,
        }
    }
}

fn riff(input: &mut impl Read, size: u64) -> Result<(), WavFault> {
    if size == 0 {
        return Err(WavFault::Empty);
    }
    if size < 12 {
        return Err(WavFault::HeaderCut);
    }
    let start = bytes::<12>(input)?;
    if !start.starts_with(b"RIFF") || !start.ends_with(b"WAVE") {
        return Err(WavFault::NotWav(start.escape_ascii().to_string()));
    }
    Ok(())
}

#[derive(Clone, Copy)]
struct Format {
    encoding: Encoding,
    rate: SampleRate,
    channels: NonZeroU16,
}

/// The chunk `fmt `: WAVEFORMATEX or WAVEFORMATEXTENSIBLE of Microsoft's multimedia headers.
fn read_format(input: &mut (impl Read + Seek), length: u64) -> Result<Format, WavFault> {
    let base = bytes::<16>(input)?;
    let field = |at: usize| u16::from_le_bytes([base[at], base[at + 1]]);
    let mut tag = field(0);
    let mut rest = length.checked_sub(16).ok_or(WavFault::Header("the format is too short"))?;
    if tag == EXTENSIBLE {
        rest = rest.checked_sub(24).ok_or(WavFault::Header("the format is too short"))?;
        let more = bytes::<24>(input)?;
        if more[10..] != SUBFORMAT {
            return Err(WavFault::Unsupported("a private encoding".to_owned()));
        }
        tag = u16::from_le_bytes([more[8], more[9]]);
    }
    skip(input, rest)?;
    let rate = u32::from_le_bytes([base[4], base[5], base[6], base[7]]);
    let rate = SampleRate::new(rate).ok_or(WavFault::Header("the sample rate is zero"))?;
    let channels = NonZeroU16::new(field(2)).ok_or(WavFault::Header("it has no channels"))?;
    let (frame, bits) = (field(12), field(14));
    let encoding = encoding(tag, bits)?;
    if usize::from(frame) != usize::from(channels.get()) * encoding.bytes() {
        return Err(WavFault::Header("the frame size does not fit the bits and channels"));
    }
    Ok(Format { encoding, rate, channels })
}

/// Names of the others from the list of registered WAVE formats (RFC 2361).
fn encoding(tag: u16, bits: u16) -> Result<Encoding, WavFault> {
    Err(WavFault::Unsupported(match (tag, bits) {
        (PCM, 8) => return Ok(Encoding::U8),
        (PCM, 16) => return Ok(Encoding::I16),
        (PCM, 24) => return Ok(Encoding::I24),
        (PCM, 32) => return Ok(Encoding::I32),
        (FLOAT, 32) => return Ok(Encoding::F32),
        (PCM, _) => format!("{bits}-bit PCM"),
        (FLOAT, _) => format!("{bits}-bit float"),
        (0x0002 | 0x0011, _) => "ADPCM".to_owned(),
        (0x0006, _) => "A-law".to_owned(),
        (0x0007, _) => "\u{b5}-law".to_owned(),
        (0x0031, _) => "GSM 6.10".to_owned(),
        (0x0050 | 0x0055, _) => "MPEG audio".to_owned(),
        _ => format!("encoding 0x{tag:04x}"),
    }))
}

fn finish(format: Format, length: u64, found: u64) -> Result<Header, WavFault> {
    let Format { encoding, rate, channels } = format;
    let mut header = Header { encoding, rate, channels, frames: 0 };
    let frame = header.frame_bytes() as u64;
    if found < length {
        return Err(WavFault::DataCut { expected: length, found });
    }
    if !length.is_multiple_of(frame) {
        return Err(WavFault::Header("the sound ends within a frame"));
    }
    header.frames = length / frame;
    Ok(header)
}

/// Passes over `length` bytes of a chunk and the padding that makes it even.
fn skip(input: &mut impl Seek, length: u64) -> Result<(), WavFault> {
    input.seek_relative(length.next_multiple_of(2) as i64).map_err(WavFault::Read)
}

fn bytes<const N: usize>(input: &mut impl Read) -> Result<[u8; N], WavFault> {
    let mut bytes = [0; N];
    match input.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(WavFault::HeaderCut),
        Err(error) => Err(WavFault::Read(error)),
    }
}

/// Files have a handful of chunks; a hostile one could have millions.
const MAX_CHUNKS: usize = 1_000;
const PCM: u16 = 0x0001;
const FLOAT: u16 = 0x0003;
const EXTENSIBLE: u16 = 0xfffe;
/// What follows the tag in the GUID of an extensible format.
const SUBFORMAT: [u8; 14] = [0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xaa, 0, 0x38, 0x9b, 0x71];
