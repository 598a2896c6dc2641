//! stub
use crate::text::Clause;
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
impl SpeechMark {
    /// p
    pub fn piece(_: &Clause, at: u64) -> Self {
        Self { start: 0, end: 0, at }
    }
}
/// h
#[derive(Debug)]
pub struct Heard;
/// h
#[derive(Debug)]
pub struct HeardText {
    /// b
    pub bytes: usize,
}
#[allow(missing_docs)]
impl Heard {
    pub fn new() -> Self {
        Self
    }
    pub fn text(&mut self, _: &str) {}
    pub fn mark(&mut self, _: SpeechMark) {}
    pub fn sound(&mut self, _: u64) {}
    pub fn heard(&self, _: u64) -> HeardText {
        HeardText { bytes: 0 }
    }
    pub fn sentence_end(&self, _: u64) -> u64 {
        0
    }
}
