//! Colours that can be read on dark and on light; words and marks say the same without them.

use ratatui::style::{Color, Modifier, Style};

use super::captions::Who;
use super::floor::Floor;
use super::notices::Topic;

/// The styles of the screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Palette {
    coloured: bool,
}

impl Palette {
    /// Without colours if `NO_COLOR` is set to anything.
    pub(super) fn from_environment() -> Self {
        Self { coloured: std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) }
    }

    #[cfg(test)]
    pub(super) fn new(coloured: bool) -> Self {
        Self { coloured }
    }

    pub(super) fn title(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn chosen(self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    pub(super) fn floor(self, floor: Floor) -> Style {
        let colour = match floor {
            Floor::Listening => return Style::new(),
            Floor::You => YOU,
            Floor::Thinking => Color::Cyan,
            Floor::Agent => AGENT,
            Floor::Held => Color::Red,
        };
        self.with(colour).add_modifier(Modifier::BOLD)
    }

    /// The name of who speaks.
    pub(super) fn who(self, who: Who) -> Style {
        match who {
            Who::You => self.with(YOU),
            Who::YouPartly => self.with(YOU).add_modifier(Modifier::DIM),
            Who::Agent => self.with(AGENT),
            Who::Tool => self.dim(),
        }
    }

    /// What is said.
    pub(super) fn words(self, who: Who) -> Style {
        match who {
            Who::You | Who::Agent => Style::new(),
            Who::YouPartly | Who::Tool => self.dim(),
        }
    }

    pub(super) fn notice(self, topic: Topic) -> Style {
        match topic {
            Topic::Information => Style::new(),
            _ => self.with(Color::Red),
        }
    }

    pub(super) fn warning(self) -> Style {
        self.with(Color::Red).add_modifier(Modifier::BOLD)
    }

    /// The bar of a meter; red where sound is about to be clipped.
    pub(super) fn level(self, level_db: f32) -> Style {
        self.with(if level_db > HOT { Color::Red } else { Color::Green })
    }

    /// A part of a latency, by its place.
    pub(super) fn part(self, place: usize) -> Style {
        let colours = [Color::Blue, YOU, Color::Cyan, AGENT, Color::Red];
        self.with(colours[place % colours.len()]).add_modifier(Modifier::REVERSED)
    }

    fn with(self, colour: Color) -> Style {
        if self.coloured { Style::new().fg(colour) } else { Style::new() }
    }
}

/// The terminal's own colours, which its owner has made readable.
const YOU: Color = Color::Green;
const AGENT: Color = Color::Magenta;

/// In dBFS.
const HOT: f32 = -3.0;
