//! The voice detectors that settings name.

#[cfg(feature = "onnx")]
use super::Origin;
use super::engines::{EngineError, Factory};
use crate::vad::{self, Vad};

impl Factory<'_> {
    /// The voice detector.
    ///
    /// # Errors
    ///
    /// When there is none of that name, or what it needs is missing.
    pub fn vad(&self) -> Result<Box<dyn Vad>, EngineError> {
        self.detector(self.text("vad.engine"))
    }

    /// The voice detector of this name, whichever the settings choose. What it needs is where
    /// they say.
    ///
    /// # Errors
    ///
    /// As of [`vad`](Self::vad).
    pub fn detector(&self, name: &str) -> Result<Box<dyn Vad>, EngineError> {
        vad::by_name_or(name, |name| (name == "silero").then(|| self.silero()))
    }

    #[cfg(feature = "onnx")]
    fn silero(&self) -> Result<Box<dyn Vad>, EngineError> {
        let detector =
            silero::model(self.own("onnx.library")?, self.own("onnx.silero")?)?.detector()?;
        Ok(Box::new(detector))
    }

    /// The path that is set, if any. A library does what it likes when it is loaded: a file in the
    /// current folder that nobody named cannot choose it.
    #[cfg(feature = "onnx")]
    pub(super) fn own(&self, key: &'static str) -> Result<Option<&str>, EngineError> {
        match self.settings.get(key) {
            Some((_, Origin::Stray(place))) => {
                let file = place.rsplit_once(':').map_or(place.as_str(), |(file, _)| file);
                let (file, place) = (file.to_owned(), place.clone());
                Err(EngineError::StrayPath { place, key, file })
            }
            _ => Ok(self.settings.text(key).filter(|path| !path.is_empty())),
        }
    }

    #[cfg(not(feature = "onnx"))]
    fn silero(&self) -> Result<Box<dyn Vad>, EngineError> {
        Err(EngineError::NotBuilt { engine: "silero", feature: "onnx" })
    }
}

#[cfg(feature = "onnx")]
mod silero {
    use crate::config::networks::{Last, Network, runtime};
    use crate::models::onnx::{OnnxError, SileroModel};

    const FILE: Network =
        Network { what: "model of Silero", name: "silero", setting: "onnx.silero" };

    /// The model at `silero` on the runtime at `library`; by default both are in the folder of
    /// models.
    pub(super) fn model(
        library: Option<&str>,
        silero: Option<&str>,
    ) -> Result<SileroModel, OnnxError> {
        let runtime = runtime(library)?;
        LAST.at(FILE.place(silero)?, |path| runtime.silero(&FILE.read(path)?))
    }

    static LAST: Last<SileroModel> = Last::none();
}
