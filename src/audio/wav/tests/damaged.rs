use std::fs;

use proptest::prelude::*;

use super::read::speech_data;
use super::*;

fn fault(bytes: Vec<u8>) -> String {
    open(bytes).unwrap_err().to_string()
}

#[test]
fn the_error_says_what_is_wrong() {
    let good = wav(1, 1, 16_000, 16, &[0; 100]);
    assert!(fault(vec![]).contains("empty"));
    assert!(fault(b"OggS, certainly".to_vec()).contains("it begins with \"OggS"));
    assert!(fault(b"RIFF\0\0\0\0AVI LIST".to_vec()).contains("AVI"));
    for cut in 1..44 {
        assert!(fault(good[..cut].to_vec()).contains("header is cut off"), "{cut}");
    }
    assert!(fault(wav(1, 0, 16_000, 16, &[])).contains("no channels"));
    assert!(fault(wav(1, 1, 0, 16, &[])).contains("rate is zero"));
    assert!(fault(wav(1, 2, 16_000, 16, &[0; 10])).contains("within a frame"));
    assert!(fault(riff(&[(b"data", &[0; 10])])).contains("before its format"));
    assert!(fault(riff(&[(b"fmt ", &[1; 10]), (b"data", &[0; 10])])).contains("too short"));
    assert!(fault(riff(&[(b"JUNK", b"".as_slice()); 1_100])).contains("too much"));
    let mut frame = good.clone();
    frame[32] = 3;
    assert!(fault(frame).contains("frame size"));
}

#[test]
fn sound_that_is_cut_off_is_counted() {
    let mut file = wav(1, 1, 16_000, 16, &[0; 100]);
    file.truncate(44 + 60);
    match open(file) {
        Err(WavFault::DataCut { expected: 100, found: 60 }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_encoding_that_is_not_read_is_named() {
    for (tag, bits, name) in [
        (6, 8, "A-law"),
        (7, 8, "\u{b5}-law"),
        (2, 4, "ADPCM"),
        (3, 64, "64-bit float"),
        (1, 64, "64-bit PCM"),
        (1, 12, "12-bit PCM"),
        (0x55, 0, "MPEG"),
        (0x1234, 16, "0x1234"),
    ] {
        let fault = fault(wav(tag, 1, 8_000, bits, &[0; 16]));
        assert!(fault.contains(name) && fault.contains("not supported"), "{fault}");
    }
}

#[test]
fn the_file_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.wav");
    let error = WavReader::open(&missing).unwrap_err().to_string();
    assert!(error.contains("missing.wav: cannot be read: No such file"), "{error}");
    let error = WavReader::open(folder.path()).unwrap_err();
    assert!(matches!(error.fault, WavFault::NotAFile), "{error}");
}

#[test]
fn known_damaged_files_do_no_harm() {
    let Some(folder) = speech_data("badwav") else { return };
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let read = WavReader::open(&path).and_then(|mut reader| reader.read_all());
        match (name.as_str(), read) {
            ("null", Ok(sound)) => assert_eq!(sound.samples().len(), 0),
            ("awful", Ok(sound)) => assert_eq!(sound.samples().len(), 441),
            ("bad" | "evil", Err(WavError { fault: WavFault::HeaderCut, .. })) => {}
            (name, read) => panic!("{name}: {read:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_the_header_says(
        kind in prop::sample::select(vec![(1_u16, 8_u16), (1, 16), (1, 24), (1, 32), (3, 32)]),
        channels in 1_u16..4,
        frames in 0_usize..50,
        changes in prop::collection::vec((0_usize..60, any::<u8>()), 0..6),
        cut in 0_usize..400,
    ) {
        let (tag, bits) = kind;
        let data = vec![0x55; frames * usize::from(channels * bits / 8)];
        let mut file = wav(tag, channels, 16_000, bits, &data);
        for (at, value) in changes {
            if let Some(byte) = file.get_mut(at) {
                *byte = value;
            }
        }
        file.truncate(cut);
        let size = file.len() as u64;
        if let Ok(mut reader) = open(file) {
            prop_assert!(reader.len() < size, "no more sound than the file has bytes");
            let length = reader.len();
            prop_assert_eq!(reader.read_all().unwrap().samples().len() as u64, length);
        }
    }

    #[test]
    fn whatever_the_bytes(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let file = [b"RIFF\0\0\0\0WAVE".to_vec(), bytes].concat();
        if let Ok(mut reader) = open(file) {
            reader.read_all().unwrap();
        }
    }
}
