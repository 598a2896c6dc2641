//! stub
/// A piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeechMark {
    /// s
    pub start: u32,
    /// e
    pub end: u32,
    /// a
    pub at: u64,
}
