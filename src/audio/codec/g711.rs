//! G.711: a sample in 8 bits, by µ-law or A-law.
//!
//! What telephone networks carry, and services that speak to them: audio/pcmu and audio/pcma, at 8 kHz
//! there. The code is a sign, three bits that say how large a sample is and four that say where between
//! two powers of two it lies, so that noise stays in proportion to the sound: 38 dB below a voice of
//! usual loudness.
//!
//! ```
//! use banter::audio::codec::g711::Law;
//!
//! let (mut packet, mut pcm) = (Vec::new(), Vec::new());
//! Law::Mu.encode(&[0, 1_000, -30_000], &mut packet);
//! Law::Mu.decode(&packet, &mut pcm);
//! assert_eq!(packet, [0xff, 0xce, 0x02]);
//! assert_eq!(pcm, [0, 988, -30_076]);
//! ```
//!
//! Each sample stands for itself: there is no state, and no rate. What was lost on the way is another
//! matter, and so is the change to 8 kHz ([`Resampler`](crate::audio::Resampler)).

/// One of the two ways to make 8 bits of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Law {
    /// µ-law, "PCMU": North America, Japan. From 14 bits.
    Mu,
    /// A-law, "PCMA": everywhere else. From 13 bits.
    A,
}

impl Law {
    /// The code of silence.
    #[must_use]
    pub const fn silence(self) -> u8 {
        self.encode_sample(0)
    }

    /// Appends the codes of `pcm` to `packet`: a byte for a sample.
    ///
    /// Allocates only when `packet` has no room.
    pub fn encode(self, pcm: &[i16], packet: &mut Vec<u8>) {
        match self {
            Self::Mu => packet.extend(pcm.iter().map(|&sample| to_mu(sample))),
            Self::A => packet.extend(pcm.iter().map(|&sample| to_a(sample))),
        }
    }

    /// Appends to `pcm` the samples that the codes in `packet` stand for.
    ///
    /// Every byte is a code. Allocates only when `pcm` has no room.
    pub fn decode(self, packet: &[u8], pcm: &mut Vec<i16>) {
        let samples = self.samples();
        pcm.extend(packet.iter().map(|&code| samples[usize::from(code)]));
    }

    /// The code of one sample: that of the step in which it lies.
    #[must_use]
    pub const fn encode_sample(self, sample: i16) -> u8 {
        match self {
            Self::Mu => to_mu(sample),
            Self::A => to_a(sample),
        }
    }

    /// The sample that a code stands for.
    #[must_use]
    pub const fn decode_sample(self, code: u8) -> i16 {
        self.samples()[code as usize]
    }

    const fn samples(self) -> &'static [i16; 256] {
        match self {
            Self::Mu => &MU,
            Self::A => &A,
        }
    }
}

/// The values of µ-law; the sign and where between two powers of two are sent inverted.
static MU: [i16; 256] = {
    let mut samples = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = !code as u8;
        let size = ((MU_BIAS + ((bits as i32 & 0xf) << 3)) << (bits >> 4 & 7)) - MU_BIAS;
        samples[code] = if bits & SIGN == 0 { size } else { -size } as i16;
        code += 1;
    }
    samples
};

/// The values of A-law; every other bit is sent inverted.
static A: [i16; 256] = {
    let mut samples = [0; 256];
    let mut code = 0;
    while code < 256 {
        let bits = code as u8 ^ A_INVERTED;
        let (segment, within) = (bits >> 4 & 7, (bits as i32 & 0xf) << 4 | 8);
        let size = if segment == 0 { within } else { (256 + within) << (segment - 1) };
        samples[code] = if bits & SIGN == 0 { -size } else { size } as i16;
        code += 1;
    }
    samples
};

/// Both signs alike: a sample between two steps belongs to the louder one.
const fn to_mu(sample: i16) -> u8 {
    let size = sample.unsigned_abs() as i32;
    let heard = if size < MU_MOST { size } else { MU_MOST };
    let code = in_segments(heard + MU_BIAS) | if sample < 0 { SIGN } else { 0 };
    !code
}

/// The mirror lies between 0 and -1, as everywhere: A-law has no zero.
const fn to_a(sample: i16) -> u8 {
    let size = (if sample < 0 { !sample } else { sample }) as i32;
    let code = if size < 256 { (size >> 4) as u8 } else { in_segments(size) };
    (code | if sample < 0 { 0 } else { SIGN }) ^ A_INVERTED
}

/// Which power of two from 128 up to 16,384 lies below, and where above it in sixteen steps.
const fn in_segments(size: i32) -> u8 {
    let segment = size.ilog2() - 7;
    ((segment as i32) << 4 | size >> (segment + 3) & 0xf) as u8
}

const SIGN: u8 = 0x80;
/// 33 in 14 bits: with it added, every segment begins at a power of two.
const MU_BIAS: i32 = 33 << 2;
/// What is louder is clipped.
const MU_MOST: i32 = 8_158 << 2;
const A_INVERTED: u8 = 0x55;

#[cfg(test)]
mod tests;
