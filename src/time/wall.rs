//! The time on the wall: what a person calls the time. Nothing is measured with it.

use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A local date and time, to the minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WallTime(DateTime);

impl WallTime {
    /// The date and time now in the system's time zone; UTC if it has none.
    #[expect(clippy::disallowed_methods, reason = "people ask for the time of day")]
    #[must_use]
    pub fn now() -> Self {
        Self::of(jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default())
    }

    pub(super) fn of(time: jiff::Timestamp) -> Self {
        Self(time.to_zoned(TimeZone::system()).datetime())
    }

    /// The date and time now in UTC, as in RFC 3339, to the second.
    #[expect(clippy::disallowed_methods, reason = "a report says when it was made")]
    #[must_use]
    pub fn timestamp() -> String {
        let now = jiff::Timestamp::try_from(SystemTime::now()).unwrap_or_default();
        now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// A given date and time; `None` if the calendar does not have it.
    #[must_use]
    pub fn at((year, month, day): (i16, i8, i8), (hour, minute): (i8, i8)) -> Option<Self> {
        DateTime::new(year, month, day, hour, minute, 0, 0).ok().map(Self)
    }

    /// The hour, 0 to 23.
    #[must_use]
    pub fn hour(self) -> u8 {
        self.0.hour().unsigned_abs()
    }

    /// The minute, 0 to 59.
    #[must_use]
    pub fn minute(self) -> u8 {
        self.0.minute().unsigned_abs()
    }

    /// The day of the month, from 1.
    #[must_use]
    pub fn day(self) -> u8 {
        self.0.day().unsigned_abs()
    }

    /// The English name of the month.
    #[must_use]
    pub fn month_name(self) -> String {
        self.0.strftime("%B").to_string()
    }

    /// The English name of the weekday.
    #[must_use]
    pub fn weekday_name(self) -> String {
        self.0.strftime("%A").to_string()
    }
}

/// As `2026-11-21T10:30`.
impl std::fmt::Display for WallTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.strftime("%Y-%m-%dT%H:%M").fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_right() {
        let time = WallTime::at((2026, 11, 21), (10, 30)).unwrap();
        assert_eq!(
            (time.weekday_name(), time.month_name()),
            ("Saturday".into(), "November".into())
        );
        assert_eq!((time.day(), time.hour(), time.minute()), (21, 10, 30));
        assert_eq!(time.to_string(), "2026-11-21T10:30");
        assert_eq!(WallTime::at((2026, 2, 29), (0, 0)), None);
    }

    #[test]
    fn a_timestamp_can_be_read_again() {
        let text = WallTime::timestamp();
        assert_eq!((text.len(), text.parse::<jiff::Timestamp>().is_ok()), (20, true), "{text}");
    }

    #[test]
    fn now_is_after_this_was_written() {
        assert!(WallTime::now().0 > jiff::civil::date(2025, 1, 1).at(0, 0, 0, 0));
    }
}
