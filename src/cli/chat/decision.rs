//! What a person decides about calls that wait.

use serde_json::Value;

use crate::types::{PendingCall, WaitsFor};

/// What is to become of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    /// Which one of those that wait, from 1; the first for which it makes sense by default.
    number: Option<usize>,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It is done, perhaps with other arguments.
    Approve(Option<Value>),
    /// It is not, for a reason, which may be empty.
    Reject(String),
    /// This is what came of it.
    Result(Value),
}

impl Decision {
    /// `[N] [JSON]`.
    pub(super) fn approve(rest: &str) -> Result<Self, &'static str> {
        let (number, rest) = numbered(rest);
        let arguments =
            match rest {
                "" => None,
                json => Some(serde_json::from_str(json).ok().filter(Value::is_object).ok_or(
                    "other arguments are a JSON object, as in /approve 1 {\"amount\": 20}",
                )?),
            };
        Ok(Self { number, what: What::Approve(arguments) })
    }

    /// `[N] [REASON]`.
    pub(super) fn reject(rest: &str) -> Self {
        let (number, reason) = numbered(rest);
        Self { number, what: What::Reject(reason.to_owned()) }
    }

    /// `[N] JSON|TEXT`. A number alone is the result.
    pub(super) fn result(rest: &str) -> Result<Self, &'static str> {
        let (number, result) = match numbered(rest) {
            (_, "") => (None, rest),
            parts => parts,
        };
        if result.is_empty() {
            return Err(
                "say what came of it, as in /result second floor, or /result {\"floor\": 2}",
            );
        }
        let result = serde_json::from_str(result).unwrap_or_else(|_| Value::from(result));
        Ok(Self { number, what: What::Result(result) })
    }

    /// The call that is meant.
    ///
    /// # Errors
    ///
    /// When there is none, in words.
    pub(super) fn of<'a>(&self, waiting: &'a [PendingCall]) -> Result<&'a PendingCall, String> {
        let first = |fits: fn(&WaitsFor) -> bool| waiting.iter().find(|it| fits(&it.waits_for));
        let meant = match (self.number, &self.what) {
            (Some(number), _) => number.checked_sub(1).and_then(|at| waiting.get(at)),
            (None, What::Approve(_)) => first(is_approval).or(first(is_open)),
            (None, What::Reject(_)) => first(is_open),
            (None, What::Result(_)) => {
                first(|waits_for| *waits_for == WaitsFor::Result).or(first(is_open))
            }
        };
        let call = meant.ok_or_else(|| match self.number.filter(|_| !waiting.is_empty()) {
            Some(number) => format!("there is no call {number}; /pending shows those that wait"),
            None => "no call waits for that".to_owned(),
        })?;
        match (&self.what, &call.waits_for) {
            (What::Approve(_), WaitsFor::Result) => {
                let name = &call.call.name;
                Err(format!("there is no tool {name} to run: give its result, by /result"))
            }
            _ => Ok(call),
        }
    }
}

fn is_approval(waits_for: &WaitsFor) -> bool {
    matches!(waits_for, WaitsFor::Approval(_))
}

/// Whether somebody may still decide.
fn is_open(waits_for: &WaitsFor) -> bool {
    *waits_for != WaitsFor::Tool
}

/// The number at the beginning, if there is one, and the rest.
fn numbered(text: &str) -> (Option<usize>, &str) {
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    match first.parse() {
        Ok(number) if first.bytes().all(|byte| byte.is_ascii_digit()) => {
            (Some(number), rest.trim_start())
        }
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::{Approval, ToolCall};

    fn waiting(waits_for: &[WaitsFor]) -> Vec<PendingCall> {
        let call = |(number, waits_for): (usize, &WaitsFor)| PendingCall {
            call: ToolCall { id: number.to_string(), name: "refund".into(), arguments: json!({}) },
            waits_for: waits_for.clone(),
        };
        (1..).zip(waits_for).map(call).collect()
    }

    #[test]
    fn a_number_and_what_follows_are_taken_apart() {
        let approve = |rest: &str| Decision::approve(rest).map(|it| (it.number, it.what));
        assert_eq!(approve(""), Ok((None, What::Approve(None))));
        assert_eq!(approve("2"), Ok((Some(2), What::Approve(None))));
        let changed = What::Approve(Some(json!({ "amount": 20 })));
        assert_eq!(approve(r#"{"amount": 20}"#), Ok((None, changed.clone())));
        assert_eq!(approve(r#"2  {"amount": 20}"#), Ok((Some(2), changed)));
        assert!(approve("2 yes").unwrap_err().contains("JSON object"));
        assert!(approve("[1]").is_err());

        let reject = |rest: &str| (Decision::reject(rest).number, Decision::reject(rest).what);
        assert_eq!(reject("too much"), (None, What::Reject("too much".to_owned())));
        assert_eq!(reject("2 too much"), (Some(2), What::Reject("too much".to_owned())));

        let result = |rest: &str| Decision::result(rest).map(|it| (it.number, it.what));
        assert_eq!(result("5"), Ok((None, What::Result(json!(5)))));
        assert_eq!(result("1 5"), Ok((Some(1), What::Result(json!(5)))));
        assert_eq!(result("the second"), Ok((None, What::Result(json!("the second")))));
        assert!(result("").is_err());
    }

    #[test]
    fn without_a_number_the_first_call_is_meant_for_which_it_makes_sense() {
        let approval = WaitsFor::Approval(Approval::default());
        let all = waiting(&[WaitsFor::Tool, WaitsFor::Result, approval.clone()]);
        let of = |decision: Decision| decision.of(&all).map(|call| call.call.id.clone());
        assert_eq!(of(Decision::approve("").unwrap()).unwrap(), "3");
        assert_eq!(of(Decision::reject("")).unwrap(), "2");
        assert_eq!(of(Decision::result("x").unwrap()).unwrap(), "2");
        assert_eq!(of(Decision::reject("3")).unwrap(), "3");
        assert!(of(Decision::reject("4")).unwrap_err().contains("no call 4"));
        assert!(of(Decision::approve("0").unwrap()).is_err());
        assert!(of(Decision::approve("2").unwrap()).unwrap_err().contains("/result"));
        let none = waiting(&[WaitsFor::Tool]);
        assert_eq!(Decision::reject("").of(&none).unwrap_err(), "no call waits for that");
        assert_eq!(Decision::result("x").unwrap().of(&waiting(&[approval])).unwrap().call.id, "1");
    }
}
