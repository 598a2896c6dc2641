//! What was found, as it is found, and what it comes to.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write, stdout};
use std::time::Duration;

use super::trouble::Trouble;
use crate::cli::Ending;
use crate::time::SessionClock;

/// What cannot be without a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// A conversation.
    Conversation,
    /// Nothing, as things are set.
    Nothing,
}

/// Tries parts, and writes a line for each.
pub(super) struct Report {
    clock: SessionClock,
    /// Why there can be no conversation.
    obstacles: Vec<String>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { clock: SessionClock::live(), obstacles: Vec::new() }
    }

    /// Tries a part, for 10 s at most. Gives what the trial brings about.
    pub(super) async fn check<T>(
        &mut self,
        part: &'static str,
        need: Need,
        trial: impl Future<Output = Result<(String, T), Trouble>>,
    ) -> io::Result<Option<T>> {
        let live = stdout().is_terminal();
        if live {
            write!(stdout(), "{}", line("..", part, ""))?;
            stdout().flush()?;
        }
        let tried = self.clock.timeout(LIMIT, trial).await.unwrap_or_else(|| Err(late()));
        let (found, brought) = match tried {
            Ok((found, brought)) => (Ok(found), Some(brought)),
            Err(trouble) => (Err(trouble), None),
        };
        if let (Err(trouble), Need::Conversation) = (&found, need) {
            self.obstacles.push(obstacle(part, trouble));
        }
        // Back to the line's start, and away with what is there.
        let anew = if live { "\r\x1b[K" } else { "" };
        write!(stdout(), "{anew}{}", told(part, need, &found))?;
        stdout().flush()?;
        Ok(brought)
    }

    /// Writes what is good to know.
    #[expect(clippy::unused_self, reason = "it is a line of the report")]
    pub(super) fn note(&self, text: &str) -> io::Result<()> {
        writeln!(stdout(), "{}", line("", "note", text))
    }

    /// Writes what it comes to.
    pub(super) fn conclude(self) -> anyhow::Result<Ending> {
        let (ending, verdict) = verdict(&self.obstacles);
        writeln!(stdout(), "{verdict}")?;
        Ok(ending)
    }
}

/// What was found about a part, in lines.
fn told(part: &str, need: Need, found: &Result<String, Trouble>) -> String {
    let trouble = match found {
        Ok(found) => return line("ok", part, found) + "\n",
        Err(trouble) => trouble,
    };
    let mark = if need == Need::Nothing { "--" } else { "FAIL" };
    let mut lines = trouble.problem.lines();
    let mut text = line(mark, part, lines.next().unwrap_or_default()) + "\n";
    for more in lines.chain([format!("→ {}", trouble.remedy).as_str()]) {
        let _infallible = writeln!(text, "{}", line("", "", more));
    }
    text
}

fn line(mark: &str, part: &str, text: &str) -> String {
    format!("{mark:4}  {part:14}  {text}")
}

fn obstacle(part: &str, trouble: &Trouble) -> String {
    let problem = trouble.problem.lines().next().unwrap_or_default();
    format!("{part}: {}", problem.trim_end_matches(':'))
}

fn verdict(obstacles: &[String]) -> (Ending, String) {
    match obstacles {
        [] => (Ending::Done, "A conversation is possible: start it with `banter talk`.".to_owned()),
        all => (Ending::Failed, format!("A conversation is not possible: {}.", all.join("; "))),
    }
}

fn late() -> Trouble {
    Trouble::new(
        format_args!("nothing came of it within {} s", LIMIT.as_secs()),
        "try again; if it stays so, choose another",
    )
}

/// Nobody waits longer for an answer in a conversation.
const LIMIT: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_works_is_a_line() {
        let line = told("model", Need::Conversation, &Ok("scripted".to_owned()));
        assert_eq!(line, "ok    model           scripted\n");
    }

    #[test]
    fn a_part_that_fails_says_what_is_wrong_and_what_to_do() {
        let trouble = || Err(Trouble::new("it is gone:\n  far away", "fetch it"));
        let lines = told("model", Need::Conversation, &trouble());
        let expected = "FAIL  model           it is gone:\n                        far away\n                      → fetch it\n";
        assert_eq!(lines, expected);
        assert!(told("flite", Need::Nothing, &trouble()).starts_with("--    flite"));
    }

    #[test]
    fn the_verdict_names_each_obstacle() {
        assert_eq!(verdict(&[]).0, Ending::Done);
        let trouble = Trouble::new("the settings are wrong:\n  a\n  b", "correct them");
        let (ending, text) = verdict(&[obstacle("settings", &trouble), "model: none".to_owned()]);
        assert_eq!(ending, Ending::Failed);
        assert_eq!(
            text,
            "A conversation is not possible: settings: the settings are wrong; model: none."
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_hangs_is_given_up_after_10_s() {
        let mut report = Report::new();
        let hangs = std::future::pending::<Result<(String, ()), Trouble>>();
        assert_eq!(report.check("model", Need::Conversation, hangs).await.unwrap(), None);
        assert_eq!(report.obstacles, ["model: nothing came of it within 10 s"]);
    }
}
