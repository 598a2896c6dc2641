//! The scenarios of each kind.

use super::Kind;
use super::levels::{RATE, active, at_level, faded, gain, scaled, softest_place};
use super::noise::Chance;
use super::probes::{self, Noise};
use super::scene::{Scene, ms};
use super::stock::{Clip, Stock};
use crate::bench::turns::manifest::Span;

/// Silence before the first sound, in seconds.
const LEAD: f64 = 0.8;
/// How loud people speak, in turn, in dBFS.
const LEVELS: [f64; 3] = [-26.0, -20.0, -32.0];
const AGENT_LEVEL: f64 = -20.0;
const BARGE_IN_LEVEL: f64 = -23.0;
/// How long the agent speaks on when somebody interrupts it, in seconds.
const SPEAKS_ON: f64 = 1.0;

/// All that is planned.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    stock: &'a Stock,
    /// Speech in a random order, so that kinds share no clip more than need be.
    user: Vec<&'a Clip>,
    short: Vec<&'a Clip>,
    listeners: Vec<&'a Clip>,
    hesitations: Vec<Hesitation<'a>>,
    chance: Chance,
}

/// What is said before a pause, and after it.
#[derive(Debug)]
struct Hesitation<'a> {
    clips: Vec<&'a str>,
    before: Vec<f64>,
    after: Vec<f64>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(stock: &'a Stock, mut chance: Chance) -> Self {
        let mut shuffled = |clips: &'a [Clip]| {
            let mut clips: Vec<_> = clips.iter().collect();
            chance.shuffle(&mut clips);
            clips
        };
        let (user, short) = (shuffled(&stock.user), shuffled(&stock.short));
        let listeners = shuffled(&stock.listeners);
        Self { stock, user, short, listeners, hesitations: hesitations(stock), chance }
    }

    /// The scene of a kind with this number, from 0; `None` if there are no clips for so many.
    pub(super) fn scene(&mut self, kind: Kind, number: usize) -> Option<Scene> {
        let name = kind.to_string();
        match kind {
            Kind::Simple => Some(self.simple(&name, number)),
            Kind::Hesitate(pause) => self.hesitation(&name, pause, number),
            Kind::Slow => self.slow_speaker(&name),
            Kind::Short => self.shorts(&name, number),
            Kind::IdleProbe => Some(self.idle_probes(&name)),
            Kind::AgentProbe => Some(self.agent_probes(&name, number)),
            Kind::Backchannel => self.backchannels(&name, number),
            Kind::Echo(db) => Some(self.echo(&name, db, number)),
            Kind::Barge(db) => Some(self.barge_in(&name, db, number)),
        }
    }

    /// Three turns.
    fn simple(&self, name: &str, number: usize) -> Scene {
        let clips: Vec<&Clip> = (0..3).map(|turn| self.speech(3 * number + turn)).collect();
        turns(name, &clips, 2.5, level(number))
    }

    /// Six turns of one word.
    fn shorts(&self, name: &str, number: usize) -> Option<Scene> {
        let clips = self.short.get(6 * number..6 * number + 6)?;
        Some(turns(name, clips, 2.2, LEVELS[0]))
    }

    /// A turn with a pause in it.
    fn hesitation(&self, name: &str, pause_ms: u16, number: usize) -> Option<Scene> {
        let hesitation = self.hesitations.get(number)?;
        Some(paused(name, &[hesitation], pause_ms, level(number)))
    }

    /// Turns of one speaker, with a long pause in each.
    fn slow_speaker(&self, name: &str) -> Option<Scene> {
        let all: Vec<_> = self.hesitations.iter().cycle().take(SLOW_TURNS).collect();
        (!all.is_empty()).then(|| paused(name, &all, SLOW_PAUSE_MS, LEVELS[0]))
    }

    /// Every noise, while nobody speaks.
    fn idle_probes(&mut self, name: &str) -> Scene {
        let mut scene = Scene::new(name, 1.0 + 2.6 * Noise::ALL.len() as f64);
        self.noises(&mut scene, 1.0, 2.6);
        scene
    }

    /// Every noise, while the agent speaks to somebody with headphones.
    fn agent_probes(&mut self, name: &str, number: usize) -> Scene {
        let seconds = 2.0 * Noise::ALL.len() as f64;
        let mut scene = Scene::new(name, seconds + 2.0);
        scene.agent(self.agent(number, seconds), 0.5, None);
        self.noises(&mut scene, 1.5, 2.0);
        scene
    }

    fn noises(&mut self, scene: &mut Scene, from: f64, apart: f64) {
        for (number, noise) in Noise::ALL.into_iter().enumerate() {
            let recorded = self.stock.noises.iter().find(|(known, _)| *known == noise);
            let sound = match recorded {
                Some((_, sound)) => at_level(sound, probes::LEVEL),
                None => noise.sound(&mut self.chance),
            };
            let at = from + apart * number as f64;
            scene.probe(noise.name(), faded(&sound, FADE), at, None);
        }
    }

    /// Three times somebody who listens puts in a word.
    fn backchannels(&self, name: &str, number: usize) -> Option<Scene> {
        let clips = self.listeners.get(3 * number..3 * number + 3)?;
        let mut scene = Scene::new(name, 9.0);
        scene.agent(self.agent(number, 8.0), 0.5, None);
        for (place, clip) in clips.iter().enumerate() {
            let sound = at_level(&clip.sound, LEVELS[0]);
            scene.probe("backchannel", sound, 1.5 + 2.3 * place as f64, Some(clip));
        }
        Some(scene)
    }

    /// The agent alone, who hears itself.
    fn echo(&self, name: &str, db: i8, number: usize) -> Scene {
        let mut scene = Scene::new(name, 9.0);
        scene.agent(self.agent(number, 8.0), 0.5, Some(db.into()));
        let (from, to) = (0.5, 8.6);
        let silence = vec![0.0; ((to - from) * RATE as f64) as usize];
        scene.probe(name, silence, from, None);
        scene
    }

    /// Somebody who interrupts the agent.
    fn barge_in(&self, name: &str, db: Option<i8>, number: usize) -> Scene {
        let clip = self.speech(3 * number + 1);
        let sound = at_level(&clip.sound, BARGE_IN_LEVEL);
        let at = 2.5 + 0.2 * number as f64;
        let mut scene = Scene::new(name, at + sound.len() as f64 / RATE as f64 + 2.5);
        scene.agent(self.agent(number, at + SPEAKS_ON - 0.5), 0.5, db.map(f64::from));
        scene.turn(clip, sound, at);
        scene
    }

    fn speech(&self, number: usize) -> &'a Clip {
        self.user[number % self.user.len()]
    }

    /// So many seconds of an agent's speech, over and over if need be.
    fn agent(&self, number: usize, seconds: f64) -> Vec<f64> {
        let clip = &self.stock.agents[number % self.stock.agents.len()];
        let samples = (seconds * RATE as f64) as usize;
        let speech: Vec<f64> = clip.sound.iter().copied().cycle().take(samples).collect();
        faded(&at_level(&speech, AGENT_LEVEL), FADE)
    }
}

/// 10 ms.
const FADE: usize = RATE / 100;
/// So many different ones of each length.
const HESITATIONS: usize = 12;
/// Enough for a speaker to be known, and to see whether it helps.
const SLOW_TURNS: usize = 15;
const SLOW_PAUSE_MS: u16 = 1_100;

fn level(number: usize) -> f64 {
    LEVELS[number % LEVELS.len()]
}

/// Turns so many seconds apart.
fn turns(name: &str, clips: &[&Clip], apart: f64, level: f64) -> Scene {
    let seconds = |clip: &Clip| clip.sound.len() as f64 / RATE as f64 + apart;
    let mut scene = Scene::new(name, LEAD + clips.iter().map(|clip| seconds(clip)).sum::<f64>());
    let mut at = LEAD;
    for clip in clips {
        at = scene.turn(clip, at_level(&clip.sound, level), at) + apart;
    }
    scene
}

/// Turns with a pause in each, 2.5 s apart.
fn paused(name: &str, hesitations: &[&Hesitation<'_>], pause_ms: u16, level: f64) -> Scene {
    let (pause, apart) = (f64::from(pause_ms) / 1_000.0, 2.5);
    let spoken = |it: &Hesitation<'_>| (it.before.len() + it.after.len()) as f64 / RATE as f64;
    let seconds = hesitations.iter().map(|it| spoken(it) + pause + apart).sum::<f64>();
    let mut scene = Scene::new(name, LEAD + seconds);
    let mut at = LEAD;
    for Hesitation { clips, before, after } in hesitations {
        let gain = gain(active(&[before.as_slice(), after].concat()), level);
        let from = scene.put(scaled(before, gain), at);
        let end = scene.put(scaled(after, gain), from + pause);
        scene.user_turn(Span(ms(at), ms(end)), vec![Span(ms(from), ms(from + pause))]);
        scene.record.clips.extend(clips.iter().map(|&clip| clip.to_owned()));
        at = end + apart;
    }
    scene.record.pause_ms = Some(pause_ms.into());
    scene
}

/// Speech that can be interrupted by a pause: at the end of a word where words are labelled,
/// between two sentences of one speaker, or else where a sentence is softest.
fn hesitations<'a>(stock: &'a Stock) -> Vec<Hesitation<'a>> {
    let cut = |clip: &'a Clip, at: usize| Hesitation {
        clips: vec![clip.source.as_str()],
        before: faded(&clip.sound[..at], FADE / 2),
        after: faded(&clip.sound[at..], FADE / 2),
    };
    let all = || stock.user.iter().chain(&stock.agents);
    let words = all().filter_map(|clip| Some(cut(clip, clip.word_end?)));
    let pairs = stock
        .user
        .windows(2)
        .filter(|pair| pair[0].speaker.is_some() && pair[0].speaker == pair[1].speaker);
    let pairs = pairs.map(|pair| Hesitation {
        clips: pair.iter().map(|clip| clip.source.as_str()).collect(),
        before: pair[0].sound.clone(),
        after: pair[1].sound.clone(),
    });
    let long = stock.user.iter().filter(|clip| clip.word_end.is_none() && clip.sound.len() > RATE);
    let softest = long.map(|clip| cut(clip, softest_place(&clip.sound)));
    let mut found: Vec<_> = words.take(HESITATIONS / 2).collect();
    found.extend(pairs.chain(softest).take(HESITATIONS - found.len()));
    found
}
