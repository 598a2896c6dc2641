//! What must hold of every call, whatever goes wrong in it.

mod air;
mod heard;
mod lost;
mod once;
mod waits;

use std::fmt;

use super::trace::Trace;
use crate::time::SessionTime;

/// A property that did not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    /// Which one.
    pub property: Property,
    /// What happened instead.
    pub what: String,
    /// When, if there is a time.
    pub at: Option<SessionTime>,
}

/// What must hold of every call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// The call ends, by itself or as it is wished, and the session does not fail.
    Ends,
    /// Once stopped, it ends within the limit for that.
    Stops,
    /// Every turn and every response begins once and ends once, and so does its sound.
    Once,
    /// Every turn that is over gets its words or a failure.
    Words,
    /// While the user waits, something happens within the limits of the session's watchdogs.
    NoDeadAir,
    /// What is heard belongs to a response that was begun and is not over.
    InTime,
    /// While the agent is held, it is silent.
    Held,
    /// The history is what was said, and of answers what was heard, to within two words.
    History,
    /// Of a call with a model that speaks for itself: a connection that is lost is an event, and so
    /// is the reason why a turn is not answered.
    Told,
    /// Events and history stay within their bounds.
    Bounded,
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ends => "the call ends",
            Self::Stops => "it stops in time",
            Self::Once => "begins and ends once",
            Self::Words => "every turn has its words",
            Self::NoDeadAir => "no dead air",
            Self::InTime => "no sound out of turn",
            Self::Held => "silent while held",
            Self::History => "history is what was heard",
            Self::Told => "told of what is lost",
            Self::Bounded => "bounded",
        })
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{} at {:.0} ms: {}", self.property, at.as_millis(), self.what),
            None => write!(f, "{}: {}", self.property, self.what),
        }
    }
}

/// What does not hold of a call.
pub(super) fn check(trace: &Trace) -> Vec<Broken> {
    let mut findings = Findings::default();
    once::check(trace, &mut findings);
    waits::check(trace, &mut findings);
    air::check(trace, &mut findings);
    heard::check(trace, &mut findings);
    lost::check(trace, &mut findings);
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Broken>);

impl Findings {
    fn add(&mut self, property: Property, at: impl Into<Option<SessionTime>>, what: String) {
        self.0.push(Broken { property, what, at: at.into() });
    }

    fn expect(
        &mut self,
        holds: bool,
        property: Property,
        at: impl Into<Option<SessionTime>>,
        what: impl FnOnce() -> String,
    ) {
        if !holds {
            self.add(property, at, what());
        }
    }
}

#[cfg(test)]
mod tests;
