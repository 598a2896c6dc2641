//! Whether what is heard beside the agent's voice may be the agent's voice.
//!
//! An echo canceller leaves something: before it knows the room, and where noise hides the echo
//! from it. The gate asks two questions of the levels, and both must be answered with yes before
//! what is left counts as somebody's voice:
//!
//! 1. Has the canceller left most of it? What it takes away is an echo.
//! 2. Is it louder than the echo of what was just rendered? How loud that is, it learns: the level
//!    below which nine tenths of what is heard while the agent speaks lie, relative to the
//!    loudest that was rendered in the 300 ms before.

use super::BLOCK;
use super::window::{Window, decibels, power};

/// How loud the agent's voice comes back into the microphone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EchoPath {
    /// The level that is heard, relative to what is rendered, in dB: an upper bound, since noise is
    /// heard as well. -10 before anything is known.
    pub gain: f32,
    /// How much of the agent's voice it was learnt from, in seconds.
    pub learnt: f32,
}

impl EchoPath {
    /// Whether there is no echo to speak of: below -50 dB, learnt from 1 s of the agent's voice.
    /// What `was` known is believed up to -45 dB.
    fn is_none(self, was: bool) -> bool {
        let limit = if was { HEARD } else { UNHEARD };
        self.learnt >= 1.0 && self.gain < limit
    }
}

/// The gate. It is told block by block, and decides every 16 ms.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    blocks: usize,
    /// Powers of the last 16 ms, block by block.
    rendered: Window<BLOCKS>,
    heard: Window<BLOCKS>,
    left: Window<BLOCKS>,
    linear: Window<BLOCKS>,
    /// The same of the last 320 ms, and of the last 64 ms.
    loudest: Window<20>,
    rendered_lately: Window<4>,
    heard_lately: Window<4>,
    left_lately: Window<4>,
    linear_lately: Window<4>,
    gain: f32,
    /// Whether there is no echo; for how many decisions the canceller has taken one out since.
    none: bool,
    taken: u32,
    /// What was heard in the last second of the agent's voice, relative to it.
    seen: Window<SEEN>,
    learnt: u32,
    /// Whether the detector hears a voice.
    voice: bool,
    /// For how many decisions there was a voice that passed, and for how many more it passes
    /// whatever its level: words have quiet ends.
    passed: u32,
    passes: u32,
    open: bool,
}

impl Gate {
    pub(super) const fn new() -> Self {
        Self {
            blocks: 0,
            rendered: Window::of(0.0),
            heard: Window::of(0.0),
            left: Window::of(0.0),
            linear: Window::of(0.0),
            loudest: Window::of(0.0),
            rendered_lately: Window::of(0.0),
            heard_lately: Window::of(0.0),
            left_lately: Window::of(0.0),
            linear_lately: Window::of(0.0),
            gain: FIRST_GAIN,
            none: false,
            taken: 0,
            seen: Window::of(1.0),
            learnt: 0,
            voice: false,
            passed: 0,
            passes: 0,
            open: true,
        }
    }

    /// What was rendered and heard in a block, what the canceller has left of it, and what its
    /// linear filter alone has.
    pub(super) fn note(
        &mut self,
        rendered: &[f32; BLOCK],
        heard: &[f32; BLOCK],
        left: &[f32; BLOCK],
        linear: &[f32; BLOCK],
    ) {
        self.rendered.push(power(rendered));
        self.heard.push(power(heard));
        self.left.push(power(left));
        self.linear.push(power(linear));
        self.blocks = (self.blocks + 1) % BLOCKS;
        if self.blocks == 0 {
            self.decide();
        }
    }

    /// Whether the detector takes for a voice what was left of the last block.
    pub(super) const fn note_voice(&mut self, voice: bool) {
        self.voice = voice;
    }

    /// Whether what is heard now may be somebody else than the agent.
    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// Whether there is no echo to speak of, so that the sound may pass as it comes.
    pub(super) const fn hears_no_echo(&self) -> bool {
        self.none
    }

    pub(super) fn path(&self) -> EchoPath {
        EchoPath { gain: self.gain, learnt: self.learnt as f32 * 0.016 }
    }

    fn decide(&mut self) {
        self.loudest.push(self.rendered.mean());
        self.rendered_lately.push(self.rendered.mean());
        self.heard_lately.push(self.heard.mean());
        self.left_lately.push(self.left.mean());
        self.linear_lately.push(self.linear.mean());
        let loudest = decibels(self.loudest.max());
        let heard = decibels(self.heard_lately.mean());
        let left = decibels(self.left_lately.mean());
        let stays = left - heard >= MOST_TAKEN;
        let loud = |level: f32| level >= loudest + self.gain;
        let open = loudest < SILENT || (stays && loud(left)) || (self.none && loud(heard));
        self.passed = match (self.voice, open) {
            (true, true) => self.passed + 1,
            (true, false) => self.passed.saturating_sub(1),
            (false, _) => 0,
        };
        self.passes = match open && self.passed >= ESTABLISHED {
            true => HANGS,
            false => self.passes.saturating_sub(1),
        };
        self.open = open || self.passes > 0;
        // Who answers the agent's last word at once teaches nothing of its echo.
        if decibels(self.rendered_lately.max()) >= SILENT {
            self.learn(heard - loudest);
            let linear = decibels(self.linear_lately.mean());
            self.look_for_echo(heard - loudest, heard - linear);
        }
    }

    /// Who speaks into a headset raises the level too, and the suppressor may take that for an echo
    /// for a second. But a linear filter takes out nothing of it.
    fn look_for_echo(&mut self, seen: f32, filtered: f32) {
        self.taken = match seen > HEARD && filtered >= ECHO {
            true => self.taken + 1,
            false => self.taken.saturating_sub(1),
        };
        if self.none && self.taken >= ECHOES {
            (self.gain, self.learnt, self.taken) = (FIRST_GAIN, 0, 0);
            self.seen = Window::of(1.0);
        }
        self.none = self.path().is_none(self.none);
    }

    /// Moves to the level below which nine tenths lie, in steps that get smaller: much is learnt
    /// of the first words, little of a user who speaks meanwhile. It lies no higher than all that
    /// came in a second, as with headphones.
    fn learn(&mut self, seen: f32) {
        self.learnt = self.learnt.saturating_add(1);
        let step = (FIRST_STEP / (self.learnt as f32 + 5.0)).max(LAST_STEP);
        let by = if seen > self.gain { 0.9 * step } else { -0.1 * step };
        self.seen.push(10_f32.powf(seen / 10.0));
        let most = decibels(self.seen.max()) + ABOVE_ALL;
        self.gain = (self.gain + by).min(most).min(GREATEST_GAIN);
    }
}

/// Blocks of 4 ms between two decisions.
const BLOCKS: usize = 4;

/// Decisions of 16 ms.
const SEEN: usize = 62;

/// Decisions of 16 ms in which there is an echo where there was none.
const ECHOES: u32 = 20;

/// Decisions of 16 ms: a voice of 64 ms is somebody's, and goes on for 200 ms.
const ESTABLISHED: u32 = 4;
const HANGS: u32 = 12;

/// All in dB.
const FIRST_GAIN: f32 = -10.0;
const GREATEST_GAIN: f32 = 5.0;
/// An echo below this is not heard, and one above this is.
const UNHEARD: f32 = -50.0;
const HEARD: f32 = -45.0;
/// What is rendered below this makes no echo.
const SILENT: f32 = -45.0;
/// More than this is taken away of an echo only.
const MOST_TAKEN: f32 = -6.0;
const ABOVE_ALL: f32 = 3.0;
/// So much is taken out of an echo by a linear filter that begins to know it.
const ECHO: f32 = 3.0;
const FIRST_STEP: f32 = 10.0;
const LAST_STEP: f32 = 0.08;
