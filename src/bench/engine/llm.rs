//! A language model: how soon it says something that can be spoken, and how fast it writes.

use std::time::Duration;

use futures_util::StreamExt;
use serde::Serialize;

use super::{Cost, or_dash, ratio, spread, spreads, values};
use crate::bench::figures::Spread;
use crate::providers::{Prices, Provider, ProviderError, ProviderEvent, ProviderRequest};
use crate::text::{ClauseCutter, spoken};
use crate::time::{SessionClock, SessionTime};
use crate::types::Usage;

/// What a model is asked by default, a conversation each.
pub const PROMPTS: [&str; 5] = [
    "Hello, how are you?",
    "What is the capital of Switzerland?",
    "How much is three plus four?",
    "Tell me in two sentences why the sky is blue.",
    "What should I cook tonight, if I have rice, eggs and a cucumber?",
];

/// An answer to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// From the request to its first text.
    pub first_token: Duration,
    /// From the request until its first clause could be spoken.
    pub first_clause: Duration,
    /// From the first text to the last.
    pub wrote: Duration,
    /// In how many pieces the text came.
    pub pieces: u64,
    /// The tokens, if the provider tells.
    pub usage: Option<Usage>,
}

/// Has `engine` answer. Must be called within a Tokio runtime.
///
/// # Errors
///
/// As [`ProviderError`] says, and when nothing of the answer can be spoken.
pub async fn ask(
    engine: &dyn Provider,
    request: ProviderRequest,
) -> Result<Answered, ProviderError> {
    let clock = SessionClock::live();
    let now = || clock.now().since(SessionTime::ZERO);
    let mut cutter = ClauseCutter::default();
    let (mut first_token, mut first_clause, mut usage) = (None, None, None);
    let (mut last, mut pieces) = (Duration::ZERO, 0);
    let mut events = engine.stream(request);
    while let Some(event) = events.next().await {
        match event? {
            ProviderEvent::TextDelta(text) if !text.is_empty() => {
                last = now();
                pieces += 1;
                first_token.get_or_insert(last);
                cutter.push(&text);
            }
            ProviderEvent::Finished { usage: told, .. } => {
                usage = told;
                cutter.finish();
            }
            _ => {}
        }
        if first_clause.is_none() && can_be_spoken(&mut cutter) {
            first_clause = Some(now());
        }
    }
    let (Some(first_token), Some(first_clause)) = (first_token, first_clause) else {
        return Err(ProviderError::failed(engine.name(), "nothing of its answer can be spoken"));
    };
    Ok(Answered { first_token, first_clause, wrote: last - first_token, pieces, usage })
}

/// Whether a clause has come that is worth a request to a synthesizer.
fn can_be_spoken(cutter: &mut ClauseCutter) -> bool {
    std::iter::from_fn(|| cutter.next()).any(|clause| !spoken(&clause.text).is_empty())
}

/// What was measured of a model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How many prompts it has answered.
    pub answers: usize,
    /// From the request to its first text.
    pub first_token_ms: Option<Spread>,
    /// From the request until its first clause could be spoken.
    pub first_clause_ms: Option<Spread>,
    /// Tokens of all requests; `None` if the provider does not tell for each of them.
    pub input_tokens: Option<u64>,
    /// Tokens of all answers, likewise.
    pub output_tokens: Option<u64>,
    /// How fast it writes once it has begun, likewise.
    pub tokens_per_second: Option<f64>,
    /// The same in pieces of text as they come, which providers do not cut alike.
    pub pieces_per_second: Option<f64>,
    /// If prices and tokens are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
}

impl Figures {
    /// The figures of these answers.
    #[must_use]
    pub fn of(answers: &[Answered], prices: Option<Prices>) -> Self {
        let told: Option<Vec<Usage>> = answers.iter().map(|one| one.usage).collect();
        let told = told.filter(|told| !told.is_empty());
        let usage = told.and_then(|told| told.into_iter().reduce(|all, one| all + one));
        let wrote: Duration = answers.iter().map(|one| one.wrote).sum();
        // The first of an answer begins the time, and is not written in it.
        let speed =
            |all: u64| ratio(all.saturating_sub(answers.len() as u64) as f64, wrote.as_secs_f64());
        let total = prices.zip(usage).and_then(|(prices, usage)| prices.of(usage));
        Self {
            answers: answers.len(),
            first_token_ms: spread(answers.iter().map(|one| one.first_token)),
            first_clause_ms: spread(answers.iter().map(|one| one.first_clause)),
            input_tokens: usage.map(|usage| usage.input_tokens),
            output_tokens: usage.map(|usage| usage.output_tokens),
            tokens_per_second: usage.and_then(|usage| speed(usage.output_tokens)),
            pieces_per_second: speed(answers.iter().map(|one| one.pieces).sum()),
            cost: total.and_then(|total| Cost::of(total, answers.len(), None)),
        }
    }

    /// For people, in columns.
    #[must_use]
    pub fn table(&self) -> String {
        let count = |tokens: Option<u64>| tokens.map_or("-".to_owned(), |all| all.to_string());
        let rows = [
            ("tokens per second", or_dash(self.tokens_per_second, 1)),
            ("pieces of text per second", or_dash(self.pieces_per_second, 1)),
            ("tokens of the requests", count(self.input_tokens)),
            ("tokens of the answers", count(self.output_tokens)),
        ];
        let times = [("first token", self.first_token_ms), ("first clause", self.first_clause_ms)];
        let text = spreads(&times) + "\n" + &values(&rows, "", self.cost.as_ref());
        match (self.answers, self.input_tokens) {
            (1.., None) => text + "it does not tell its tokens: no cost can be told\n",
            _ => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::mock::{MockAnswer, MockProvider};

    #[tokio::test]
    async fn an_answer_is_timed_to_what_can_be_spoken() {
        let engine = MockProvider::answering(|_| MockAnswer::text("Well, it depends."));
        let answered = ask(&engine, ProviderRequest::default()).await.unwrap();
        assert!(answered.pieces > 0);
        assert!(answered.first_token <= answered.first_clause);
    }

    #[tokio::test]
    async fn an_answer_without_a_word_has_failed() {
        let engine = MockProvider::answering(|_| MockAnswer::text("🎉"));
        let error = ask(&engine, ProviderRequest::default()).await.unwrap_err();
        assert!(error.to_string().contains("can be spoken"), "{error}");
    }

    fn answered(ms: u64, usage: Option<(u64, u64)>) -> Answered {
        Answered {
            first_token: Duration::from_millis(ms),
            first_clause: Duration::from_millis(ms + 180),
            wrote: Duration::from_millis(500),
            pieces: 11,
            usage: usage
                .map(|(input_tokens, output_tokens)| Usage::of_text(input_tokens, output_tokens)),
        }
    }

    #[test]
    fn tokens_are_counted_and_paid() {
        let prices = Prices::new("0.15/1M".parse().unwrap(), "0.60/1M".parse().unwrap());
        let all = [answered(200, Some((100, 21))), answered(300, Some((100, 21)))];
        let figures = Figures::of(&all, Some(prices));
        assert_eq!((figures.input_tokens, figures.output_tokens), (Some(200), Some(42)));
        assert_eq!(
            (figures.tokens_per_second, figures.pieces_per_second),
            (Some(40.0), Some(20.0))
        );
        assert_eq!(figures.first_token_ms.map(|ms| (ms.p50, ms.p95)), Some((200.0, 300.0)));
        assert_eq!(figures.first_clause_ms.map(|ms| ms.p50), Some(380.0));
        let cost = figures.cost.unwrap();
        assert!((cost.total - 55.2e-6).abs() < 1e-12, "{cost:?}");
        assert!((cost.per_thousand_requests - 27.6e-3).abs() < 1e-9, "{cost:?}");
        assert_eq!(cost.per_hour, None);
    }

    #[test]
    fn tokens_that_are_not_told_are_not_guessed() {
        let all = [answered(200, Some((100, 21))), answered(300, None)];
        let figures = Figures::of(&all, None);
        assert_eq!((figures.input_tokens, figures.tokens_per_second), (None, None));
        assert_eq!(figures.pieces_per_second, Some(20.0));
        assert!(figures.table().contains("does not tell its tokens"));
        assert!(!Figures::of(&[], None).table().contains("does not tell"));
    }
}
