//! Makes and compares sound files.

use std::path::Path;

use banter::audio::{SampleRate, WavReader, WavWriter};

/// The mono samples of a file.
pub(crate) fn samples(path: impl AsRef<Path>) -> Vec<i16> {
    WavReader::open(path).unwrap().read_all().unwrap().samples().to_vec()
}

/// The two sides of a recording.
pub(crate) fn sides(path: &Path) -> [Vec<i16>; 2] {
    let mut reader = hound::WavReader::open(path).unwrap();
    assert_eq!(reader.spec().channels, 2);
    let both: Vec<_> = reader.samples::<i16>().map(Result::unwrap).collect();
    [0, 1].map(|side| both[side..].iter().step_by(2).copied().collect())
}

/// Writes sentences of `assets/sentences`, by number, each followed by so many seconds of
/// silence.
pub(crate) fn compose(path: &Path, sentences: impl IntoIterator<Item = (usize, f64)>) {
    let mut writer = WavWriter::create(path, SampleRate::SPEECH, 1).unwrap();
    for (number, pause) in sentences {
        writer.write(&samples(sentence(number))).unwrap();
        writer.write(&vec![0; (pause * 16_000.0) as usize]).unwrap();
    }
    writer.finish().unwrap();
}

/// The file of a sentence.
pub(crate) fn sentence(number: usize) -> String {
    format!("{}/assets/sentences/{number:02}.wav", env!("CARGO_MANIFEST_DIR"))
}

/// By how many samples `later` is behind `sound`, by their greatest cross-correlation.
pub(crate) fn lag(sound: &[i16], later: &[i16], limit: i64) -> i64 {
    let product = |lag: &i64| -> i64 {
        let (skip_sound, skip_later) = ((-lag).max(0) as usize, (*lag).max(0) as usize);
        let pairs = sound[skip_sound..].iter().zip(&later[skip_later..]);
        pairs.map(|(a, b)| i64::from(*a) * i64::from(*b)).sum()
    };
    (-limit..=limit).max_by_key(product).unwrap()
}
