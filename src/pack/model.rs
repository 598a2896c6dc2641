//! A pack as its file has it, with the defaults of the format.
//!
//! Serde types only. What Banter does not run (workflow, agents, skills, compositions, pipeline,
//! what models were tested) is kept as JSON.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::rules::{Eval, Media, Parameters, ToolPolicy, Validator, whole};
use crate::types::ToolDescriptor;

/// Prompts with all that belongs to them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Pack {
    /// The schema that it names for itself.
    #[serde(rename = "$schema")]
    pub schema: Option<String>,
    /// Its identifier.
    #[serde(default)]
    pub id: String,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// What it is for.
    pub description: Option<String>,
    /// How its templates are written.
    #[serde(default)]
    pub template_engine: TemplateEngine,
    /// Its prompts by their names.
    pub prompts: BTreeMap<String, Prompt>,
    /// Pieces of templates by their names, which all prompts may use.
    #[serde(default)]
    pub fragments: BTreeMap<String, String>,
    /// Its tools by their names.
    #[serde(default)]
    pub tools: BTreeMap<String, Tool>,
    /// Domain, language, tags, an estimate of the cost.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// How it was made.
    pub compilation: Option<Value>,
    /// What is to be judged of all its prompts.
    #[serde(default)]
    pub evals: Vec<Eval>,
    /// A state machine over the prompts.
    pub workflow: Option<Value>,
    /// Which prompts are agents to others.
    pub agents: Option<Value>,
    /// Where skills are found, or skills themselves.
    #[serde(default)]
    pub skills: Vec<Value>,
    /// PromptKit's graphs of steps, by their names.
    #[serde(default)]
    pub compositions: BTreeMap<String, Value>,
}

/// How templates are written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TemplateEngine {
    /// The engine's version.
    pub version: String,
    /// How a variable looks, `{{variable}}`; or `minijinja`, for that engine.
    pub syntax: String,
    /// What the templates make use of.
    #[serde(default)]
    pub features: Vec<String>,
}

impl Default for TemplateEngine {
    fn default() -> Self {
        Self { version: "v1".to_owned(), syntax: "{{variable}}".to_owned(), features: Vec::new() }
    }
}

/// One prompt: what a model is told, and the rules around it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Prompt {
    /// Its identifier.
    #[serde(default)]
    pub id: String,
    /// Its name for people.
    #[serde(default)]
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// What it is for.
    pub description: Option<String>,
    /// The template of what the model is told.
    pub system_template: String,
    /// The variables of the template.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// The names of the tools that the model may call.
    #[serde(default)]
    pub tools: Vec<String>,
    /// How tools may be called.
    pub tool_policy: Option<ToolPolicy>,
    /// Stages and what stands around them.
    pub pipeline: Option<Value>,
    /// How the model is to answer.
    #[serde(default)]
    pub parameters: Parameters,
    /// Rules for what is said.
    #[serde(default)]
    pub validators: Vec<Validator>,
    /// What is to be judged of its answers.
    #[serde(default)]
    pub evals: Vec<Eval>,
    /// With which models it was tried.
    #[serde(default)]
    pub tested_models: Vec<Value>,
    /// What is different for some models, by their names.
    #[serde(default)]
    pub model_overrides: BTreeMap<String, ModelOverride>,
    /// Which images, sounds, videos and documents it takes.
    pub media: Option<Media>,
}

/// A name in a template that stands for a value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// What kind of value it takes.
    #[serde(rename = "type")]
    pub kind: VariableType,
    /// Whether it must be given. Then its default is not used.
    pub required: bool,
    /// Its value where none is given.
    pub default: Option<Value>,
    /// What it is for.
    pub description: Option<String>,
    /// What a value may look like.
    pub example: Option<Value>,
    /// Rules for its values.
    pub validation: Option<Validation>,
    /// Where its value comes from by itself.
    pub binding: Option<Binding>,
}

/// The kind of a variable's value.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VariableType {
    /// Text.
    String,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// An object, written into the prompt as JSON.
    Object,
    /// A list, written into the prompt as JSON.
    Array,
    /// One that Banter does not know: its values are taken as they are.
    #[serde(untagged)]
    Other(String),
}

/// Rules for a variable's values.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Validation {
    /// A regular expression that is to match somewhere in the text.
    pub pattern: Option<String>,
    /// The least length of a text, in characters.
    #[serde(default, deserialize_with = "whole")]
    pub min_length: Option<u32>,
    /// The greatest length of a text, in characters.
    #[serde(default, deserialize_with = "whole")]
    pub max_length: Option<u32>,
    /// The least number.
    pub minimum: Option<f64>,
    /// The greatest number.
    pub maximum: Option<f64>,
    /// All values that are allowed.
    #[serde(rename = "enum")]
    pub one_of: Option<Vec<Value>>,
}

/// Where a variable's value comes from by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Binding {
    /// The source: `context`, `session`, `env`, `header`, or one of a program's own.
    pub kind: Option<String>,
    /// The name there; by default the variable's own.
    pub field: Option<String>,
    /// Whether it is filled in without being asked for. By default it is not.
    #[serde(default)]
    pub auto_populate: bool,
    /// What is done with the value: `lowercase`, `uppercase`, `trim`.
    pub filter: Option<String>,
}

/// A tool that a model may call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does and when to call it.
    pub description: String,
    /// JSON Schema of its arguments; none by default.
    pub parameters: Option<Value>,
}

impl Tool {
    /// What a model is told about it.
    #[must_use]
    pub fn descriptor(&self) -> ToolDescriptor {
        let none = || json!({ "type": "object", "properties": {} });
        let parameters = self.parameters.clone().unwrap_or_else(none);
        ToolDescriptor::new(&self.name, &self.description, parameters)
    }
}

/// What is different for one model.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ModelOverride {
    /// What stands before the template.
    pub system_template_prefix: Option<String>,
    /// What stands after it.
    pub system_template_suffix: Option<String>,
    /// What stands in its place.
    pub system_template: Option<String>,
    /// Parameters that beat those of the prompt.
    #[serde(default)]
    pub parameters: Parameters,
}
