//! Which clip of a folder is for what.

use super::MakeError;
use super::folder::{Entry, Folder, at};
use super::levels::{RATE, active, bounds, faded, longest_pause};
use super::noise::Chance;
use super::probes::Noise;

/// A stretch of one person's speech, from its first sound to its last.
#[derive(Clone, Debug)]
pub(super) struct Clip {
    /// Its file, and where in it if it is a part of it.
    pub(super) source: String,
    pub(super) sound: Vec<f64>,
    /// Who speaks, as far as that is known.
    pub(super) speaker: Option<String>,
    /// Where a word ends near the middle.
    pub(super) word_end: Option<usize>,
    /// Whether every sound of it is known to be speech.
    told: bool,
}

impl Clip {
    fn seconds(&self) -> f64 {
        self.sound.len() as f64 / RATE as f64
    }
}

/// The clips by what they are for.
#[derive(Debug, Default)]
pub(super) struct Stock {
    /// What a user says in a turn: without a pause that might end it.
    pub(super) user: Vec<Clip>,
    /// Turns of one word.
    pub(super) short: Vec<Clip>,
    /// Long speech.
    pub(super) agents: Vec<Clip>,
    /// What listeners put in: `mhm`, `yeah`.
    pub(super) listeners: Vec<Clip>,
    /// Recordings of noises that are synthesized else.
    pub(super) noises: Vec<(Noise, Vec<f64>)>,
}

/// What nobody can tell turns in: broken files, the same clip at many rates, two people at once.
const LEFT_OUT: [&str; 3] = ["badwav", "rates", "dialog"];
const NOISES: [&str; 3] = ["nonspeech", "noise", "music"];
const SHORT: [&str; 2] = ["digits", "short"];
const LISTENERS: &str = "backchannel";
/// More clips of a kind make no other figures.
const MOST: usize = 120;
const AGENTS: usize = 4;
/// A pause within a turn that no setting would take for its end, in ms.
const NATURAL_PAUSE: usize = 300;
/// Softer than this, a listener cannot be made out.
const AUDIBLE: f64 = 0.0015;

impl Stock {
    /// Reads the folder's clips; of many, some that `chance` chooses.
    pub(super) fn read(folder: &Folder, chance: &mut Chance) -> Result<Self, MakeError> {
        let of = |wanted: fn(&Entry) -> bool| {
            let mut entries: Vec<_> =
                folder.entries.iter().filter(|&entry| wanted(entry)).collect();
            entries.sort_by(|one, other| one.path.cmp(&other.path));
            entries
        };
        let mut stock = Self::default();
        let mut speech = of(is_speech);
        some(&mut speech, chance);
        let mut clips = clips(folder, &speech)?;
        let mut short = of(|entry| SHORT.contains(&entry.set.as_str()));
        some(&mut short, chance);
        stock.short = self::clips(folder, &short)?;
        if short.is_empty() {
            stock.short = clips.iter().filter(|clip| clip.told).cloned().collect();
        }
        stock.short.retain(|clip| (0.2..=1.0).contains(&clip.seconds()));
        stock.agents = take_agents(&mut clips);
        clips.retain(|clip| {
            let natural = longest_pause(&clip.sound) <= NATURAL_PAUSE;
            clip.told && natural && clip.seconds() > 0.6 && clip.seconds() < 9.0
        });
        stock.user = clips;
        for entry in of(|entry| entry.set == LISTENERS || !entry.segments().is_empty()) {
            stock.listeners.extend(listeners(folder, entry)?);
        }
        for entry in of(|entry| NOISES.contains(&entry.set.as_str())) {
            stock.add_noise(folder, entry)?;
        }
        Ok(stock)
    }

    /// A recording of a bell or of a telephone's key, the last of them by name.
    fn add_noise(&mut self, folder: &Folder, entry: &Entry) -> Result<(), MakeError> {
        for noise in [Noise::Ding, Noise::Dtmf] {
            if entry.name().contains(noise.name()) {
                self.noises.retain(|(known, _)| *known != noise);
                self.noises.push((noise, folder.sound(entry)?));
            }
        }
        Ok(())
    }
}

/// One person, who speaks.
fn is_speech(entry: &Entry) -> bool {
    let set = entry.set.as_str();
    let other = LEFT_OUT.contains(&set) || NOISES.contains(&set) || SHORT.contains(&set);
    !other && set != LISTENERS && entry.segments().is_empty()
}

/// Of many, some.
fn some(entries: &mut Vec<&Entry>, chance: &mut Chance) {
    if entries.len() > MOST {
        chance.shuffle(entries);
        entries.truncate(MOST);
        entries.sort_by(|one, other| one.path.cmp(&other.path));
    }
}

fn clips(folder: &Folder, entries: &[&Entry]) -> Result<Vec<Clip>, MakeError> {
    let clips = entries.iter().map(|entry| Ok(clip(entry, &folder.sound(entry)?)));
    clips.filter_map(Result::transpose).collect()
}

/// From the first sound of speech to the last, by the words where they are labelled; `None` if
/// there is none.
fn clip(entry: &Entry, sound: &[f64]) -> Option<Clip> {
    let words = entry.words();
    let (from, to) = match (words.first(), words.last()) {
        (Some(first), Some(last)) => (at(first.0), at(last.1)),
        _ => bounds(sound)?,
    };
    let to = to.min(sound.len());
    let spoken = sound.get(from..to).filter(|spoken| active(spoken) > 0.0)?;
    let middle = words.get(words.len() / 2).map(|word| at(word.1).saturating_sub(from));
    Some(Clip {
        source: entry.path.clone(),
        sound: faded(spoken, RATE / 100),
        speaker: entry.speaker.clone().or_else(|| speaker(entry.name())),
        word_end: middle.filter(|&place| place > 0 && place < to - from),
        told: entry.transcript.is_some(),
    })
}

/// Who speaks in a series of files: its name, without the numbers at its end.
fn speaker(name: &str) -> Option<String> {
    let series = name.trim_end_matches(|c: char| !c.is_alphabetic());
    (!series.is_empty() && series.len() < name.len()).then(|| series.to_owned())
}

/// The longest clips, at most a quarter of them. They speak for the agent and for nobody else.
fn take_agents(clips: &mut Vec<Clip>) -> Vec<Clip> {
    let mut longest: Vec<usize> = (0..clips.len()).collect();
    longest.sort_by_key(|&index| std::cmp::Reverse(clips[index].sound.len()));
    longest.truncate((clips.len() / 4).clamp(1, AGENTS));
    longest.sort_unstable();
    longest.iter().rev().map(|&index| clips.remove(index)).collect()
}

/// Words of one person into which nobody else speaks.
fn listeners(folder: &Folder, entry: &Entry) -> Result<Vec<Clip>, MakeError> {
    let sound = folder.sound(entry)?;
    if entry.segments().is_empty() {
        return Ok(clip(entry, &sound).into_iter().collect());
    }
    let alone = |index: usize| {
        let (start, end) = (entry.segments()[index].start, entry.segments()[index].end);
        let others = entry.segments().iter().enumerate().filter(move |(other, _)| *other != index);
        (0.18..=0.95).contains(&(end - start))
            && others.into_iter().all(|(_, o)| o.end < start - 0.02 || o.start > end + 0.02)
    };
    let clip = |index: usize| {
        let segment = entry.segments()[index];
        let spoken = sound.get(at(segment.start)..at(segment.end).min(sound.len()))?;
        let source = format!("{}@{:.2}", entry.path, segment.start);
        let clip = Clip {
            source,
            sound: faded(spoken, RATE / 100),
            speaker: None,
            word_end: None,
            told: false,
        };
        (active(spoken) > AUDIBLE).then_some(clip)
    };
    Ok((0..entry.segments().len()).filter(|&index| alone(index)).filter_map(clip).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_of_files_is_of_one_speaker() {
        assert_eq!(speaker("spk1_snt4").as_deref(), Some("spk1_snt"));
        assert_eq!(speaker("cards-001").as_deref(), Some("cards"));
        assert_eq!(speaker("hello"), None);
        assert_eq!(speaker("0017"), None);
    }

    #[test]
    fn the_longest_clips_speak_for_the_agent() {
        let clip = |seconds: usize| Clip {
            source: seconds.to_string(),
            sound: vec![0.1; seconds * RATE],
            speaker: None,
            word_end: None,
            told: true,
        };
        let mut clips: Vec<_> = [3, 9, 1, 2, 8, 1, 1, 1].into_iter().map(clip).collect();
        let mut agents: Vec<_> = take_agents(&mut clips).into_iter().map(|c| c.source).collect();
        agents.sort();
        assert_eq!(agents, ["8", "9"]);
        assert_eq!(clips.len(), 6);
        assert_eq!(take_agents(&mut vec![clip(1)]).len(), 1);
        assert_eq!(take_agents(&mut Vec::new()).len(), 0);
    }
}
