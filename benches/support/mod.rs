//! How the benches measure.

use std::time::Duration;

use criterion::Criterion;

/// Few samples: the benches together take less than three minutes.
pub(crate) fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .without_plots()
        .configure_from_args()
}
