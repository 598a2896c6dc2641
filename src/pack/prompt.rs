//! A prompt made ready: its template, fragments, variables and parameters, for one model.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::fragments::DEEPEST;
use super::model::{ModelOverride, Pack, Prompt};
use super::rules::Parameters;
use super::texts::Texts;
use super::variable::{Rule, ValueError, Values};
use crate::error::Recovery;
use crate::text::TemplateError;
use crate::types::ToolDescriptor;

/// Why there is no prompt, or none with these values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    /// The pack has no prompt of this name.
    #[error("the pack has no prompt `{name}`; it has {}", .known.join(", "))]
    Unknown {
        /// The name.
        name: String,
        /// The prompts that it has.
        known: Vec<String>,
    },
    /// The pack's templates are written in another way.
    #[error("templates of the form `{0}` are not understood, only `{{{{variable}}}}`")]
    Syntax(String),
    /// The pack's templates are for an engine that this build is without.
    #[error("this build has no engine `minijinja`: it was built without the feature `minijinja`")]
    NotBuiltIn,
    /// A template is not well formed.
    #[error("{text}, {error}")]
    Template {
        /// Which text: `the template`, or a fragment.
        text: String,
        /// What is wrong with it.
        error: TemplateError,
    },
    /// A fragment contains itself.
    #[error("fragments contain one another: {}", .0.join(" → "))]
    Circle(Vec<String>),
    /// A fragment contains fragments that contain fragments, over 100 deep.
    #[error("fragment `{0}` contains fragments more than {max} deep", max = DEEPEST)]
    TooDeep(String),
    /// A variable's rules cannot be understood.
    #[error("variable `{name}`: {reason}")]
    Rule {
        /// The variable.
        name: String,
        /// What is wrong.
        reason: String,
    },
    /// Variables that must be given, and names that nothing stands for.
    #[error("no value for {}", .0.join(", "))]
    Missing(Vec<String>),
    /// A value that its variable does not take.
    #[error("{0}")]
    Value(#[from] ValueError),
}

impl PromptError {
    /// The pack's author, or who gives the values, must mend it.
    #[must_use]
    pub fn recovery(&self) -> Recovery {
        Recovery::AskUser
    }
}

impl Pack {
    /// The prompt `name` as it is for `model`: with the model's own template and parameters, if
    /// it has any.
    ///
    /// # Errors
    ///
    /// [`PromptError`]: there is no such prompt, or it cannot be used. A pack that was loaded
    /// has no template that is not well formed.
    pub fn prompt(&self, name: &str, model: Option<&str>) -> Result<SystemPrompt, PromptError> {
        let Some(prompt) = self.prompts.get(name) else {
            let known = self.prompts.keys().cloned().collect();
            return Err(PromptError::Unknown { name: name.to_owned(), known });
        };
        let engine = self.template_engine.engine()?;
        let special = model.and_then(|model| prompt.model_overrides.get(model));
        let rules = prompt.variables.iter().map(|variable| {
            let wrong = |reason| PromptError::Rule { name: variable.name.clone(), reason };
            Rule::new(variable).map_err(wrong)
        });
        let blocked = prompt.tool_policy.iter().flat_map(|policy| &policy.blocklist);
        let blocked: BTreeSet<_> = blocked.collect();
        let allowed = prompt.tools.iter().filter(|name| !blocked.contains(name));
        Ok(SystemPrompt {
            texts: Texts::new(self, engine, &template_for(prompt, special))?,
            rules: rules.collect::<Result<_, _>>()?,
            parameters: special.map_or(prompt.parameters, |special| {
                prompt.parameters.overridden(special.parameters)
            }),
            tools: allowed
                .clone()
                .filter_map(|name| Some(self.tools.get(name)?.descriptor()))
                .collect(),
            tool_names: allowed.cloned().collect(),
        })
    }
}

/// The template's text for a model with these differences.
pub(super) fn template_for(prompt: &Prompt, special: Option<&ModelOverride>) -> String {
    let Some(special) = special else {
        return prompt.system_template.clone();
    };
    let before = special.system_template_prefix.as_deref().unwrap_or_default();
    let after = special.system_template_suffix.as_deref().unwrap_or_default();
    let text = special.system_template.as_deref().unwrap_or(&prompt.system_template);
    format!("{before}{text}{after}")
}

/// What a model is told, but for the values of the variables. It is made once and rendered as
/// often as values change.
#[derive(Debug)]
pub struct SystemPrompt {
    texts: Texts,
    rules: Vec<Rule>,
    parameters: Parameters,
    tools: Vec<ToolDescriptor>,
    tool_names: Vec<String>,
}

impl SystemPrompt {
    /// How the model is to answer.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The tools that it may call, of those that the pack describes, without the forbidden ones.
    #[must_use]
    pub fn tools(&self) -> &[ToolDescriptor] {
        &self.tools
    }

    /// The names of all tools that it may call, without the forbidden ones.
    #[must_use]
    pub fn tool_names(&self) -> &[String] {
        &self.tool_names
    }

    /// All names that a value can be given for: declared variables, and what stands in the
    /// template and its fragments.
    #[must_use]
    pub fn names(&self) -> BTreeSet<&str> {
        let declared = self.rules.iter().map(|rule| rule.variable().name.as_str());
        declared.chain(self.texts.names()).collect()
    }

    /// What the model is told.
    ///
    /// A name stands for the value that is given, else for the fragment of that name, else for
    /// the variable's default. Fragments are templates themselves; values are not.
    ///
    /// # Errors
    ///
    /// [`PromptError::Missing`] names all that has no value; [`PromptError::Value`] tells which
    /// value does not fit its variable.
    pub fn render(&self, values: &Values) -> Result<String, PromptError> {
        let values = self.settled(values)?;
        let required = self.rules.iter().map(Rule::variable).filter(|variable| variable.required);
        let missing = required
            .map(|variable| variable.name.as_str())
            .filter(|name| !values.contains_key(*name) && !self.texts.has_fragment(name));
        self.texts.render(&values, missing.collect())
    }

    /// The values with those of the defaults, each checked.
    fn settled(&self, given: &Values) -> Result<Values, PromptError> {
        let given = given.iter().filter(|(_, value)| !value.is_null());
        let mut values: BTreeMap<_, _> = given.collect();
        let mut rules = BTreeMap::new();
        for rule in &self.rules {
            let variable = rule.variable();
            let is_fragment = self.texts.has_fragment(&variable.name);
            if let Some(default) = variable.default.as_ref().filter(|_| !variable.required)
                && !is_fragment
            {
                values.entry(&variable.name).or_insert(default);
            }
            rules.entry(&variable.name).or_insert(rule);
        }
        let check = |(name, value): (&String, &Value)| -> Result<_, PromptError> {
            let value =
                rules.get(name).map_or_else(|| Ok(value.clone()), |rule| rule.check(value))?;
            Ok((name.clone(), value))
        };
        values.into_iter().map(check).collect()
    }
}
