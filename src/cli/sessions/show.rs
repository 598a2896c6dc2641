//! `banter sessions show`.

use std::fmt::Write as _;
use std::io::{Write, stdout};

use anyhow::Context as _;
use clap::Args;

use crate::cli::Ending;
use crate::cli::harmless::{harmless, harmless_json};
use crate::ids::ConversationId;
use crate::state::{Mode, Saved, StateStore, TurnRecord};
use crate::types::{Media, Message, Role};

/// Show what was said in a conversation.
#[derive(Debug, Args)]
pub(super) struct Show {
    /// The conversation, as `banter sessions list` names it.
    #[arg(value_name = "ID")]
    id: ConversationId,
    /// Write all that is kept of it instead, each entry as a JSON object on a line.
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) async fn run(self, store: &dyn StateStore) -> anyhow::Result<Ending> {
        let Self { id, json } = self;
        let missing = || {
            format!(
                "there is no conversation {id} in {}; `banter sessions list` lists them",
                store.name()
            )
        };
        let entries = store.read(&id).await?.with_context(missing)?;
        let mut text = String::new();
        if json {
            for entry in &entries {
                text += &harmless_json(&serde_json::to_string(entry)?);
                text.push('\n');
            }
        } else {
            text = harmless(&readable(&id, &Saved::of(entries)));
        }
        stdout().write_all(text.as_bytes())?;
        Ok(Ending::Done)
    }
}

/// The conversation as it can be read: what is known of it, then turn by turn.
fn readable(id: &ConversationId, saved: &Saved) -> String {
    let mut text = id.to_string();
    if let Some(opened) = &saved.opened {
        let _infallible = write!(text, "  opened {}", opened.at.on_the_wall());
        let prompt = [("pack", &opened.pack), ("prompt", &opened.prompt)];
        for (what, name) in
            prompt.into_iter().filter_map(|(what, name)| Some((what, name.as_ref()?)))
        {
            let _infallible = write!(text, "  {what} {name}");
        }
        if let Some(other) = &opened.forked_from {
            let _infallible = write!(text, "  a copy of {other}");
        }
    }
    text.push('\n');
    for (name, value) in &saved.variables {
        let _infallible = writeln!(text, "{name} = {value}");
    }
    if let Some(summary) = &saved.summary {
        let what = format!("the first {} messages in fewer words: ", summary.messages);
        said(&mut text, "", &(what + &summary.text));
    }
    saved.turns.iter().for_each(|record| turn(&mut text, record));
    text
}

fn turn(text: &mut String, turn: &TurnRecord) {
    let mode = match turn.mode {
        Mode::Text => "in writing",
        Mode::Voice | Mode::Duplex => "by voice",
    };
    let _infallible = writeln!(text, "\n{}  {mode}", turn.at.on_the_wall());
    for message in &turn.messages {
        let who = match message.role {
            Role::System => "system",
            Role::User => "you",
            Role::Assistant => "agent",
            Role::Tool => "tool",
        };
        for media in &message.media {
            said(text, who, &format!("[{}]", described(media)));
        }
        if !message.text.is_empty() {
            said(text, who, &words(message));
        }
        for call in &message.tool_calls {
            said(text, "tool", &format!("{} {}", call.name, call.arguments));
        }
        if let Some(result) = &message.tool_result {
            let failed = if result.is_error { "failed: " } else { "" };
            said(text, "", &format!("-> {failed}{}", result.content));
        }
    }
    if let Some(error) = &turn.error {
        said(text, "!", error);
    }
}

fn words(message: &Message) -> String {
    let cut = if message.interrupted { "— (cut)" } else { "" };
    format!("{}{cut}", message.text)
}

fn described(media: &Media) -> String {
    let name = media.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
    format!("{}{name}, {}", media.kind, media.mime)
}

/// A line of who and what; more lines stand below the first.
fn said(text: &mut String, who: &str, what: &str) {
    for (at, line) in what.lines().enumerate() {
        let who = if at == 0 { who } else { "" };
        let _infallible = writeln!(text, "{}", format!("{who:6} {line}").trim_end());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::state::{Entry, Opened};
    use crate::time::UtcTime;
    use crate::types::{MediaKind, ToolCall, ToolResult};

    #[test]
    fn a_conversation_reads_as_it_was_heard() {
        let at = UtcTime::from_millis(0);
        let call = ToolCall { id: "1".into(), name: "clock".into(), arguments: json!({ "a": 1 }) };
        let result = ToolResult {
            id: "1".into(),
            name: "clock".into(),
            content: "ten".into(),
            is_error: false,
        };
        let picture = Media::bytes(MediaKind::Image, "image/png", vec![1]).with_name("dot.png");
        let messages = vec![
            Message::user("What time\nis it?").with(picture),
            Message { tool_calls: vec![call], ..Message::assistant("") },
            Message::tool(result),
            Message { interrupted: true, ..Message::assistant("It is") },
        ];
        let turn = TurnRecord {
            error: Some("the voice broke".into()),
            ..TurnRecord::new(at, Mode::Voice, messages)
        };
        let opened = Opened { pack: Some("house.json".into()), ..Opened::new(at) };
        let values = [("user".to_owned(), json!("Ann"))].into();
        let entries = [Entry::Opened(opened), Entry::Variables { at, values }, Entry::Turn(turn)];
        let time = at.on_the_wall();
        let text = readable(&"kitchen".parse().unwrap(), &Saved::of(entries));
        assert_eq!(
            text,
            format!(
                "kitchen  opened {time}  pack house.json\nuser = \"Ann\"\n\n{time}  by voice\n\
                 you    [image dot.png, image/png]\nyou    What time\n       is it?\n\
                 tool   clock {{\"a\":1}}\n       -> ten\nagent  It is— (cut)\n!      the voice broke\n"
            )
        );
    }
}
