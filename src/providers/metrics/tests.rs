//! What is counted and logged of requests, and what is not.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::*;
use crate::providers::embeddings::Embedder;
use crate::providers::embeddings::mock::MockEmbedder;
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::providers::retry::{Retries, RetryPolicy};
use crate::providers::{Price, Prices, Provider, ProviderError, ProviderRequest, RetryAdvice};
use crate::time::SessionClock;
use crate::types::Message;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn asking(text: &str) -> ProviderRequest {
    ProviderRequest { messages: vec![Message::user(text)], ..ProviderRequest::default() }
}

fn only(metrics: &ModelMetrics) -> ModelReport {
    let [report] = &metrics.report()[..] else { panic!("{:?}", metrics.report()) };
    report.clone()
}

fn error(kind: ProviderErrorKind) -> ProviderError {
    ProviderError::new("mock", kind, "so")
}

#[tokio::test(start_paused = true)]
async fn times_tokens_and_costs_are_counted_for_each_model() {
    let mock = MockProvider::new().paced(SessionClock::live(), MS(200), MS(50));
    // 11 words: the first after 200 ms, the last half a second later, the end 50 ms after it.
    let answer = MockAnswer::text("a b c d e f g h i j k").using(Usage::of_text(100, 11));
    mock.add(answer);
    mock.add(MockAnswer::default().failing_after(0, error(ProviderErrorKind::Overloaded)));
    mock.add(MockAnswer::text("one two").hanging_after(1));
    let metrics = ModelMetrics::default();
    let dollar = Price::Item(0.01);
    let model = Watched::new(Arc::new(mock), &metrics).priced(Some(Prices::new(dollar, dollar)));

    let mut first = model.stream(asking("hello"));
    assert_eq!((only(&metrics).requests, only(&metrics).in_flight), (1, 1));
    while first.next().await.is_some() {}
    let _failed: Vec<_> = model.stream(asking("hello")).collect().await;
    let mut left = model.stream(asking("hello"));
    left.next().await;
    drop((first, left));

    let report = only(&metrics);
    assert_eq!((report.model.as_str(), report.requests, report.in_flight), ("mock", 3, 0));
    assert_eq!((report.answered, report.left), (1, 1));
    assert_eq!(report.errors, [(ProviderErrorKind::Overloaded, 1)].into());
    assert!((report.error_rate - 1.0 / 3.0).abs() < 1e-9);
    let about = |value: f64, wanted: f64| (value / wanted - 1.0).abs() < 0.02;
    let first = report.first_token_ms.unwrap();
    assert!(about(first.p50, 200.0) && about(first.p99, 200.0) && first.count == 2, "{first:?}");
    let whole = report.answer_ms.unwrap();
    assert!(about(whole.p95, 750.0) && whole.count == 1, "{whole:?}");
    let speed = report.tokens_per_second.unwrap();
    assert!(about(speed.p50, 20.0), "ten tokens in half a second: {speed:?}");
    assert_eq!(report.usage, Usage::of_text(100, 11));
    assert!((report.cost.unwrap() - 1.11).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn embedders_are_counted_in_the_same_figures() {
    let mock = MockEmbedder::new(|text| match text {
        "" => Err(error(ProviderErrorKind::RateLimited)),
        _ => Ok(vec![1.0]),
    });
    let mock = Arc::new(mock.after(SessionClock::live(), MS(200)));
    let metrics = ModelMetrics::default();
    let embedder = WatchedEmbedder::new(Arc::clone(&mock) as Arc<dyn Embedder>, &metrics);
    assert_eq!(embedder.name(), "mock");

    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let vectors = embedder.embed(texts(&["a", "b"]));
    assert_eq!((only(&metrics).requests, only(&metrics).in_flight), (1, 1));
    assert_eq!(vectors.await.unwrap(), [[1.0], [1.0]]);
    let failed = embedder.embed(texts(&[""])).await.unwrap_err();
    assert_eq!(failed.kind, ProviderErrorKind::RateLimited);
    drop(embedder.embed(texts(&["c"])));
    assert_eq!(mock.requests().len(), 3);

    let report = only(&metrics);
    assert_eq!((report.requests, report.in_flight), (3, 0));
    assert_eq!((report.answered, report.left), (1, 1));
    assert_eq!(report.errors, [(ProviderErrorKind::RateLimited, 1)].into());
    let whole = report.answer_ms.unwrap();
    assert!((whole.p50 / 200.0 - 1.0).abs() < 0.02 && whole.count == 1, "{whole:?}");
    assert_eq!((report.first_token_ms, report.cost), (None, None));
    let told = metrics.prometheus();
    for line in [
        "banter_model_requests_total{model=\"mock\"} 3",
        "banter_model_errors_total{model=\"mock\",kind=\"rate_limited\"} 1",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn percentiles_are_those_of_all_requests_in_bounded_memory() {
    let metrics = ModelMetrics::default();
    let model = metrics.of("p:m");
    let before = model.buckets();
    for ms in 1..=10_000 {
        model.begin();
        let (first, whole) = (Some(MS(ms)), MS(ms * 2));
        let (ending, wrote) = (figures::Ending::Answered, Duration::ZERO);
        model.end(&figures::Over { ending, first, whole, wrote, usage: None, cost: None });
    }
    assert_eq!(model.buckets(), before, "and 30 KiB of them for each histogram");
    assert!(before * 8 <= 100 << 10, "{before}");
    let first = only(&metrics).first_token_ms.unwrap();
    for (value, wanted) in [(first.p50, 5_000.0), (first.p95, 9_500.0), (first.p99, 9_900.0)] {
        assert!((value / wanted - 1.0).abs() < 0.02, "{value} for {wanted}");
    }
    for name in 0..1_000 {
        metrics.of(&name.to_string());
    }
    assert_eq!(metrics.report().len(), 257, "and the others together");
}

#[tokio::test(start_paused = true)]
async fn retries_are_counted_whoever_makes_them() {
    let metrics = ModelMetrics::default();
    let mock = MockProvider::new();
    let again = error(ProviderErrorKind::Overloaded).with_advice(RetryAdvice::After(MS(1)));
    mock.add(MockAnswer::default().failing_after(0, again));
    mock.add_response("Here I am.");
    let patient = Patient(mock, Retries::new(RetryPolicy::default()));
    let model = Watched::new(Arc::new(patient), &metrics);
    let retries = model.retries().unwrap().clone();
    let answer: Vec<_> = retries.stream(Arc::new(model), asking("hello")).collect().await;
    assert!(answer.iter().all(Result::is_ok), "{answer:?}");
    let report = only(&metrics);
    assert_eq!((report.requests, report.retries, report.answered), (2, 1, 1));
}

/// A provider with a rule for retries.
#[derive(Debug)]
struct Patient(MockProvider, Retries);

impl Provider for Patient {
    fn name(&self) -> &'static str {
        "patient"
    }

    fn retries(&self) -> Option<&Retries> {
        Some(&self.1)
    }

    fn stream(&self, request: ProviderRequest) -> crate::providers::ProviderStream {
        self.0.stream(request)
    }
}

#[tokio::test(start_paused = true)]
async fn a_scraper_gets_every_figure_with_its_labels() {
    let metrics = ModelMetrics::default();
    let mock = MockProvider::new().paced(SessionClock::live(), MS(250), MS(0));
    mock.add(MockAnswer::text("hi").using(Usage { cached_tokens: 3, ..Usage::of_text(12, 5) }));
    mock.add(MockAnswer::default().failing_after(0, error(ProviderErrorKind::RateLimited)));
    let model = Watched::new(Arc::new(mock), &metrics);
    for _ in 0..2 {
        let _all: Vec<_> = model.stream(asking("hello")).collect().await;
    }
    metrics.of("strange\"\\\nname");
    let page = metrics.prometheus();
    for line in [
        "# TYPE banter_model_requests_total counter",
        "banter_model_requests_total{model=\"mock\"} 2",
        "banter_model_requests_in_flight{model=\"mock\"} 0",
        "banter_model_answered_total{model=\"mock\"} 1",
        "banter_model_errors_total{model=\"mock\",kind=\"rate_limited\"} 1",
        "banter_model_retries_total{model=\"mock\"} 0",
        "banter_model_tokens_total{model=\"mock\",kind=\"input\"} 12",
        "banter_model_tokens_total{model=\"mock\",kind=\"cached\"} 3",
        "# TYPE banter_model_first_token_seconds summary",
        "banter_model_first_token_seconds_count{model=\"mock\"} 1",
        "banter_model_requests_total{model=\"strange\\\"\\\\\\nname\"} 0",
    ] {
        assert!(page.lines().any(|one| one == line), "{line} in\n{page}");
    }
    let median = "banter_model_first_token_seconds{model=\"mock\",quantile=\"0.5\"} ";
    let value: f64 =
        page.lines().find_map(|line| line.strip_prefix(median)).unwrap().parse().unwrap();
    assert!((value / 0.25 - 1.0).abs() < 0.02, "{value}");
    assert!(!page.contains("cost_total{"), "no price is known");
    // A name and its labels, then a number; or a comment.
    for line in page.lines().filter(|line| !line.starts_with("# ")) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(series.ends_with('}') && value.parse::<f64>().is_ok(), "{line}");
    }
}

#[cfg(feature = "cli")]
mod logs {
    use std::io::Write;
    use std::sync::{Mutex, PoisonError};

    use http::StatusCode;
    use tracing::Level;
    use tracing::instrument::WithSubscriber;

    use super::*;
    use crate::net::Endpoint;
    use crate::net::mock::{MockHttp, MockResponse};
    use crate::providers::{OpenAi, ProviderEvent};
    use crate::types::{Media, MediaKind, Secret};

    /// All that is logged.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    const KEY: &str = "sk-hush-4711";

    /// What is logged, at this level and above, of an answer and a refusal by a service that quotes
    /// its key wherever it can.
    async fn logged(level: Level) -> String {
        let http = MockHttp::new();
        let events = [
            r#"data: {"choices":[{"delta":{"content":"The key is sk-hush"}}]}"#,
            r#"data: {"choices":[{"delta":{"content":"-4711."},"finish_reason":"stop"}]}"#,
            r#"data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5}}"#,
            "data: [DONE]",
        ];
        let answer = MockResponse::new("text/event-stream", [events.join("\n\n") + "\n\n"]);
        http.answer(answer.with_header("x-request-id", "req-sk-hush-4711-7"));
        let refusal = r#"{"error":{"message":"wrong key sk-hush-4711","code":"invalid_api_key"}}"#;
        let refused = MockResponse::new("application/json", [refusal]);
        let refused = refused.with_status(StatusCode::UNAUTHORIZED);
        http.answer(refused.with_header("x-request-id", "req-8"));
        let endpoint = Endpoint::new("http://there/v1", Some(Secret::new(KEY))).unwrap();
        let openai = OpenAi::new(Arc::new(http), endpoint, "small");
        let dollar = Price::Item(0.01);
        let model = Watched::new(Arc::new(openai), &ModelMetrics::default())
            .priced(Some(Prices::new(dollar, dollar)))
            .without([Secret::new(KEY)]);
        let pixels =
            Media::bytes(MediaKind::Image, "image/png", b"\x89PNG\r\n\x1a\nsecret".to_vec());
        let film =
            Media::url(MediaKind::Image, "image/png", "https://a:hush@there/p?key=sk-hush-4711");
        let request = ProviderRequest {
            system: "Never tell sk-hush-4711.".to_owned(),
            messages: vec![Message::user("Is it sk-hush-4711?").with(pixels).with(film)],
            ..ProviderRequest::default()
        };
        let written = Written::default();
        let to = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || to.clone())
            .with_ansi(false)
            .with_max_level(level)
            .finish();
        let talk = async {
            let answer: Vec<_> = model.stream(request.clone()).collect().await;
            assert!(
                matches!(answer.last(), Some(Ok(ProviderEvent::Finished { .. }))),
                "{answer:?}"
            );
            let refused: Vec<_> = model.stream(request).collect().await;
            assert!(refused[0].is_err());
        };
        talk.with_subscriber(subscriber).await;
        let bytes = written.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[tokio::test]
    async fn a_request_is_logged_with_who_what_when_and_how_it_ended_and_no_key() {
        let all = logged(Level::TRACE).await;
        let usual = logged(Level::INFO).await;
        for log in [&all, &usual] {
            for part in ["hush", "4711", "secret", "PNG\\r", "Bearer", "iVBORw0"] {
                let found = log.lines().find(|line| line.replace("[secret]", "").contains(part));
                assert_eq!(found, None, "{part}");
            }
            let answered = log.lines().find(|line| line.contains(" answered ")).unwrap();
            for part in [
                "provider=\"openai\"",
                "model=\"small\"",
                "call=1",
                "input_tokens=12",
                "output_tokens=5",
                "cost=0.1",
                "first_token_ms=",
                " ms=",
                "request_id=\"req-[secret]-7\"",
            ] {
                assert!(answered.contains(part), "{part} in {answered}");
            }
            let failed = log.lines().find(|line| line.contains(" failed ")).unwrap();
            for part in ["call=2", "kind=\"unauthorized\"", "status=401", "request_id=\"req-8\""] {
                assert!(failed.contains(part), "{part} in {failed}");
            }
        }
        let asked = all.lines().find(|line| line.contains(" asked ")).unwrap();
        assert!(asked.contains("messages=1"), "{asked}");
        assert!(
            all.contains("The key is [secret].") && all.contains("wrong key [secret]"),
            "{all}"
        );
        assert!(all.contains("Never tell [secret]."), "{all}");
        assert!(!usual.contains("The key is") && !usual.contains("Never tell"), "{usual}");
    }
}
