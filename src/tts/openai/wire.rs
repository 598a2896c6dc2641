//! What a service of speech is asked.

use serde::Serialize;

/// The body of `POST audio/speech`.
#[derive(Debug, Serialize)]
pub(super) struct Speech<'a> {
    pub(super) model: &'a str,
    pub(super) input: &'a str,
    pub(super) voice: &'a str,
    pub(super) response_format: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) instructions: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) speed: Option<f32>,
}
