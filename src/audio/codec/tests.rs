//! Speech for the tests of codecs, and how like one sound is to another.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use realfft::RealFftPlanner;

use super::g711::Law;
use super::*;
use crate::audio::{Resampler, WavReader};
use crate::lacking::lacking;

pub(super) fn rate(hz: u32) -> SampleRate {
    SampleRate::new(hz).unwrap()
}

/// Twelve sentences of synthesizers.
pub(super) fn synthesized(to: SampleRate) -> Vec<i16> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sentences");
    (1..=12).flat_map(|n| read(&folder.join(format!("{n:02}.wav")), to)).collect()
}

/// Some people who read, if there are any.
pub(super) fn human(to: SampleRate) -> Option<Vec<i16>> {
    let Some(folder) = std::env::var_os("BANTER_SPEECH_DATA").map(PathBuf::from) else {
        lacking("speech", "BANTER_SPEECH_DATA names no folder of human speech");
        return None;
    };
    let mut files: Vec<_> =
        folder.join("librivox").read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|it| it == "wav"));
    files.sort();
    Some(files.iter().flat_map(|file| read(file, to)).collect())
}

fn read(file: &Path, to: SampleRate) -> Vec<i16> {
    let mut reader = WavReader::open(file).unwrap();
    let mut resampler = Resampler::new(reader.rate(), to).unwrap();
    let mut out = Vec::new();
    resampler.process(reader.read_all().unwrap().samples(), &mut out);
    resampler.flush(&mut out);
    out
}

/// The mean of the ratios of `truth` to what is wrong with `heard`, in dB, over frames that are not
/// silent: each between -10 and 35.
pub(super) fn segmental_snr<'a>(frames: impl Iterator<Item = (&'a [i16], &'a [i16])>) -> f64 {
    let power = |it: &mut dyn Iterator<Item = f64>| it.map(|it| it * it).sum::<f64>();
    mean(frames.filter(|(truth, _)| is_loud(truth)).map(|(truth, heard)| {
        let signal = power(&mut truth.iter().map(|&it| f64::from(it)));
        let wrong = truth.iter().zip(heard).map(|(&a, &b)| f64::from(a) - f64::from(b));
        let noise = power(&mut { wrong });
        (10.0 * (signal / noise.max(1.0)).log10()).clamp(-10.0, 35.0)
    }))
}

/// How far apart the spectra are, in dB, over frames that are not silent.
pub(super) fn spectral_distance<'a>(frames: impl Iterator<Item = (&'a [i16], &'a [i16])>) -> f64 {
    let mut planner = RealFftPlanner::<f64>::new();
    let mut spectrum = |sound: &[i16]| {
        let fft = planner.plan_fft_forward(sound.len());
        let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
        for (at, (input, &sample)) in input.iter_mut().zip(sound).enumerate() {
            let turn = at as f64 / sound.len() as f64 * std::f64::consts::TAU;
            *input = f64::from(sample) * (0.5 - 0.5 * turn.cos());
        }
        fft.process(&mut input, &mut output).unwrap();
        // The floor is what one step of 16 bits makes, so silence has a spectrum.
        output
            .iter()
            .map(|it| 10.0 * (it.norm_sqr() / sound.len() as f64 + 1.0).log10())
            .collect::<Vec<_>>()
    };
    mean(frames.filter(|(truth, _)| is_loud(truth)).map(|(truth, heard)| {
        let (truth, heard) = (spectrum(truth), spectrum(heard));
        let squares = truth.iter().zip(&heard).map(|(a, b)| (a - b).powi(2));
        (squares.sum::<f64>() / truth.len() as f64).sqrt()
    }))
}

fn is_loud(sound: &[i16]) -> bool {
    crate::audio::level::rms_dbfs(sound) > -45.0
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<_> = values.collect();
    assert!(values.len() > 20, "too few frames: {}", values.len());
    values.iter().sum::<f64>() / values.len() as f64
}

/// Which packets are lost, of a hundred so many: the same each time.
pub(super) fn losses(percent: u32) -> impl FnMut() -> bool {
    let mut state = 12_345_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % 100 < percent
    }
}

#[test]
fn pcm_is_bytes() {
    let mut encoder = Codec::Pcm.encoder(rate(24_000)).unwrap();
    let mut decoder = Codec::Pcm.decoder(rate(24_000)).unwrap();
    let (mut packet, mut pcm) = (Vec::new(), Vec::new());
    encoder.encode(&[1, -2, i16::MIN], &mut packet).unwrap();
    assert_eq!(packet, [1, 0, 0xfe, 0xff, 0, 0x80]);
    decoder.decode(Some(&packet), &mut pcm).unwrap();
    assert_eq!(pcm, [1, -2, i16::MIN]);
}

#[test]
fn half_a_sample_is_no_packet() {
    let mut decoder = Codec::Pcm.decoder(rate(24_000)).unwrap();
    let mut pcm = vec![5];
    let error = decoder.decode(Some(&[1, 0, 2]), &mut pcm).unwrap_err();
    assert_eq!(error, CodecError::Packet { bytes: 3 });
    assert_eq!(pcm, [5]);
}

#[test]
fn what_is_lost_lasts_as_long_as_what_came() {
    for codec in [Codec::Pcm, Codec::G711(Law::Mu), Codec::G711(Law::A)] {
        let telephone = rate(8_000);
        let mut decoder = codec.decoder(telephone).unwrap();
        let (mut packet, mut pcm) = (Vec::new(), Vec::new());
        decoder.decode(None, &mut pcm).unwrap();
        assert_eq!(pcm.len(), 160, "{codec:?}");
        codec.encoder(telephone).unwrap().encode(&[0; 240], &mut packet).unwrap();
        decoder.decode(Some(&packet), &mut pcm).unwrap();
        decoder.decode(Some(&[]), &mut pcm).unwrap();
        decoder.decode(None, &mut pcm).unwrap();
        decoder.recover(&packet, &mut pcm).unwrap();
        assert_eq!(pcm.len(), 160 + 3 * 240, "{codec:?}");
    }
}

#[test]
fn a_stream_may_go_to_another_thread() {
    fn goes<T: Send>() {}
    goes::<Encoder>();
    goes::<Decoder>();
}

#[test]
fn a_packet_allocates_nothing_where_there_is_room() {
    let speech = synthesized(rate(16_000));
    for codec in codecs() {
        let (mut packet, mut pcm) = (Vec::with_capacity(4_000), Vec::with_capacity(4_000));
        let mut encoder = codec.encoder(rate(16_000)).unwrap();
        let mut decoder = codec.decoder(rate(16_000)).unwrap();
        let made = allocation_counter::measure(|| {
            for (at, frame) in speech.chunks_exact(320).take(200).enumerate() {
                packet.clear();
                pcm.clear();
                encoder.encode(frame, &mut packet).unwrap();
                match at % 10 {
                    7 | 8 => decoder.decode(None, &mut pcm).unwrap(),
                    9 => decoder.recover(&packet, &mut pcm).unwrap(),
                    _ => decoder.decode(Some(&packet), &mut pcm).unwrap(),
                }
            }
        });
        assert_eq!(made.count_total, 0, "{codec:?}");
    }
}

proptest! {
    /// Of bytes that anybody may send.
    #[test]
    fn no_packet_is_a_panic(
        packets in prop::collection::vec(
            prop::option::weighted(0.8, prop::collection::vec(any::<u8>(), 0..400)), 0..30),
        hz in prop::sample::select(&[8_000, 12_000, 16_000, 24_000, 48_000][..]),
    ) {
        for codec in codecs() {
            let (mut decoder, mut pcm) = (codec.decoder(rate(hz)).unwrap(), Vec::new());
            for packet in &packets {
                let before = pcm.len();
                let done = decoder.decode(packet.as_deref(), &mut pcm);
                prop_assert!(pcm.len() >= before);
                prop_assert!(done.is_ok() || packet.is_some() && pcm.len() == before, "{codec:?}");
                // No packet is longer than 120 ms, or than its bytes.
                prop_assert!(pcm.len() - before <= (hz as usize * 3 / 25).max(400));
                if let Some(packet) = packet {
                    decoder.recover(packet, &mut pcm).unwrap();
                }
            }
        }
    }
}

fn codecs() -> Vec<Codec> {
    vec![
        Codec::Pcm,
        Codec::G711(Law::Mu),
        Codec::G711(Law::A),
        #[cfg(feature = "opus")]
        Codec::Opus(opus::OpusConfig::default()),
    ]
}
