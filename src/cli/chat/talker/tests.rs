//! Chats, with a model that follows a script.

use std::sync::{Arc, Mutex, PoisonError};

use super::*;
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::providers::{Provider, ProviderError};
use crate::session::Opening;

/// What is written, to be read by a test.
#[derive(Clone, Default)]
pub(super) struct Paper(Arc<Mutex<Vec<u8>>>);

impl Paper {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()).unwrap()
    }
}

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A chat, and what it writes.
pub(super) struct Chat {
    pub(super) provider: Arc<MockProvider>,
    pub(super) output: Paper,
    pub(super) complaints: Paper,
    pub(super) ending: anyhow::Result<Ending>,
}

/// Lets the chat read `lines` to their end. It is interrupted when the output contains `cut`.
async fn chat(show: Show, answers: Vec<MockAnswer>, lines: &[&str], cut: Option<&str>) -> Chat {
    talk(Conversation::plain(""), show, answers, lines, cut).await
}

/// The same in a conversation that opens so.
pub(super) async fn talk(
    opening: Opening,
    show: Show,
    answers: Vec<MockAnswer>,
    lines: &[&str],
    cut: Option<&str>,
) -> Chat {
    let provider = Arc::new(MockProvider::new());
    answers.into_iter().for_each(|answer| provider.add(answer));
    let (output, complaints) = (Paper::default(), Paper::default());
    let shared: Arc<dyn Provider> = Arc::clone(&provider) as _;
    let conversation = opening.provider(shared).start().await.unwrap();
    let (out, err) = (Box::new(output.clone()), Box::new(complaints.clone()));
    let talker = Talker::new(conversation, show, out, err);
    let (lines_in, lines_out) = mpsc::channel(16);
    for line in lines {
        lines_in.send(Ok((*line).to_owned())).await.unwrap();
    }
    // Who says nothing has not gone.
    let _silent = lines.is_empty().then_some(lines_in);
    let (interrupt, interrupts) = mpsc::channel(1);
    let cutting = async {
        let Some(cut) = cut else { return std::future::pending().await };
        while !output.text().contains(cut) {
            tokio::task::yield_now().await;
        }
        interrupt.send(()).await.unwrap();
        std::future::pending().await
    };
    let ending = tokio::select! {
        ending = talker.talk(lines_out, interrupts) => ending,
        () = cutting => unreachable!(),
    };
    Chat { provider, output, complaints, ending }
}

fn broken() -> ProviderError {
    ProviderError::failed("mock", "out of words")
}

#[tokio::test]
async fn from_a_pipe_a_failed_turn_is_an_error_at_the_end() {
    let answers = vec![
        MockAnswer::text("Well, I think").failing_after(2, broken()),
        MockAnswer::text("Two\nlines."),
    ];
    let chat = chat(Show::Lines, answers, &["one", "two"], None).await;
    assert_eq!(chat.output.text(), "Well, I\nTwo lines.\n");
    let told = chat.complaints.text();
    assert!(told.contains("mock failed: out of words; say it again"), "{told}");
    assert_eq!(chat.ending.unwrap_err().to_string(), "1 of 2 turns failed");
}

#[tokio::test]
async fn on_a_terminal_a_failed_turn_is_told_and_that_is_all() {
    // What fails before its first word is asked for once more.
    let fails = || MockAnswer::text("x").failing_after(0, broken());
    let answers = vec![fails(), fails(), MockAnswer::text("Two.")];
    let chat = chat(Show::Live, answers, &["one", "two"], None).await;
    assert_eq!(chat.output.text(), "> \n> Two.\n> \n");
    assert_eq!(chat.complaints.text().lines().count(), 1);
    assert_eq!(chat.ending.unwrap(), Ending::Done);
}

#[tokio::test]
async fn an_interrupt_ends_the_answer_and_the_next_line_is_answered() {
    let answers = vec![MockAnswer::text("Well, I").hanging_after(1), MockAnswer::text("Two.")];
    let chat = chat(Show::Live, answers, &["one", "two"], Some("Well, ")).await;
    assert_eq!(chat.output.text(), "> Well, —\n> Two.\n> \n");
    let last = chat.provider.requests().pop().unwrap();
    assert_eq!((last.messages[1].text.as_str(), last.messages[1].interrupted), ("Well,", true));
    assert_eq!(chat.ending.unwrap(), Ending::Done);
}

#[tokio::test]
async fn a_file_is_shown_with_the_next_line_only() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my page.pdf");
    std::fs::write(&file, "%PDF-1.7").unwrap();
    let attach = format!("/attach {}", file.display());
    let missing = format!("/attach {}.no", file.display());
    let answers = || vec![MockAnswer::text("One."), MockAnswer::text("Two.")];

    let lines = [&*missing, &attach, "one", "two"];
    let seen = chat(Show::Live, answers(), &lines, None).await;

    let page = "[1 document (PDF), with the next line]";
    assert_eq!(seen.output.text(), format!("> > {page}\n> One.\n> Two.\n> \n"));
    let told = seen.complaints.text();
    assert!(
        told.contains("page.pdf.no: No such file") && told.contains("check the path"),
        "{told}"
    );
    let last = seen.provider.requests().pop().unwrap();
    let shown: Vec<_> = last.messages.iter().map(|message| message.media.len()).collect();
    assert_eq!(shown, [1, 0, 0]);
    assert_eq!(last.messages[0].media[0].name.as_deref(), Some("my page.pdf"));

    // From a pipe, no line is answered as if its file were there.
    let piped = chat(Show::Lines, answers(), &[&missing, "one"], None).await;
    assert!(piped.ending.unwrap_err().to_string().contains("check the path"));
    assert!(piped.output.text().is_empty() && piped.provider.requests().is_empty());

    let cleared = chat(Show::Lines, answers(), &[&attach, "/clear", "one"], None).await;
    assert!(cleared.provider.requests()[0].messages[0].media.is_empty());
}

#[tokio::test]
async fn an_interrupt_at_the_prompt_ends_the_program() {
    let chat = chat(Show::Live, vec![], &[], Some("> ")).await;
    assert_eq!(chat.ending.unwrap(), Ending::Interrupted);
    assert_eq!(chat.output.text(), "> \n");
}

#[tokio::test]
async fn an_object_a_line_says_what_failed() {
    let answers = vec![MockAnswer::text("Well, I").failing_after(1, broken())];
    let chat = chat(Show::Json, answers, &["one"], None).await;
    let turn: serde_json::Value = serde_json::from_str(&chat.output.text()).unwrap();
    let expected = serde_json::json!({
        "user": "one", "agent": "Well, ", "error": "mock failed: out of words"
    });
    assert_eq!(turn, expected);
}

#[test]
fn an_answer_does_not_command_the_terminal() {
    assert_eq!(harmless("a\x1b[2Jb\r\n\tc\u{9b}d"), "a[2Jb\n\tcd");
    assert_eq!(one_line(" one\n\n two\t"), "one two");
}
