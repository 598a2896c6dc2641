//! What a schema cannot say of a pack: names that nothing declares, templates, defaults.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::{Pack, Prompt, TemplateEngine, Variable, VariableType};
use super::problem::{Path, Problem};
use super::prompt::{PromptError, template_for};
use super::schema::{Findings, MOST_PROBLEMS};
use super::texts::{TEMPLATE, Texts};
use super::variable::Rule;
use crate::text::Template;

impl TemplateEngine {
    /// Whether templates are written as Banter reads them.
    pub(super) fn is_understood(&self) -> bool {
        let inner = self.syntax.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        inner.is_some_and(|name| !name.is_empty() && name.chars().all(char::is_alphanumeric))
    }
}

/// Errors: what makes a prompt unusable. Warnings: what may be meant otherwise.
pub(super) fn examine(pack: &Pack) -> Findings {
    let mut findings = Findings::default();
    let prompts = Path::root().key("prompts");
    about_templates(pack, &mut findings);
    for (name, prompt) in &pack.prompts {
        let path = prompts.clone().key(name);
        about_variables(prompt, &path, &mut findings);
        about_tools(pack, prompt, &path, &mut findings);
    }
    about_workflow(pack, &mut findings.warnings);
    findings.errors.truncate(MOST_PROBLEMS);
    findings.warnings.truncate(MOST_PROBLEMS);
    findings
}

/// Each template of a prompt, with its fragments, for each model that has one of its own.
fn about_templates(pack: &Pack, findings: &mut Findings) {
    let engine = Path::root().key("template_engine");
    if !pack.template_engine.is_understood() {
        let message = "only `{{variable}}` is understood; prompts of this pack cannot be used";
        findings.warnings.push(Problem::new(&engine.key("syntax"), message));
        return;
    }
    for feature in &pack.template_engine.features {
        if !["basic_substitution", "fragments"].contains(&feature.as_str()) {
            let message = format!("templates have no {feature} here");
            findings.warnings.push(Problem::new(&engine.clone().key("features"), message));
        }
    }
    let fragments = Path::root().key("fragments");
    for (name, text) in &pack.fragments {
        if let Err(error) = Template::parse(text) {
            findings.errors.push(Problem::new(&fragments.clone().key(name), error.to_string()));
        }
    }
    for (name, prompt) in &pack.prompts {
        let path = Path::root().key("prompts").key(name);
        let own = path.clone().key("system_template");
        about_template(pack, prompt, &template_for(prompt, None), &own, findings);
        for (model, special) in &prompt.model_overrides {
            let path = path.clone().key("model_overrides").key(model);
            about_template(pack, prompt, &template_for(prompt, Some(special)), &path, findings);
        }
    }
}

fn about_template(pack: &Pack, prompt: &Prompt, text: &str, path: &Path, findings: &mut Findings) {
    let texts = match Texts::new(pack, text) {
        Ok(texts) => texts,
        Err(PromptError::Template { text, error }) => {
            // Those of the fragments are told by themselves.
            if text == TEMPLATE {
                findings.errors.push(Problem::new(path, error.to_string()));
            }
            return;
        }
        Err(error) => return findings.errors.push(Problem::new(path, error.to_string())),
    };
    let declared: BTreeSet<_> = prompt.variables.iter().map(|one| one.name.as_str()).collect();
    for name in texts.names().filter(|name| !declared.contains(name)) {
        if !pack.fragments.contains_key(name) {
            let message = format!("`{name}` is no variable and no fragment: it must be given");
            findings.warnings.push(Problem::new(path, message));
        }
    }
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
        for (event, next) in state["on_event"].as_object().unwrap_or(&nothing) {
            let path = path.clone().key("on_event").key(event);
            tell(&path, next, is_state(next), "state");
        }
    }
}
