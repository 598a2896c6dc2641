//! What a service's work cost, in the money of its price.

use std::time::Duration;

use serde::Serialize;

use crate::bench::report::row;

/// Money, in whatever the price was written in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cost {
    /// All that was measured.
    pub total: f64,
    /// As many requests of this size.
    pub per_thousand_requests: f64,
    /// An hour of sound; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<f64>,
}

impl Cost {
    /// The cost of so many requests, with this much sound; `None` without a request.
    pub(super) fn of(total: f64, requests: usize, sound: Option<Duration>) -> Option<Self> {
        let hours = sound.map(|sound| sound.as_secs_f64() / 3_600.0);
        let per_hour = hours.and_then(|hours| super::ratio(total, hours));
        let per_request = super::ratio(total, requests as f64)?;
        Some(Self { total, per_thousand_requests: per_request * 1e3, per_hour })
    }

    pub(super) fn rows(&self, hour_of: &str) -> Vec<Vec<String>> {
        let money = |money: f64| format!("{money:.4}");
        let hour =
            self.per_hour.map(|cost| row(&format!("cost of an hour of {hour_of}"), [&money(cost)]));
        let rest = [
            row("cost of 1,000 such requests", [&money(self.per_thousand_requests)]),
            row("cost of all that was measured", [&money(self.total)]),
        ];
        hour.into_iter().chain(rest).collect()
    }
}
