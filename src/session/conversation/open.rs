//! How a conversation begins: what it is made of.

use std::sync::Arc;

use serde_json::Value;

use super::detect::{detected, no_provider};
use super::guards::add_those_of;
#[cfg(feature = "mcp")]
use super::servers::Servers;
use super::source::{PackSource, prompt_of, read};
use super::{Conversation, ConversationError};
use crate::config;
use crate::events::EventBus;
use crate::hooks::{Hook, Hooks};
use crate::ids::ConversationId;
use crate::pack::{Environment, SchemaCheck, Sources, Values, VariableProvider};
use crate::pipeline::Metadata;
use crate::providers::{Prices, Provider};
use crate::session::attach::ImageFit;
use crate::session::dialogue::{Instructions, OWN_ID, Prompted, Terms};
use crate::stages::{ContextConfig, MissingTools};
use crate::state::{Opened, Saved, StateStore};
use crate::time::UtcTime;
use crate::tools::ToolRegistry;
#[cfg(feature = "mcp")]
use crate::tools::mcp::McpServer;
use crate::types::{Parameters, ResponseFormat, ToolPolicy};
use crate::validators::{Guardrail, Guards, ValidationMode};

/// A conversation that is to begin. Made by [`Conversation::open`] or [`Conversation::plain`].
#[derive(Clone, Debug)]
#[must_use = "it begins with `start` or `resume`"]
pub struct Opening {
    speaks: Speaks,
    check: SchemaCheck,
    model: Option<String>,
    provider: Option<Arc<dyn Provider>>,
    default_provider: Option<Arc<dyn Provider>>,
    tools: Arc<ToolRegistry>,
    #[cfg(feature = "mcp")]
    mcp: Vec<McpServer>,
    parameters: Parameters,
    variables: Values,
    sources: Sources,
    providers: Vec<Arc<dyn VariableProvider>>,
    /// Without a word about them, tools that are missing are an error.
    missing_tools: Option<MissingTools>,
    tool_policy: Option<ToolPolicy>,
    hooks: Hooks,
    metadata: Metadata,
    prices: Option<Prices>,
    images: ImageFit,
    context: Option<ContextConfig>,
    guards: Guards,
    store: Option<Arc<dyn StateStore>>,
    id: Option<ConversationId>,
}

/// What the model is told.
#[derive(Clone, Debug)]
enum Speaks {
    Plainly(String),
    By { pack: PackSource, prompt: String },
}

impl Opening {
    pub(super) fn by(pack: PackSource, prompt: String) -> Self {
        Self::new(Speaks::By { pack, prompt })
    }

    pub(super) fn plainly(instructions: String) -> Self {
        Self::new(Speaks::Plainly(instructions))
    }

    fn new(speaks: Speaks) -> Self {
        Self {
            speaks,
            check: SchemaCheck::Full,
            model: None,
            provider: None,
            default_provider: None,
            tools: Arc::default(),
            #[cfg(feature = "mcp")]
            mcp: Vec::new(),
            parameters: Parameters::default(),
            variables: Values::new(),
            sources: Sources::new(),
            providers: Vec::new(),
            missing_tools: None,
            tool_policy: None,
            hooks: Hooks::default(),
            metadata: Metadata::default(),
            prices: None,
            images: ImageFit::Off,
            context: None,
            guards: Guards::default(),
            store: None,
            id: None,
        }
    }

    /// The model. Without one, the one that the settings of the environment and of the user's file
    /// name, if it is a service.
    pub fn provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.provider = Some(provider);
        self
    }

    /// The model if neither the environment nor the user's file names one that is a service: a
    /// small one on this machine, or a double for tests.
    pub fn default_provider(mut self, provider: Arc<dyn Provider>) -> Self {
        self.default_provider = Some(provider);
        self
    }

    /// The model's name, by which a pack may have other words and parameters for it.
    pub fn model(mut self, name: impl Into<String>) -> Self {
        self.model = Some(name.into());
        self
    }

    /// The tools that the model may call; none by default. With a pack, those of them that its
    /// prompt names.
    pub fn tools(mut self, tools: impl Into<Arc<ToolRegistry>>) -> Self {
        self.tools = tools.into();
        self
    }

    /// Servers whose tools the model may call as well: started when the conversation opens, ended
    /// when it is closed or its last handle is dropped. Forks share them. With a pack, the tools
    /// that its prompt names, as `mcp__files__*`.
    #[cfg(feature = "mcp")]
    pub fn mcp(mut self, servers: impl IntoIterator<Item = McpServer>) -> Self {
        self.mcp.extend(servers);
        self
    }

    /// The answer waits for whoever has the result of a tool that the prompt names and that is not
    /// there: see [`Conversation::resolve`]. By default such a prompt is an error.
    pub fn await_missing_tools(mut self) -> Self {
        self.missing_tools = Some(MissingTools::Awaited);
        self
    }

    /// Tells the model that there is none when it calls a tool that is not there. By default a
    /// prompt that names one is an error.
    pub fn refuse_missing_tools(mut self) -> Self {
        self.missing_tools = Some(MissingTools::Refused);
        self
    }

    /// How the model may call tools. It takes the place of what the pack says. A largest cost
    /// needs prices: those of the model, or [`prices`](Self::prices).
    pub fn tool_policy(mut self, policy: ToolPolicy) -> Self {
        self.tool_policy = Some(policy);
        self
    }

    /// Puts a hook around the steps of the conversation, behind those that there are.
    pub fn hook(mut self, hook: Arc<dyn Hook>) -> Self {
        self.hooks.add(hook);
        self
    }

    /// What the model's tokens cost, so that responses tell their cost. By default what is known of
    /// the model: see [`Provider::prices`].
    pub fn prices(mut self, prices: Prices) -> Self {
        self.prices = Some(prices);
        self
    }

    /// Makes the images of messages fit before the model gets them; they are sent as they are by
    /// default. [`ImageFit::auto`] has them at most 1,024 pixels wide and high.
    pub fn images(mut self, fit: ImageFit) -> Self {
        self.images = fit;
        self
    }

    /// How the model is to answer. What is given here stands before what the pack says.
    pub fn parameters(mut self, parameters: Parameters) -> Self {
        self.parameters = self.parameters.overridden(parameters);
        self
    }

    /// Asks for any JSON object as the answer.
    pub fn json_mode(self) -> Self {
        self.format(ResponseFormat::JsonObject)
    }

    /// Asks for an answer of this form.
    pub fn format(mut self, format: ResponseFormat) -> Self {
        self.parameters.format = Some(format);
        self
    }

    /// The value of a variable. It stands before what any provider or binding says.
    pub fn var(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// The values of variables.
    pub fn vars(mut self, values: Values) -> Self {
        self.variables.extend(values);
        self
    }

    /// Values from the environment variables that begin with `prefix`: with `APP_`, `APP_CITY` is
    /// `city`.
    pub fn vars_from_env(self, prefix: &str) -> Self {
        let values = from_environment(prefix);
        self.vars(values)
    }

    /// Gives values at the beginning of each turn. A later provider stands before an earlier one.
    pub fn variable_provider(mut self, provider: impl VariableProvider + 'static) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Values for variables whose `binding` names this kind of source, such as `session` or `env`.
    pub fn source(mut self, kind: impl Into<String>, values: Values) -> Self {
        self.sources.insert(kind.into(), values);
        self
    }

    /// What every request to the provider carries: tenant, user.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(name.into(), value.into());
        self
    }

    /// A rule for what is said, behind those of the prompt and those that there are.
    pub fn validator(mut self, guardrail: Guardrail) -> Self {
        self.guards.rules.push(guardrail);
        self
    }

    /// How much the rules for what is said may do: by default what they are made for.
    pub fn validation_mode(mut self, mode: ValidationMode) -> Self {
        self.guards.mode = mode;
        self
    }

    /// An answer that breaks any rule fails, whatever the rule says.
    pub fn strict_validation(mut self) -> Self {
        self.guards.strict = true;
        self
    }

    /// Does without the rules of this name or kind, even one that is not known here.
    pub fn disable_validator(mut self, name: impl Into<String>) -> Self {
        self.guards.disabled.insert(name.into());
        self
    }

    /// What is sent of a long conversation; all of it by default.
    pub fn context(mut self, context: ContextConfig) -> Self {
        self.context = Some(context);
        self
    }

    /// Keeps the conversation: each turn is written when it has ended.
    pub fn store(mut self, store: Arc<dyn StateStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// What it is called; by default the day and some digits.
    pub fn id(mut self, id: ConversationId) -> Self {
        self.id = Some(id);
        self
    }

    /// Does not hold the pack against the schema of the format.
    pub fn skip_schema_validation(mut self) -> Self {
        self.check = SchemaCheck::Skipped;
        self
    }

    /// Begins a new conversation.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the pack cannot be read or has no such prompt, when there is no model, and when the
    /// store has a conversation of that id or cannot be read; when an MCP server that is required
    /// does not start. A variable without a value is an
    /// error of the first turn, so that it may be set until then.
    pub async fn start(self) -> Result<Conversation, ConversationError> {
        let id = self.id.clone().unwrap_or_else(fresh_id);
        if let Some(store) = &self.store
            && self.id.is_some()
            && store.read(&id).await?.is_some()
        {
            return Err(ConversationError::Exists(id));
        }
        self.at(id, Saved::default()).await
    }

    /// Goes on with a conversation that was kept: with its history and its variables, over which
    /// those of this opening are set.
    ///
    /// Must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start), and when there is no store, no conversation of that id, or
    /// it was held with another pack or prompt.
    pub async fn resume(self, id: ConversationId) -> Result<Conversation, ConversationError> {
        let store = self.store.as_ref().ok_or(ConversationError::NoStore)?;
        let entries = store.read(&id).await?;
        let entries = entries.ok_or_else(|| ConversationError::NotFound(id.clone()))?;
        let saved = Saved::of(entries);
        self.at(id, saved).await
    }

    /// Goes on with the conversation of that id if there is one, else begins it.
    ///
    /// # Errors
    ///
    /// As for [`start`](Self::start) and [`resume`](Self::resume).
    pub async fn resume_or_start(
        self,
        id: ConversationId,
    ) -> Result<Conversation, ConversationError> {
        let store = self.store.as_ref().ok_or(ConversationError::NoStore)?;
        let saved = store.read(&id).await?.map(Saved::of).unwrap_or_default();
        self.at(id, saved).await
    }

    async fn at(self, id: ConversationId, saved: Saved) -> Result<Conversation, ConversationError> {
        let provider = match self.provider {
            Some(provider) => provider,
            None => detected()?.or(self.default_provider).ok_or_else(no_provider)?,
        };
        let mut metadata = self.metadata;
        metadata.entry(OWN_ID.to_owned()).or_insert_with(|| id.to_string());
        let mut opened = Opened { metadata: metadata.clone(), ..Opened::new(UtcTime::now()) };
        let mut terms = Terms {
            metadata: Arc::new(metadata),
            model: provider.name().to_owned(),
            guards: Arc::new(self.guards),
            ..Terms::default()
        };
        let mut media = None;
        let mut warnings = Vec::new();
        match self.speaks {
            Speaks::Plainly(text) => {
                terms.instructions = Instructions::Text(text.into());
                terms.parameters = Arc::new(self.parameters);
            }
            Speaks::By { pack, prompt: name } => {
                let (pack, found) = read(pack, self.check).await?;
                warnings = found;
                opened.pack = Some(pack.id.clone());
                opened.prompt = Some(name.clone());
                let prompt = prompt_of(&pack, &name, self.model).await?;
                let parameters = (*prompt.parameters()).into();
                terms.parameters = Arc::new(Parameters::overridden(parameters, self.parameters));
                let spec = &pack.prompts[&name];
                if let Some(policy) = &spec.tool_policy {
                    terms.tool_policy = policy.into();
                }
                media.clone_from(&spec.media);
                add_those_of(spec, Arc::make_mut(&mut terms.guards))?;
                terms.instructions = Instructions::Prompt(Arc::new(Prompted {
                    prompt,
                    variables: spec.variables.clone(),
                    sources: self.sources,
                    providers: self.providers,
                }));
            }
        }
        if let Some(policy) = self.tool_policy {
            terms.tool_policy = policy;
        }
        can_bound_cost(&terms.tool_policy, self.prices.or_else(|| provider.prices()))?;
        #[cfg(feature = "mcp")]
        let (tools, servers) = Servers::start(self.mcp, self.tools).await?;
        #[cfg(not(feature = "mcp"))]
        let tools = self.tools;
        let missing = terms.missing(&tools);
        if self.missing_tools.is_none() && !missing.is_empty() {
            return Err(ConversationError::NoHandlers(missing));
        }
        same_prompt(&id, saved.opened.as_ref(), &opened)?;
        let parts = super::Parts {
            id,
            terms,
            provider,
            tools,
            #[cfg(feature = "mcp")]
            servers,
            store: self.store,
            media,
            warnings,
            missing_tools: self.missing_tools.unwrap_or_default(),
            hooks: self.hooks,
            prices: self.prices,
            images: self.images,
            context: self.context,
            bus: EventBus::default(),
        };
        let conversation = Conversation::of(parts, saved);
        conversation.shared.dialogue.open(opened);
        conversation.shared.dialogue.set(self.variables);
        Ok(conversation)
    }
}

/// A largest cost needs to know any.
fn can_bound_cost(policy: &ToolPolicy, prices: Option<Prices>) -> Result<(), ConversationError> {
    match policy.max_cost_usd.is_some() && prices.is_none() {
        true => Err(ConversationError::NoPrices),
        false => Ok(()),
    }
}

/// The values of the environment's variables that begin with `prefix`.
pub(super) fn from_environment(prefix: &str) -> Values {
    Environment::new(prefix, config::variables()).values().clone()
}

/// History that was held under other instructions is not mixed with these.
fn same_prompt(
    id: &ConversationId,
    was: Option<&Opened>,
    now: &Opened,
) -> Result<(), ConversationError> {
    let name = |opened: &Opened| match (&opened.pack, &opened.prompt) {
        (Some(pack), Some(prompt)) => format!("the prompt {prompt} of the pack {pack}"),
        _ => "no pack".to_owned(),
    };
    match was.map(name).filter(|was| *was != name(now)) {
        Some(was) => Err(ConversationError::OtherPrompt { id: id.clone(), was, now: name(now) }),
        None => Ok(()),
    }
}

/// As `2026-11-21-3f9ac2d17b04`.
pub(super) fn fresh_id() -> ConversationId {
    use std::hash::{BuildHasher, Hasher};
    // Seeded by the system, anew for each.
    let digits = std::hash::RandomState::new().build_hasher().finish() & 0xffff_ffff_ffff;
    let day = UtcTime::now().to_string();
    let day = day.get(..10).unwrap_or_default();
    format!("{day}-{digits:012x}").parse().unwrap_or_else(|_| unreachable!())
}
