//! The choice of microphone and speaker.

use ratatui::crossterm::event::KeyCode;

use super::{Device, DeviceChoices};

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
}

impl Side {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Input => "microphone",
            Self::Output => "speaker",
        }
    }
}

/// The list while it is open.
#[derive(Debug, Default)]
pub(super) struct Picker {
    /// `None` while they are looked for.
    choices: Option<Vec<(Side, Device)>>,
    cursor: usize,
}

impl Picker {
    pub(super) fn fill(&mut self, found: DeviceChoices) {
        let inputs = found.inputs.into_iter().map(|device| (Side::Input, device));
        let outputs = found.outputs.into_iter().map(|device| (Side::Output, device));
        let choices: Vec<_> = inputs.chain(outputs).collect();
        self.cursor = choices.iter().position(|(_, device)| device.in_use).unwrap_or(0);
        self.choices = Some(choices);
    }

    /// Moves the cursor; with Enter, says what was chosen.
    pub(super) fn on_key(&mut self, key: KeyCode) -> Option<(Side, Device)> {
        let last = self.choices().len().saturating_sub(1);
        match key {
            KeyCode::Up => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Down => self.cursor = (self.cursor + 1).min(last),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = last,
            KeyCode::Enter => return self.choices().get(self.cursor).cloned(),
            _ => {}
        }
        None
    }

    pub(super) fn is_looking(&self) -> bool {
        self.choices.is_none()
    }

    pub(super) fn choices(&self) -> &[(Side, Device)] {
        self.choices.as_deref().unwrap_or_default()
    }

    pub(super) fn cursor(&self) -> usize {
        self.cursor
    }
}
