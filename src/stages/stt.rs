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

/// The stage: one utterance a turn. The words of a turn come after those of the turn before, also
/// if the recogniser still works on that one.
///
/// It emits [`Transcript`]s and the turn's end, and keeps the sound to itself. An empty final
/// ends the turn as [`Outcome::Discarded`]; a failed recogniser as [`Outcome::Failed`].
#[derive(Debug)]
pub struct Stt {
    transcriber: Arc<dyn Transcriber>,
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
        Self { transcriber, facts }
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
                        if !self.on_element(element, &mut open, &outlet, &context).await {
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

    /// Tells the recogniser; `false` when the turn is over.
    async fn on_element(
        &self,
        element: Element,
        open: &mut VecDeque<Open>,
        outlet: &Outlet,
        context: &Context,
    ) -> bool {
        let turn = element.turn;
        let input = match element.payload {
            Payload::Heard(audio) => SttInput::Audio(audio),
            Payload::LikelyEnd => SttInput::Lull,
            Payload::TurnEnd(Outcome::Completed) => SttInput::End,
            _ => {
                let goes_on = !element.is_end();
                let _ended = outlet.send(element).await;
                return goes_on;
            }
        };
        let begins = matches!(input, SttInput::Audio(_));
        if begins && open.back().is_none_or(|open| open.turn != turn) {
            match self.transcriber.open() {
                Ok(utterance) => {
                    open.push_back(Open { turn, utterance, told: "".into() });
                }
                Err(error) => {
                    self.fail(turn, &error, outlet, context).await;
                    return false;
                }
            }
        }
        let Some(open) = open.iter().find(|open| open.turn == turn) else { return true };
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
            Some(Ok(SttEvent::Partial(text) | SttEvent::Provisional(text))) => (text, false),
            Some(Ok(SttEvent::Final(text))) => (text, true),
            Some(Ok(SttEvent::SpeechEnded)) => {
                self.facts.tell(Fact::SpeechEnded { turn }).await;
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
        is_final
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
