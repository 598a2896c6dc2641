//! What is built in: scenarios, and the sound that they need.

/// The bytes of a file in `assets`, by its path there.
pub(super) fn asset(name: &str) -> Option<&'static [u8]> {
    ASSETS.iter().find(|(known, _)| *known == name).map(|(_, bytes)| *bytes)
}

/// The names of the files with a sentence each.
pub(super) fn sentences() -> impl Iterator<Item = &'static str> {
    ASSETS.iter().map(|(name, _)| *name).filter(|name| name.starts_with("sentences/"))
}

macro_rules! assets {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_bytes!(concat!("../../../assets/", $name)))),*]
    };
}

macro_rules! scenarios {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../assets/scenarios/", $name, ".toml")))),*]
    };
}

/// By name, in the order in which they are run.
pub(super) const SCENARIOS: &[(&str, &str)] = scenarios![
    "question",
    "hesitation",
    "barge_in",
    "noise",
    "listener",
    "false_alarm",
    "long_answer",
    "tool",
    "conversation",
    "load",
];

const ASSETS: &[(&str, &[u8])] = assets![
    "conversation.wav",
    "conversation.json",
    "sentences.json",
    "sentences/01.wav",
    "sentences/02.wav",
    "sentences/03.wav",
    "sentences/04.wav",
    "sentences/05.wav",
    "sentences/06.wav",
    "sentences/07.wav",
    "sentences/08.wav",
    "sentences/09.wav",
    "sentences/10.wav",
    "sentences/11.wav",
    "sentences/12.wav",
];
