//! What models did during a measurement, in lines for people.

use crate::cli::screen::plain;
use crate::providers::metrics::{ModelReport, Quantiles};

/// A paragraph for each model that was asked; nothing, if none was.
pub(super) fn lines(models: &[ModelReport]) -> String {
    models.iter().filter(|model| model.requests > 0).map(of).collect()
}

fn of(model: &ModelReport) -> String {
    let failed: u64 = model.errors.values().sum();
    let mut text = format!(
        "\nmodel {}: {} requests, {} answered, {} left, {failed} failed, {} tried again\n",
        plain(&model.model),
        model.requests,
        model.answered,
        model.left,
        model.retries
    );
    let rows = [
        ("first token, ms", model.first_token_ms),
        ("whole answer, ms", model.answer_ms),
        ("tokens per second", model.tokens_per_second),
    ];
    for (name, values) in rows {
        if let Some(Quantiles { p50, p95, p99, .. }) = values {
            text += &format!("  {name:<18} p50 {p50:.1}  p95 {p95:.1}  p99 {p99:.1}\n");
        }
    }
    let usage = model.usage;
    text += &format!(
        "  {:<18} {} asked, {} answered",
        "tokens", usage.input_tokens, usage.output_tokens
    );
    text += &model.cost.map_or_else(|| "\n".to_owned(), |cost| format!(", at {cost:.4}\n"));
    for (kind, count) in &model.errors {
        text += &format!("  {:<18} {count}\n", kind.name());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ProviderErrorKind;
    use crate::types::Usage;

    #[test]
    fn a_model_that_was_asked_has_its_figures_and_another_has_none() {
        let idle = ModelReport {
            model: "idle".to_owned(),
            requests: 0,
            in_flight: 0,
            answered: 0,
            left: 0,
            errors: [].into(),
            error_rate: 0.0,
            retries: 0,
            first_token_ms: None,
            answer_ms: None,
            tokens_per_second: None,
            usage: Usage::default(),
            cost: None,
        };
        let first = Quantiles { p50: 200.0, p95: 300.0, p99: 310.0, mean: 210.0, count: 3 };
        let asked = ModelReport {
            model: "openai:small".to_owned(),
            requests: 5,
            answered: 3,
            left: 1,
            errors: [(ProviderErrorKind::RateLimited, 1)].into(),
            first_token_ms: Some(first),
            usage: Usage::of_text(100, 42),
            cost: Some(0.5),
            ..idle.clone()
        };
        let expected = "
model openai:small: 5 requests, 3 answered, 1 left, 1 failed, 0 tried again
  first token, ms    p50 200.0  p95 300.0  p99 310.0
  tokens             100 asked, 42 answered, at 0.5000
  rate_limited       1
";
        assert_eq!(lines(&[idle, asked]), expected);
    }
}
