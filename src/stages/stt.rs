//! Turns the user's sound into words while it is spoken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::{Fact, Facts};
use crate::events::StageName;
use crate::ids::TurnId;
use crate::pipeline::{
    Context, Element, Kinds, Outcome, Outlet, Payload, Stage, StageError, StageFuture, StageIo,
    StageKind, Transcript,
};
use crate::stt::{SttError, SttEvent, SttInput, Transcriber, Utterance};
use crate::text::Phrases;

/// The stage: one utterance a turn. The words of a turn come after those of the turn before, also
/// if the recogniser still works on that one.
///
/// It emits [`Transcript`]s and the turn's end, and keeps the sound to itself. An empty final
/// ends the turn as [`Outcome::Discarded`]; a failed recogniser as [`Outcome::Failed`].
#[derive(Debug)]
pub struct Stt {
    transcriber: Arc<dyn Transcriber>,
    /// What each utterance may hold.
    phrases: Option<Phrases>,
    facts: Facts,
}

/// A turn that is being heard, or whose words are still to come.
#[derive(Debug)]
struct Open {
    turn: TurnId,
    utterance: Utterance,
    /// The words that were passed on last.
    told: Arc<str>,
}

impl Stt {
    /// A stage with this recogniser.
    #[must_use]
    pub fn new(transcriber: Arc<dyn Transcriber>, facts: Facts) -> Self {
        Self { transcriber, phrases: None, facts }
    }

    /// The same that listens for these phrases, if its recogniser can.
    #[must_use]
    pub fn listening_for(self, phrases: Option<Phrases>) -> Self {
        Self { phrases, ..self }
    }

    async fn listen(self, io: StageIo) -> Result<(), StageError> {
        let StageIo { mut inlet, outlet, context } = io;
        let mut open: VecDeque<Open> = VecDeque::new();
        // Sound of a turn that is over may still arrive; it must not open a new utterance.
        let mut over = TurnId::default();
        let mut more = true;
        // What was said before the end of the stream still counts, if somebody waits for it.
        while more || !open.is_empty() {
            // The queue to the engine is empty again soon after it is full: events are taken
            // first, and an engine gives few events for one input.
            tokio::select! {
                biased;
                (front, event) = next_event(&mut open) => {
                    let turn = front.turn;
                    if self.on_event(front, event, &outlet, &context).await {
                        open.pop_front();
                        over = over.max(turn);
                    }
                }
                element = inlet.recv(), if more => match element? {
                    Some(element) if element.turn <= over && !element.is_end() => {}
                    Some(element) => {
                        let turn = element.turn;
                        let told = turn <= over;
                        if !self.on_element(element, told, &mut open, &outlet, &context).await {
                            open.retain(|open| open.turn != turn);
                            over = over.max(turn);
                        }
                    }
                    None => more = false,
                },
                () = self.facts.closed(), if !more => return Ok(()),
                () = context.clock.sleep(LAST_WORDS), if !more => return Ok(()),
            }
        }
        Ok(())
    }

    /// Tells the recogniser; `false` when the turn is over. All may be `told` already.
    async fn on_element(
        &self,
        element: Element,
        told: bool,
        open: &mut VecDeque<Open>,
        outlet: &Outlet,
        context: &Context,
    ) -> bool {
        let turn = element.turn;
        let input = match element.payload {
            Payload::Heard(audio) => SttInput::Audio(audio),
            Payload::LikelyEnd => SttInput::Lull,
            Payload::GoesOn => SttInput::GoesOn,
            Payload::TurnEnd(Outcome::Completed) => SttInput::End,
            _ => {
                let goes_on = !element.is_end();
                let _ended = outlet.send(element).await;
                return goes_on;
            }
        };
        let begins = matches!(input, SttInput::Audio(_));
        if begins && open.back().is_none_or(|open| open.turn != turn) {
            let opened = match &self.phrases {
                Some(phrases) => self.transcriber.open_for(phrases),
                None => self.transcriber.open(),
            };
            match opened {
                Ok(utterance) => {
                    open.push_back(Open { turn, utterance, told: "".into() });
                }
                Err(error) => {
                    self.fail(turn, &error, outlet, context).await;
                    return false;
                }
            }
        }
        let Some(open) = open.iter().find(|open| open.turn == turn) else {
            // Who is told the turns by others may be told one without any sound.
            let ends = matches!(input, SttInput::End);
            if ends && !told {
                self.tell(turn, "".into(), true, outlet, context).await;
            }
            return !ends;
        };
        let sent = open.utterance.send(input, context.clock.work());
        if context.clock.timeout(STUCK, sent).await.is_none() {
            let engine = self.transcriber.name();
            let reason = format!("it took no sound for {STUCK:?}");
            self.fail(turn, &SttError::Failed { engine, reason }, outlet, context).await;
            return false;
        }
        true
    }

    /// Passes on what the recogniser says; `true` when the turn is over.
    async fn on_event(
        &self,
        open: &mut Open,
        event: Option<Result<SttEvent, SttError>>,
        outlet: &Outlet,
        context: &Context,
    ) -> bool {
        let turn = open.turn;
        let (text, is_final) = match event {
            Some(Ok(SttEvent::Partial(text))) => (text, false),
            Some(Ok(SttEvent::Provisional(text))) => {
                let text: Arc<str> = text.into();
                if *text != *open.told {
                    open.told = Arc::clone(&text);
                    self.tell(turn, Arc::clone(&text), false, outlet, context).await;
                }
                self.facts.tell(Fact::Provisional { turn, text }).await;
                return false;
            }
            Some(Ok(SttEvent::Final(text))) => (text, true),
            Some(Ok(SttEvent::SpeechEnded)) => {
                self.facts.tell(Fact::SpeechEnded { turn }).await;
                return false;
            }
            Some(Ok(SttEvent::Spotted(phrase))) => {
                // The words begin anew.
                open.told = "".into();
                self.facts.tell(Fact::Spotted { turn, phrase }).await;
                return false;
            }
            Some(Err(error)) => {
                self.fail(turn, &error, outlet, context).await;
                return true;
            }
            None => {
                let engine = self.transcriber.name();
                let reason = "it ended without a result".to_owned();
                self.fail(turn, &SttError::Failed { engine, reason }, outlet, context).await;
                return true;
            }
        };
        if !is_final && *text == *open.told {
            return false; // nothing new
        }
        let text: Arc<str> = text.into();
        open.told = Arc::clone(&text);
        self.tell(turn, text, is_final, outlet, context).await;
        is_final
    }

    async fn tell(
        &self,
        turn: TurnId,
        text: Arc<str>,
        is_final: bool,
        outlet: &Outlet,
        context: &Context,
    ) {
        let now = context.clock.now();
        let transcript = match is_final {
            true => Transcript::Final(Arc::clone(&text)),
            false => Transcript::Partial(Arc::clone(&text)),
        };
        let outcome = if text.is_empty() { Outcome::Discarded } else { Outcome::Completed };
        let _ended = outlet.send(Element::new(turn, now, Payload::Transcript(transcript))).await;
        self.facts.tell(Fact::Transcript { turn, text, is_final }).await;
        if is_final {
            let _ended = outlet.send(Element::new(turn, now, Payload::TurnEnd(outcome))).await;
        }
    }

    async fn fail(&self, turn: TurnId, error: &SttError, outlet: &Outlet, context: &Context) {
        let error = error.to_string();
        let reason = error.as_str().into();
        let end = Payload::TurnEnd(Outcome::Failed { reason });
        let _ended = outlet.send(Element::new(turn, context.clock.now(), end)).await;
        let stage = StageName::Stt;
        self.facts.tell(Fact::Failed { turn, response: None, stage, error: error.into() }).await;
    }
}

/// The next event of the oldest utterance; waits for ever while there is none.
async fn next_event(open: &mut VecDeque<Open>) -> (&mut Open, Option<Result<SttEvent, SttError>>) {
    match open.front_mut() {
        Some(front) => {
            let event = front.utterance.next().await;
            (front, event)
        }
        None => std::future::pending().await,
    }
}

impl Stage for Stt {
    fn name(&self) -> &'static str {
        "stt"
    }

    fn kind(&self) -> StageKind {
        StageKind::Accumulate
    }

    fn accepts(&self) -> Kinds {
        Kinds::HEARD | Kinds::LIKELY_END
    }

    fn emits(&self) -> Kinds {
        Kinds::TRANSCRIPT | Kinds::TURN_END
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        Box::pin(self.listen(io))
    }
}

/// An engine that takes nothing for so long is stuck. The microphone's ring holds two seconds, so
/// that nothing of the next turn is lost meanwhile.
const STUCK: Duration = Duration::from_millis(1500);

/// The longest wait for the words of the last turn after the end of the stream.
const LAST_WORDS: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::audio::{AudioChunk, SampleRate};
    use crate::pipeline::{Node, PipelineBuilder};
    use crate::stt::mock::{MockFault, MockTranscriber};
    use crate::time::SessionClock;

    /// It may be told by somebody else that the user has begun and finished at once.
    #[tokio::test(start_paused = true)]
    async fn a_turn_without_any_sound_is_one_without_words() {
        let (facts, mut told) = mpsc::channel(4);
        let stage = Stt::new(Arc::new(MockTranscriber::new(["hello"])), Facts::to(facts));
        let pipeline = PipelineBuilder::default().chain([Node::stage(stage)]).build().unwrap();
        let end = Payload::TurnEnd(Outcome::Completed);
        let end = Element::new(TurnId::new(1), Default::default(), end);
        let context = Context::new(SessionClock::live());
        let came = pipeline.execute(&context, [end]).await.unwrap().elements;
        assert!(matches!(came.last().unwrap().payload, Payload::TurnEnd(Outcome::Discarded)));
        let Some(Fact::Transcript { text, is_final, .. }) = told.recv().await else { panic!() };
        assert_eq!((&*text, is_final), ("", true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_failed_before_its_end_is_told_once() {
        let (facts, mut told) = mpsc::channel(4);
        let failing = MockTranscriber::new(["hello there"]).with_fault(MockFault::Middle);
        let stage = Stt::new(Arc::new(failing), Facts::to(facts));
        let pipeline = PipelineBuilder::default().chain([Node::stage(stage)]).build().unwrap();
        let mut run = pipeline.run(&Context::new(SessionClock::live()));
        let input = run.take_input().unwrap();
        let turn = TurnId::new(1);
        for _ in 0..2 {
            let sound = AudioChunk::new([0; 320], SampleRate::SPEECH);
            input.send(Element::heard(turn, Default::default(), sound)).await.unwrap();
        }
        let Some(Fact::Transcript { is_final: false, .. }) = told.recv().await else { panic!() };
        let Some(Fact::Failed { .. }) = told.recv().await else { panic!() };
        let end = Payload::TurnEnd(Outcome::Completed);
        input.send(Element::new(turn, Default::default(), end)).await.unwrap();
        drop(input);
        while run.output.recv().await.unwrap().is_some() {}
        run.wait().await.unwrap();
        assert!(told.recv().await.is_none(), "nothing more is told");
    }
}
