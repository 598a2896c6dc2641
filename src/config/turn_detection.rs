//! How OpenAI detects turns, as `duplex.options` has it: in OpenAI's own words.

use std::time::Duration;

use serde::Deserialize;

use crate::duplex::{Eagerness, ServerTurns};

/// What stands in `duplex.options` under `turn_detection`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum TurnDetection {
    /// Silence ends a turn.
    ServerVad {
        #[serde(default)]
        threshold: Option<f32>,
        #[serde(default)]
        prefix_padding_ms: Option<u32>,
        #[serde(default)]
        silence_duration_ms: Option<u32>,
        #[serde(default)]
        idle_timeout_ms: Option<u32>,
    },
    /// A model judges what was said.
    SemanticVad {
        #[serde(default)]
        eagerness: Eagerness,
    },
}

impl TurnDetection {
    /// What is wrong with it, if anything is.
    pub(super) fn problem(self) -> Option<String> {
        match self {
            Self::ServerVad { threshold: Some(threshold), .. }
                if !(0.0..=1.0).contains(&threshold) =>
            {
                Some(format!("turn_detection.threshold is {threshold}, and must be from 0 to 1"))
            }
            _ => None,
        }
    }
}

impl From<TurnDetection> for ServerTurns {
    fn from(detection: TurnDetection) -> Self {
        let length = |ms: Option<u32>| ms.map(|ms| Duration::from_millis(ms.into()));
        match detection {
            TurnDetection::ServerVad {
                threshold,
                prefix_padding_ms,
                silence_duration_ms,
                idle_timeout_ms,
            } => Self {
                threshold,
                prefix: length(prefix_padding_ms),
                silence: length(silence_duration_ms),
                idle: length(idle_timeout_ms),
                ..Self::default()
            },
            TurnDetection::SemanticVad { eagerness } => {
                Self { semantic: Some(eagerness), ..Self::default() }
            }
        }
    }
}
