//! Figures as Prometheus reads them.

use std::fmt::Write;

use super::{ModelReport, Quantiles};

/// All figures of all models.
pub(super) fn text(models: &[ModelReport]) -> String {
    let mut page = Page(String::new());
    page.one("requests_total", "counter", "Requests to models, retries included", models, |m| {
        m.requests as f64
    });
    page.one("requests_in_flight", "gauge", "Requests under way", models, |m| m.in_flight as f64);
    page.one("answered_total", "counter", "Requests that were answered to the end", models, |m| {
        m.answered as f64
    });
    page.one(
        "left_total",
        "counter",
        "Requests whose answer was not wanted any longer",
        models,
        |m| m.left as f64,
    );
    page.one("retries_total", "counter", "Requests made again after a failure", models, |m| {
        m.retries as f64
    });
    page.head("errors_total", "counter", "Requests that failed, by kind");
    for model in models {
        for (kind, count) in &model.errors {
            page.line("errors_total", &model.model, &[("kind", kind.name())], *count as f64);
        }
    }
    page.head("tokens_total", "counter", "Tokens; cached and cache_written are part of input");
    for model in models {
        let usage = model.usage;
        for (kind, tokens) in [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cached", usage.cached_tokens),
            ("cache_written", usage.cache_written_tokens),
        ] {
            page.line("tokens_total", &model.model, &[("kind", kind)], tokens as f64);
        }
    }
    page.head("cost_total", "counter", "What was paid, where prices are known");
    for model in models {
        if let Some(cost) = model.cost {
            page.line("cost_total", &model.model, &[], cost);
        }
    }
    let seconds = |values: Option<Quantiles>| (values, 1e-3);
    page.summary("first_token_seconds", "From a request to the first of its answer", models, |m| {
        seconds(m.first_token_ms)
    });
    page.summary("answer_seconds", "From a request to the end of its answer", models, |m| {
        seconds(m.answer_ms)
    });
    page.summary("tokens_per_second", "How fast an answer is written", models, |m| {
        (m.tokens_per_second, 1.0)
    });
    page.0
}

struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _infallible = writeln!(self.0, "# HELP {PREFIX}{name} {help}.");
        let _infallible = writeln!(self.0, "# TYPE {PREFIX}{name} {kind}");
    }

    fn line(&mut self, name: &str, model: &str, labels: &[(&str, &str)], value: f64) {
        let _infallible = write!(self.0, "{PREFIX}{name}{{model=\"{}\"", escaped(model));
        for (label, text) in labels {
            let _infallible = write!(self.0, ",{label}=\"{}\"", escaped(text));
        }
        let _infallible = writeln!(self.0, "}} {value}");
    }

    fn one(
        &mut self,
        name: &str,
        kind: &str,
        help: &str,
        models: &[ModelReport],
        value: impl Fn(&ModelReport) -> f64,
    ) {
        self.head(name, kind, help);
        for model in models {
            self.line(name, &model.model, &[], value(model));
        }
    }

    fn summary(
        &mut self,
        name: &str,
        help: &str,
        models: &[ModelReport],
        values: impl Fn(&ModelReport) -> (Option<Quantiles>, f64),
    ) {
        self.head(name, "summary", help);
        for model in models {
            let (Some(values), scale) = values(model) else { continue };
            for (quantile, value) in
                [("0.5", values.p50), ("0.95", values.p95), ("0.99", values.p99)]
            {
                self.line(name, &model.model, &[("quantile", quantile)], value * scale);
            }
            let sum = values.mean * values.count as f64 * scale;
            self.line(&format!("{name}_sum"), &model.model, &[], sum);
            self.line(&format!("{name}_count"), &model.model, &[], values.count as f64);
        }
    }
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

const PREFIX: &str = "banter_model_";
