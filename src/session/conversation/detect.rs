//! The model where the program names none.

use std::sync::Arc;

use super::ConversationError;
use crate::config::{self, Factory, Settings};
use crate::net::default_http;
use crate::providers::Provider;

/// The model of the environment and the user's settings, if they name one.
pub(super) fn detected() -> Result<Option<Arc<dyn Provider>>, ConversationError> {
    let no = ConversationError::NoProvider;
    let file = config::read(None).map_err(|error| no(error.to_string()))?;
    let variables: Vec<_> = config::variables().collect();
    let settings = Settings::layered(&[], &variables, file.as_ref());
    let settings = settings.map_err(|wrong| {
        no(wrong.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    })?;
    let factory = Factory::new(&settings, default_http);
    if !factory.is_service("llm") && !settings.is_set("llm.engine") {
        return Ok(None);
    }
    factory.provider().map(Some).map_err(|error| no(error.to_string()))
}

pub(super) fn no_provider() -> ConversationError {
    let what = "give one, or set OPENAI_API_KEY, the key of another service, or `llm.engine`";
    ConversationError::NoProvider(what.to_owned())
}
