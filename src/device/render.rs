//! The way of the speaker's samples, and the gate on it.
//!
//! The gate is read where the samples leave, so it acts within one device buffer, however much
//! is queued. Every sample of a stream has an index, from zero; what was heard is an index.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Observer, Producer, Split};

use super::gate::{Gate, Mode};
use super::handover::Waiting;
use super::tap::{Tap, TapEnd, Taps, tap};
use crate::audio::SampleRate;
use crate::time::SessionTime;

/// The ends of a speaker's ring, which holds half a second.
///
/// The last value taps what really leaves the speaker, silence included: it holds two seconds,
/// and loses what is not taken in time.
#[must_use]
pub fn render_port(rate: SampleRate) -> (RenderPort, Playback, Tap) {
    render_port_with(rate, Taps::Sound)
}

/// The ends of a speaker's ring, with a tap that gives no more than is wanted.
pub(crate) fn render_port_with(rate: SampleRate, taps: Taps) -> (RenderPort, Playback, Tap) {
    let hz = rate.hz() as usize;
    let (samples, ring) = HeapRb::new(hz / 2).split();
    let (played_in, played) = HeapRb::new(NOTES).split();
    let (tap_end, tap) = tap(rate, taps);
    let gate = Arc::new(Gate::default());
    let port = RenderPort {
        ring,
        rate,
        gate: Arc::clone(&gate),
        notes: played_in,
        tap: tap_end,
        taken: 0,
        cursor: 0,
        lookback: VecDeque::with_capacity(hz * LOOKBACK_SECONDS),
        lowered_since: None,
        level: 1.0,
        step: 1.0 / (rate.hz() as f32 * RAMP_SECONDS),
        last: 0.0,
        held: false,
        dropped: 0,
        silent: 0,
        kept: 0,
        origin: SessionTime::ZERO,
        waiting: None,
    };
    (port, Playback { samples, notes: played, rate, gate, pushed: 0 }, tap)
}

/// The instants of a callback that asks for sound. One instant alone stands for both: a device
/// without a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instants {
    /// When it ran.
    pub ran: SessionTime,
    /// When its first sample is in the air.
    pub in_air: SessionTime,
}

impl From<SessionTime> for Instants {
    fn from(at: SessionTime) -> Self {
        Self { ran: at, in_air: at }
    }
}

/// A block of samples that left the speaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Played {
    /// The index of its first sample.
    pub from: u64,
    /// The index after its last sample.
    pub to: u64,
    /// When the device asked for it.
    pub ran: SessionTime,
    /// When its first sample is in the air.
    pub at: SessionTime,
}

/// The session's end.
pub struct Playback {
    samples: ringbuf::HeapProd<i16>,
    notes: ringbuf::HeapCons<Played>,
    rate: SampleRate,
    gate: Arc<Gate>,
    pushed: u64,
}

impl std::fmt::Debug for Playback {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Playback").field("pushed", &self.pushed).finish_non_exhaustive()
    }
}

impl Playback {
    /// Samples per second.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// The gate.
    #[must_use]
    pub fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }

    /// Queues samples from the front of `samples`, as many as there is room for.
    pub fn push(&mut self, samples: &mut VecDeque<i16>) {
        let (first, second) = samples.as_slices();
        let mut taken = self.samples.push_slice(first);
        if taken == first.len() {
            taken += self.samples.push_slice(second);
        }
        samples.drain(..taken);
        self.pushed += taken as u64;
    }

    /// The index after the last sample that was queued.
    #[must_use]
    pub const fn pushed(&self) -> u64 {
        self.pushed
    }

    /// Says whether more samples will follow soon.
    pub fn expect_more(&self, more: bool) {
        self.gate.expecting.store(more, Ordering::Release);
    }

    /// Sound is queued `now`: the first of an answer wakes who moves the speaker.
    pub(crate) fn begin_sound(&self, now: SessionTime) {
        self.gate.begin_sound(now);
    }

    /// The answer is over: nobody waits for silence, so the speaker may be moved less often.
    pub(crate) fn end_sound(&self) {
        self.gate.end_sound();
    }

    /// Drops all that is queued, and opens the gate for what comes after. Returns how many
    /// samples had left.
    pub fn drop_queued(&mut self) -> u64 {
        self.expect_more(false);
        self.gate.drop_until.store(self.pushed, Ordering::Release);
        let played = self.gate.played();
        self.gate.play();
        played
    }

    /// The next block that left the speaker since the last call.
    pub fn next_played(&mut self) -> Option<Played> {
        self.notes.try_pop()
    }
}

/// The speaker's end. All of it is safe in an audio callback: it allocates nothing and takes no
/// lock.
pub struct RenderPort {
    ring: ringbuf::HeapCons<i16>,
    rate: SampleRate,
    gate: Arc<Gate>,
    notes: ringbuf::HeapProd<Played>,
    tap: TapEnd,
    /// The index of the next sample in the ring.
    taken: u64,
    /// The index of the next sample to leave. Behind `taken` while samples are heard again.
    cursor: u64,
    /// The samples before `taken` that were not heard at full level.
    lookback: VecDeque<i16>,
    /// The first sample that was not heard at full level, while there is one.
    lowered_since: Option<u64>,
    /// The present level, from 0 to 1.
    level: f32,
    /// How much the level may change per sample: a jump would be a click.
    step: f32,
    /// The last sample that left.
    last: f32,
    /// The gate has held, and nothing has left since.
    held: bool,
    /// The last drop that was obeyed.
    dropped: u64,
    /// The last hold that was obeyed.
    silent: u64,
    /// How many samples a device may still give back.
    pub(super) kept: usize,
    /// From when on a device without a clock of its own plays it.
    origin: SessionTime,
    /// Where the port comes from that it waits for, if it stands in for another.
    pub(super) waiting: Option<Arc<Waiting>>,
}

impl std::fmt::Debug for RenderPort {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RenderPort").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

impl RenderPort {
    /// Samples per second.
    #[must_use]
    pub const fn rate(&self) -> SampleRate {
        self.rate
    }

    /// From when on it is played: the session's start, or when the speaker was exchanged. A
    /// device without a clock of its own counts from there. It is known once the device is first
    /// moved ([`Rendering::advance`](super::Rendering::advance)), not when it starts.
    #[must_use]
    pub fn origin(&self) -> SessionTime {
        self.waiting.as_ref().map_or(self.origin, |waiting| waiting.origin())
    }

    /// Whether it stands in for another, which is still to come: it plays silence.
    pub(crate) const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// The next device plays it from `origin` on.
    pub(crate) fn reopen(&mut self, origin: SessionTime) {
        self.origin = origin;
    }

    /// For a device that is asked for the time that has passed: fills `out`, whose first sample is
    /// in the air `at`, with silence up to the moment in which the sound came that waits now.
    /// Returns how many samples that are: none if it was there in time.
    pub fn pass_silence(&mut self, out: &mut [i16], at: SessionTime) -> usize {
        let Some(from) = self.gate.sounds_from() else { return 0 };
        let count = (self.rate.samples(from.since(at)) as usize).min(out.len());
        if count > 0 {
            out[..count].fill_with(|| self.decay());
            self.tap.left(&out[..count], at);
        }
        count
    }

    /// Fills `out` with what is to be heard, silence where there is nothing. Returns how many
    /// samples there were for it.
    pub fn fill(&mut self, out: &mut [i16], instants: impl Into<Instants>) -> usize {
        let Instants { ran, in_air } = instants.into();
        if let Some(waiting) = self.waiting.clone() {
            waiting.relieve(self);
        }
        let cut = self.drop_unwanted();
        let mode = self.gate.mode();
        let target = match mode {
            Mode::Hold(_) => 0.0,
            Mode::Duck => DUCKED,
            Mode::Play => 1.0,
        };
        self.follow(target);
        let from = self.cursor;
        let plain = self.play_plainly(out, target);
        for sample in &mut out[plain..] {
            *sample = self.next(target);
        }
        self.note_silence(mode, cut, out, Instants { ran, in_air });
        if self.cursor > from {
            self.gate.left_at.store(in_air.as_nanos(), Ordering::Relaxed);
            let _full = self.notes.try_push(Played { from, to: self.cursor, ran, at: in_air });
        }
        self.gate.played.store(self.cursor, Ordering::Release);
        self.tap.left(out, in_air);
        (self.cursor - from) as usize
    }

    /// For whoever stands in for a speaker that is to come: fills `out` with silence, and keeps
    /// what is to be heard. It goes on, as after a hold, with the first [`fill`](Self::fill).
    pub(crate) fn wait(&mut self, out: &mut [i16], at: SessionTime) {
        let cut = self.drop_unwanted();
        out.fill(0);
        self.lowered_since.get_or_insert(self.cursor);
        (self.held, self.level, self.last) = (true, 0.0, 0.0);
        self.note_silence(self.gate.mode(), cut, out, at.into());
        self.gate.played.store(self.cursor, Ordering::Release);
        self.tap.left(out, at);
    }

    /// What is to be heard waits since then for somebody who takes it; `None`: it does not.
    pub(crate) fn set_unheard(&self, since: Option<SessionTime>) {
        self.gate.set_unheard(since);
    }

    /// How many samples there are to be heard now: none while the gate holds. For a device that
    /// takes sound ahead of its time: asking [`fill`](Self::fill) for more than this would be an
    /// under-run.
    #[must_use]
    pub fn ready(&self) -> usize {
        if self.gate.holds() {
            return 0;
        }
        let until = self.gate.drop_until.load(Ordering::Acquire);
        let queued = self.ring.occupied_len();
        if until != self.dropped {
            return queued.saturating_sub(until.saturating_sub(self.taken) as usize);
        }
        let next = if self.held { self.resumption() } else { self.cursor };
        queued + (self.taken - next) as usize
    }

    /// How many holds there were so far: a device with a long buffer of its own empties it at
    /// each, and [gives back](Self::give_back) what it held.
    #[must_use]
    pub fn holds(&self) -> u64 {
        self.gate.hold_count()
    }

    /// Keeps the last `samples` that left, for [`give_back`](Self::give_back): none by default,
    /// 2 s at most.
    pub fn keep(&mut self, samples: usize) {
        self.kept = samples.min(self.lookback.capacity());
    }

    /// Takes back the last `samples` that left, since the device has emptied its buffer before
    /// they were heard. If what they belong to goes on, they leave once more; they do not count as
    /// heard until then. The device is silent from `instants` on.
    pub fn give_back(&mut self, samples: u64, instants: impl Into<Instants>) {
        let cut = self.drop_unwanted();
        let oldest = self.taken - self.lookback.len() as u64;
        self.cursor = self.cursor.saturating_sub(samples).max(oldest).min(self.cursor);
        self.lowered_since =
            Some(self.lowered_since.map_or(self.cursor, |index| index.min(self.cursor)));
        (self.held, self.level, self.last) = (true, 0.0, 0.0);
        self.note_silence(self.gate.mode(), cut, &[], instants.into());
        self.gate.played.store(self.cursor, Ordering::Release);
    }

    /// Notes when the first silent sample of a hold left: once for each. One that was released
    /// before this is obeyed if its sound was `cut`.
    fn note_silence(&mut self, mode: Mode, cut: Option<u64>, out: &[i16], instants: Instants) {
        let obeyed = match mode {
            Mode::Hold(hold) => Some(hold).filter(|_| self.level <= 0.0),
            Mode::Duck | Mode::Play => cut,
        };
        let Some(hold) = obeyed else { return };
        if std::mem::replace(&mut self.silent, hold) != hold {
            let loud = out.iter().rposition(|&sample| sample != 0).map_or(0, |last| last + 1);
            let in_air = instants.in_air + self.rate.duration(loud as u64);
            self.gate.note_silence(hold, instants.ran, in_air);
        }
    }

    /// Forgets what is not to be heard. Returns the last hold before that, if there was something.
    fn drop_unwanted(&mut self) -> Option<u64> {
        let hold = self.gate.hold_count();
        let until = self.gate.drop_until.load(Ordering::Acquire);
        if until == self.dropped {
            return None;
        }
        self.dropped = until;
        self.taken += self.ring.skip(until.saturating_sub(self.taken) as usize) as u64;
        self.cursor = self.taken;
        self.lookback.clear();
        self.lowered_since = None;
        self.held = false;
        Some(hold)
    }

    /// Follows the gate: notes where full level was left, and goes back there after a hold.
    fn follow(&mut self, target: f32) {
        if target < 1.0 {
            self.held |= target == 0.0;
            self.lowered_since.get_or_insert(self.cursor);
        } else {
            if self.held {
                self.cursor = self.resumption();
                self.held = false;
            }
            self.lowered_since = None;
        }
    }

    /// Where the sound goes on after a hold: the first sample not heard at full level, as far
    /// back as samples are kept.
    fn resumption(&self) -> u64 {
        let oldest = self.taken - self.lookback.len() as u64;
        self.lowered_since.map_or(self.cursor, |index| index.max(oldest))
    }

    /// At full level the ring's samples go out as they are, and after them silence, unless the
    /// last one is yet to fade. Returns how far `out` is filled.
    fn play_plainly(&mut self, out: &mut [i16], target: f32) -> usize {
        if target < 1.0 || self.level < 1.0 || self.cursor < self.taken {
            return 0;
        }
        let count = self.ring.pop_slice(out);
        self.taken += count as u64;
        self.cursor = self.taken;
        self.keep_last(&out[..count]);
        if let Some(last) = out[..count].last() {
            self.last = f32::from(*last);
        }
        if self.last != 0.0 {
            return count;
        }
        out[count..].fill(0);
        out.len()
    }

    /// These samples left at full level: nothing before them is heard again but by a
    /// [`give_back`](Self::give_back).
    fn keep_last(&mut self, samples: &[i16]) {
        let samples = &samples[samples.len().saturating_sub(self.kept)..];
        let old = (self.lookback.len() + samples.len()).saturating_sub(self.kept);
        self.lookback.drain(..old.min(self.lookback.len()));
        self.lookback.extend(samples);
    }

    fn next(&mut self, target: f32) -> i16 {
        let change = (target - self.level).clamp(-self.step, self.step);
        self.level += change;
        if self.level <= 0.0 && target == 0.0 {
            self.last = 0.0;
            return 0;
        }
        let Some(sample) = self.pull() else {
            return self.fade();
        };
        self.last = f32::from(sample) * self.level;
        self.last as i16
    }

    fn pull(&mut self) -> Option<i16> {
        let behind = (self.taken - self.cursor) as usize;
        let sample = match self.lookback.len().checked_sub(behind) {
            Some(at) if behind > 0 => self.lookback.get(at).copied(),
            _ => {
                let sample = self.ring.try_pop()?;
                self.taken += 1;
                self.remember(sample);
                Some(sample)
            }
        };
        self.cursor += 1;
        if self.lowered_since.is_none() && self.cursor == self.taken {
            let old = self.lookback.len().saturating_sub(self.kept);
            self.lookback.drain(..old);
        }
        sample
    }

    /// Keeps a sample that may have to be heard again, the last few seconds at most.
    fn remember(&mut self, sample: i16) {
        if self.lowered_since.is_some() || self.kept > 0 {
            if self.lookback.len() == self.lookback.capacity() {
                self.lookback.pop_front();
            }
            self.lookback.push_back(sample);
        }
    }

    /// There is no sample: fades out from the last one instead of jumping to silence.
    fn fade(&mut self) -> i16 {
        if self.last != 0.0 && self.gate.expecting.swap(false, Ordering::AcqRel) {
            self.gate.under_runs.fetch_add(1, Ordering::Relaxed);
        }
        self.decay()
    }

    fn decay(&mut self) -> i16 {
        self.last *= FADE;
        if self.last.abs() < 1.0 {
            self.last = 0.0;
        }
        self.last as i16
    }
}

/// Blocks that are remembered until the session looks: at 1 ms a block, half a second.
const NOTES: usize = 512;

/// The longest stretch that is heard again after a hold. A duck becomes a hold or ends well
/// within it.
const LOOKBACK_SECONDS: usize = 2;

/// The level of a ducked voice: -12 dB, still there but clearly behind.
const DUCKED: f32 = 0.25;

/// From silence to full level in 5 ms: no click, and nothing of a word is lost.
const RAMP_SECONDS: f32 = 0.005;

/// Per sample: at 16 kHz the last sample has faded by 60 dB after 4 ms.
const FADE: f32 = 0.9;
