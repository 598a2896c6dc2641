//! A tool made of a closure.

use std::any::Any;
use std::fmt::{self, Display};
use std::future::{Future, ready};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::derived::{schema_of_arguments, schema_of_result};
use super::{Filler, Lifetime, Tool, ToolContext, ToolError, ToolFuture};
use crate::types::{Approval, ToolDescriptor};

/// A [`Tool`] that calls a closure. It has side effects, 10 s of time, and lives as long as the
/// answer that it was called for, unless told otherwise.
///
/// ```
/// use banter::tools::{FunctionTool, ToolContext};
/// use schemars::JsonSchema;
/// use serde::Deserialize;
///
/// #[derive(Deserialize, JsonSchema)]
/// struct Throw {
///     /// How many dice are thrown.
///     dice: u8,
/// }
///
/// let throw = |throw: Throw, _context: ToolContext| async move {
///     match throw.dice {
///         0 => Err("there is nothing to throw"),
///         dice => Ok(vec![4; usize::from(dice)]),
///     }
/// };
/// let dice = FunctionTool::typed("dice", "Throws dice.", throw).without_side_effects();
/// # drop(dice);
/// ```
pub struct FunctionTool {
    descriptor: ToolDescriptor,
    function: Box<Function>,
    approval: Option<Box<Check>>,
    side_effects: bool,
    time_limit: Duration,
    lifetime: Lifetime,
    filler: Option<Filler>,
}

type Function = dyn Fn(Value, ToolContext) -> ToolFuture<'static> + Send + Sync;
type Check = dyn Fn(&Value) -> Option<Approval> + Send + Sync;

impl FunctionTool {
    /// A tool that takes a `T`: the model is told its JSON Schema, with the fields' doc comments
    /// as descriptions. `T` must be a structure, as arguments have names.
    ///
    /// Whatever error `function` returns is told to the model, as the reason why the tool failed;
    /// a [`ToolError`] as it is.
    pub fn typed<T, R, E, F, O>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: F,
    ) -> Self
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize,
        E: Display + 'static,
        F: Fn(T, ToolContext) -> O + Send + Sync + 'static,
        O: Future<Output = Result<R, E>> + Send + 'static,
    {
        let descriptor = ToolDescriptor::new(name, description, schema_of_arguments::<T>());
        let name = descriptor.name.clone();
        Self::with_context(descriptor, move |arguments, context| {
            let running = serde_json::from_value(arguments)
                .map(|arguments| function(arguments, context))
                .map_err(|error| ToolError::arguments(&name, error.to_string()));
            let name = name.clone();
            async move {
                let result = running?.await.map_err(|error| failure(&name, error))?;
                serde_json::to_value(result).map_err(|error| {
                    ToolError::failed(name, format!("its result is no JSON: {error}"))
                })
            }
        })
    }

    /// The same, with results that are checked against the JSON Schema of `R`.
    pub fn typed_with_output<T, R, E, F, O>(
        name: impl Into<String>,
        description: impl Into<String>,
        function: F,
    ) -> Self
    where
        T: DeserializeOwned + JsonSchema + Send + 'static,
        R: Serialize + JsonSchema,
        E: Display + 'static,
        F: Fn(T, ToolContext) -> O + Send + Sync + 'static,
        O: Future<Output = Result<R, E>> + Send + 'static,
    {
        Self::typed(name, description, function).with_output(schema_of_result::<R>())
    }

    /// A tool that awaits what `function` makes of the arguments.
    pub fn new<F, R>(descriptor: ToolDescriptor, function: F) -> Self
    where
        F: Fn(Value) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, ToolError>> + Send + 'static,
    {
        Self::with_context(descriptor, move |arguments, _| function(arguments))
    }

    /// The same, told of the call that it serves.
    pub fn with_context<F, R>(descriptor: ToolDescriptor, function: F) -> Self
    where
        F: Fn(Value, ToolContext) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, ToolError>> + Send + 'static,
    {
        Self {
            descriptor,
            function: Box::new(move |arguments, context| Box::pin(function(arguments, context))),
            approval: None,
            side_effects: true,
            time_limit: Duration::from_secs(10),
            lifetime: Lifetime::Answer,
            filler: None,
        }
    }

    /// A tool that answers without waiting. `function` runs on the runtime's thread: it must
    /// not block.
    pub fn sync<F>(descriptor: ToolDescriptor, function: F) -> Self
    where
        F: Fn(Value) -> Result<Value, ToolError> + Send + Sync + 'static,
    {
        Self::new(descriptor, move |arguments| ready(function(arguments)))
    }

    /// Results are of this JSON Schema.
    #[must_use]
    pub fn with_output(mut self, schema: Value) -> Self {
        self.descriptor = self.descriptor.with_output(schema);
        self
    }

    /// Calling it changes nothing, so it may be called for an answer that is not given yet.
    #[must_use]
    pub fn without_side_effects(mut self) -> Self {
        self.side_effects = false;
        self
    }

    /// How long it may take; 10 s by default.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// How long it lives; as long as the answer that it was called for by default.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// What the agent says while it is waited for, in a call; what the session says by default.
    #[must_use]
    pub fn filler(mut self, filler: Filler) -> Self {
        self.filler = Some(filler);
        self
    }

    /// `check` looks at the arguments and says whether a person must allow the call; none must by
    /// default. The tool runs when it is allowed.
    #[must_use]
    pub fn approval<C>(mut self, check: C) -> Self
    where
        C: Fn(&Value) -> Option<Approval> + Send + Sync + 'static,
    {
        self.approval = Some(Box::new(check));
        self
    }
}

impl Tool for FunctionTool {
    fn descriptor(&self) -> &ToolDescriptor {
        &self.descriptor
    }

    fn has_side_effects(&self) -> bool {
        self.side_effects
    }

    fn time_limit(&self) -> Duration {
        self.time_limit
    }

    fn lifetime(&self) -> Lifetime {
        self.lifetime
    }

    fn filler(&self) -> Option<Filler> {
        self.filler.clone()
    }

    fn approval(&self, arguments: &Value) -> Option<Approval> {
        self.approval.as_ref().and_then(|check| check(arguments))
    }

    fn call(&self, arguments: Value, context: ToolContext) -> ToolFuture<'_> {
        (self.function)(arguments, context)
    }
}

impl fmt::Debug for FunctionTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FunctionTool")
            .field("name", &self.descriptor.name)
            .field("side_effects", &self.side_effects)
            .field("time_limit", &self.time_limit)
            .field("lifetime", &self.lifetime)
            .finish_non_exhaustive()
    }
}

/// An error of a tool's own kind names the tool already.
fn failure<E: Display + 'static>(name: &str, error: E) -> ToolError {
    let mut error = Some(error);
    let own = (&mut error as &mut dyn Any).downcast_mut::<Option<ToolError>>();
    if let Some(own) = own.and_then(Option::take) {
        return own;
    }
    ToolError::failed(name, error.map(|error| error.to_string()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use schemars::JsonSchema;
    use serde::{Deserialize, Serialize};
    use serde_json::json;

    use super::*;
    use crate::tools::{ToolRegistry, run};
    use crate::types::{ToolCall, ToolResult};

    /// Where and when.
    #[derive(Deserialize, JsonSchema)]
    struct Question {
        /// The town.
        town: String,
        /// Days from today; 1 by default.
        days: Option<u8>,
        #[serde(default)]
        units: Units,
    }

    #[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, JsonSchema)]
    #[serde(rename_all = "lowercase")]
    enum Units {
        #[default]
        Metric,
        Imperial,
    }

    #[derive(Serialize, JsonSchema)]
    struct Weather {
        #[schemars(range(min = -90, max = 60))]
        degrees: i32,
        units: Units,
    }

    async fn weather(question: Question, context: ToolContext) -> Result<Weather, String> {
        match question.town.as_str() {
            "Atlantis" => Err(format!("no such town, {}", context.call)),
            town => Ok(Weather {
                degrees: if town == "Sun" { 5_500 } else { i32::from(question.days.unwrap_or(1)) },
                units: question.units,
            }),
        }
    }

    async fn run_one(tool: FunctionTool, arguments: Value) -> ToolResult {
        let mut tools = ToolRegistry::new();
        let name = tool.descriptor().name.clone();
        tools.register(tool).unwrap();
        let call = ToolCall { id: "1".to_owned(), name, arguments };
        run(&tools, &call, ToolContext::detached()).await
    }

    async fn asked(arguments: Value) -> String {
        let tool = FunctionTool::typed_with_output("weather", "Tells the weather.", weather);
        run_one(tool, arguments).await.content
    }

    #[tokio::test]
    async fn arguments_and_results_are_of_a_type() {
        let told = asked(json!({ "town": "Ulm", "days": 7, "units": "imperial" })).await;
        assert_eq!(told, r#"{"degrees":7,"units":"imperial"}"#);
        assert_eq!(asked(json!({ "town": "Ulm" })).await, r#"{"degrees":1,"units":"metric"}"#);
    }

    #[tokio::test]
    async fn what_the_model_mistakes_is_told_or_put_right() {
        let told = asked(json!({ "town": "Ulm", "days": "7" })).await;
        assert_eq!(told, r#"{"degrees":7,"units":"metric"}"#);
        let told = asked(json!({ "town": "Ulm", "days": 300, "units": "kelvin" })).await;
        for part in
            ["arguments of `weather` do not fit", "`/days`: expected at most 255", "\"metric\""]
        {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[tokio::test]
    async fn an_error_is_told_as_the_tool_says_it() {
        let told = asked(json!({ "town": "Atlantis" })).await;
        assert_eq!(told, "`weather` failed: no such town, call");
        let refuse = |_: Question, _| async {
            Err::<(), _>(ToolError::Refused { name: "weather".to_owned(), reason: "no".to_owned() })
        };
        let told = run_one(FunctionTool::typed("weather", "", refuse), json!({ "town": "" })).await;
        assert_eq!(told.content, "`weather` was refused: no");
    }

    #[tokio::test]
    async fn a_result_that_is_not_as_promised_is_the_tools_failure() {
        let told = asked(json!({ "town": "Sun" })).await;
        let expected = "`weather` failed: its result is not as promised: `/degrees`: expected at \
                        most 60, found 5500";
        assert_eq!(told, expected);
    }

    #[test]
    fn the_model_is_told_a_schema_without_ado() {
        let tool = FunctionTool::typed_with_output("weather", "Tells the weather.", weather);
        let ToolDescriptor { parameters, output, .. } = tool.descriptor();
        assert_eq!(
            parameters,
            &json!({
                "type": "object",
                "description": "Where and when.",
                "properties": {
                    "town": { "type": "string", "description": "The town." },
                    "days": {
                        "type": ["integer", "null"],
                        "description": "Days from today; 1 by default.",
                        "minimum": 0,
                        "maximum": 255,
                    },
                    "units": {
                        "type": "string",
                        "enum": ["metric", "imperial"],
                        "default": "metric",
                    },
                },
                "required": ["town"],
            })
        );
        let output = output.as_ref().unwrap();
        assert_eq!(output["required"], json!(["degrees", "units"]));
    }

    #[derive(Deserialize, JsonSchema)]
    struct Tree {
        children: Vec<Tree>,
    }

    #[tokio::test]
    async fn a_type_of_itself_keeps_its_definition() {
        async fn count(tree: Tree, _context: ToolContext) -> Result<usize, Infallible> {
            fn all(tree: &Tree) -> usize {
                1 + tree.children.iter().map(all).sum::<usize>()
            }
            Ok(all(&tree))
        }
        let tool = FunctionTool::typed("count", "Counts.", count);
        let tree = json!({ "children": [{ "children": [] }, { "children": [] }] });
        assert_eq!(run_one(tool, tree).await.content, "3");
        let tool = FunctionTool::typed("count", "Counts.", count);
        let wrong = run_one(tool, json!({ "children": [{ "children": [5] }] })).await.content;
        assert!(wrong.contains("`/children/0/children/0`: expected object"), "{wrong}");
    }

    #[test]
    fn it_lives_waits_and_is_approved_as_it_was_told() {
        let lifetime = Lifetime::Session { patience: Duration::from_secs(3) };
        let filler = Filler { after: Duration::from_secs(1), text: "One moment.".to_owned() };
        let large = |arguments: &Value| {
            let amount = arguments["amount"].as_u64().unwrap_or_default();
            let reason = "refunds over 100 EUR".to_owned();
            (amount > 100).then(|| Approval { reason, message: String::new() })
        };
        let descriptor = ToolDescriptor::new("refund", "", json!({ "type": "object" }));
        let tool = FunctionTool::sync(descriptor, Ok)
            .lifetime(lifetime)
            .filler(filler.clone())
            .approval(large)
            .time_limit(Duration::from_secs(60));
        assert_eq!((Tool::lifetime(&tool), Tool::filler(&tool)), (lifetime, Some(filler)));
        assert_eq!(Tool::time_limit(&tool), Duration::from_secs(60));
        let asked = |amount| Tool::approval(&tool, &json!({ "amount": amount }));
        assert_eq!(asked(100), None);
        assert_eq!(asked(101).unwrap().reason, "refunds over 100 EUR");
        assert!(tool.has_side_effects());
    }
}
