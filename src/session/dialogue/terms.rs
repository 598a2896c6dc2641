//! What every response of a conversation is made from, besides its history.

use std::sync::Arc;

use crate::pack::{
    Facts, PromptError, ProviderError, Sources, SystemPrompt, ValueError, Values, Variable,
    VariableProvider, bound,
};
use crate::pipeline::Metadata;
use crate::time::WallTime;
use crate::tools::{ToolRegistry, matches};
use crate::types::{Parameters, ToolDescriptor, ToolPolicy};
use crate::validators::Guards;

/// What every response of a conversation is made from, besides its history.
#[derive(Clone, Debug, Default)]
pub(crate) struct Terms {
    pub(crate) instructions: Instructions,
    pub(crate) parameters: Arc<Parameters>,
    pub(crate) tool_policy: ToolPolicy,
    pub(crate) metadata: Arc<Metadata>,
    /// The model, as its provider calls itself.
    pub(crate) model: String,
    /// The rules for what is said.
    pub(crate) guards: Arc<Guards>,
}

/// What the model is told.
#[derive(Clone, Debug)]
pub(crate) enum Instructions {
    /// Always the same.
    Text(Arc<str>),
    /// A prompt of a pack.
    Prompt(Arc<Prompted>),
}

/// A prompt of a pack, and where the values of its variables come from.
#[derive(Debug)]
pub(crate) struct Prompted {
    pub(crate) prompt: SystemPrompt,
    pub(crate) variables: Vec<Variable>,
    pub(crate) sources: Sources,
    pub(crate) providers: Vec<Arc<dyn VariableProvider>>,
}

/// The metadata in which a conversation's id is.
pub(crate) const OWN_ID: &str = "conversation_id";

/// Why there are no instructions for a response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InstructionsError {
    /// The prompt cannot be rendered with these values.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// A provider of variables failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A variable is bound in a way that is not known.
    #[error("variable {0}")]
    Binding(#[from] ValueError),
}

impl Terms {
    /// The tools that the model is told of: all that there are, or those that the prompt names; in
    /// its names, `*` stands for anything. What a pack says of a tool stands before what the tool
    /// says of itself.
    pub(crate) fn offered(&self, tools: &ToolRegistry) -> Vec<ToolDescriptor> {
        let blocked = |name: &str| self.tool_policy.blocklist.iter().any(|of| matches(of, name));
        let mut all = tools.descriptors();
        let Instructions::Prompt(prompted) = &self.instructions else {
            all.retain(|tool| !blocked(&tool.name));
            return all;
        };
        let prompt = &prompted.prompt;
        let mut offered: Vec<ToolDescriptor> = Vec::new();
        for pattern in prompt.tool_names() {
            let described = prompt.tools().iter().filter(|tool| matches(pattern, &tool.name));
            let known = all.iter().filter(|tool| matches(pattern, &tool.name));
            for tool in described.chain(known) {
                if !blocked(&tool.name) && !offered.iter().any(|it| it.name == tool.name) {
                    offered.push(tool.clone());
                }
            }
        }
        offered
    }
}

impl Terms {
    /// The tools that the prompt names and that are not there.
    pub(crate) fn missing(&self, tools: &ToolRegistry) -> Vec<String> {
        let Instructions::Prompt(prompted) = &self.instructions else { return Vec::new() };
        let names = prompted.prompt.tool_names().iter();
        names.filter(|name| !name.contains('*') && tools.get(name).is_none()).cloned().collect()
    }
}

impl Default for Instructions {
    fn default() -> Self {
        Self::Text("".into())
    }
}

impl Prompted {
    /// What the model is told with the `variables` that were set, at this moment.
    pub(crate) fn render(
        &self,
        variables: &Values,
        metadata: &Metadata,
    ) -> Result<Arc<str>, InstructionsError> {
        let mut state: Values =
            metadata.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        state.extend(variables.clone());
        let facts = Facts { now: WallTime::now(), state: &state };
        let mut values = Values::new();
        for provider in &self.providers {
            values.extend(provider.provide(facts)?);
        }
        values.extend(bound(&self.variables, &self.sources(metadata))?);
        values.extend(variables.clone());
        Ok(self.prompt.render(&values)?.into())
    }

    /// Where bound variables come from: with the conversation's id, if nobody gave another.
    fn sources(&self, metadata: &Metadata) -> Sources {
        let mut sources = self.sources.clone();
        if let Some(id) = metadata.get(OWN_ID) {
            let of_session = sources.entry("session".to_owned()).or_default();
            of_session.entry("id".to_owned()).or_insert_with(|| id.as_str().into());
        }
        sources
    }

    /// Whether the same variables always give the same text.
    pub(crate) fn is_steady(&self) -> bool {
        self.providers.is_empty()
    }
}
