//! Makes a large image smaller before a model looks at it.
//!
//! `cargo run --example image_preprocessing` asks a mock on a local port. With `OPENAI_API_KEY`,
//! or with `-- --base-url http://localhost:11434/v1 --model NAME`, it asks a real model.
#![expect(clippy::print_stdout, reason = "it shows the conversation")]

#[path = "support/model.rs"]
mod model;

use std::error::Error;
use std::io::Cursor;

use banter::media::{self, Fit};
use banter::session::attach::{self, ImageFit};
use banter::types::{Media, MediaSource, Message};
use image::{ImageFormat, Rgb, RgbImage};

use crate::model::Model;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    shrink(&Model::chosen(ANSWER).await?).await.map(drop)
}

async fn shrink(model: &Model) -> Result<Vec<Media>, Box<dyn Error>> {
    let photo = attach::image_data(photo()?, "image/png")?;
    let message = Message::user("Where on this image is the light?").with(photo);
    tell("as it is", &message);

    let icon = Fit { max_width: 64, max_height: 64, max_bytes: Some(2_000), ..Fit::default() };
    let icon = attach::fit(message.clone(), &ImageFit::To(icon)).await?;
    tell("an icon of at most 2,000 bytes", &icon);

    let fitting = attach::fit(message, &ImageFit::auto()).await?;
    tell("for a model", &fitting);
    let sent = fitting.media.clone();
    println!("user:  {}", fitting.text);
    println!("agent: {}\n       ({})", model.ask(fitting).await?, model.note);
    Ok([icon.media, sent].concat())
}

fn tell(what: &str, message: &Message) {
    let bytes: usize = message.media.iter().map(size).sum();
    println!("{what}: {}, {} KiB", media::describe(&message.media), bytes.div_ceil(1024));
}

fn size(media: &Media) -> usize {
    match &media.source {
        MediaSource::Bytes(bytes) => bytes.len(),
        _ => 0,
    }
}

/// A light in the dark, as a camera would make it: 12 million pixels.
fn photo() -> Result<Vec<u8>, image::ImageError> {
    let image = RgbImage::from_fn(4000, 3000, |x, y| {
        let away = (x.abs_diff(3000) / 16 + y.abs_diff(800) / 16).min(255) as u8;
        Rgb([255 - away, 230 - away / 2 - away / 4, 90])
    });
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

const ANSWER: &str = "On the right, above the middle.";

#[tokio::test]
async fn a_model_is_sent_a_small_image() {
    let model = Model::mock(ANSWER).await.unwrap();
    let shown = shrink(&model).await.unwrap();
    let told: Vec<_> = shown.iter().map(|one| media::describe(std::slice::from_ref(one))).collect();
    assert_eq!(told, ["1 image (64 x 48 JPEG)", "1 image (1024 x 768 JPEG)"]);
    assert!(size(&shown[0]) <= 2_000 && size(&shown[1]) < 200 << 10);
}
