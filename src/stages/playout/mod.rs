//! Plays the answer, and knows what was heard of it.
//!
//! Sound goes to the speaker's ring as it comes, and beyond that into a spill of 30 s; a full
//! spill holds the synthesizer back. Nothing of a response is played before it is committed.
//! One response is played at a time, and each ends in exactly one [`Fact::Over`].

mod playing;

use std::time::Duration;

use tokio::sync::mpsc;

use self::playing::Playing;
use super::{Fact, Facts, Mark};
use crate::device::Playback;
use crate::ids::ResponseId;
use crate::pipeline::{
    Context, Element, Floor, Kinds, Outcome, Outlet, Payload, Stage, StageError, StageFuture,
    StageIo, StageKind,
};

/// What the session wants of the playout, beside the gate and the floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlayoutCommand {
    /// End the answer after the sentence that is being heard.
    FinishSentence,
}

/// The stage: it plays one committed response at a time, keeps up to 30 s of sound that the
/// speaker has no room for yet, and ends each response in exactly one [`Fact::Over`].
#[derive(Debug)]
pub struct Playout {
    playback: Playback,
    facts: Facts,
    commands: mpsc::Receiver<PlayoutCommand>,
}

impl Playout {
    /// A stage that plays to `playback`.
    #[must_use]
    pub fn new(playback: Playback, facts: Facts, commands: mpsc::Receiver<PlayoutCommand>) -> Self {
        Self { playback, facts, commands }
    }
}

struct Player {
    playback: Playback,
    facts: Facts,
    commands: mpsc::Receiver<PlayoutCommand>,
    outlet: Outlet,
    context: Context,
    playing: Option<Playing>,
    /// The last response that is over. Its end may still arrive.
    over: Option<ResponseId>,
    /// Under-runs of this answer so far.
    under_runs: u64,
    /// After an under-run, sound waits until there is this much.
    cushion: usize,
}

impl Player {
    async fn run(mut self, mut inlet: crate::pipeline::Inlet) -> Result<(), StageError> {
        let Context { clock, floor, .. } = self.context.clone();
        let mut more = true;
        loop {
            self.pump().await?;
            let room = self.playing.as_ref().is_none_or(|playing| playing.has_room(&self.playback));
            let current = self.playing.as_ref().map(|playing| playing.response);
            let waits = self.playing.as_ref().is_some_and(|playing| !playing.committed);
            let (busy, pause) = (current.is_some(), self.pause());
            if !more && !busy {
                return Ok(());
            }
            tokio::select! {
                biased;
                () = cancelled(current, &floor) => self.cut().await,
                () = settled(current, &floor), if waits => {
                    if let Some(playing) = &mut self.playing {
                        playing.committed = true;
                    }
                }
                Some(PlayoutCommand::FinishSentence) = self.commands.recv() => {
                    if let Some(playing) = &mut self.playing {
                        playing.finish = Some(self.playback.gate().played().saturating_sub(playing.start));
                    }
                }
                element = inlet.recv(), if room && more => match element? {
                    Some(element) => self.on_element(element).await?,
                    None => {
                        more = false;
                        self.drain();
                    }
                },
                () = clock.sleep(pause), if busy => {}
            }
        }
    }

    /// No more comes: what there is, is played to its end.
    fn drain(&mut self) {
        if let Some(playing) = &mut self.playing {
            playing.ended.get_or_insert(Outcome::Discarded);
        }
    }

    async fn on_element(&mut self, element: Element) -> Result<(), StageError> {
        if element.response.is_some() && element.response <= self.over {
            return Ok(());
        }
        match (&element.payload, &mut self.playing) {
            (Payload::Begin(turn), _) => {
                let start = self.playback.pushed();
                (self.under_runs, self.cushion) = (self.playback.gate().under_runs(), 0);
                self.playing =
                    Some(Playing::new(turn.response, &element, start, self.playback.rate()));
            }
            (Payload::TextDelta(text), Some(playing)) => {
                playing.heard.text(text);
            }
            (Payload::Spoken { audio, mark }, Some(playing)) => {
                let rate = self.playback.rate();
                playing.sound(audio.samples(), audio.rate(), rate, *mark)?;
                return Ok(()); // it ends here
            }
            (Payload::TurnEnd(outcome), Some(playing)) => {
                playing.finish_sound();
                playing.ended = Some(outcome.clone());
                return Ok(()); // it is passed on when all was heard
            }
            (Payload::TurnEnd(outcome), None) => {
                // It was cancelled, or failed, before it began to play.
                let outcome = match outcome {
                    Outcome::Failed { .. } => outcome.clone(),
                    _ => Outcome::Interrupted { heard: Duration::ZERO },
                };
                let Some(response) = element.response else { return Ok(()) };
                let (start, rate) = (self.playback.pushed(), self.playback.rate());
                let playing = Playing::new(response, &element, start, rate);
                self.over(playing, outcome, 0).await;
                return Ok(());
            }
            _ => {}
        }
        let _ended = self.outlet.send(element).await;
        Ok(())
    }

    /// Moves sound to the speaker, and looks at what has left it.
    async fn pump(&mut self) -> Result<(), StageError> {
        let Some(playing) = &mut self.playing else { return Ok(()) };
        let gate = self.playback.gate();
        if gate.under_runs() > self.under_runs {
            self.under_runs = gate.under_runs();
            self.cushion = (self.cushion + self.playback.rate().hz() as usize / CUSHION_PER_SECOND)
                .min(self.playback.rate().hz() as usize / 4);
        }
        let ended = playing.ended.is_some();
        if playing.committed && (ended || playing.spill.len() >= self.cushion) {
            if !playing.spill.is_empty() {
                self.playback.begin_sound(self.context.clock.now());
            }
            self.playback.push(&mut playing.spill);
            if self.playback.pushed() > playing.start {
                self.playback.expect_more(!(ended && playing.spill.is_empty()));
            }
        }
        let now = self.context.clock.now();
        if !playing.queued
            && let Some(audible) = playing.audible
            && playing.start + audible < self.playback.pushed()
        {
            playing.queued = true;
            self.facts.mark(playing.response, Mark::Queued, now).await;
        }
        while let Some(played) = self.playback.next_played() {
            if let Some(instants) = playing.heard_until(played, self.playback.rate()) {
                let response = playing.response;
                self.facts.tell(Fact::Sounding { response, instants }).await;
            }
            self.context.touch();
        }
        if self.playback.gate().holds() || self.playback.gate().unheard_since().is_some() {
            self.context.touch(); // waiting for the user, or for a speaker, is not idling
        }
        self.finish().await;
        Ok(())
    }

    /// How long nothing happens at the speaker that the session is to know soon: nothing is
    /// queued, or in the middle of an answer far more than is played until then.
    fn pause(&self) -> Duration {
        let Some(playing) = &self.playing else { return SELDOM };
        if self.playback.pushed() == playing.start {
            return SELDOM;
        }
        if !playing.sounding || playing.finish.is_some() {
            return POLL;
        }
        let end = playing.start + playing.samples;
        let left = end.saturating_sub(self.playback.gate().played());
        self.playback.rate().duration(left).clamp(POLL, SELDOM)
    }

    /// Ends the response when all of it was heard, or the sentence that was to be finished.
    async fn finish(&mut self) {
        let Some(playing) = &mut self.playing else { return };
        let played = self.playback.gate().played().saturating_sub(playing.start);
        if let Some(finish) = playing.finish
            && played >= playing.heard.sentence_end(finish)
        {
            self.context.floor.cancel(playing.response);
            return self.cut().await;
        }
        if played < playing.samples || !playing.committed && playing.samples > 0 {
            return;
        }
        if let Some(outcome) = playing.ended.take()
            && let Some(playing) = self.playing.take()
        {
            let heard = playing.samples;
            self.over(playing, outcome, heard).await;
        }
    }

    /// The response is cancelled: silence, now.
    async fn cut(&mut self) {
        let played = self.playback.drop_queued();
        let Some(mut playing) = self.playing.take() else { return };
        while let Some(played) = self.playback.next_played() {
            playing.heard_until(played, self.playback.rate());
        }
        let heard = played.saturating_sub(playing.start).min(playing.samples);
        let outcome = Outcome::Interrupted { heard: self.playback.rate().duration(heard) };
        self.over(playing, outcome, heard).await;
    }

    async fn over(&mut self, playing: Playing, outcome: Outcome, heard: u64) {
        self.over = Some(playing.response);
        self.playback.expect_more(false);
        self.playback.end_sound();
        self.playback.gate().play(); // it was lowered or closed for this response only
        let now = self.context.clock.now();
        let end = playing.origin.with(Payload::TurnEnd(outcome.clone()));
        let bytes = playing.heard.heard(heard).bytes;
        let text = playing.heard.into_text();
        let complete = outcome == Outcome::Completed;
        let heard_bytes = if complete { text.len() } else { bytes };
        let _ended = self.outlet.send(Element { at: now, ..end }).await;
        let fact = Fact::Over {
            response: playing.response,
            outcome,
            text,
            heard_bytes,
            heard: self.playback.rate().duration(heard),
            at: if playing.sounding { playing.last_heard } else { now },
        };
        self.facts.tell(fact).await;
    }
}

/// Waits until the response that is being played is cancelled.
async fn cancelled(current: Option<ResponseId>, floor: &Floor) {
    match current {
        Some(response) => floor.cancelled(response).await,
        None => std::future::pending().await,
    }
}

/// Waits until the response that is to be played is committed or cancelled.
async fn settled(current: Option<ResponseId>, floor: &Floor) {
    match current {
        Some(response) => floor.settled(response).await,
        None => std::future::pending().await,
    }
}

impl Stage for Playout {
    fn name(&self) -> &'static str {
        "playout"
    }

    fn kind(&self) -> StageKind {
        StageKind::Sink
    }

    fn accepts(&self) -> Kinds {
        Kinds::BEGIN | Kinds::TEXT_DELTA | Kinds::SPOKEN
    }

    fn run(self: Box<Self>, io: StageIo) -> StageFuture {
        let StageIo { inlet, outlet, context } = io;
        let Self { playback, facts, commands } = *self;
        let player = Player {
            playback,
            facts,
            commands,
            outlet,
            context,
            playing: None,
            over: None,
            under_runs: 0,
            cushion: 0,
        };
        Box::pin(player.run(inlet))
    }
}

/// How often the playout looks at what has left the speaker: the session hears of the end of an
/// answer that much later, though with its exact time.
const POLL: Duration = Duration::from_millis(10);

/// How often it looks in the middle of an answer: far more often than the ring runs dry.
const SELDOM: Duration = Duration::from_millis(50);

/// Each under-run adds a twentieth of a second to the cushion: 50 ms.
const CUSHION_PER_SECOND: usize = 20;

#[cfg(test)]
mod tests;
