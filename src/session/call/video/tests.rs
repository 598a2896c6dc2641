#![cfg(feature = "image")]

use std::time::Duration;

use super::*;
use crate::events::EventBus;
use crate::session::handle::Wishes;

/// A PNG of this size, all of one grey.
fn png(width: u32, height: u32, grey: u8) -> Bytes {
    let image = image::GrayImage::from_pixel(width, height, image::Luma([grey]));
    let mut bytes = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    image.write_with_encoder(encoder).unwrap();
    bytes.into()
}

struct Bench {
    eye: Eye,
    wishes: Wishes,
    bus: EventBus,
    clock: SessionClock,
}

impl Bench {
    fn new(config: VideoConfig, sees: Sees) -> Self {
        let (handle, wishes, _) = SessionHandle::new();
        let (bus, clock) = (EventBus::default(), SessionClock::live());
        let model = (sees, "mock".to_owned());
        let (eye, showing) = video(config, model, handle, clock.clone(), bus.weak()).unwrap();
        tokio::spawn(showing.run());
        Self { eye, wishes, bus, clock }
    }

    async fn shown(&mut self) -> (SessionTime, Arc<Media>) {
        match self.wishes.wishes.recv().await {
            Some(Wish::Frame(at, image)) => (at, image),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_ten_frames_in_a_second_the_model_sees_one_and_the_rest_is_counted() {
    let mut bench = Bench::new(VideoConfig::default(), Sees::Frames);
    for number in 0..50 {
        bench.eye.show(ImageFrame::new(png(8, 8, number), "image/png")).unwrap();
        bench.clock.sleep(Duration::from_millis(100)).await;
    }
    let mut seen = Vec::new();
    while let Ok(Some(Wish::Frame(at, image))) =
        tokio::time::timeout(Duration::from_secs(2), bench.wishes.wishes.recv()).await
    {
        seen.push((at.as_millis().round(), image));
    }
    let expected = [0, 9, 19, 29, 39, 49].map(|number: u8| (f64::from(number) * 100.0, number));
    assert_eq!(seen.len(), 6);
    for ((at, image), (expected, number)) in seen.iter().zip(expected) {
        assert!((at - expected).abs() <= 101.0, "{at}, {expected}");
        assert!(*at >= f64::from(number.saturating_sub(1)) * 100.0);
        assert_eq!(image.mime, "image/png", "as it comes");
    }
    assert_eq!(bench.eye.dropped(), 44);
}

#[tokio::test]
async fn frames_are_made_as_small_as_is_wanted_and_as_good() {
    let noise = |size: u32| {
        let pixel =
            |x: u32, y: u32| image::Luma([(x.wrapping_mul(7919) ^ y.wrapping_mul(104_729)) as u8]);
        let image = image::GrayImage::from_fn(size, size / 2, pixel);
        let mut bytes = Vec::new();
        image.write_with_encoder(image::codecs::png::PngEncoder::new(&mut bytes)).unwrap();
        Bytes::from(bytes)
    };
    let mut sizes = Vec::new();
    for quality in [20, 85] {
        let config = VideoConfig { max_width: 64, quality, ..VideoConfig::default() };
        let mut bench = Bench::new(config, Sees::Frames);
        let at = Some(SessionTime::from_millis(1_234));
        let frame = ImageFrame { at, ..ImageFrame::new(noise(256), "image/png") };
        bench.eye.show(frame).unwrap();
        let (taken, image) = bench.shown().await;
        assert_eq!(Some(taken), at);
        let crate::types::MediaSource::Bytes(bytes) = &image.source else { panic!("{image:?}") };
        assert_eq!(image.mime, "image/jpeg");
        assert_eq!(crate::media::dimensions(bytes).unwrap(), (64, 32));
        sizes.push(bytes.len());
    }
    assert!(sizes[0] < sizes[1], "{sizes:?}");
    let config = VideoConfig { max_width: 64, resize: false, ..VideoConfig::default() };
    let mut bench = Bench::new(config, Sees::Frames);
    bench.eye.show(ImageFrame::new(noise(256), "image/png")).unwrap();
    let (_, image) = bench.shown().await;
    assert_eq!(image.source, crate::types::MediaSource::Bytes(noise(256)));
}

#[tokio::test]
async fn a_damaged_frame_is_a_warning_and_the_next_one_is_seen() {
    let config = VideoConfig { max_width: 4, frames_per_second: 1_000.0, ..VideoConfig::default() };
    let mut bench = Bench::new(config, Sees::Frames);
    let mut events = bench.bus.subscribe();
    let damaged = png(64, 64, 3).slice(..40);
    bench.eye.show(ImageFrame::new(damaged, "image/png")).unwrap();
    let Some(Ok(Event { kind: EventKind::Warning { message }, .. })) = events.next().await else {
        panic!("nobody was warned")
    };
    assert!(message.contains("a frame was not shown"), "{message}");
    bench.eye.show(ImageFrame::new(png(64, 64, 3), "image/png")).unwrap();
    bench.shown().await;
}

#[tokio::test]
async fn what_nobody_can_see_is_refused_with_a_reason() {
    let blind = Bench::new(VideoConfig::default(), Sees::Nothing);
    let refused = blind.eye.show(ImageFrame::new(png(8, 8, 0), "image/png")).unwrap_err();
    assert!(matches!(refused, CallError::Blind { .. }), "{refused}");
    let bench = Bench::new(VideoConfig::default(), Sees::Frames);
    let refused = bench.eye.show(ImageFrame::new("no image", "video/mp4")).unwrap_err();
    assert!(matches!(refused, CallError::NoPicture { .. }), "{refused}");
    let chunk = |bytes: Bytes, is_key_frame| VideoChunk {
        bytes,
        mime: "video/h264".to_owned(),
        is_key_frame,
        at: None,
    };
    let encoded = bench.eye.show_chunk(chunk(Bytes::from_static(&[0, 0, 0, 1, 0x65]), true));
    let refused = encoded.unwrap_err();
    assert!(matches!(&refused, CallError::Encoded { mime } if mime == "video/h264"), "{refused}");
    assert!(bench.eye.show_chunk(chunk(png(8, 8, 0), false)).is_err());
    assert!(bench.eye.show_chunk(chunk(png(8, 8, 0), true)).is_ok());
}

#[tokio::test]
async fn who_takes_pictures_and_no_video_is_shown_pictures() {
    let mut bench = Bench::new(VideoConfig::default(), Sees::Pictures);
    bench.eye.show(ImageFrame::new(png(8, 8, 0), "image/png")).unwrap();
    assert!(matches!(bench.wishes.wishes.recv().await, Some(Wish::Image(_))));
}
