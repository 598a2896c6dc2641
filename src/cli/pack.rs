//! `banter pack`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Write, stderr, stdout};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::Ending;
use super::approve::ApproveFlags;
use super::chat::Chat;
use super::conversation::{KeepFlags, PackFlags};
use super::mcp::McpFlags;
use super::settings::SettingFlags;
use crate::config;
use crate::pack::{
    Chain, Environment, Facts, Fixed, Loaded, Pack, PackError, SchemaCheck, Sources, SystemPrompt,
    Time, Values, VariableProvider, bound,
};
use crate::time::WallTime;

/// Check prompt packs, and show what is in them.
#[derive(Debug, Args)]
pub(super) struct PackCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Validate(Validate),
    Show(Show),
    Run(Box<Run>),
}

impl PackCommand {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        match self.action {
            Action::Validate(validate) => validate.run(),
            Action::Show(show) => show.run(),
            Action::Run(run) => run.run(),
        }
    }
}

/// Check packs: each error with its place in the file and what was expected there.
///
/// Warnings tell of fields that the format does not know, and of names that nothing declares.
/// Ends with 1 if a pack is not valid.
#[derive(Debug, Args)]
struct Validate {
    /// Packs: JSON files.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Validate {
    fn run(self) -> anyhow::Result<Ending> {
        let mut ending = Ending::Done;
        for file in &self.files {
            let verdict = match read(file, SchemaCheck::Full) {
                Ok(loaded) => valid(&loaded),
                Err(error) => {
                    ending = Ending::Failed;
                    invalid(&error)
                }
            };
            let name = file.display();
            for line in verdict.lines() {
                writeln!(stdout(), "{name}: {line}")?;
            }
        }
        Ok(ending)
    }
}

/// Show what a pack holds; with a prompt's name, what a model is told.
///
/// Values come from `--env`, the clock (`current_time`, `current_date` and so on), the pack's own
/// bindings, and `--var`; what stands later here wins.
#[derive(Debug, Args)]
struct Show {
    /// A pack: a JSON file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The prompt to show as a model is told it.
    #[arg(long, value_name = "NAME")]
    prompt: Option<String>,
    /// The model that is told: a pack may have other words and parameters for it.
    #[arg(long, value_name = "NAME", requires = "prompt")]
    model: Option<String>,
    /// The value of a variable.
    #[arg(long, value_name = "NAME=VALUE", requires = "prompt", value_parser = pair)]
    var: Vec<(String, String)>,
    /// Take values from environment variables that begin so: with `APP_`, `APP_CITY` is `city`.
    /// A pack's own bindings to the environment see these variables alone.
    #[arg(long, value_name = "PREFIX", requires = "prompt")]
    env: Option<String>,
    /// Do not hold the pack against the schema of the format.
    #[arg(long)]
    skip_schema: bool,
}

impl Show {
    fn run(self) -> anyhow::Result<Ending> {
        let check = if self.skip_schema { SchemaCheck::Skipped } else { SchemaCheck::Full };
        let Loaded { pack, warnings } = read(&self.file, check)?;
        for warning in &warnings {
            writeln!(stderr(), "warning: {warning}")?;
        }
        let text = match &self.prompt {
            Some(name) => self.prompt(&pack, name)?,
            None => overview(&pack),
        };
        stdout().write_all(text.as_bytes())?;
        Ok(Ending::Done)
    }

    fn prompt(&self, pack: &Pack, name: &str) -> anyhow::Result<String> {
        let prompt = pack.prompt(name, self.model.as_deref())?;
        let names = prompt.names();
        for (name, _) in self.var.iter().filter(|(name, _)| !names.contains(name.as_str())) {
            writeln!(stderr(), "warning: the prompt has no variable `{name}`")?;
        }
        let values = self.values(pack, name)?;
        Ok(as_told(&prompt, &prompt.render(&values)?))
    }

    fn values(&self, pack: &Pack, name: &str) -> anyhow::Result<Values> {
        let prefix = self.env.as_deref();
        let environment = || config::variables().filter(move |_| prefix.is_some());
        let allowed =
            environment().filter(|(name, _)| name.starts_with(prefix.unwrap_or_default()));
        let env: Values = allowed.map(|(name, value)| (name, value.into())).collect();
        let variables = pack.prompts.get(name).map_or(&[][..], |prompt| &prompt.variables);
        let sources = Sources::from([("env".to_owned(), env)]);
        let given = self.var.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
        let chain = Chain(vec![
            Box::new(Environment::new(prefix.unwrap_or_default(), environment())),
            Box::new(Time),
            Box::new(Fixed(bound(variables, &sources)?)),
            Box::new(Fixed(given.collect())),
        ]);
        Ok(chain.provide(Facts { now: WallTime::now(), state: &Values::new() })?)
    }
}

/// Hold a conversation by a prompt of a pack: say the words that are given, or read lines.
///
/// It is `banter chat` with `--pack` and `--prompt`; `banter talk` takes them as well. A call of a
/// tool that the pack describes and the program does not have waits for you, so that a pack can be
/// tried without its tools: /result says what came of it, and `banter chat --help` has the rest.
#[derive(Debug, Args)]
struct Run {
    /// A pack: a JSON file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What is said, each a turn; without any, lines are read.
    #[arg(value_name = "WORDS")]
    words: Vec<String>,
    /// The prompt of the pack.
    #[arg(long, value_name = "NAME")]
    prompt: String,
    /// Do without the validators of this name or kind; may be given again.
    #[arg(long, value_name = "NAME")]
    disable_validator: Vec<String>,
    /// The value of a variable; may be given again.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    var: Vec<(String, String)>,
    /// Take values from environment variables that begin so: with `APP_`, `APP_CITY` is `city`.
    #[arg(long, value_name = "PREFIX")]
    env: Option<String>,
    /// Write each turn as a JSON object on a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    mcp: McpFlags,
    #[command(flatten)]
    approve: ApproveFlags,
    #[command(flatten)]
    keep: KeepFlags,
    #[command(flatten)]
    settings: SettingFlags,
}

impl Run {
    fn run(self) -> anyhow::Result<Ending> {
        let Self { file, words, prompt, disable_validator, var, env, .. } = self;
        let Self { json, mcp, approve, keep, settings, .. } = self;
        let (pack, prompt) = (Some(file), Some(prompt));
        let pack = PackFlags { pack, prompt, disable_validator, var, env };
        let lines = (!words.is_empty()).then_some(words);
        Chat { pack, mcp, approve, keep, json, settings, lines, ..Chat::default() }.run()
    }
}

fn read(file: &Path, check: SchemaCheck) -> anyhow::Result<Loaded> {
    let bytes = fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(Pack::load(&bytes, check)?)
}

pub(super) fn pair(text: &str) -> anyhow::Result<(String, String)> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => bail!("write NAME=VALUE"),
    }
}

fn valid(loaded: &Loaded) -> String {
    let Loaded { pack, warnings } = loaded;
    let mut text = String::new();
    for warning in warnings {
        let _infallible = writeln!(text, "warning: {warning}");
    }
    let (id, version) = (&pack.id, &pack.version);
    text + &format!("valid: {id} {version}, {} prompt(s)\n", pack.prompts.len())
}

fn invalid(error: &anyhow::Error) -> String {
    match error.downcast_ref::<PackError>() {
        Some(PackError::Invalid(problems)) => {
            problems.iter().map(|problem| format!("error: {problem}\n")).collect()
        }
        _ => format!("error: {}\n", super::complaint(error)),
    }
}

/// What a pack holds, in a few lines for each prompt.
fn overview(pack: &Pack) -> String {
    let mut text = format!("{} {}  {}\n", pack.id, pack.version, pack.name);
    text += &pack.description.iter().map(|line| format!("{line}\n")).collect::<String>();
    for (name, prompt) in &pack.prompts {
        text += &format!("\nprompt {name}  {}\n", prompt.name);
        for variable in &prompt.variables {
            let need = match (&variable.default, variable.required) {
                (_, true) => "must be given".to_owned(),
                (Some(default), false) => format!("{default} by default"),
                (None, false) => "no default".to_owned(),
            };
            text += &format!("  variable {}  {need}\n", variable.name);
        }
        for (what, count) in [
            ("validators", prompt.validators.len()),
            ("evals", prompt.evals.len()),
            ("model overrides", prompt.model_overrides.len()),
        ] {
            text += &(if count > 0 { format!("  {what}  {count}\n") } else { String::new() });
        }
        text += &list("  tools", prompt.tools.iter());
    }
    let fragments = list("fragments", pack.fragments.keys());
    let tools = list("tools", pack.tools.keys());
    match fragments.is_empty() && tools.is_empty() {
        true => text,
        false => format!("{text}\n{fragments}{tools}"),
    }
}

/// `what  a, b`, or nothing if there is none.
fn list<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<_> = names.map(String::as_str).collect();
    if names.is_empty() { String::new() } else { format!("{what}  {}\n", names.join(", ")) }
}

/// The text that a model is told, then how it is to answer and what it may call.
fn as_told(prompt: &SystemPrompt, told: &str) -> String {
    let parameters = prompt.parameters();
    let number = |number: Option<f64>| number.map(|number| number.to_string());
    let count = |number: Option<u32>| number.map(|number| number.to_string());
    let all = [
        ("temperature", number(parameters.temperature)),
        ("max_tokens", count(parameters.max_tokens)),
        ("top_p", number(parameters.top_p)),
        ("top_k", parameters.top_k.map(|top_k| top_k.to_string())),
        ("frequency_penalty", number(parameters.frequency_penalty)),
        ("presence_penalty", number(parameters.presence_penalty)),
    ];
    let given =
        all.iter().filter_map(|(name, value)| Some(format!("{name}  {}\n", value.as_ref()?)));
    let tools: BTreeSet<_> = prompt.tools().iter().map(|tool| tool.name.clone()).collect();
    let rest = given.collect::<String>() + &list("tools", tools.iter());
    let gap = if rest.is_empty() { "" } else { "\n" };
    format!("{}\n{gap}{rest}", told.trim_end_matches('\n'))
}
