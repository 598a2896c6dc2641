//! A model that hears whether the user has finished.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::world::{World, field, silence, voice};
use crate::turn::endpoint::EndModel;

/// Always thinks the same, and counts questions.
#[derive(Debug, Default)]
struct Opinion {
    likely: Option<f32>,
    asked: AtomicU32,
    longest: AtomicU32,
}

impl EndModel for Opinion {
    fn name(&self) -> &'static str {
        "opinion"
    }

    fn likely_end(&self, sound: &[i16]) -> Option<f32> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.longest.fetch_max(sound.len() as u32, Ordering::Relaxed);
        self.likely
    }
}

/// Breaks.
#[derive(Debug)]
struct Broken;

impl EndModel for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn likely_end(&self, _: &[i16]) -> Option<f32> {
        panic!("as it is meant to")
    }
}

/// After how much silence a turn ends, with a model.
async fn silence_with(model: Arc<dyn EndModel>) -> f64 {
    let script = [voice(1_000), silence(6_000)].concat();
    let mut world = World::new(&script, &["one"], &["One it is."]);
    world.config.end_model = Some(model);
    let told = world.run().await;
    assert_eq!(told.said(), ["user: one", "assistant: One it is."]);
    field(&told, "turn_ended", "silence_ms").as_f64().unwrap()
}

#[tokio::test]
async fn its_answer_counts_at_the_time_of_the_question() {
    for (likely, expected) in [(Some(0.99), 400.0), (Some(0.5), 1_000.0), (None, 800.0)] {
        let opinion = Arc::new(Opinion { likely, ..Opinion::default() });
        let silence = silence_with(Arc::clone(&opinion) as Arc<dyn EndModel>).await;
        assert!((expected..expected + 41.0).contains(&silence), "{likely:?}: {silence}");
        // After 100 ms, and each 200 ms from there.
        let questions = ((expected - 100.0) / 200.0) as u32 + 1;
        assert!(opinion.asked.load(Ordering::Relaxed).abs_diff(questions) <= 1);
        assert!(opinion.longest.load(Ordering::Relaxed) >= 9_600, "all that was heard");
    }
}

#[tokio::test]
async fn a_model_that_breaks_is_as_none() {
    let silence = silence_with(Arc::new(Broken)).await;
    assert!((800.0..841.0).contains(&silence), "{silence}");
}
