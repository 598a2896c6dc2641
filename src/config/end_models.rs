//! The models that hear whether a turn is over, which settings name.

use std::sync::Arc;

use super::engines::{EngineError, Factory};
use crate::turn::endpoint::EndModel;

impl Factory<'_> {
    /// The model that hears whether a turn is over, if the settings ask for one.
    ///
    /// # Errors
    ///
    /// When what it needs is missing.
    pub fn end_model(&self) -> Result<Option<Arc<dyn EndModel>>, EngineError> {
        match self.text("turn.model") {
            "smart-turn" => self.smart_turn().map(Some),
            _ => Ok(None),
        }
    }

    #[cfg(feature = "onnx")]
    fn smart_turn(&self) -> Result<Arc<dyn EndModel>, EngineError> {
        Ok(smart_turn::model(self.own("onnx.library")?, self.own("onnx.smart_turn")?)?)
    }

    #[cfg(not(feature = "onnx"))]
    fn smart_turn(&self) -> Result<Arc<dyn EndModel>, EngineError> {
        Err(EngineError::NotBuilt { engine: "smart-turn", feature: "onnx" })
    }
}

#[cfg(feature = "onnx")]
mod smart_turn {
    use std::sync::Arc;

    use crate::config::networks::{Last, Network, runtime};
    use crate::models::onnx::OnnxError;
    use crate::turn::endpoint::EndModel;

    const FILE: Network =
        Network { what: "model of smart-turn", name: "smart-turn", setting: "onnx.smart_turn" };

    /// The model at `path` on the runtime at `library`; by default both are in the folder of
    /// models.
    pub(super) fn model(
        library: Option<&str>,
        path: Option<&str>,
    ) -> Result<Arc<dyn EndModel>, OnnxError> {
        let runtime = runtime(library)?;
        LAST.at(FILE.place(path)?, |path| Ok(Arc::new(runtime.smart_turn(&FILE.read(path)?)?)))
    }

    static LAST: Last<Arc<dyn EndModel>> = Last::none();
}
