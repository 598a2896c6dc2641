//! Asks a model whether the user has finished, beside the way of the sound.

use std::future;
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

use crate::audio::SampleRate;
use crate::time::{SessionClock, SessionTime, Work};
use crate::turn::endpoint::{EndModel, Recent};

/// Keeps the last seconds of sound, and has a model judge them on a thread of its own: one question
/// at a time, while the last of those that came meanwhile waits. All calls of the process together
/// have as many answered at once as there are cores.
#[derive(Debug)]
pub(super) struct EndJudge {
    model: Arc<dyn EndModel>,
    recent: Recent,
    /// The question under way. It ends with the call.
    asked: JoinSet<Option<Answer>>,
    next: Option<Question>,
}

/// What the model said.
#[derive(Debug)]
pub(super) struct Answer {
    /// When it was asked.
    pub(super) at: SessionTime,
    /// How likely it is, from 0 to 1, that the user has finished.
    pub(super) likely: f32,
    /// Until it is dropped, a stepped clock stands still: the answer counts at the time of the
    /// question.
    _work: Work,
}

#[derive(Debug)]
struct Question {
    at: SessionTime,
    sound: Vec<i16>,
    clock: SessionClock,
    work: Work,
}

impl EndJudge {
    /// `None` for sound that the model does not take.
    pub(super) fn new(model: Arc<dyn EndModel>, rate: SampleRate) -> Option<Self> {
        let new = Self { model, recent: Recent::new(), asked: JoinSet::new(), next: None };
        (rate == SampleRate::SPEECH).then_some(new)
    }

    pub(super) fn hear(&mut self, samples: &[i16]) {
        self.recent.push(samples);
    }

    /// A turn began so long before the end of the sound so far: what was before is another matter.
    pub(super) fn begin(&mut self, ago: Duration) {
        self.recent.keep(SampleRate::SPEECH.samples(ago) as usize);
    }

    /// Asks about the sound so far, as soon as the question before is answered. A question that
    /// waits already is not asked any more.
    pub(super) fn ask(&mut self, at: SessionTime, clock: &SessionClock) {
        let (sound, work) = (self.recent.sound(), clock.work());
        self.next = Some(Question { at, sound, clock: clock.clone(), work });
        self.go_on();
    }

    fn go_on(&mut self) {
        if !self.asked.is_empty() {
            return;
        }
        if let Some(question) = self.next.take() {
            self.asked.spawn(answer(Arc::clone(&self.model), question));
        }
    }

    /// The next answer, if the question has one; never, while nothing is asked. Nothing is lost
    /// if it is not waited for to the end.
    pub(super) async fn answer(&mut self) -> Option<Answer> {
        let Some(answer) = self.asked.join_next().await else { return future::pending().await };
        self.go_on();
        // A model that panics has no answer.
        answer.ok().flatten()
    }
}

/// What the model says, if there is a core for it in time.
async fn answer(model: Arc<dyn EndModel>, question: Question) -> Option<Answer> {
    let Question { at, sound, clock, work } = question;
    let room = clock.timeout(PATIENCE, CORES.acquire()).await?;
    let judge = move || {
        let _room = room;
        Some(Answer { at, likely: model.likely_end(&sound)?, _work: work })
    };
    spawn_blocking(judge).await.ok().flatten()
}

static CORES: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, usize::from)));

/// What has waited for so long is asked again, by newer sound, if the user still pauses.
const PATIENCE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Condvar, Mutex};

    use super::*;

    /// Answers when it is let, with the last sample of the sound; counts who asks.
    #[derive(Debug, Default)]
    struct Slow {
        is_let: Mutex<bool>,
        change: Condvar,
        asked: AtomicUsize,
        now: AtomicUsize,
        most: AtomicUsize,
    }

    impl Slow {
        fn let_answer(&self) {
            *self.is_let.lock().unwrap() = true;
            self.change.notify_all();
        }
    }

    impl EndModel for Slow {
        fn name(&self) -> &'static str {
            "slow"
        }

        fn likely_end(&self, sound: &[i16]) -> Option<f32> {
            self.asked.fetch_add(1, Ordering::Relaxed);
            let now = self.now.fetch_add(1, Ordering::Relaxed) + 1;
            self.most.fetch_max(now, Ordering::Relaxed);
            let guard = self.is_let.lock().unwrap();
            drop(self.change.wait_while(guard, |is_let| !*is_let).unwrap());
            self.now.fetch_sub(1, Ordering::Relaxed);
            sound.last().map(|&sample| f32::from(sample) / 100.0)
        }
    }

    fn judge(model: &Arc<Slow>) -> EndJudge {
        let model: Arc<dyn EndModel> = Arc::<Slow>::clone(model);
        EndJudge::new(model, SampleRate::SPEECH).unwrap()
    }

    fn at(ms: u64) -> SessionTime {
        SessionTime::from_millis(ms)
    }

    #[tokio::test]
    async fn one_question_is_answered_at_a_time_and_the_last_of_the_others_then() {
        let (clock, _stepper) = SessionClock::stepped();
        let model = Arc::new(Slow::default());
        let mut judge = judge(&model);
        for question in 1..=5 {
            judge.hear(&[question]);
            judge.ask(at(question as u64), &clock);
        }
        model.let_answer();
        for expected in [1, 5] {
            let answer = judge.answer().await.unwrap();
            assert_eq!(answer.at, at(expected), "by the sound of that time");
            assert!((answer.likely - expected as f32 / 100.0).abs() < 1e-6);
        }
        assert_eq!(model.asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn hundreds_of_calls_have_no_more_answered_at_once_than_there_are_cores() {
        let (clock, _stepper) = SessionClock::stepped();
        let model = Arc::new(Slow::default());
        let mut judges: Vec<_> = (0..300).map(|_| judge(&model)).collect();
        for judge in &mut judges {
            judge.hear(&[7]);
            judge.ask(at(1), &clock);
            judge.ask(at(2), &clock);
        }
        model.let_answer();
        for judge in &mut judges {
            for expected in [1, 2] {
                assert_eq!(judge.answer().await.unwrap().at, at(expected));
            }
        }
        let cores = thread::available_parallelism().unwrap().get();
        assert!(model.most.load(Ordering::Relaxed) <= cores);
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_that_finds_no_core_in_time_has_no_answer() {
        let (stepped, _stepper) = SessionClock::stepped();
        let model = Arc::new(Slow::default());
        let cores = thread::available_parallelism().unwrap().get();
        let mut busy: Vec<_> = (0..cores).map(|_| judge(&model)).collect();
        for judge in &mut busy {
            judge.hear(&[1]);
            judge.ask(at(1), &stepped);
        }
        // Other tests may use cores as well: those end by themselves.
        while model.now.load(Ordering::Relaxed) < cores {
            tokio::task::yield_now().await;
        }
        let mut late = judge(&model);
        late.hear(&[1]);
        late.ask(at(2), &SessionClock::live());
        tokio::task::yield_now().await;
        tokio::time::advance(PATIENCE).await;
        assert!(late.answer().await.is_none());
        model.let_answer();
        for judge in &mut busy {
            assert!(judge.answer().await.is_some());
        }
    }

    #[test]
    fn sound_of_another_rate_is_not_judged() {
        let model: Arc<dyn EndModel> = Arc::new(Slow::default());
        assert!(EndJudge::new(model, SampleRate::new(8_000).unwrap()).is_none());
    }
}
