//! Smart-turn's network on the ONNX Runtime.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::available_parallelism;

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;

use super::{OnnxError, Runtime};
use crate::turn::endpoint::{MELS, SmartTurn, SmartTurnNetwork, WINDOWS};

/// A model of smart-turn, shared by all sessions.
///
/// An answer takes some 50 to 100 ms of a core, and a copy of the network takes one question at a
/// time. There are as many copies as cores at most, made when they are needed; who finds none free
/// waits for one.
#[derive(Clone)]
pub struct SmartTurnModel(Arc<Copies>);

struct Copies {
    bytes: Vec<u8>,
    copies: Box<[Mutex<Option<Session>>]>,
    /// Which one is waited for next.
    turn: AtomicUsize,
}

impl Runtime {
    /// Reads the model: the bytes of `smart-turn-v3`.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Model`] when it is no such model.
    pub fn smart_turn(&self, bytes: &[u8]) -> Result<SmartTurn<SmartTurnModel>, OnnxError> {
        let cores = available_parallelism().map_or(1, usize::from);
        let copies = (0..cores).map(|_| Mutex::new(None)).collect();
        let bytes = bytes.to_owned();
        let model = SmartTurnModel(Arc::new(Copies { bytes, copies, turn: AtomicUsize::new(0) }));
        model.0.run(vec![SILENCE; MELS * WINDOWS]).map_err(|error| OnnxError::Model {
            what: "smart-turn",
            reason: error.to_string(),
            name: "smart-turn",
            setting: "onnx.smart_turn",
            version: "3",
        })?;
        Ok(SmartTurn::new(model))
    }
}

impl SmartTurnModel {
    /// How many copies of the network there are by now.
    #[cfg(test)]
    pub(super) fn copies(&self) -> usize {
        self.0.copies.iter().filter(|copy| copy.lock().unwrap().is_some()).count()
    }
}

impl Copies {
    fn run(&self, features: Vec<f32>) -> ort::Result<f32> {
        let mut copy = self.free();
        let session = match &mut *copy {
            Some(session) => session,
            none => none.insert(session(&self.bytes)?),
        };
        run(session, features)
    }

    /// The first copy that is free, or may be made; else the next one that is waited for.
    fn free(&self) -> MutexGuard<'_, Option<Session>> {
        for copy in &self.copies {
            match copy.try_lock() {
                Ok(copy) => return copy,
                Err(TryLockError::Poisoned(copy)) => return copy.into_inner(),
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let at = self.turn.fetch_add(1, Ordering::Relaxed) % self.copies.len();
        self.copies[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SmartTurnNetwork for SmartTurnModel {
    fn run(&self, features: Vec<f32>) -> Option<f32> {
        let answer = self.0.run(features);
        answer.inspect_err(|error| tracing::error!("smart-turn hears nothing: {error}")).ok()
    }
}

/// One thread, the caller's.
fn session(bytes: &[u8]) -> ort::Result<Session> {
    Session::builder()?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        // Its weights are bytes, whose sums overflow on processors that have AVX2 and no VNNI: a
        // voice that pauses would be taken for one that has finished.
        .with_config_entry("session.x64quantprecision", "1")?
        .commit_from_memory(bytes)
}

fn run(session: &mut Session, features: Vec<f32>) -> ort::Result<f32> {
    let features = Tensor::from_array(([1, MELS, WINDOWS], features))?;
    let outputs = session.run(ort::inputs!["input_features" => features])?;
    let Some(value) = outputs.values().next() else {
        return Err(ort::Error::new("it gives nothing"));
    };
    match value.try_extract_tensor::<f32>()?.1 {
        &[probability] => Ok(probability),
        _ => Err(ort::Error::new("it does not give one probability")),
    }
}

/// The features of nothing.
const SILENCE: f32 = -1.5;

impl fmt::Debug for SmartTurnModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmartTurnModel").finish_non_exhaustive()
    }
}
