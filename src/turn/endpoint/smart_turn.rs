//! A model that hears whether a turn is over, and the interface of smart-turn, version 3.

use std::fmt::Debug;

use super::log_mel::LogMel;

/// Hears in the user's sound whether the turn is over. It is asked in pauses, off the way of the
/// sound, so that it may take some 100 ms.
pub trait EndModel: Debug + Send + Sync {
    /// Its name in events and errors.
    fn name(&self) -> &'static str;

    /// How likely, from 0 to 1, it is that the user has finished, after `sound`: the last 8 s at
    /// 16 kHz, pause included, or all if it is less. `None` if there is no answer.
    fn likely_end(&self, sound: &[i16]) -> Option<f32>;
}

/// The network of smart-turn, wherever it runs.
pub trait SmartTurnNetwork: Debug + Send + Sync {
    /// The probability that the turn is over, of features by [`LogMel`].
    fn run(&self, features: Vec<f32>) -> Option<f32>;
}

/// Smart-turn, version 3: a model of Pipecat that was trained on many languages.
#[derive(Debug)]
pub struct SmartTurn<N> {
    log_mel: LogMel,
    network: N,
}

impl<N: SmartTurnNetwork> SmartTurn<N> {
    /// The model on this network.
    #[must_use]
    pub fn new(network: N) -> Self {
        Self { log_mel: LogMel::new(), network }
    }

    /// The network.
    pub const fn network(&self) -> &N {
        &self.network
    }
}

impl<N: SmartTurnNetwork> EndModel for SmartTurn<N> {
    fn name(&self) -> &'static str {
        "smart-turn"
    }

    fn likely_end(&self, sound: &[i16]) -> Option<f32> {
        let likely = self.network.run(self.log_mel.features(sound))?;
        likely.is_finite().then(|| likely.clamp(0.0, 1.0))
    }
}
