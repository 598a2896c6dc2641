//! What a response costs.

use serde_json::{Value, json};

use super::items::{Items, tokens};
use crate::bench::services::words;

/// What a response costs, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// What it is made from: text and sound.
    read: (u64, u64),
    /// As much of that as the response before was made from.
    cached: (u64, u64),
    /// What it says.
    pub(super) text: u64,
    pub(super) sound: u64,
}

impl Usage {
    /// Of a response to this conversation, of which `before` was read for the one before.
    pub(super) fn of(session: &Value, items: &Items, before: (u64, u64)) -> Self {
        let own = [&session["instructions"], &session["tools"]];
        let own = own.map(|value| words::tokens(&value.to_string()).len() as u64);
        let read = items
            .iter()
            .map(tokens)
            .fold((own.iter().sum(), 0), |all, one| (all.0 + one.0, all.1 + one.1));
        // Whole blocks are found again.
        let cached = |read: u64, before: u64| read.min(before) / BLOCK * BLOCK;
        let cached = (cached(read.0, before.0), cached(read.1, before.1));
        Self { read, cached, text: 0, sound: 0 }
    }

    pub(super) const fn read(&self) -> (u64, u64) {
        self.read
    }

    pub(super) const fn input(&self) -> u64 {
        self.read.0 + self.read.1
    }

    /// As it is told; without a voice nothing was spoken.
    pub(super) fn object(&self, audible: bool) -> Value {
        let output = self.text + if audible { self.sound } else { 0 };
        json!({
            "total_tokens": self.input() + output, "input_tokens": self.input(), "output_tokens": output,
            "input_token_details": {
                "text_tokens": self.read.0, "audio_tokens": self.read.1, "image_tokens": 0,
                "cached_tokens": self.cached.0 + self.cached.1,
                "cached_tokens_details": {
                    "text_tokens": self.cached.0, "audio_tokens": self.cached.1, "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": self.text, "audio_tokens": output - self.text},
        })
    }
}

/// In tokens.
const BLOCK: u64 = 64;
