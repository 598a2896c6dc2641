//! PromptPacks: prompts, their variables, tools and rules in one JSON file.
//!
//! ```text
//! bytes ─▶ Pack::load ─▶ Loaded { pack, warnings }
//!                            │ pack.prompt(name, model)
//!                            ▼
//!                        SystemPrompt ─ render(values) ─▶ what the model is told
//!                          ▲ parameters, tools, rules      ▲
//!                                                Values: typed, or by VariableProvider
//! ```
//!
//! ```
//! use banter::pack::{Pack, SchemaCheck, Values};
//!
//! let text = r#"{
//!     "id": "shop", "name": "Shop", "version": "1.0.0",
//!     "template_engine": { "version": "v1", "syntax": "{{variable}}" },
//!     "prompts": { "sales": {
//!         "id": "sales", "name": "Sales", "version": "1.0.0",
//!         "system_template": "You sell {{goods}}.",
//!         "variables": [{ "name": "goods", "type": "string", "required": true }]
//!     } }
//! }"#;
//! let loaded = Pack::load(text.as_bytes(), SchemaCheck::Full)?;
//! let prompt = loaded.pack.prompt("sales", None)?;
//! let values = Values::from([("goods".to_owned(), "hats".into())]);
//!
//! assert_eq!(prompt.render(&values)?, "You sell hats.");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It reads what the schemas 1.0 to 1.4.0 of the format describe, and what PromptKit adds. It
//! opens no file and calls no model. Workflows, agents, skills and compositions are checked and
//! kept, not run. `docs/packs.md` tells all of it to those who write packs.

mod binding;
mod check;
mod engine;
mod fragments;
mod guardrails;
#[cfg(feature = "minijinja")]
mod jinja;
mod load;
mod model;
mod problem;
mod prompt;
mod providers;
mod rules;
mod schema;
mod texts;
mod variable;

pub use binding::{Sources, bound};
pub use load::{Loaded, PackError, SchemaCheck};
pub use model::{
    Binding, ModelOverride, Pack, Prompt, TemplateEngine, Tool, Validation, Variable, VariableType,
};
pub use problem::Problem;
pub use prompt::{PromptError, SystemPrompt};
pub use providers::{
    Chain, Environment, Facts, Fixed, ProviderError, State, Time, VariableProvider,
};
pub use rules::{Eval, Media, MediaLimits, Parameters, ToolPolicy, TopK, Validator};
pub use variable::{ValueError, Values};

#[cfg(test)]
mod tests;
