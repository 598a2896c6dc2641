//! What a provider can be asked for.

use crate::types::MediaKind;

/// What a provider can be asked for: what its protocol carries. A model behind it may do less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The kinds of media that a message may carry.
    pub media: &'static [MediaKind],
    /// The strictest form of an answer.
    pub json: JsonAnswers,
    /// Whether it may call tools.
    pub tools: bool,
}

impl Capabilities {
    /// Text alone, for a provider that says nothing of itself.
    pub const TEXT: Self = Self { media: &[], json: JsonAnswers::No, tools: false };

    /// Whether a message may carry media of this kind.
    #[must_use]
    pub fn takes(&self, kind: MediaKind) -> bool {
        self.media.contains(&kind)
    }
}

/// How far an answer is JSON if it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum JsonAnswers {
    /// Only if the instructions ask for it.
    No,
    /// Any JSON object.
    Object,
    /// JSON by a schema.
    Schema,
}

/// All kinds of media.
pub(super) const ALL_MEDIA: &[MediaKind] =
    &[MediaKind::Image, MediaKind::Audio, MediaKind::Video, MediaKind::Document];
