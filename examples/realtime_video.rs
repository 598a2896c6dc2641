//! A call in which the model sees what a camera shows: ten frames a second come, and it is shown
//! one, made smaller.
//!
//! `cargo run --example realtime_video` shows them to a mock in memory, in real time. With
//! `GEMINI_API_KEY`, `-- --model NAME` shows them to a model of Google's.

#[path = "support/call.rs"]
#[expect(dead_code, reason = "nobody speaks")]
mod call;

use std::io::{Cursor, Write, stdout};
use std::sync::Arc;
use std::time::Duration;

use banter::media::VideoConfig;
use banter::session::DuplexEngines;
use banter::session::call::{CallConfig, ImageFrame};
use banter::{Session, SessionConfig, vad};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};

use crate::call::{Failed, Line, answer};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    show(&Line::chosen("gemini", script())?, &mut stdout()).await.map(drop)
}

/// Gives how many frames were not shown.
async fn show(line: &Line, to: &mut impl Write) -> Result<u64, Failed> {
    let engines = DuplexEngines {
        vad: vad::by_name("earshot")?,
        provider: Arc::clone(&line.provider),
        tools: Arc::default(),
    };
    let video = VideoConfig { max_width: 320, ..VideoConfig::default() };
    let config = CallConfig { video, ..CallConfig::default() };
    let mut call = Session::duplex(engines, SessionConfig::default()).start(config)?;

    let mut camera = tokio::time::interval(Duration::from_millis(100));
    for number in 0..FRAMES {
        camera.tick().await;
        call.send_frame(ImageFrame::new(frame(number)?, "image/jpeg"))?;
    }
    let question = "What moves, and where to?";
    writeln!(to, "typed: {question}")?;
    call.send_text(question)?;
    answer(&mut call, to).await?;
    let dropped = call.input().frames_dropped();
    writeln!(to, "       ({FRAMES} frames came, {dropped} of them too soon)")?;
    call.close().await;
    call.finish().await?;
    Ok(dropped)
}

/// A red square on its way to the right.
fn frame(number: u32) -> Result<Vec<u8>, image::ImageError> {
    let at = number * 12;
    let picture = RgbImage::from_fn(640, 360, |x, y| match (x.wrapping_sub(at), y) {
        (0..80, 140..220) => Rgb([220, 20, 60]),
        _ => Rgb([240, 240, 240]),
    });
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Jpeg)?;
    Ok(file.into_inner())
}

/// Three seconds.
const FRAMES: u32 = 30;

/// What the mock answers.
fn script() -> Value {
    json!({ "answers": ["A red square moves to the right."] })
}

#[tokio::test(start_paused = true)]
async fn it_is_shown_one_frame_a_second() {
    let line = Line::mock("gemini", script()).unwrap();
    let mut told = Vec::new();
    let dropped = show(&line, &mut told).await.unwrap();
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("agent: A red square moves to the right."), "{told}");
    let seen = line.services.unwrap().log(call::CALLER).calls[0].images;
    assert!((3..=4).contains(&seen), "{seen}");
    assert!((26..=27).contains(&dropped), "{dropped}");
}
