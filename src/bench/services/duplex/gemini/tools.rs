//! Functions that the model has called, and their results.

use serde_json::{Value, json};

use super::super::desk::Desk;
use super::fields::{get, unknown};
use super::setup::cannot_find;
use crate::bench::services::script::Call;

/// The calls whose results are still to come.
#[derive(Debug, Default)]
pub(super) struct Tools(Vec<Pending>);

#[derive(Debug)]
struct Pending {
    id: String,
    name: String,
    /// The model says nothing until it is there.
    awaited: bool,
}

/// A result.
#[derive(Debug)]
pub(super) struct Result {
    /// For the history.
    pub(super) content: Value,
    /// When it is to be answered, if it is.
    pub(super) wanted: Option<Wanted>,
}

/// When a result is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Whatever is being said.
    Now,
    /// When the model has finished.
    Next,
}

impl Tools {
    /// Calls functions, as they are told.
    pub(super) fn call(
        &mut self,
        calls: &[Call],
        unawaited: &[String],
        desk: &mut Desk,
    ) -> Vec<Value> {
        let call = |call: &Call| {
            let id = desk.id("function-call");
            let told = json!({"id": id, "name": call.name, "args": call.arguments});
            let awaited = !unawaited.contains(&call.name);
            self.0.push(Pending { id, name: call.name.clone(), awaited });
            told
        };
        calls.iter().map(call).collect()
    }

    /// Whether the model waits for no result.
    pub(super) fn is_idle(&self) -> bool {
        !self.0.iter().any(|pending| pending.awaited)
    }

    /// Does not wait any more for what the model waited for; the ids of these calls.
    pub(super) fn cancel(&mut self) -> Option<Vec<String>> {
        let (awaited, others) = std::mem::take(&mut self.0).into_iter().partition(|it| it.awaited);
        self.0 = others;
        let ids: Vec<_> = Vec::into_iter(awaited).map(|pending: Pending| pending.id).collect();
        (!ids.is_empty()).then_some(ids)
    }

    /// The results that the client gives. Those of calls that nobody waits for are left out.
    pub(super) fn results(&mut self, asked: &Value) -> std::result::Result<Vec<Result>, String> {
        if let Some(name) = unknown(asked, &["functionResponses"]) {
            return Err(cannot_find(name, "tool_response"));
        }
        let mut results = Vec::new();
        for given in get(asked, "functionResponses").as_array().into_iter().flatten() {
            if let Some(name) = unknown(given, &KNOWN) {
                return Err(cannot_find(name, "tool_response.function_responses"));
            }
            let text = |name: &str| get(given, name).as_str();
            let is = |pending: &Pending| match text("id") {
                Some(id) => pending.id == id,
                None => text("name") == Some(&pending.name),
            };
            let Some(at) = self.0.iter().position(is) else { continue };
            let awaited = self.0[at].awaited;
            if get(given, "willContinue") != true {
                self.0.remove(at);
            }
            let wanted = match text("scheduling") {
                _ if awaited => Some(Wanted::Next),
                Some("SILENT") => None,
                Some("INTERRUPT") => Some(Wanted::Now),
                _ => Some(Wanted::Next),
            };
            let content = json!({"role": "user", "parts": [{"functionResponse": {
                "id": text("id"), "name": text("name"), "response": get(given, "response"),
            }}]});
            results.push(Result { content, wanted });
        }
        Ok(results)
    }
}

const KNOWN: [&str; 6] = ["id", "name", "response", "willContinue", "scheduling", "parts"];
