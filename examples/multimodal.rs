//! Shows a model an image and a document, and asks about both.
//!
//! `cargo run --example multimodal` asks a mock on a local port. With `OPENAI_API_KEY`, or with
//! `-- --base-url http://localhost:11434/v1 --model NAME`, it asks a real model.
#![expect(clippy::print_stdout, reason = "it shows the conversation")]

#[path = "support/model.rs"]
mod model;

use std::error::Error;
use std::io::Cursor;

use banter::media;
use banter::session::attach;
use banter::types::{Detail, Message};
use image::{ImageFormat, Rgb, RgbImage};

use crate::model::Model;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    show(&Model::chosen(ANSWER).await?).await.map(drop)
}

async fn show(model: &Model) -> Result<String, Box<dyn Error>> {
    let flag = attach::image_data(flag()?, "image/png")?;
    let page = attach::document_file("docs/media.md").await?;
    let message = Message::user("Which colours has the flag, and what is the page about?")
        .with(flag.with_name("flag.png").with_detail(Detail::Low))
        .with(page);

    println!("user:  {}", message.text);
    println!("       with {}", media::describe(&message.media));
    let answer = model.ask(message).await?;
    println!("agent: {answer}\n       ({})", model.note);
    Ok(answer)
}

/// Red over white.
fn flag() -> Result<Vec<u8>, image::ImageError> {
    let colour = |y| if y < 80 { Rgb([220, 20, 60]) } else { Rgb([255, 255, 255]) };
    let image = RgbImage::from_fn(240, 160, |_, y| colour(y));
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

const ANSWER: &str = "Red and white, and it is about messages that carry media.";

#[tokio::test]
async fn the_model_is_shown_both() {
    let model = Model::mock(ANSWER).await.unwrap();
    let answer = show(&model).await.unwrap();
    // A text has no form of its own in the protocol: it is sent as text.
    assert_eq!(answer, format!("{ANSWER} (The mock was sent 1 image, sound or file.)"));
}
