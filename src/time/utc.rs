//! A moment on the calendar, as it is written down.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment in UTC, to the millisecond: when something was said, for whoever reads it later.
///
/// In JSON it is a text as in RFC 3339, `2026-11-21T10:30:00.250Z`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcTime(i64);

impl UtcTime {
    /// The moment now.
    #[expect(clippy::disallowed_methods, reason = "what is kept says when it was said")]
    #[must_use]
    pub fn now() -> Self {
        Self::from_millis(
            Timestamp::try_from(SystemTime::now()).map_or(0, Timestamp::as_millisecond),
        )
    }

    /// The moment `millis` milliseconds after 1970 began, or the nearest that the calendar has.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        let [first, last] = [Timestamp::MIN, Timestamp::MAX].map(Timestamp::as_millisecond);
        Self(millis.clamp(first, last))
    }

    /// Milliseconds since 1970 began; negative before.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` it is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// As `2026-11-21T10:30:00.250Z`.
impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = Timestamp::from_millisecond(self.0).unwrap_or_default();
        time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").fmt(f)
    }
}

impl fmt::Debug for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<SystemTime> for UtcTime {
    fn from(time: SystemTime) -> Self {
        Self::from_millis(Timestamp::try_from(time).map_or(0, Timestamp::as_millisecond))
    }
}

/// A text that is no moment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no moment; expected one as 2026-11-21T10:30:00.250Z")]
pub struct UtcTimeError(String);

impl FromStr for UtcTime {
    type Err = UtcTimeError;

    /// Reads RFC 3339, with any offset; what is finer than a millisecond is cut off.
    fn from_str(text: &str) -> Result<Self, UtcTimeError> {
        let time: Timestamp = text.parse().map_err(|_| UtcTimeError(text.to_owned()))?;
        Ok(Self(time.as_millisecond()))
    }
}

impl Serialize for UtcTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for UtcTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_a_text_that_can_be_read_again() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_257_000_250, "2026-11-21T10:30:00.250Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
        ] {
            let moment = UtcTime::from_millis(millis);
            assert_eq!(serde_json::to_value(moment).unwrap(), text);
            assert_eq!(text.parse(), Ok(moment));
        }
        assert_eq!("2026-11-21T11:30:00.2509+01:00".parse(), Ok(UtcTime(1_795_257_000_250)));
        let told = "yesterday".parse::<UtcTime>().unwrap_err().to_string();
        assert_eq!(told, "\"yesterday\" is no moment; expected one as 2026-11-21T10:30:00.250Z");
    }

    #[test]
    fn moments_have_a_distance() {
        let [early, late] = [1_000, 3_500].map(UtcTime::from_millis);
        assert_eq!(late.since(early), Duration::from_millis(2_500));
        assert_eq!(early.since(late), Duration::ZERO);
        assert!(UtcTime::now() > late);
        assert_eq!(
            UtcTime::from_millis(i64::MAX).to_string().len(),
            "9999-12-30T22:00:00.999Z".len()
        );
    }
}
