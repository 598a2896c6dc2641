//! Judges an answer while it is written: what of it may be said, and when.

use std::collections::VecDeque;
use std::sync::Arc;

use super::units::{Clauses, word_end};
use super::{
    Guardrail, Guards, OnViolation, Said, ValidationError, Validator, Violation, Watch, Watched,
};
use crate::text::Language;
use crate::types::{Direction, ToolCall, ToolResult, Validation, ValidationAction};

/// How an answer is given on.
#[derive(Clone, Debug)]
pub enum Portion {
    /// Word by word, to be read.
    Words,
    /// Clause by clause, to be spoken: the voice waits for the end of a clause anyway, and what
    /// is replaced then is not replaced in the middle of a sentence.
    Clauses(Arc<dyn Language>),
}

/// What is to be done with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// This is said next. It may be nothing.
    Say(String),
    /// This is said last: nothing more of the answer is wanted.
    Stop(String),
    /// This is said last, and the answer has failed.
    Fail(String, ValidationError),
}

/// Judges one answer.
///
/// What comes of it depends on the text alone, not on how it is cut into pieces: rules look at it
/// word by word.
#[derive(Debug)]
pub struct Judge {
    rules: Vec<Rule>,
    clauses: Option<Clauses>,
    text: String,
    calls: Vec<ToolCall>,
    results: Vec<ToolResult>,
    /// So many bytes were looked at, to the end of a word.
    looked: usize,
    /// So many bytes were said.
    said: usize,
    /// Ends of words that may be said last, and of clauses, none of which is said yet.
    words: VecDeque<usize>,
    clause_ends: VecDeque<usize>,
    validations: Vec<Validation>,
    is_over: bool,
}

#[derive(Debug)]
struct Rule {
    name: String,
    validator: Arc<dyn Validator>,
    on: OnViolation,
    eye: Eye,
}

/// How a rule looks at an answer.
#[derive(Debug)]
enum Eye {
    /// While it is written: so many bytes are safe.
    Watches(Box<dyn Watch>, usize),
    /// When it is whole.
    Waits,
    /// It has seen enough.
    Closed,
}

impl Judge {
    /// By the rules of `guards` for the agent's words.
    #[must_use]
    pub fn new(guards: &Guards, portion: &Portion) -> Self {
        let rule = |(rule, on): (&Guardrail, OnViolation)| Rule {
            name: rule.name.clone(),
            validator: Arc::clone(&rule.validator),
            on,
            eye: rule.validator.watch().map_or(Eye::Waits, |watch| Eye::Watches(watch, 0)),
        };
        Self {
            rules: guards.in_force(Direction::Output).map(rule).collect(),
            clauses: match portion {
                Portion::Words => None,
                Portion::Clauses(language) => Some(Clauses::new(Arc::clone(language))),
            },
            text: String::new(),
            calls: Vec::new(),
            results: Vec::new(),
            looked: 0,
            said: 0,
            words: VecDeque::new(),
            clause_ends: VecDeque::new(),
            validations: Vec::new(),
            is_over: false,
        }
    }

    /// More of the answer was written.
    pub fn text(&mut self, delta: &str) -> Ruling {
        if self.is_over {
            return Ruling::Say(String::new());
        }
        self.text.push_str(delta);
        while let Some(end) = word_end(&self.text, self.looked) {
            self.looked = end;
            self.words.push_back(end);
            if self.clauses.as_mut().is_none_or(|clauses| clauses.push(&self.text, end)) {
                self.clause_ends.push_back(end);
            }
            if let Some(broken) = self.look(end, false) {
                return self.enforce(broken);
            }
        }
        Ruling::Say(self.say_until(self.safe_until()))
    }

    /// A tool was called.
    pub fn call(&mut self, call: &ToolCall) {
        self.calls.push(call.clone());
    }

    /// A tool has answered.
    pub fn result(&mut self, result: &ToolResult) {
        self.results.push(result.clone());
    }

    /// The answer is whole.
    pub fn end(&mut self) -> Ruling {
        if self.is_over {
            return Ruling::Say(String::new());
        }
        let whole = self.text.len();
        if let Some(broken) = self.look(whole, true) {
            return self.enforce(broken);
        }
        self.is_over = true;
        self.judge_whole(whole)
    }

    /// The answer broke off: what was safe is said, what could not be judged is not.
    pub fn broke_off(&mut self) -> String {
        self.is_over = true;
        let safe = self.safe_until();
        self.say_until(safe)
    }

    /// How many bytes of the answer were let through, from its beginning. What [`Ruling::Stop`] has beyond
    /// them stands in place of the rest.
    #[must_use]
    pub fn said(&self) -> usize {
        self.said
    }

    /// What came of it so far: of the rules that were broken, and at the end of the others.
    #[must_use]
    pub fn validations(&self) -> &[Validation] {
        &self.validations
    }

    /// Has the rules that watch look up to `end`. The first that acts, by its place, is broken.
    fn look(&mut self, end: usize, is_whole: bool) -> Option<(usize, Violation)> {
        let mut broken: Option<(usize, Violation)> = None;
        for number in 0..self.rules.len() {
            let rule = &mut self.rules[number];
            let Eye::Watches(watch, safe) = &mut rule.eye else { continue };
            let violation = match watch.push(&self.text[..end], is_whole) {
                Watched::Safe { until } => {
                    *safe = until;
                    continue;
                }
                Watched::Violated(violation) => violation,
            };
            rule.eye = Eye::Closed;
            if rule.on == OnViolation::Warn {
                self.note(number, &violation, ValidationAction::Warned);
            } else if broken.as_ref().is_none_or(|(_, first)| violation.at < first.at) {
                broken = Some((number, violation));
            }
        }
        broken
    }

    /// Has the rules that waited look at the first `end` bytes, which nobody has heard if one of
    /// them acts.
    fn judge_whole(&mut self, mut end: usize) -> Ruling {
        for number in 0..self.rules.len() {
            if !matches!(self.rules[number].eye, Eye::Waits) {
                continue;
            }
            let text = &self.text[..end];
            let said = Said { text, tool_calls: &self.calls, tool_results: &self.results };
            let Err(violation) = self.rules[number].validator.check(&said) else { continue };
            self.rules[number].eye = Eye::Closed;
            match self.rules[number].on.clone() {
                OnViolation::Warn => self.note(number, &violation, ValidationAction::Warned),
                OnViolation::Truncate => {
                    self.note(number, &violation, ValidationAction::Truncated);
                    end = self.last_word(violation.at.min(end));
                }
                OnViolation::Replace(message) => {
                    self.note(number, &violation, ValidationAction::Replaced);
                    return Ruling::Stop(message);
                }
                OnViolation::Fail => {
                    return Ruling::Fail(String::new(), self.fail(number, &violation));
                }
            }
        }
        self.pass_the_rest();
        let is_cut = end < self.text.len();
        let rest = self.say_until(end);
        if is_cut { Ruling::Stop(rest) } else { Ruling::Say(rest) }
    }

    /// A rule that watches was broken: the answer ends.
    fn enforce(&mut self, (number, violation): (usize, Violation)) -> Ruling {
        self.is_over = true;
        let on = self.rules[number].on.clone();
        if on == OnViolation::Truncate {
            self.note(number, &violation, ValidationAction::Truncated);
            let end = self.last_word(violation.at);
            return match self.judge_whole(end) {
                Ruling::Say(last) => Ruling::Stop(last),
                ruling => ruling,
            };
        }
        // What waits for a judgement of the whole will not get one.
        let end = if self.holds_back() { self.said } else { self.last_clause(violation.at) };
        let last = self.say_until(end);
        match on {
            OnViolation::Replace(message) => {
                self.note(number, &violation, ValidationAction::Replaced);
                let follows_a_word = self.text[..end].ends_with(|c: char| !c.is_whitespace());
                let space = if follows_a_word { " " } else { "" };
                Ruling::Stop(last + space + &message)
            }
            _ => Ruling::Fail(last, self.fail(number, &violation)),
        }
    }

    /// How much may be said, whatever follows.
    fn safe_until(&self) -> usize {
        if !self.acts() {
            return self.text.len();
        }
        if self.holds_back() {
            return self.said;
        }
        let acting = self.rules.iter().filter(|rule| rule.on != OnViolation::Warn);
        let safe = acting.filter_map(|rule| match rule.eye {
            Eye::Watches(_, safe) => Some(safe),
            Eye::Waits | Eye::Closed => None,
        });
        self.last_clause(safe.min().unwrap_or(self.looked))
    }

    /// The last end of a clause up to `at`, or of what was said.
    fn last_clause(&self, at: usize) -> usize {
        last(&self.clause_ends, at).unwrap_or(self.said)
    }

    fn last_word(&self, at: usize) -> usize {
        // The end of the text is the end of a word.
        if at == self.text.len() { at } else { last(&self.words, at).unwrap_or(self.said) }
    }

    fn say_until(&mut self, end: usize) -> String {
        let end = end.max(self.said);
        let next = self.text[self.said..end].to_owned();
        self.said = end;
        for ends in [&mut self.words, &mut self.clause_ends] {
            let said = ends.partition_point(|at| *at <= end);
            ends.drain(..said);
        }
        next
    }

    fn acts(&self) -> bool {
        self.rules.iter().any(|rule| rule.on != OnViolation::Warn)
    }

    fn holds_back(&self) -> bool {
        let waits = |rule: &Rule| matches!(rule.eye, Eye::Waits) && rule.on != OnViolation::Warn;
        self.rules.iter().any(waits)
    }

    fn fail(&mut self, number: usize, violation: &Violation) -> ValidationError {
        self.is_over = true;
        self.note(number, violation, ValidationAction::Failed);
        let rule = &self.rules[number];
        ValidationError {
            validator: rule.name.clone(),
            kind: rule.validator.kind().to_owned(),
            direction: Direction::Output,
            reason: violation.reason.clone(),
        }
    }

    fn note(&mut self, number: usize, violation: &Violation, action: ValidationAction) {
        let rule = &self.rules[number];
        self.validations.push(Validation {
            validator: rule.name.clone(),
            kind: rule.validator.kind().to_owned(),
            direction: Direction::Output,
            passed: false,
            action: Some(action),
            message: Some(violation.reason.clone()),
        });
    }

    /// The rules that nothing has broken.
    fn pass_the_rest(&mut self) {
        let open = self.rules.iter().filter(|rule| !matches!(rule.eye, Eye::Closed));
        let passed = open.map(|rule| Validation {
            validator: rule.name.clone(),
            kind: rule.validator.kind().to_owned(),
            direction: Direction::Output,
            passed: true,
            action: None,
            message: None,
        });
        self.validations.extend(passed.collect::<Vec<_>>());
    }
}

/// The last of the ends up to `at`.
fn last(ends: &VecDeque<usize>, at: usize) -> Option<usize> {
    let count = ends.partition_point(|end| *end <= at);
    ends.get(count.checked_sub(1)?).copied()
}
