//! What a model thought before it called tools. It is told that again, with the call's result, as long as
//! nothing has changed that stood before it: the service refuses a thought otherwise, and the
//! conversation changes when its beginning is cut off, when words go that nobody heard, or when an image
//! becomes a note.

use std::hash::{DefaultHasher, Hasher};

use serde::Serialize;
use serde_json::Value;

use crate::providers::asides::Asides;
use crate::types::ToolCall;

/// The thoughts of a client's models, as many as [`Asides`] keeps. A clone has the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Thoughts(Asides);

/// What stood before something, as it was told: instructions, tools and messages. Two of it are the same if
/// they read the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before(u64);

impl Thoughts {
    /// Remembers what it thought before this call.
    pub(super) fn put(&self, before: Before, call: &ToolCall, thoughts: Vec<Value>) {
        self.0.put(call, Value::Array(vec![before.0.into(), Value::Array(thoughts)]));
    }

    /// What it thought before this call, if that is known and stands where it stood.
    pub(super) fn get(&self, before: Before, call: &ToolCall) -> Option<Vec<Value>> {
        let Value::Array(aside) = self.0.get(call)? else { return None };
        let [stood, Value::Array(thoughts)] = <[Value; 2]>::try_from(aside).ok()? else {
            return None;
        };
        (stood.as_u64() == Some(before.0)).then_some(thoughts)
    }
}

impl Before {
    /// This, and then that.
    ///
    /// # Errors
    ///
    /// When it is no JSON.
    pub(super) fn and(self, told: &impl Serialize) -> Result<Self, String> {
        let told = serde_json::to_vec(told).map_err(|error| error.to_string())?;
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher.write(&told);
        Ok(Self(hasher.finish()))
    }
}
