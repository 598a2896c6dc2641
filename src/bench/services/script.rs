//! What the services tell one caller.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::duplex::DuplexScript;
use super::{Fault, Service};

/// What one caller hears of the services.
///
/// What an answer that fails would have said is said by the next one, so that a second try gets
/// what the first one lost.
///
/// ```
/// use banter::bench::services::Script;
///
/// let script: Script = serde_json::from_str(
///     r#"{
///         "heard": ["What time is it?"],
///         "answers": [{"tool": "clock"}, "It is noon."],
///         "faults": [{"service": "tts", "request": 1, "fault": "cut:0.3"}]
///     }"#,
/// )?;
/// assert_eq!(script.answers.len(), 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// What its recordings say, in order; then the last again. A question, if there is none.
    pub heard: Vec<String>,
    /// What the model answers, in order; then a text of [`Delays::tokens`](super::Delays::tokens).
    pub answers: Vec<Answer>,
    /// What goes wrong with requests.
    pub faults: Vec<Planned>,
    /// What its calls over a socket are like. What is heard and answered there is the same.
    pub duplex: DuplexScript,
}

/// What the model answers to one request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// It says this.
    Text(String),
    /// It wants a tool to be called.
    Tool {
        /// Its name.
        #[serde(rename = "tool")]
        name: String,
        /// An object.
        #[serde(default = "nothing")]
        arguments: Value,
    },
    /// It says something, if that is not empty, and then wants these tools to be called.
    Calls {
        /// What it says before.
        #[serde(default)]
        say: String,
        /// The calls, in order.
        calls: Vec<Call>,
    },
}

/// A tool that the model wants to be called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Its name.
    #[serde(rename = "tool")]
    pub name: String,
    /// An object.
    #[serde(default = "nothing")]
    pub arguments: Value,
}

impl Answer {
    /// What is said, and the calls that follow it.
    pub(super) fn parts(&self) -> (&str, Vec<Call>) {
        match self {
            Self::Text(text) => (text, Vec::new()),
            Self::Tool { name, arguments } => {
                ("", vec![Call { name: name.clone(), arguments: arguments.clone() }])
            }
            Self::Calls { say, calls } => (say, calls.clone()),
        }
    }
}

impl From<&str> for Answer {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A fault that strikes one request.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// Of which service.
    pub service: Service,
    /// Which of the caller's requests to that service, from 1, since the script was given.
    pub request: u64,
    /// What happens.
    pub fault: Fault,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}
