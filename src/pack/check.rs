//! What a schema cannot say of a pack: names that nothing declares, templates, defaults.

use std::collections::BTreeSet;

use serde_json::Value;

use super::engine::{Engine, MINIJINJA, Parsed};
use super::fragments::Fragments;
use super::model::{ModelOverride, Pack, Prompt, Variable, VariableType};
use super::problem::{Path, Problem};
use super::prompt::{PromptError, template_for};
use super::schema::{Findings, MOST_PROBLEMS};
use super::variable::Rule;
use crate::text::TemplateError;
use crate::validators::ValidatorError;

/// Errors: what makes a prompt unusable. Warnings: what may be meant otherwise.
pub(super) fn examine(pack: &Pack) -> Findings {
    let mut findings = Findings::default();
    let prompts = Path::root().key("prompts");
    about_templates(pack, &mut findings);
    for (name, prompt) in &pack.prompts {
        let path = prompts.clone().key(name);
        about_variables(prompt, &path, &mut findings);
        about_tools(pack, prompt, &path, &mut findings);
        about_validators(prompt, &path, &mut findings.warnings);
    }
    about_workflow(pack, &mut findings.warnings);
    findings.errors.truncate(MOST_PROBLEMS);
    findings.warnings.truncate(MOST_PROBLEMS);
    findings
}

/// Each template of a prompt, with its fragments, for each model that has one of its own.
fn about_templates(pack: &Pack, findings: &mut Findings) {
    let Some(engine) = about_engine(pack, findings) else {
        return;
    };
    let mut fragments = Fragments::new(pack, engine);
    let path = Path::root().key("fragments");
    for name in pack.fragments.keys() {
        if let Some(error) = fragments.error(name) {
            findings.errors.push(Problem::new(&path.clone().key(name), error.to_string()));
        }
        if engine == Engine::Jinja && !is_identifier(name) && !findings.are_many() {
            let message = format!("no template of {MINIJINJA} can say `{name}`");
            findings.warnings.push(Problem::new(&path.clone().key(name), message));
        }
    }
    for (name, prompt) in &pack.prompts {
        let path = Path::root().key("prompts").key(name);
        about_prompt(&mut fragments, prompt, &path, findings);
    }
}

/// The engine, if there is one for the pack.
fn about_engine(pack: &Pack, findings: &mut Findings) -> Option<Engine> {
    let path = Path::root().key("template_engine");
    let named = &pack.template_engine;
    let engine = match named.engine() {
        Ok(engine) => engine,
        Err(error) => {
            let message = match error {
                PromptError::Syntax(_) => "only `{{variable}}` is understood".to_owned(),
                other => other.to_string(),
            };
            let message = format!("{message}; prompts of this pack cannot be used");
            findings.warnings.push(Problem::new(&path.key("syntax"), message));
            return None;
        }
    };
    if engine == Engine::Jinja {
        return Some(engine);
    }
    if named.version.to_lowercase().contains(MINIJINJA) {
        let message = format!("`syntax` names the engine: write `\"syntax\": \"{MINIJINJA}\"`");
        findings.warnings.push(Problem::new(&path.clone().key("version"), message));
    }
    for feature in &named.features {
        if !["basic_substitution", "fragments"].contains(&feature.as_str()) {
            let message = format!("templates have no {feature} here");
            findings.warnings.push(Problem::new(&path.clone().key("features"), message));
        }
    }
    Some(engine)
}

/// Whether it can stand in an expression as a name.
fn is_identifier(name: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || c == '_';
    name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn about_prompt(
    fragments: &mut Fragments<'_>,
    prompt: &Prompt,
    path: &Path,
    findings: &mut Findings,
) {
    let declared: BTreeSet<_> = prompt.variables.iter().map(|one| one.name.as_str()).collect();
    let own = fragments.template(&prompt.system_template);
    let place = path.clone().key("system_template");
    match &own {
        Ok(own) => about_template(fragments, &[own], &declared, &place, findings),
        Err(error) => findings.errors.push(Problem::new(&place, error.to_string())),
    }
    for (model, special) in &prompt.model_overrides {
        if findings.errors.len() >= MOST_PROBLEMS {
            return;
        }
        let place = path.clone().key("model_overrides").key(model);
        let read = match (apart(fragments, prompt, special), &own) {
            (Some(others), Ok(own)) => Ok((Some(own), others)),
            _ => fragments
                .template(&template_for(prompt, Some(special)))
                .map(|all| (None, vec![all])),
        };
        match read {
            Ok((own, others)) => {
                let parts: Vec<_> = own.into_iter().chain(&others).collect();
                about_template(fragments, &parts, &declared, &place, findings);
            }
            Err(error) => findings.errors.push(Problem::new(&place, error.to_string())),
        }
    }
}

/// What a model has before and after the prompt's own template, if they can be read each by
/// itself: the template may be huge, and the models many.
fn apart(
    fragments: &Fragments<'_>,
    prompt: &Prompt,
    special: &ModelOverride,
) -> Option<Vec<Parsed>> {
    let before = special.system_template_prefix.as_deref().unwrap_or_default();
    let after = special.system_template_suffix.as_deref().unwrap_or_default();
    let joins = before.ends_with('{') || prompt.system_template.ends_with('{');
    if special.system_template.is_some() || joins {
        return None;
    }
    let read: Result<_, TemplateError> =
        [before, after].into_iter().map(|text| fragments.template(text)).collect();
    read.ok()
}

fn about_template(
    fragments: &mut Fragments<'_>,
    parts: &[&Parsed],
    declared: &BTreeSet<&str>,
    path: &Path,
    findings: &mut Findings,
) {
    if findings.errors.len() >= MOST_PROBLEMS {
        return;
    }
    let names = || parts.iter().flat_map(|part| &part.names).map(String::as_str);
    match fragments.reach(names()) {
        Ok(()) => {}
        // Those of the fragments are told by themselves.
        Err(PromptError::Template { .. }) => return,
        Err(error) => return findings.errors.push(Problem::new(path, error.to_string())),
    }
    if findings.are_many() {
        return;
    }
    fragments.open_names(names(), |name| {
        if !declared.contains(name) {
            let message = format!("`{name}` is no variable and no fragment: it must be given");
            findings.warnings.push(Problem::new(path, message));
        }
        !findings.are_many()
    });
}

fn about_variables(prompt: &Prompt, path: &Path, findings: &mut Findings) {
    let mut names = BTreeSet::new();
    for (number, variable) in prompt.variables.iter().enumerate() {
        let path = path.clone().key("variables").index(number);
        if !names.insert(&variable.name) {
            let message = format!("there is another variable `{}`", variable.name);
            findings.errors.push(Problem::new(&path.clone().key("name"), message));
        }
        if let VariableType::Other(kind) = &variable.kind {
            let message = format!("`{kind}` is not known: values are taken as they are");
            findings.warnings.push(Problem::new(&path.clone().key("type"), message));
        }
        about_default(variable, &path, findings);
    }
}

fn about_default(variable: &Variable, path: &Path, findings: &mut Findings) {
    let pattern = variable.validation.as_ref().and_then(|rules| rules.pattern.as_ref());
    if variable.default.is_none() && pattern.is_none() {
        return;
    }
    let rule = match Rule::new(variable) {
        Ok(rule) => rule,
        Err(reason) => {
            let path = path.clone().key("validation").key("pattern");
            return findings.errors.push(Problem::new(&path, reason));
        }
    };
    let Some(default) = &variable.default else {
        return;
    };
    let path = path.clone().key("default");
    if variable.required {
        findings.warnings.push(Problem::new(&path, "not used: the variable must be given"));
    } else if let Err(error) = rule.check(default) {
        findings.errors.push(Problem::new(&path, error.reason));
    }
}

fn about_tools(pack: &Pack, prompt: &Prompt, path: &Path, findings: &mut Findings) {
    for (number, tool) in prompt.tools.iter().enumerate() {
        if !pack.tools.contains_key(tool) {
            let message = format!("the pack describes no tool `{tool}`: a program must bring it");
            let path = path.clone().key("tools").index(number);
            findings.warnings.push(Problem::new(&path, message));
        }
    }
}

/// Rules for what is said that cannot be kept.
fn about_validators(prompt: &Prompt, path: &Path, warnings: &mut Vec<Problem>) {
    for (number, rule) in prompt.guardrails() {
        let Err(error) = rule else { continue };
        let path = path.clone().key("validators").index(number);
        let (path, then) = match error {
            ValidatorError::Params { .. } => (path.key("params"), "it is left out"),
            _ => (path.key("type"), "the prompt cannot be used unless it is disabled by its name"),
        };
        warnings.push(Problem::new(&path, format!("{error}; {then}")));
    }
}

/// States and prompts that a workflow names and that are not there.
fn about_workflow(pack: &Pack, warnings: &mut Vec<Problem>) {
    let Some(workflow) = &pack.workflow else {
        return;
    };
    let path = Path::root().key("workflow");
    let nothing = serde_json::Map::new();
    let states = workflow["states"].as_object().unwrap_or(&nothing);
    let mut tell = |path: &Path, name: &Value, known: bool, what: &str| {
        if let Some(name) = name.as_str().filter(|_| !known) {
            warnings.push(Problem::new(path, format!("there is no {what} `{name}`")));
        }
    };
    let is_state = |name: &Value| name.as_str().is_some_and(|name| states.contains_key(name));
    let is_prompt =
        |name: &str| pack.prompts.contains_key(name) || pack.compositions.contains_key(name);
    let entry = &workflow["entry"];
    tell(&path.clone().key("entry"), entry, is_state(entry), "state");
    for (name, state) in states {
        let path = path.clone().key("states").key(name);
        let prompt = &state["prompt_task"];
        let known = prompt.as_str().is_some_and(is_prompt);
        tell(&path.clone().key("prompt_task"), prompt, known, "prompt");
        let composition = &state["composition"];
        let known = composition.as_str().is_some_and(|name| pack.compositions.contains_key(name));
        tell(&path.clone().key("composition"), composition, known, "composition");
        for (event, next) in state["on_event"].as_object().unwrap_or(&nothing) {
            let path = path.clone().key("on_event").key(event);
            tell(&path, next, is_state(next), "state");
        }
    }
}
