use proptest::prelude::*;

use super::*;
use crate::providers::ProviderErrorKind;
use crate::providers::mock::{MockAnswer, MockProvider};

fn error(kind: ProviderErrorKind) -> ProviderError {
    ProviderError::new("mock", kind, "so it is")
}

fn advised(seconds: f64) -> ProviderError {
    let advice = RetryAdvice::After(Duration::from_secs_f64(seconds));
    error(ProviderErrorKind::RateLimited).with_advice(advice)
}

fn patient() -> RetryPolicy {
    RetryPolicy { retries: 5, ..RetryPolicy::default() }
}

#[test]
fn pauses_double_up_to_the_longest_and_chance_makes_them_shorter() {
    let failed = error(ProviderErrorKind::Failed);
    let pauses = |chance| {
        (0..6)
            .map(|n| patient().pause(n, &failed, chance).map(|p| p.as_millis()))
            .collect::<Vec<_>>()
    };
    assert_eq!(pauses(0.0), [Some(250), Some(500), Some(1_000), Some(2_000), Some(2_000), None]);
    assert_eq!(pauses(1.0), [Some(125), Some(250), Some(500), Some(1_000), Some(1_000), None]);
}

#[test]
fn what_a_service_advises_is_waited_for_unless_it_is_too_long() {
    let pause = |error: &ProviderError, chance| RetryPolicy::default().pause(0, error, chance);
    assert_eq!(pause(&advised(1.5), 0.0), Some(Duration::from_millis(1_500)));
    assert_eq!(pause(&advised(1.5), 1.0), Some(Duration::from_millis(1_750)));
    assert_eq!(pause(&advised(0.0), 0.0), Some(Duration::ZERO));
    assert_eq!(pause(&advised(2.1), 0.0), None);
    let never = error(ProviderErrorKind::Overloaded).with_advice(RetryAdvice::Never);
    assert_eq!(pause(&never, 0.0), None);
}

#[test]
fn only_what_may_pass_is_tried_again() {
    use ProviderErrorKind as Kind;
    for (kind, again) in [
        (Kind::RateLimited, true),
        (Kind::Overloaded, true),
        (Kind::Network, true),
        (Kind::Protocol, true),
        (Kind::Failed, true),
        (Kind::InvalidRequest, false),
        (Kind::ContentPolicy, false),
        (Kind::Unauthorized, false),
        (Kind::OutOfCredit, false),
        (Kind::NotFound, false),
        (Kind::TimedOut, false),
    ] {
        assert_eq!(patient().pause(0, &error(kind), 0.5).is_some(), again, "{kind:?}");
    }
}

#[test]
fn ten_retries_may_be_made_ahead_and_ten_answers_earn_one() {
    let mut budget = RetryBudget::default();
    budget.earn();
    let spent = std::iter::from_fn(|| budget.spend().then_some(())).take(99).count();
    assert_eq!(spent, 10);
    for _ in 0..9 {
        budget.earn();
        assert!(!budget.spend());
    }
    budget.earn();
    assert!(budget.spend() && !budget.spend());
}

#[test]
fn all_who_share_it_have_one_budget_and_the_same_seed_the_same_pauses() {
    let failed = error(ProviderErrorKind::Failed);
    let one = Retries::default();
    let other = one.clone();
    let made = (0..20).filter(|n| [&one, &other][n % 2].pause(0, &failed).is_some()).count();
    assert_eq!(made, 10);

    let pauses = |seed| -> Vec<_> {
        let retries = Retries::default().with_seed(seed);
        (0..10).map(|_| retries.pause(0, &failed).unwrap()).collect()
    };
    assert_eq!(pauses(7), pauses(7));
    assert_ne!(pauses(7), pauses(8));
}

#[tokio::test(start_paused = true)]
async fn what_failed_before_it_gave_anything_is_asked_again_after_a_pause() {
    let mock = Arc::new(MockProvider::new());
    for _ in 0..2 {
        mock.add(MockAnswer::text("x").failing_after(0, error(ProviderErrorKind::Overloaded)));
    }
    mock.add_response("Well.");
    let clock = SessionClock::live();
    let events = all(&Retries::new(patient()), &mock).await;
    assert_eq!(events.iter().filter(|event| event.is_err()).count(), 0, "{events:?}");
    assert_eq!(mock.requests().len(), 3);
    // The first pause of at most 250 ms and the second of at most 500 ms.
    let passed = clock.now().as_millis();
    assert!((375.0..=755.0).contains(&passed), "{passed}");
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_is_never_asked_again() {
    let mock = Arc::new(MockProvider::new());
    mock.add(MockAnswer::text("one two").failing_after(1, error(ProviderErrorKind::Network)));
    mock.add_response("never");
    let events = all(&Retries::new(patient()), &mock).await;
    assert_eq!(events.len(), 2, "{events:?}");
    assert!(events[1].is_err());
    assert_eq!(mock.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_fails_for_good_has_failed() {
    for (kind, asked) in [(ProviderErrorKind::InvalidRequest, 1), (ProviderErrorKind::Failed, 6)] {
        let mock = Arc::new(MockProvider::new());
        for _ in 0..9 {
            mock.add(MockAnswer::text("x").failing_after(0, error(kind)));
        }
        let events = all(&Retries::new(patient()), &mock).await;
        assert_eq!(events, [Err(error(kind))]);
        assert_eq!(mock.requests().len(), asked);
    }
}

async fn all(
    retries: &Retries,
    mock: &Arc<MockProvider>,
) -> Vec<Result<ProviderEvent, ProviderError>> {
    retries.stream(Arc::<MockProvider>::clone(mock), ProviderRequest::default()).collect().await
}

proptest! {
    #[test]
    fn no_pause_is_longer_than_what_was_advised_or_doubled(
        number in 0u32..100,
        advice in proptest::option::of(0u64..5_000),
        chance in 0.0f64..=1.0,
    ) {
        let policy = RetryPolicy { retries: 200, ..RetryPolicy::default() };
        let error = match advice {
            Some(millis) => advised(millis as f64 / 1_000.0),
            None => error(ProviderErrorKind::Failed),
        };
        let pause = policy.pause(number, &error, chance);
        match advice {
            Some(millis) if millis > 2_000 => prop_assert_eq!(pause, None),
            Some(millis) => {
                let least = Duration::from_secs_f64(millis as f64 / 1_000.0);
                prop_assert!((least..=least + policy.first).contains(&pause.unwrap()));
            }
            None => prop_assert!(pause.unwrap() <= policy.longest && pause.unwrap() >= policy.first / 2),
        }
    }
}
