use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use hound::{Sample, SampleFormat, WavSpec};

use super::*;

/// A file by `hound`, which has its own idea of the format.
fn by_hound<S: Sample + Copy>(channels: u16, bits: u16, samples: &[S]) -> Vec<u8> {
    let float = size_of::<S>() == 4 && bits == 32 && std::any::type_name::<S>() == "f32";
    let sample_format = if float { SampleFormat::Float } else { SampleFormat::Int };
    let spec = WavSpec { channels, sample_rate: 44_100, bits_per_sample: bits, sample_format };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).unwrap();
    for &sample in samples {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
    file.into_inner()
}

#[test]
fn every_encoding_is_read() {
    assert_eq!(all(by_hound(1, 8, &[-128_i8, -1, 0, 127])), [-32_768, -256, 0, 32_512]);
    assert_eq!(all(by_hound(1, 16, &[i16::MIN, -1, 0, i16::MAX])), [i16::MIN, -1, 0, i16::MAX]);
    assert_eq!(all(by_hound(1, 24, &[-8_388_608, 256, 8_388_607])), [i16::MIN, 1, i16::MAX]);
    assert_eq!(all(by_hound(1, 32, &[i32::MIN, 65_536, i32::MAX])), [i16::MIN, 1, i16::MAX]);
    let floats = [-1.0_f32, 0.5, 1.0, -9.0, f32::NAN];
    assert_eq!(all(by_hound(1, 32, &floats)), [i16::MIN, 16_384, i16::MAX, i16::MIN, 0]);
}

#[test]
fn channels_are_averaged() {
    assert_eq!(all(by_hound(2, 16, &[100_i16, 300, -7, 7])), [200, 0]);
    assert_eq!(all(by_hound(6, 16, &[6_i16, 0, 0, 0, 0, 0])), [1]);
    assert_eq!(all(by_hound(2, 32, &[1.0_f32, -1.0, 0.5, 0.5])), [0, 16_384]);
}

#[test]
fn a_file_is_streamed_in_pieces_of_any_size() {
    let samples: Vec<i16> = (0..20_000).collect();
    for piece in [1, 7, 4_096, 5_000, 30_000] {
        let mut reader = open(by_hound(1, 16, &samples)).unwrap();
        let (mut read, mut out) = (Vec::new(), vec![0; piece]);
        loop {
            let count = reader.read(&mut out).unwrap();
            read.extend_from_slice(&out[..count]);
            if count == 0 {
                break;
            }
        }
        assert_eq!(read, samples);
    }
}

#[test]
fn it_knows_how_long_it_is() {
    let mut reader = open(by_hound(2, 16, &[0_i16; 44_100])).unwrap();
    assert_eq!((reader.rate(), reader.len()), (rate(44_100), 22_050));
    assert_eq!(reader.duration(), Duration::from_millis(500));
    reader.read(&mut [0; 100]).unwrap();
    assert_eq!(reader.len(), 22_050, "read or not");
    assert_eq!(reader.read_all().unwrap().samples().len(), 21_950, "the rest");
}

#[test]
fn other_chunks_are_passed_over() {
    let plain = wav(1, 1, 16_000, 16, &[1, 0, 2, 0]);
    let format = &plain[20..36];
    // Of odd length: one byte of padding follows.
    let file =
        riff(&[(b"LIST", b"odd"), (b"fmt ", format), (b"fact", &[0; 12]), (b"data", &[5, 0])]);
    assert_eq!(all(file), [5]);
    let mut long = format.to_vec();
    long.extend([0; 4]);
    assert_eq!(all(riff(&[(b"fmt ", &long), (b"data", &[6, 0]), (b"id3 ", b"after")])), [6]);
}

#[test]
fn a_file_without_sound_is_empty() {
    let mut reader = open(wav(1, 1, 16_000, 16, &[])).unwrap();
    assert!(reader.is_empty());
    assert_eq!(reader.read(&mut [0; 10]).unwrap(), 0);
}

#[test]
fn files_of_many_programs_are_read() {
    let Some(folder) = speech_data("rates") else { return };
    let mut opened = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "wav") {
            continue;
        }
        let mut reader = WavReader::open(&path).unwrap();
        assert!(reader.duration() > Duration::from_secs(1), "{}", path.display());
        let sound = reader.read_all().unwrap();
        assert_eq!(sound.samples().len() as u64, reader.len());
        let level = crate::audio::level::rms_dbfs(sound.samples());
        assert!((-60.0..-5.0).contains(&level), "{}: {level} dBFS", path.display());
        opened += 1;
    }
    assert!(opened > 0);
}

/// The recordings of `rates` differ by dither, so each is held against another decoder instead.
#[test]
fn integers_are_decoded_as_hound_decodes_them() {
    let Some(folder) = speech_data("rates") else { return };
    for kind in ["mono-8-bit", "mono-16-bit", "mono-24-bit", "mono-32-bit", "stereo-16-bit"] {
        let path = folder.join(format!("audio-{kind}-44100Hz.wav"));
        let mut hound = hound::WavReader::open(&path).unwrap();
        let (bits, channels) = (hound.spec().bits_per_sample, hound.spec().channels);
        let samples: Vec<i32> = hound
            .samples::<i32>()
            .map(|sample| ((i64::from(sample.unwrap()) << 32 >> bits) >> 16) as i32)
            .collect();
        let mono: Vec<i16> = samples
            .chunks_exact(channels.into())
            .map(|frame| (frame.iter().sum::<i32>() / i32::from(channels)) as i16)
            .collect();
        let read = WavReader::open(&path).unwrap().read_all().unwrap();
        assert!(read.samples() == mono, "{kind}");
    }
}

pub(super) fn speech_data(folder: &str) -> Option<PathBuf> {
    let Some(data) = std::env::var_os("BANTER_SPEECH_DATA") else {
        lacking("speech", "BANTER_SPEECH_DATA names no folder with recordings");
        return None;
    };
    Some(PathBuf::from(data).join(folder))
}
