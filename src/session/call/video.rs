//! What a camera or a screen shows, as the model of a call sees it.
//!
//! A frame that comes too soon waits until one is due, unless a newer one takes its place. Frames are
//! made smaller on a thread where that may take its time.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::CallError;
use crate::events::{Event, EventKind, WeakEventBus};
use crate::media::{Fit, Format, FrameLimit, VideoConfig};
use crate::session::SessionHandle;
use crate::session::attach::{self, AttachError, ImageFit};
use crate::session::handle::Wish;
use crate::time::{SessionClock, SessionTime};
use crate::types::{Media, MediaKind, Message};

/// A picture of a camera or a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFrame {
    /// A JPEG, PNG, or another image that the provider reads.
    pub bytes: Bytes,
    /// Its MIME type. The bytes count, where they tell what they are.
    pub mime: String,
    /// When it was taken, counted from the call's beginning; now if there is none.
    pub at: Option<SessionTime>,
}

impl ImageFrame {
    /// A picture that is taken now.
    #[must_use]
    pub fn new(bytes: impl Into<Bytes>, mime: impl Into<String>) -> Self {
        Self { bytes: bytes.into(), mime: mime.into(), at: None }
    }
}

/// A piece of a video.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoChunk {
    /// What an encoder has made of it.
    pub bytes: Bytes,
    /// Its MIME type, such as `image/jpeg` or `video/h264`.
    pub mime: String,
    /// Whether it can be looked at without those before it.
    pub is_key_frame: bool,
    /// When it was taken, counted from the call's beginning; now if there is none.
    pub at: Option<SessionTime>,
}

impl VideoChunk {
    /// The picture that it is, if it is one by itself.
    fn frame(self) -> Result<ImageFrame, CallError> {
        let is_image =
            Format::of_bytes(&self.bytes).is_some_and(|format| format.kind == MediaKind::Image);
        match is_image && self.is_key_frame {
            true => Ok(ImageFrame { bytes: self.bytes, mime: self.mime, at: self.at }),
            false => Err(CallError::Encoded { mime: self.mime }),
        }
    }
}

/// What the model sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::session) enum Sees {
    Nothing,
    /// Pictures that the user shows.
    Pictures,
    /// Frames of a camera or a screen.
    Frames,
}

/// The program's end.
#[derive(Clone, Debug)]
pub(super) struct Eye {
    shared: Arc<Shared>,
    clock: SessionClock,
    sees: Sees,
    model: Arc<str>,
}

#[derive(Debug)]
struct Shared {
    /// Held for moments only.
    limit: Mutex<FrameLimit<Frame>>,
    came: Notify,
}

#[derive(Debug)]
struct Frame {
    at: SessionTime,
    image: Media,
}

/// The session's end.
#[derive(Debug)]
pub(super) struct Showing {
    shared: Arc<Shared>,
    clock: SessionClock,
    handle: SessionHandle,
    bus: WeakEventBus,
    fit: Option<Fit>,
    sees: Sees,
}

/// The two ends.
pub(super) fn video(
    config: VideoConfig,
    (sees, model): (Sees, String),
    handle: SessionHandle,
    clock: SessionClock,
    bus: WeakEventBus,
) -> Result<(Eye, Showing), CallError> {
    let fit = config.fit();
    if fit.is_some() && !cfg!(feature = "image") {
        return Err(CallError::NoResizing);
    }
    let shared = Shared { limit: Mutex::new(config.limit()?), came: Notify::new() };
    let shared = Arc::new(shared);
    let eye = Eye { shared: Arc::clone(&shared), clock: clock.clone(), sees, model: model.into() };
    Ok((eye, Showing { shared, clock, handle, bus, fit, sees }))
}

impl Shared {
    fn limit(&self) -> MutexGuard<'_, FrameLimit<Frame>> {
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Eye {
    pub(super) fn show(&self, frame: ImageFrame) -> Result<(), CallError> {
        if self.sees == Sees::Nothing {
            return Err(CallError::Blind { model: self.model.to_string() });
        }
        let ImageFrame { bytes, mime, at } = frame;
        let is_image = |format: Format| format.kind == MediaKind::Image;
        if !Format::of_bytes(&bytes).or_else(|| Format::of_mime(&mime)).is_some_and(is_image) {
            return Err(CallError::NoPicture { mime });
        }
        let image = attach::image_data(bytes, &mime)?;
        let at = at.unwrap_or_else(|| self.clock.now());
        self.shared.limit().offer(Frame { at, image });
        self.shared.came.notify_one();
        Ok(())
    }

    pub(super) fn show_chunk(&self, chunk: VideoChunk) -> Result<(), CallError> {
        self.show(chunk.frame()?)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.shared.limit().dropped()
    }
}

impl Showing {
    /// Shows frames when they are due.
    pub(super) async fn run(self) -> Infallible {
        loop {
            let Frame { at, image } = self.next().await;
            match self.fitted(image).await {
                Ok(image) => {
                    let image = Arc::new(image);
                    let wish = match self.sees {
                        Sees::Frames => Wish::Frame(at, image),
                        Sees::Nothing | Sees::Pictures => Wish::Image(image),
                    };
                    // A session that is over sees nothing more.
                    let _over = self.handle.show(wish).await;
                }
                Err(error) => self.warn(&error),
            }
        }
    }

    async fn next(&self) -> Frame {
        loop {
            let due = self.shared.limit().due();
            let now = self.clock.now();
            if let Some(frame) = self.shared.limit().take(now) {
                return frame;
            }
            let due_at = self.clock.sleep_until(due.unwrap_or_default());
            tokio::select! {
                biased;
                () = self.shared.came.notified() => {}
                () = due_at, if due.is_some() => {}
            }
        }
    }

    async fn fitted(&self, image: Media) -> Result<Media, AttachError> {
        let fit = self.fit.map_or(ImageFit::Off, ImageFit::To);
        let message = attach::fit(Message::user("").with(image), &fit).await?;
        message.media.into_iter().next().ok_or(AttachError::BrokeOff { what: "frame".to_owned() })
    }

    fn warn(&self, error: &AttachError) {
        let kind = EventKind::Warning { message: format!("a frame was not shown: {error}") };
        self.bus.publish(Event { at: self.clock.now(), turn: None, response: None, kind });
    }
}

#[cfg(test)]
mod tests;
