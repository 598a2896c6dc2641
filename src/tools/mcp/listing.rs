//! What a server has, page by page, and never without end.

use rmcp::model::{PaginatedRequestParams, PromptMessage, Role, Tool};
use rmcp::service::{Peer, RoleClient};

use super::content;
use super::link::Fault;
use crate::types::Message;

/// A resource that a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Its address, for the server that has it.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// Its type, as `text/plain`, if the server tells.
    pub mime_type: Option<String>,
}

/// A prompt that a server has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its name.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// What it is made from.
    pub arguments: Vec<PromptArgument>,
}

/// What a prompt is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// What it is; may be empty.
    pub description: String,
    /// Whether there is no prompt without it.
    pub required: bool,
}

pub(super) async fn tools(peer: &Peer<RoleClient>) -> Result<Vec<Tool>, Fault> {
    let mut all = Pages::default();
    while let Some(page) = all.wanted() {
        let listed = peer.list_tools(page).await?;
        all.take(listed.tools, listed.next_cursor);
    }
    Ok(all.items)
}

pub(super) async fn resources(peer: &Peer<RoleClient>) -> Result<Vec<Resource>, Fault> {
    let mut all = Pages::default();
    while let Some(page) = all.wanted() {
        let listed = peer.list_resources(page).await?;
        all.take(listed.resources, listed.next_cursor);
    }
    let resource = |it: rmcp::model::Resource| Resource {
        uri: it.uri,
        name: it.name,
        description: it.description.unwrap_or_default(),
        mime_type: it.mime_type,
    };
    Ok(all.items.into_iter().map(resource).collect())
}

pub(super) async fn prompts(peer: &Peer<RoleClient>) -> Result<Vec<Prompt>, Fault> {
    let mut all = Pages::default();
    while let Some(page) = all.wanted() {
        let listed = peer.list_prompts(page).await?;
        all.take(listed.prompts, listed.next_cursor);
    }
    let argument = |it: rmcp::model::PromptArgument| PromptArgument {
        name: it.name,
        description: it.description.unwrap_or_default(),
        required: it.required.unwrap_or_default(),
    };
    let prompt = |it: rmcp::model::Prompt| Prompt {
        name: it.name,
        description: it.description.unwrap_or_default(),
        arguments: it.arguments.unwrap_or_default().into_iter().map(argument).collect(),
    };
    Ok(all.items.into_iter().map(prompt).collect())
}

/// What a prompt says, each message at most 256 KiB long.
pub(super) fn messages(messages: &[PromptMessage]) -> Vec<Message> {
    let told = messages.iter().take(MAX_MESSAGES).map(|message| {
        let text = bounded(content::block(&message.content));
        match message.role {
            Role::Assistant => Message::assistant(text),
            _ => Message::user(text),
        }
    });
    told.collect()
}

/// At most 256 KiB of `text`.
pub(super) fn bounded(mut text: String) -> String {
    if text.len() > MAX_TEXT {
        let note = format!("\n[cut; {} bytes in all]", text.len());
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text.push_str(&note);
    }
    text
}

/// The beginning of `text`, at most so many bytes.
pub(super) fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The pages of a list, to its end, or to the end of patience.
#[derive(Debug)]
struct Pages<T> {
    items: Vec<T>,
    next: Next,
    left: usize,
}

#[derive(Debug, PartialEq)]
enum Next {
    First,
    At(String),
    End,
}

impl<T> Default for Pages<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: Next::First, left: MAX_PAGES }
    }
}

impl<T> Pages<T> {
    /// The page to ask for; `None` when there is none.
    #[expect(clippy::option_option, reason = "the first page is asked for by asking for none")]
    fn wanted(&mut self) -> Option<Option<PaginatedRequestParams>> {
        if self.left == 0 || self.items.len() >= MAX_ITEMS {
            return None;
        }
        self.left -= 1;
        match &self.next {
            Next::First => Some(None),
            Next::At(cursor) => {
                Some(Some(PaginatedRequestParams::default().with_cursor(Some(cursor.clone()))))
            }
            Next::End => None,
        }
    }

    fn take(&mut self, items: Vec<T>, next: Option<String>) {
        let room = MAX_ITEMS - self.items.len();
        self.items.extend(items.into_iter().take(room));
        self.next = match next.map(Next::At) {
            // A page that leads to itself is the last one.
            Some(next) if next != self.next => next,
            _ => Next::End,
        };
    }
}

const MAX_ITEMS: usize = 1000;
const MAX_PAGES: usize = 100;
const MAX_MESSAGES: usize = 100;
const MAX_TEXT: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// How many pages are asked for, and what is kept, of a server that answers by `page`.
    fn read(mut page: impl FnMut(usize) -> (Vec<u32>, Option<String>)) -> (usize, usize) {
        let (mut all, mut asked) = (Pages::default(), 0);
        while all.wanted().is_some() {
            let (items, next) = page(asked);
            all.take(items, next);
            asked += 1;
        }
        (asked, all.items.len())
    }

    #[test]
    fn a_list_is_read_to_its_end() {
        let three = |asked: usize| (vec![0; 10], (asked < 2).then(|| asked.to_string()));
        assert_eq!(read(three), (3, 30));
    }

    #[test]
    fn a_list_without_end_has_one() {
        assert_eq!(read(|_| (vec![0], Some("same".to_owned()))), (2, 2));
        assert_eq!(read(|asked| (vec![], Some(asked.to_string()))), (MAX_PAGES, 0));
        assert_eq!(read(|asked| (vec![0; 600], Some(asked.to_string()))), (2, MAX_ITEMS));
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let cut = bounded("é".repeat(MAX_TEXT));
        assert!(cut.len() < MAX_TEXT + 50 && cut.ends_with("é\n[cut; 524288 bytes in all]"));
        assert_eq!(bounded("tea".to_owned()), "tea");
    }
}
