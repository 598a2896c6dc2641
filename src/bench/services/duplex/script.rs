//! What the calls of one caller are like, beside what is heard and answered in them.

use serde::{Deserialize, Serialize};

use super::Mishap;

/// What the calls of one caller are like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DuplexScript {
    /// What goes wrong.
    pub faults: Vec<Mishap>,
    /// How long a call may last, in milliseconds: by default 60 minutes with OpenAI's protocol, and
    /// 10 with Gemini's, as the services have it.
    pub limit_ms: Option<u64>,
    /// How long before that Gemini's end is announced, in milliseconds: 60,000 by default.
    pub notice_ms: Option<u64>,
    /// Gemini's messages come as text; else as bytes, as the service sends them.
    pub text_frames: bool,
}
