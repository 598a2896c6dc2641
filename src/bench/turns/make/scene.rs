//! A scenario that is being put together, and its sound.

use super::echo::echo;
use super::levels::{RATE, factor};
use super::noise::{Chance, Loop};
use super::stock::Clip;
use crate::audio::convert::sample_to_i16;
use crate::bench::turns::manifest::{Interrupt, Probe, Scenario, Span, UserTurn};

/// What is placed where. The sound is made from it when it is asked for.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) record: Scenario,
    samples: usize,
    /// What the microphone hears of the room, from which sample on.
    heard: Vec<(usize, Vec<f64>)>,
    /// What the speaker plays, from which sample on.
    played: Option<(usize, Vec<f64>)>,
}

/// Noise under all scenes.
#[derive(Debug)]
pub(super) struct Under {
    /// The room's own.
    pub(super) floor: Loop,
    /// What was asked for, and its level.
    pub(super) noise: Option<(Loop, f64)>,
}

/// The sound of a scene.
#[derive(Debug)]
pub(super) struct Sound {
    pub(super) mic: Vec<i16>,
    pub(super) agent: Option<Vec<i16>>,
}

/// The floor of a quiet room, in dBFS.
const FLOOR: f64 = -60.0;

impl Scene {
    /// Silence of so many seconds.
    pub(super) fn new(kind: &str, seconds: f64) -> Self {
        let samples = samples(seconds);
        let duration_ms = millis(samples);
        let record = Scenario { kind: kind.to_owned(), duration_ms, ..Scenario::default() };
        Self { record, samples, heard: Vec::new(), played: None }
    }

    /// A turn at a time in seconds; its end.
    pub(super) fn turn(&mut self, clip: &Clip, sound: Vec<f64>, at: f64) -> f64 {
        let end = self.put(sound, at);
        self.user_turn(Span(ms(at), ms(end)), Vec::new());
        self.record.clips.push(clip.source.clone());
        end
    }

    /// A turn whose sound is put elsewhere.
    pub(super) fn user_turn(&mut self, span: Span, pauses: Vec<Span>) {
        let during_agent = self.played.is_some();
        let (start_ms, end_ms) = (span.0, span.1);
        self.record.user_turns.push(UserTurn { start_ms, end_ms, pauses, during_agent });
        if during_agent {
            self.record.interrupts.push(Interrupt { start_ms, end_ms });
        }
    }

    /// A sound that must cause nothing.
    pub(super) fn probe(&mut self, kind: &str, sound: Vec<f64>, at: f64, clip: Option<&Clip>) {
        let end_ms = ms(self.put(sound, at));
        let clip = clip.map(|clip| clip.source.clone());
        self.record.probes.push(Probe { kind: kind.to_owned(), start_ms: ms(at), end_ms, clip });
    }

    /// What the microphone hears from a time on; where it ends.
    pub(super) fn put(&mut self, sound: Vec<f64>, at: f64) -> f64 {
        let end = at + sound.len() as f64 / RATE as f64;
        self.heard.push((samples(at), sound));
        end
    }

    /// The agent speaks from a time on, and comes back into the microphone at `echo_db`.
    pub(super) fn agent(&mut self, sound: Vec<f64>, at: f64, echo_db: Option<f64>) {
        let from = samples(at);
        let end = (from + sound.len()).min(self.samples);
        self.record.agent_playing.push(Span(millis(from), millis(end)));
        self.record.echo_db = echo_db;
        self.played = Some((from, sound));
    }

    /// Gives it its name, and its files theirs.
    pub(super) fn named(mut self, index: usize) -> Self {
        let id = format!("{index:03}-{}", self.record.kind);
        self.record.mic = format!("{id}.wav");
        self.record.agent = self.played.is_some().then(|| format!("{id}.agent.wav"));
        self.record.id = id;
        self
    }

    /// The sound of it.
    pub(super) fn sound(&self, under: &Under, chance: &mut Chance) -> Sound {
        let mut mic = under.floor.cut(self.samples, factor(FLOOR), chance);
        if let Some((noise, dbfs)) = &under.noise {
            add(&mut mic, 0, &noise.cut(self.samples, factor(*dbfs), chance));
        }
        for (from, sound) in &self.heard {
            add(&mut mic, *from, sound);
        }
        let agent = self.played.as_ref().map(|(from, sound)| {
            let mut agent = vec![0.0; self.samples];
            add(&mut agent, *from, sound);
            if let Some(db) = self.record.echo_db {
                // It rings on after the agent's last sound.
                let heard = echo(&agent[*from..], db, chance);
                add(&mut mic, *from, &heard);
            }
            integers(&agent)
        });
        Sound { mic: integers(&mic), agent }
    }
}

/// What reaches beyond the end is cut.
fn add(sum: &mut [f64], from: usize, sound: &[f64]) {
    for (sample, added) in sum.iter_mut().skip(from).zip(sound) {
        *sample += added;
    }
}

fn integers(sound: &[f64]) -> Vec<i16> {
    sound.iter().map(|&sample| sample_to_i16(sample as f32)).collect()
}

fn samples(seconds: f64) -> usize {
    (seconds * RATE as f64).round() as usize
}

fn millis(samples: usize) -> u64 {
    (samples as f64 * 1_000.0 / RATE as f64).round() as u64
}

/// A time in seconds, in milliseconds.
pub(super) fn ms(seconds: f64) -> u64 {
    (seconds * 1_000.0).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::level::rms_dbfs;

    fn under(noise: Option<f64>) -> Under {
        let mut chance = Chance::new(1, "floor");
        let floor = Loop::of(&(0..RATE).map(|_| chance.normal()).collect::<Vec<_>>());
        Under { noise: noise.map(|level| (floor.clone(), level)), floor }
    }

    fn sound(scene: &Scene, under: &Under) -> Sound {
        scene.sound(under, &mut Chance::new(1, "scene"))
    }

    #[test]
    fn a_quiet_room_and_the_noise_asked_for_have_their_levels() {
        let scene = Scene::new("simple", 1.0);
        assert_eq!(scene.record.duration_ms, 1_000);
        let quiet = sound(&scene, &under(None)).mic;
        assert!((rms_dbfs(&quiet) + 60.0).abs() < 0.5, "{}", rms_dbfs(&quiet));
        let loud = sound(&scene, &under(Some(-41.0))).mic;
        assert!((rms_dbfs(&loud) + 41.0).abs() < 0.5, "{}", rms_dbfs(&loud));
    }

    #[test]
    fn the_agent_comes_back_later_as_loud_as_the_echo_is() {
        let mut scene = Scene::new("echo-20", 2.0);
        let voice: Vec<f64> = (0..RATE).map(|at| (at as f64 * 0.4).sin() * 0.2).collect();
        scene.agent(voice, 0.5, Some(-20.0));
        let made = sound(&scene.named(7), &under(None));
        let agent = made.agent.unwrap();
        assert_eq!((agent.len(), made.mic.len()), (2 * RATE, 2 * RATE));
        assert!(agent[..8_000].iter().all(|&sample| sample == 0));
        let before = rms_dbfs(&made.mic[8_000..8_900]);
        assert!(before < -55.0, "{before}");
        let (played, heard) =
            (rms_dbfs(&agent[12_000..20_000]), rms_dbfs(&made.mic[13_000..21_000]));
        assert!((-30.0..-10.0).contains(&(heard - played)), "{played} {heard}");
    }

    #[test]
    fn what_is_said_over_the_agent_is_an_interruption() {
        let mut scene = Scene::new("barge", 3.0);
        scene.agent(vec![0.1; RATE], 0.5, None);
        scene.user_turn(Span(1_000, 2_000), Vec::new());
        let record = scene.named(0).record;
        assert_eq!(record.agent_playing, [Span(500, 1_500)]);
        assert_eq!(record.interrupts, [Interrupt { start_ms: 1_000, end_ms: 2_000 }]);
        assert!(record.user_turns[0].during_agent);
        assert_eq!(record.id, "000-barge");
        assert_eq!(record.agent.as_deref(), Some("000-barge.agent.wav"));
    }
}
