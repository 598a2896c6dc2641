//! When a person speaks: a function of what it has heard and said, and of the time.

use std::time::Duration;

use super::ear::{Ear, Sound};
use super::log::Spoken;
use super::{MICROPHONE, Options, Utterance, When};
use crate::audio::SampleRate;
use crate::ids::ResponseId;
use crate::time::SessionTime;

/// All that a person knows.
#[derive(Debug)]
pub(super) struct Mind {
    pub(super) utterances: Vec<Utterance>,
    pub(super) options: Options,
    ear: Ear,
    /// What is being said, and since when.
    saying: Option<(usize, SessionTime)>,
    /// What will be said next.
    next: usize,
    awaiting: Option<Awaiting>,
    /// When the reply began that is heard, or was heard last.
    reply: Option<SessionTime>,
    /// From when on a pause counts, beside the agent's last sound.
    quiet_since: SessionTime,
    told: Told,
    pub(super) spoken: Vec<Spoken>,
    /// Utterances to which there was no reply.
    pub(super) unanswered: Vec<usize>,
    /// What the session's time zero is on the other clock.
    pub(super) zero_nanos: u64,
    /// How late the speaker was asked for sound: the most, and blocks by whole milliseconds.
    pub(super) lateness: [u32; LATENESS],
}

/// A reply that is to come.
#[derive(Clone, Copy, Debug)]
struct Awaiting {
    /// The utterance; `None` for a greeting.
    to: Option<usize>,
    since: SessionTime,
    /// The agent was sounding at `since`, so that the reply begins after a pause only.
    spoken_over: bool,
}

/// The text of the reply, as far as somebody has told it.
#[derive(Debug, Default)]
struct Told {
    response: Option<ResponseId>,
    text: String,
}

impl Mind {
    pub(super) fn new(utterances: Vec<Utterance>, options: Options) -> Self {
        let since = SessionTime::ZERO;
        let awaiting = options.greeted.then_some(Awaiting { to: None, since, spoken_over: false });
        let count = utterances.len();
        Self {
            utterances,
            options,
            ear: Ear::new(),
            saying: None,
            next: 0,
            awaiting,
            reply: None,
            quiet_since: since,
            told: Told::default(),
            spoken: Vec::with_capacity(count),
            unanswered: Vec::with_capacity(count),
            zero_nanos: 0,
            lateness: [0; LATENESS],
        }
    }

    pub(super) fn sounds(&self) -> &[Sound] {
        self.ear.sounds()
    }

    #[cfg(test)]
    pub(super) fn remember(&mut self, sound: Sound) {
        self.ear.remember(sound);
    }

    /// A block has left the speaker.
    pub(super) fn hear(&mut self, block: &[i16], rate: SampleRate, at: SessionTime) {
        let Some(heard) = self.ear.hear(block, rate, at) else { return };
        let answers = self.awaiting.is_some_and(|awaiting| {
            heard.at > awaiting.since && (!awaiting.spoken_over || heard.silence >= PAUSE)
        });
        if answers {
            self.awaiting = None;
        }
        if answers || self.reply.is_none() || heard.silence >= OVER {
            self.reply = Some(heard.at);
        }
    }

    /// The speaker was asked for sound so much later than it was due.
    pub(super) fn note_lateness(&mut self, late: Duration) {
        let ms = usize::try_from(late.as_millis()).unwrap_or(usize::MAX);
        let blocks = &mut self.lateness[ms.min(LATENESS - 1)];
        *blocks = blocks.saturating_add(1);
    }

    /// Somebody tells the text of a reply, piece by piece.
    pub(super) fn tell(&mut self, response: ResponseId, text: &str) {
        if self.told.response != Some(response) {
            self.told = Told { response: Some(response), text: String::new() };
        }
        self.told.text.push_str(text);
    }

    /// Fills `out` with what the microphone hears from `from` on. What was heard until the block's
    /// end is known. Returns whether there will be more.
    pub(super) fn speak(&mut self, out: &mut [i16], from: SessionTime) -> bool {
        out.fill(0);
        let until = from + MICROPHONE.duration(out.len() as u64);
        self.lose_patience(until);
        if self.saying.is_none() {
            self.begin(from, until);
        }
        if let Some((index, begun)) = self.saying {
            self.say(index, begun, out, from);
        }
        !self.is_over(until)
    }

    /// Begins the next utterance, if it is due before `until`.
    fn begin(&mut self, from: SessionTime, until: SessionTime) {
        let Some(utterance) = self.utterances.get(self.next) else { return };
        let (lead, speech) = (utterance.speech.start, utterance.speech.clone());
        let Some(due) = self.due(utterance.when, lead, until) else { return };
        let begun = SessionTime::from_nanos(due.as_nanos().saturating_sub(nanos(lead))).max(from);
        if begun >= until {
            return;
        }
        // On a sample, so that its bounds are exact.
        let at = from + MICROPHONE.duration(MICROPHONE.samples(begun.since(from)));
        let (index, labelled) = (self.next, utterance.labelled);
        let (start, end) = (at + speech.start, at + speech.end);
        self.spoken.push(Spoken { index, start, end, labelled });
        self.saying = Some((index, at));
        self.next += 1;
    }

    /// The part of an utterance that lies in the block.
    fn say(&mut self, index: usize, begun: SessionTime, out: &mut [i16], from: SessionTime) {
        let utterance = &self.utterances[index];
        let offset = rounded(MICROPHONE, begun.since(from));
        let at = rounded(MICROPHONE, from.since(begun));
        let samples = utterance.samples.get(at..).unwrap_or_default();
        for (out, sample) in out.iter_mut().skip(offset).zip(samples) {
            *out = *sample;
        }
        let count = out.len().saturating_sub(offset);
        if samples.len() > count {
            return;
        }
        self.saying = None;
        let end = begun + utterance.speech.end;
        self.quiet_since = begun + MICROPHONE.duration(utterance.samples.len() as u64);
        if !utterance.text.is_empty() {
            let spoken_over = self.ear.last().is_some_and(|last| last + PAUSE > end);
            self.awaiting = Some(Awaiting { to: Some(index), since: end, spoken_over });
        }
    }

    /// When the next utterance's speech is due, whose samples begin before it by `lead`; `None`
    /// if that is not known yet.
    fn due(&self, when: When, lead: Duration, now: SessionTime) -> Option<SessionTime> {
        let after = |pause| self.after_reply(pause, lead, now);
        let into = |wait| if self.is_replying(now) { self.reply.map(|at| at + wait) } else { None };
        match when {
            When::At(at) => Some(at),
            _ if self.awaiting.is_some() => None,
            When::AfterReply(pause) => after(pause),
            When::IntoReply(wait) => into(wait).or_else(|| after(MISSED)),
            When::AtWord(word) => match self.word(word) {
                Some(wait) => into(wait).or_else(|| after(MISSED)),
                None => after(MISSED),
            },
        }
    }

    fn after_reply(
        &self,
        pause: Duration,
        lead: Duration,
        now: SessionTime,
    ) -> Option<SessionTime> {
        let (quiet, last) = (self.quiet(), self.ear.last());
        let known = last
            .filter(|_| !self.is_endless(now))
            .map_or(SessionTime::ZERO, |last| last + OVER + lead);
        (!self.is_replying(now)).then_some((quiet + pause).max(known))
    }

    /// Since when nobody has spoken.
    fn quiet(&self) -> SessionTime {
        self.ear.last().map_or(self.quiet_since, |last| last.max(self.quiet_since))
    }

    /// Whether a reply is heard, or a pause in it.
    fn is_replying(&self, now: SessionTime) -> bool {
        let sounds = self.ear.last().is_some_and(|last| now.since(last) < OVER);
        sounds && !self.is_endless(now)
    }

    fn is_endless(&self, now: SessionTime) -> bool {
        self.reply.is_some_and(|at| now.since(at) > LONGEST)
    }

    /// How long into the reply its word of this number begins. Of a reply that nobody tells
    /// anything of, the words are taken to be of average length.
    fn word(&self, number: usize) -> Option<Duration> {
        let before = number.saturating_sub(1);
        if self.told.text.is_empty() {
            return u32::try_from(before * AVERAGE_WORD).ok().map(|chars| CHARACTER * chars);
        }
        let text = self.told.text.trim_start();
        let word = text.split_whitespace().nth(before)?;
        let at = word.as_ptr().addr() - text.as_ptr().addr();
        u32::try_from(text.get(..at)?.chars().count()).ok().map(|chars| CHARACTER * chars)
    }

    /// A reply that does not come is not waited for any longer.
    fn lose_patience(&mut self, now: SessionTime) {
        let Some(awaiting) = self.awaiting else { return };
        let since = self.ear.last().map_or(awaiting.since, |last| last.max(awaiting.since));
        if now.since(since) > self.options.patience || self.is_endless(now) {
            self.unanswered.extend(awaiting.to);
            self.awaiting = None;
            self.quiet_since = now;
        }
    }

    /// Whether all is said, and the last reply was heard, some time ago.
    fn is_over(&self, now: SessionTime) -> bool {
        let quiet = self.quiet();
        let done = self.next == self.utterances.len() && self.saying.is_none();
        let heard_out = self.awaiting.is_none() && !self.is_replying(now);
        done && heard_out && (now.since(quiet) >= OVER + AFTERWARDS || self.is_endless(now))
    }

    /// What was to be said, and was not yet.
    pub(super) fn unsaid(&self) -> usize {
        self.utterances.len() - self.next
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The nearest count of samples: times are whole nanoseconds, samples are not.
fn rounded(rate: SampleRate, duration: Duration) -> usize {
    let half = Duration::from_nanos(500_000_000 / u64::from(rate.hz()));
    usize::try_from(rate.samples(duration + half)).unwrap_or(usize::MAX)
}

/// The silence after which a reply is over, to a person: longer than between two sentences.
pub(super) const OVER: Duration = Duration::from_millis(1_200);

/// The silence after which an agent that was spoken over is taken to answer.
const PAUSE: Duration = Duration::from_millis(600);

/// The pause before what should have been said into a reply that was over too soon.
const MISSED: Duration = Duration::from_millis(700);

/// How long the call goes on after all was said and heard.
const AFTERWARDS: Duration = Duration::from_millis(500);

/// An agent that talks for longer is not listened to.
const LONGEST: Duration = Duration::from_secs(120);

/// What the mock services need to say a character.
pub(super) const CHARACTER: Duration = Duration::from_millis(60);

/// In characters, with the space after it.
const AVERAGE_WORD: usize = 6;

/// Whole milliseconds of lateness that are told apart.
pub(super) const LATENESS: usize = 1_024;
