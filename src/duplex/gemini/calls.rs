//! Calls whose results the other side waits for.

use crate::types::ToolResult;

/// Calls under way. The other side goes on when it has the results of all of them.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<Called>);

#[derive(Debug)]
struct Called {
    id: String,
    result: Option<ToolResult>,
}

impl Calls {
    /// Whether this call is a new one.
    pub(super) fn begin(&mut self, id: &str) -> bool {
        let is_new = self.0.len() < CALLS && self.0.iter().all(|called| called.id != id);
        if is_new {
            self.0.push(Called { id: id.to_owned(), result: None });
        }
        is_new
    }

    /// A call has its result; false if nobody waits for it.
    pub(super) fn answer(&mut self, result: &ToolResult) -> bool {
        let called = self.0.iter_mut().find(|called| called.id == result.id);
        called.map(|called| called.result = Some(result.clone())).is_some()
    }

    /// Those of these calls that were under way are so no more.
    pub(super) fn cancel(&mut self, ids: &[String]) -> Vec<String> {
        let known = |id: &&String| self.0.iter().any(|called| called.id == **id);
        let cancelled: Vec<_> = ids.iter().filter(known).cloned().collect();
        self.0.retain(|called| !ids.contains(&called.id));
        cancelled
    }

    /// The results, once all are there.
    pub(super) fn take(&mut self) -> Vec<ToolResult> {
        if self.0.iter().any(|called| called.result.is_none()) {
            return Vec::new();
        }
        self.0.drain(..).filter_map(|called| called.result).collect()
    }
}

/// Calls at a time.
const CALLS: usize = 64;
