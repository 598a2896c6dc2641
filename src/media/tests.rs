mod check;
mod fit;
mod format;
mod pdf;

use super::describe;
use crate::types::{Media, MediaKind};

/// Sound of this length, as a WAV file.
fn wav(seconds: u32) -> Vec<u8> {
    let samples = seconds * 1_000;
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend(1_000_u32.to_le_bytes());
    file.extend(2_000_u32.to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend((2 * samples).to_le_bytes());
    file.extend(vec![0; 2 * samples as usize]);
    let length = (file.len() as u32 - 8).to_le_bytes();
    file[4..8].copy_from_slice(&length);
    file
}

#[test]
fn media_are_described_by_what_is_known_of_them() {
    let sound = Media::bytes(MediaKind::Audio, "audio/wav", wav(2));
    let page = Media::url(MediaKind::Document, "application/pdf", "https://there/a.pdf");
    let odd = Media::bytes(MediaKind::Image, "image/heic", vec![1, 2, 3]);

    assert_eq!(describe(&[]), "");
    assert_eq!(describe(std::slice::from_ref(&sound)), "1 recording (2.0 s of WAV)");
    assert_eq!(
        describe(&[page.clone(), odd, sound, page]),
        "1 image (image/heic) and 1 recording (2.0 s of WAV) and 2 documents (PDF, PDF)"
    );
}
