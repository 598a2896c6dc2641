//! Where the time goes from the user's last word to the agent's first sound.

use std::time::Duration;

use serde::Serialize;

use super::event::round;
use crate::time::SessionTime;

/// The gaps from the end of speech to the first audible sample, in milliseconds.
///
/// They are taken at the points where they happen, one after the other:
///
/// ```text
/// end of speech ─ silence + vad ─▶ in the sound's time the turn is over ─ capture ─▶ turn ended
///   ─ stt ─▶ transcript ─ provider ─▶ first text ─ clause ─▶ first clause ─ tts ─▶ first sound
///   ─ lead ─▶ first audible sample queued ─ playout ─▶ the device asks for it ─ device ─▶ in the
///   air
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Latency {
    /// Where the end of speech is from.
    pub speech_end: SpeechEnd,
    /// From the end of speech to the first audible sample.
    pub total_ms: f64,
    /// The silence that the settings ask for.
    pub silence_ms: f64,
    /// What the voice detector adds to it; negative if it ends speech too early.
    pub vad_ms: f64,
    /// From when the sound that decided was in the air until the turn was ended: the microphone,
    /// and the way from it.
    pub capture_ms: f64,
    /// From the turn's end to its final transcript.
    pub stt_ms: f64,
    /// From there to the model's first text, the call of tools included.
    pub provider_ms: f64,
    /// From there to enough text to speak.
    pub clause_ms: f64,
    /// From there to the synthesizer's first sound.
    pub tts_ms: f64,
    /// From there until its first audible sample was queued.
    pub lead_ms: f64,
    /// From there until the device asked for it: inaudible sound before it, and the queue.
    pub playout_ms: f64,
    /// From there until it was in the air.
    pub device_ms: f64,
    /// What the gaps do not explain.
    pub residual_ms: f64,
}

/// Where the end of speech is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpeechEnd {
    /// A label beside the input.
    Label,
    /// The voice detector.
    Estimate,
}

/// The instants between which the gaps lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instants {
    /// The user's last sound.
    pub speech_end: SessionTime,
    /// In the sound's own time: the silence had lasted long enough.
    pub decided: SessionTime,
    /// The turn was ended.
    pub turn_ended: SessionTime,
    /// The transcript was final.
    pub transcript: SessionTime,
    /// The model gave its first text.
    pub first_token: SessionTime,
    /// There was enough text to speak.
    pub first_clause: SessionTime,
    /// The synthesizer gave its first sound.
    pub first_sound: SessionTime,
    /// The first audible sample was queued.
    pub queued: SessionTime,
    /// The device asked for it.
    pub rendered: SessionTime,
    /// It was in the air.
    pub in_air: SessionTime,
}

impl Latency {
    /// The gaps between `at`, for a turn that `silence` ends.
    #[must_use]
    pub fn new(from: SpeechEnd, at: &Instants, silence: Duration) -> Self {
        let gap = |to: SessionTime, from: SessionTime| round(to.millis_since(from));
        let silence_ms = round(silence.as_secs_f64() * 1e3);
        let total_ms = gap(at.in_air, at.speech_end);
        let mut latency = Self {
            speech_end: from,
            total_ms,
            silence_ms,
            vad_ms: round(at.decided.millis_since(at.speech_end) - silence_ms),
            capture_ms: gap(at.turn_ended, at.decided),
            stt_ms: gap(at.transcript, at.turn_ended),
            provider_ms: gap(at.first_token, at.transcript),
            clause_ms: gap(at.first_clause, at.first_token),
            tts_ms: gap(at.first_sound, at.first_clause),
            lead_ms: gap(at.queued, at.first_sound),
            playout_ms: gap(at.rendered, at.queued),
            device_ms: gap(at.in_air, at.rendered),
            residual_ms: 0.0,
        };
        latency.residual_ms =
            round(total_ms - latency.rows().map(|(_, ms)| ms).iter().sum::<f64>());
        latency
    }

    /// The gaps with their names, in order.
    #[must_use]
    pub fn rows(&self) -> [(&'static str, f64); 10] {
        [
            ("silence", self.silence_ms),
            ("vad", self.vad_ms),
            ("capture", self.capture_ms),
            ("stt", self.stt_ms),
            ("provider", self.provider_ms),
            ("clause", self.clause_ms),
            ("tts", self.tts_ms),
            ("lead", self.lead_ms),
            ("playout", self.playout_ms),
            ("device", self.device_ms),
        ]
    }
}
