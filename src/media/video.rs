//! Video as a model sees it: single frames, not too many and not too large.

use std::time::Duration;

use super::Fit;
use crate::time::SessionTime;

/// How much of a video a model is shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VideoConfig {
    /// How many frames it is shown in a second, at most: 1 by default. Of more, it is shown the
    /// newest.
    pub frames_per_second: f64,
    /// The width of a frame in pixels, at most: 0, the default, is as it comes.
    pub max_width: u32,
    /// The height of a frame in pixels, at most: 0, the default, is as it comes.
    pub max_height: u32,
    /// The quality of a JPEG that is written, from 1 to 100: 85 by default.
    pub quality: u8,
    /// Whether frames that are too large are made smaller: they are by default. Else they are shown
    /// as they come.
    pub resize: bool,
}

impl Default for VideoConfig {
    fn default() -> Self {
        Self { frames_per_second: 1.0, max_width: 0, max_height: 0, quality: 85, resize: true }
    }
}

/// What makes no sense in a [`VideoConfig`].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VideoConfigError {
    /// No time lies between two frames, or all time.
    #[error("{0} frames in a second cannot be kept to; give from 0.001 to 1000")]
    Rate(f64),
    /// JPEG knows no such quality.
    #[error("a quality of {0} is none; give from 1 to 100")]
    Quality(u8),
}

impl VideoConfig {
    /// Looks whether it can be kept to.
    ///
    /// # Errors
    ///
    /// When it cannot.
    pub fn check(&self) -> Result<(), VideoConfigError> {
        if !(1e-3..=1e3).contains(&self.frames_per_second) {
            return Err(VideoConfigError::Rate(self.frames_per_second));
        }
        if !(1..=100).contains(&self.quality) {
            return Err(VideoConfigError::Quality(self.quality));
        }
        Ok(())
    }

    /// What frames are made to fit; `None` if they are shown as they come.
    #[must_use]
    pub fn fit(&self) -> Option<Fit> {
        let most = |pixels| if pixels == 0 { u32::MAX } else { pixels };
        let bounded = self.max_width > 0 || self.max_height > 0;
        (self.resize && bounded).then(|| Fit {
            max_width: most(self.max_width),
            max_height: most(self.max_height),
            quality: self.quality,
            max_bytes: None,
        })
    }

    /// What keeps frames from coming too often.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check) says.
    pub fn limit<T>(&self) -> Result<FrameLimit<T>, VideoConfigError> {
        self.check()?;
        let every = Duration::from_secs_f64(self.frames_per_second.recip());
        Ok(FrameLimit { every, due: SessionTime::ZERO, waiting: None, dropped: 0 })
    }
}

/// Keeps frames from coming too often: between two that are taken lies a time, at the end of which
/// the newest is taken. It is told what time it is.
///
/// ```
/// use banter::media::VideoConfig;
/// use banter::time::SessionTime;
///
/// let mut limit = VideoConfig::default().limit()?;
/// limit.offer("first");
/// assert_eq!(limit.take(SessionTime::from_millis(0)), Some("first"));
/// limit.offer("second");
/// limit.offer("third");
/// assert_eq!(limit.take(SessionTime::from_millis(900)), None);
/// assert_eq!(limit.due(), Some(SessionTime::from_millis(1_000)));
/// assert_eq!(limit.take(SessionTime::from_millis(1_000)), Some("third"));
/// assert_eq!(limit.dropped(), 1);
/// # Ok::<(), banter::media::VideoConfigError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FrameLimit<T> {
    every: Duration,
    /// When the next one may be taken.
    due: SessionTime,
    waiting: Option<T>,
    dropped: u64,
}

impl<T> FrameLimit<T> {
    /// A frame has come. It takes the place of one that waits.
    pub fn offer(&mut self, frame: T) {
        if self.waiting.replace(frame).is_some() {
            self.dropped += 1;
        }
    }

    /// When there is a frame to be taken, if there is one.
    #[must_use]
    pub fn due(&self) -> Option<SessionTime> {
        self.waiting.is_some().then_some(self.due)
    }

    /// The frame that is due.
    pub fn take(&mut self, now: SessionTime) -> Option<T> {
        let frame = self.waiting.take_if(|_| self.due <= now)?;
        self.due = now + self.every;
        Some(frame)
    }

    /// How many frames came too soon, and were taken by nobody.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is taken of frames that come each `every` ms, and when.
    fn taken(config: VideoConfig, every: u64, until: u64) -> (Vec<(u64, u64)>, u64) {
        let mut limit = config.limit().unwrap();
        let mut taken = Vec::new();
        for now in 0..until {
            if now % every == 0 {
                limit.offer(now);
            }
            if let Some(frame) = limit.take(SessionTime::from_millis(now)) {
                taken.push((now, frame));
            }
        }
        (taken, limit.dropped())
    }

    #[test]
    fn of_ten_frames_in_a_second_one_is_taken() {
        let (frames, dropped) = taken(VideoConfig::default(), 100, 10_000);
        let expected: Vec<_> = (0..10).map(|second| (second * 1_000, second * 1_000)).collect();
        assert_eq!(frames, expected);
        // Nine of each second, but for those of the last that still wait.
        assert_eq!(dropped, 100 - 10 - 1);
    }

    #[test]
    fn the_newest_is_taken_when_it_is_due() {
        let (frames, _) = taken(VideoConfig::default(), 300, 3_000);
        assert_eq!(frames, [(0, 0), (1_000, 900), (2_000, 1_800)]);
    }

    #[test]
    fn who_sends_less_is_never_kept_waiting() {
        let config = VideoConfig { frames_per_second: 2.0, ..VideoConfig::default() };
        let (frames, dropped) = taken(config, 500, 5_000);
        assert_eq!(frames.len(), 10);
        assert!(frames.iter().all(|(at, frame)| at == frame));
        assert_eq!(dropped, 0);
    }

    #[test]
    fn zero_pixels_are_as_many_as_there_are() {
        let fit = |max_width, max_height, resize| {
            VideoConfig { max_width, max_height, resize, ..VideoConfig::default() }.fit()
        };
        assert_eq!(fit(0, 0, true), None);
        assert_eq!(fit(640, 480, false), None);
        let Some(Fit { max_width, max_height, quality, max_bytes }) = fit(640, 0, true) else {
            panic!("it is to fit")
        };
        assert_eq!((max_width, max_height, quality, max_bytes), (640, u32::MAX, 85, None));
    }

    #[test]
    fn what_cannot_be_kept_to_is_refused() {
        for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let config = VideoConfig { frames_per_second: rate, ..VideoConfig::default() };
            assert!(matches!(config.check(), Err(VideoConfigError::Rate(_))), "{rate}");
        }
        for quality in [0, 101] {
            let config = VideoConfig { quality, ..VideoConfig::default() };
            assert_eq!(config.check(), Err(VideoConfigError::Quality(quality)));
        }
    }

    proptest! {
        #[test]
        fn however_frames_come_they_are_never_taken_too_often_and_each_is_accounted_for(
            gaps in prop::collection::vec(0_u64..2_000, 1..60),
            rate in 0.5_f64..30.0,
        ) {
            let config = VideoConfig { frames_per_second: rate, ..VideoConfig::default() };
            let mut limit = config.limit().unwrap();
            let (mut now, mut last, mut taken) = (0, None, 0);
            for gap in &gaps {
                now += gap;
                limit.offer(now);
                if limit.take(SessionTime::from_millis(now)).is_some() {
                    taken += 1;
                    if let Some(last) = last.replace(now) {
                        prop_assert!((now - last) as f64 >= 1e3 / rate - 1e-3);
                    }
                }
            }
            let waiting = u64::from(limit.due().is_some());
            prop_assert_eq!(taken + waiting + limit.dropped(), gaps.len() as u64);
        }
    }
}
