use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::time::Duration;

use super::*;
use crate::audio::WavWriter;

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    for (channels, mono) in
        [(1, vec![1, -2, 3, -4, 5, 5, 5, 5]), (2, vec![0, 0, 5, 5]), (4, vec![0, 5])]
    {
        let path = folder.path().join("sound.wav");
        let mut writer = WavWriter::create(&path, rate(24_000), channels).unwrap();
        writer.write(&[1, -2, 3, -4]).unwrap();
        writer.write(&[]).unwrap();
        writer.write(&[5; 4]).unwrap();
        writer.finish().unwrap();
        let sound = WavReader::open(&path).unwrap().read_all().unwrap();
        assert_eq!((sound.rate(), sound.samples()), (rate(24_000), &mono[..]));
        let other = hound::WavReader::open(&path).unwrap();
        assert_eq!((other.spec().channels, other.duration()), (channels, mono.len() as u32));
    }
}

#[test]
fn a_killed_program_leaves_all_but_the_last_second() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.wav");
    let mut writer = WavWriter::create(&path, rate(8_000), 1).unwrap();
    assert!(WavReader::open(&path).unwrap().is_empty(), "readable from the start");
    for _ in 0..255 {
        writer.write(&[7; 80]).unwrap();
    }
    // Nothing is run at the end, as after a kill.
    std::mem::forget(writer);
    let mut reader = WavReader::open(&path).unwrap();
    assert_eq!(reader.duration(), Duration::from_secs(2));
    assert!(reader.read_all().unwrap().samples().iter().all(|&sample| sample == 7));
}

#[test]
fn a_dropped_writer_leaves_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dropped.wav");
    let mut writer = WavWriter::create(&path, rate(8_000), 1).unwrap();
    writer.write(&[7; 80]).unwrap();
    drop(writer);
    assert_eq!(WavReader::open(&path).unwrap().len(), 80);
}

#[test]
fn a_full_disk_keeps_what_was_written_before() {
    for size in [16_044, 16_045, 20_000, 20_001, 31_000] {
        let mut disk = Disk { file: Cursor::default(), size };
        let mut writer = WavWriter::over(&mut disk, Path::new("full.wav"), rate(8_000), 1).unwrap();
        let mut written = 0;
        let error = loop {
            match writer.write(&[7; 80]) {
                Ok(()) => written += 80,
                Err(error) => break error.to_string(),
            }
        };
        let kept = written as f64 / 8_000.0;
        assert!(error.contains("full.wav: cannot be written: disk full"), "{error}");
        assert!(error.contains(&format!("the first {kept:.3} s are kept")), "{error}");
        assert!(writer.write(&[7; 80]).is_err(), "it takes no more");
        writer.finish().unwrap();
        assert_eq!(all(disk.file.into_inner()), vec![7; written]);
    }
}

#[test]
fn a_disk_that_is_full_from_the_start_is_an_error() {
    if !Path::new("/dev/full").exists() {
        return lacking("dev-full", "this system has no /dev/full");
    }
    let error = WavWriter::create("/dev/full", rate(8_000), 1).unwrap_err().to_string();
    assert!(error.contains("/dev/full: cannot be created: No space left"), "{error}");
}

#[test]
fn a_file_that_would_pass_4_gib_is_full() {
    let mut disk = Disk { file: Cursor::default(), size: 1_000 };
    let writer = WavWriter::over(&mut disk, Path::new("long.wav"), rate(8_000), 1).unwrap();
    let mut writer = writer.with_room(100);
    writer.write(&[7; 90]).unwrap();
    assert!(matches!(writer.write(&[7; 11]).unwrap_err().fault, WavFault::TooLong));
    writer.write(&[7; 10]).unwrap();
    writer.finish().unwrap();
    assert_eq!(all(disk.file.into_inner()), [7; 100]);
}

#[test]
fn whole_frames_only() {
    let mut disk = Disk { file: Cursor::default(), size: 1_000 };
    let mut writer = WavWriter::over(&mut disk, Path::new("stereo.wav"), rate(8_000), 2).unwrap();
    let error = writer.write(&[1, 2, 3]).unwrap_err().to_string();
    assert!(error.contains("3 samples cannot be shared out among 2 channels"), "{error}");
    writer.write(&[1, 3]).unwrap();
    writer.finish().unwrap();
    assert_eq!(all(disk.file.into_inner()), [2]);
}

#[test]
fn what_a_header_cannot_state_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("never.wav");
    for (hz, channels) in [(8_000, 0), (u32::MAX, 1), (48_000, 40_000)] {
        let error = WavWriter::create(&path, rate(hz), channels).unwrap_err().to_string();
        assert!(error.contains("never.wav: cannot be created"), "{error}");
        assert!(fs::metadata(&path).is_err(), "no file is left behind");
    }
}

/// A disk that holds `size` bytes.
struct Disk {
    file: Cursor<Vec<u8>>,
    size: u64,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = (self.size - self.file.position().min(self.size)) as usize;
        if room == 0 {
            return Err(io::Error::new(io::ErrorKind::StorageFull, "disk full"));
        }
        self.file.write(&bytes[..bytes.len().min(room)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
