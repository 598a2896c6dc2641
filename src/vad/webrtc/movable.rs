//! The C detector, made movable between threads.

use webrtc_vad::{SampleRate, Vad, VadMode};

/// Owns one C detector. Only `&mut self` reaches it.
pub(super) struct Movable(Vad);

impl Movable {
    pub(super) fn new(rate: SampleRate, mode: VadMode) -> Self {
        Self(Vad::new_with_rate_and_mode(rate, mode))
    }

    /// A frame of a length that the library does not take is not speech. `frame` may not be empty.
    pub(super) fn is_speech(&mut self, frame: &[i16]) -> bool {
        self.0.is_voice_segment(frame).unwrap_or(false)
    }
}

// SAFETY: `Vad` is not `Send` only because it holds a raw pointer. The pointer is to one block that `fvad_new` got
// from malloc and that `fvad_free` frees on drop; malloc's blocks may be used and freed on any thread. `Vad` is not
// `Clone` and never hands the pointer out, and this type owns it, so whoever has this value has the block alone. The
// C library keeps all state in that block: its file-level variables are all constant tables, it has no
// function-level statics and no thread-locals (checked in webrtc-vad 0.4.0, all twelve files that its build
// compiles). It is not `Sync`, and need not be: nothing is reached through `&self`.
#[expect(
    unsafe_code,
    reason = "a detector must move between a runtime's threads; the proof is above"
)]
unsafe impl Send for Movable {}
