//! Silero's network on the ONNX Runtime.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::thread::available_parallelism;

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::Tensor;

use super::{OnnxError, Runtime};
use crate::vad::silero::{STATE, WINDOW};
use crate::vad::{Silero, SileroNetwork};

/// A model of Silero, shared by all streams.
///
/// A copy of the network takes 4 MB, and the runtime shares nothing between copies. A copy has no
/// state, and takes one window at a time; so there are as many as cores, whatever number of
/// streams there is.
#[derive(Clone)]
pub struct SileroModel(Arc<Copies>);

struct Copies {
    bytes: Vec<u8>,
    /// Filled from the front, with each stream that comes.
    copies: Box<[OnceLock<Mutex<Network>>]>,
    streams: AtomicUsize,
}

/// One copy of the network, with the places of what it is shown.
struct Network {
    session: Session,
    window: Tensor<f32>,
    state: Tensor<f32>,
    rate: Tensor<i64>,
}

/// A stream's way to the copies: its own, or another that is free.
struct Way {
    model: SileroModel,
    own: usize,
    failed: bool,
}

impl Runtime {
    /// Reads the model: the bytes of `silero_vad.onnx`, of version 5 or 6.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Model`] when it is no such model.
    pub fn silero(&self, bytes: &[u8]) -> Result<SileroModel, OnnxError> {
        let cores = available_parallelism().map_or(1, usize::from);
        let copies = (0..cores).map(|_| OnceLock::new()).collect();
        let model = Copies { bytes: bytes.to_owned(), copies, streams: AtomicUsize::new(0) };
        model.fill(0).map_err(|error| unusable(&error))?;
        Ok(SileroModel(Arc::new(model)))
    }
}

impl SileroModel {
    /// How many copies of the network there are by now.
    #[cfg(test)]
    pub(super) fn copies(&self) -> usize {
        self.0.made()
    }

    /// A detector for a stream. Makes a further copy of the network, in about 25 ms, if there are
    /// fewer than cores and streams.
    ///
    /// # Errors
    ///
    /// [`OnnxError::Model`] when there is no memory for it.
    pub fn detector(&self) -> Result<Silero, OnnxError> {
        let own = self.0.streams.fetch_add(1, Ordering::Relaxed) % self.0.copies.len();
        self.0.fill(own).map_err(|error| unusable(&error))?;
        Ok(Silero::new(Box::new(Way { model: self.clone(), own, failed: false })))
    }
}

impl Copies {
    fn fill(&self, at: usize) -> ort::Result<()> {
        if self.copies[at].get().is_none() {
            let mut network = Network::new(&self.bytes)?;
            network.run(&[0.0; WINDOW], &mut [0.0; STATE])?;
            // Of two that fill it at once, the first one wins.
            let _ = self.copies[at].set(Mutex::new(network));
        }
        Ok(())
    }

    /// How many there are by now.
    fn made(&self) -> usize {
        self.copies.iter().filter(|copy| copy.get().is_some()).count()
    }

    /// Uses a copy that is free; if there is none, the one at `own`, as soon as it is: that is a
    /// fraction of a millisecond for each stream before.
    fn with<R>(&self, own: usize, mut each: impl FnMut(&mut Network) -> R) -> Option<R> {
        let (before, from) = self.copies.split_at(own);
        for copy in from.iter().chain(before).filter_map(OnceLock::get) {
            match copy.try_lock() {
                Ok(mut network) => return Some(each(&mut network)),
                Err(TryLockError::Poisoned(network)) => {
                    return Some(each(&mut network.into_inner()));
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let copy = self.copies[own].get()?;
        Some(each(&mut copy.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Network {
    /// One thread, the caller's: a window is too little work to be shared.
    fn new(bytes: &[u8]) -> ort::Result<Self> {
        let session = Session::builder()?
            .with_intra_threads(1)?
            .with_inter_threads(1)?
            .with_intra_op_spinning(false)?
            .with_inter_op_spinning(false)?
            .with_optimization_level(GraphOptimizationLevel::All)?
            .commit_from_memory(bytes)?;
        Ok(Self {
            session,
            window: Tensor::from_array(([1, WINDOW], vec![0.0; WINDOW]))?,
            state: Tensor::from_array(([2, 1, STATE / 2], vec![0.0; STATE]))?,
            rate: Tensor::from_array(([0_usize; 0], vec![16_000]))?,
        })
    }

    fn run(&mut self, window: &[f32; WINDOW], state: &mut [f32; STATE]) -> ort::Result<f32> {
        self.window.extract_tensor_mut().1.copy_from_slice(window);
        self.state.extract_tensor_mut().1.copy_from_slice(state);
        let outputs = self.session.run(ort::inputs![
            "input" => &self.window,
            "state" => &self.state,
            "sr" => &self.rate,
        ])?;
        let output = |name: &str| {
            let value =
                outputs.get(name).ok_or_else(|| ort::Error::new(format!("it gives no {name}")))?;
            Ok::<_, ort::Error>(value.try_extract_tensor::<f32>()?.1)
        };
        let renewed = output("stateN")?;
        let &[probability] = output("output")? else {
            return Err(ort::Error::new("it does not give one probability"));
        };
        if renewed.len() != STATE {
            return Err(ort::Error::new("its state has another size"));
        }
        state.copy_from_slice(renewed);
        Ok(probability)
    }
}

impl SileroNetwork for Way {
    fn run(&mut self, window: &[f32; WINDOW], state: &mut [f32; STATE]) -> Option<f32> {
        match self.model.0.with(self.own, |network| network.run(window, state))? {
            Ok(probability) => Some(probability),
            Err(error) => {
                if !self.failed {
                    tracing::error!("silero hears nothing of a frame: {error}");
                }
                self.failed = true;
                None
            }
        }
    }
}

fn unusable(error: &ort::Error) -> OnnxError {
    OnnxError::Model {
        what: "Silero",
        reason: error.to_string(),
        name: "silero",
        setting: "onnx.silero",
        version: "5 or 6",
    }
}

impl fmt::Debug for SileroModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SileroModel").field("copies", &self.0.made()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.model.fmt(f)
    }
}
