//! The default rules, asked as people and recognisers ask.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::json;

use super::*;
use crate::providers::{ProviderError, ProviderErrorKind, RetryAdvice};
use crate::time::{SessionClock, WallTime};
use crate::tools::{ClockTool, Tool, ToolContext, ToolRegistry, run};
use crate::types::{Media, MediaKind, Message, Parameters, ToolCall, ToolDescriptor, ToolResult};

/// A conversation with the default rules.
struct Talk {
    provider: Scripted,
    tools: Vec<ToolDescriptor>,
    messages: Vec<Message>,
}

impl Talk {
    fn new() -> Self {
        let tools = vec![ClockTool::new().descriptor().clone()];
        Self { provider: Scripted::default(), tools, messages: Vec::new() }
    }

    async fn events(&self) -> Vec<ProviderEvent> {
        let request = ProviderRequest {
            messages: self.messages.clone(),
            tools: self.tools.clone().into(),
            ..ProviderRequest::default()
        };
        self.provider.stream(request).map(Result::unwrap).collect().await
    }

    /// The answer to what the history ends with.
    async fn answer(&self) -> (String, Option<ToolCall>) {
        let (mut text, mut call) = (String::new(), None);
        for event in self.events().await {
            match event {
                ProviderEvent::TextDelta(delta) => text.push_str(&delta),
                ProviderEvent::ToolCall(wanted) => call = Some(wanted),
                ProviderEvent::Sound(_)
                | ProviderEvent::Media(_)
                | ProviderEvent::Raw(_)
                | ProviderEvent::Finished { .. } => {}
            }
        }
        (text, call)
    }

    /// Says `text`; the answer is heard to its end.
    async fn say(&mut self, text: &str) -> String {
        self.messages.push(Message::user(text));
        let (answer, _) = self.answer().await;
        self.messages.push(Message::assistant(answer.clone()));
        answer
    }

    /// Says `text` and speaks over the answer after `heard` bytes: the whole answer.
    async fn interrupt(&mut self, text: &str, heard: usize) -> String {
        let answer = self.say(text).await;
        let message = self.messages.last_mut().unwrap();
        message.text.truncate(heard);
        message.interrupted = true;
        answer
    }
}

async fn ask(text: &str) -> (String, Option<ToolCall>) {
    let mut talk = Talk::new();
    talk.messages.push(Message::user(text));
    talk.answer().await
}

#[tokio::test]
async fn every_default_rule_is_found_by_its_words() {
    let hello = "Hello! What can I do for you?";
    let welcome = "You are welcome.";
    let story = "Sure. Here is a story.";
    let table = [
        ("hello", hello),
        ("hello there", hello),
        ("Hey!", hello),
        ("good morning", hello),
        ("how are you", "Very well"),
        ("hello are you today", "Very well"),
        ("who are you", "I am Banter"),
        ("to argue", "I am Banter"),
        ("what is your name", "I am Banter"),
        ("can you help me", "Sure. Ask me"),
        ("what can you do", "Sure. Ask me"),
        ("what is my name", "Sorry, you have not told me your name."),
        ("my name is john", "Hello, John."),
        ("uh my name is um mary anne", "Hello, Mary."),
        ("tell me a story", story),
        ("tell me something long", story),
        ("bradley something long", story),
        ("stop telling that story", "Okay."),
        ("how far is the moon", "It is far."),
        ("tell me about the moon", "Sure. The moon"),
        ("tell me about the ocean", "Sure. The ocean"),
        ("tell me a joke", "Sure. Why did the clock"),
        ("come to ten", "One, two, three"),
        ("what is the weather today", "Sorry, I cannot see the weather"),
        ("will it to rain tomorrow", "Sorry, I cannot see the weather"),
        ("thank you", welcome),
        ("sin que", welcome),
        ("no sin que", welcome),
        ("sent you very much", welcome),
        ("goodbye", "Goodbye!"),
        ("that is all", "Goodbye!"),
        ("she you tomorrow he", "Goodbye!"),
        ("okay stop", "Okay."),
        ("wait", "Okay."),
        ("never mind", "Okay."),
        ("go on", "Sorry, there is nothing to go on with."),
        ("say that again", "Sorry, I have not said anything yet."),
        ("where is london", "Hm. I heard: where is london."),
        ("i have a question", "Hm. I heard: i have a question."),
        ("", "Sorry, I did not hear that."),
        ("Uh …", "Sorry, I did not hear that."),
    ];
    for (heard, expected) in table {
        let (answer, call) = ask(heard).await;
        assert!(answer.starts_with(expected) && call.is_none(), "{heard}: {answer}");
    }
}

#[tokio::test]
async fn sums_are_answered_in_words() {
    let zero = "Sorry, nobody can divide by zero.";
    for (heard, expected) in [
        ("what is seven times six", "It is forty two."),
        ("what's seven times six", "It is forty two."),
        ("what is certain time six", "It is forty two."),
        ("what is 7 * 6?", "It is forty two."),
        ("multiply seven by six please", "It is forty two."),
        ("what is two plus two", "It is four."),
        ("what is two and two", "It is four."),
        ("how much is ten plus five", "It is fifteen."),
        ("twelve plus thirty", "It is forty two."),
        ("add one hundred and five to twenty", "It is one hundred and twenty five."),
        ("what is ten minus uh twelve", "It is minus two."),
        ("a hundred divided by eight", "It is twelve point five."),
        ("ten divided by zero", zero),
        ("nine hundred billion times 10", "Sorry, that is too much for me."),
    ] {
        assert_eq!(ask(heard).await.0, expected, "{heard}");
    }
}

#[tokio::test]
async fn the_time_and_the_date_are_asked_of_the_clock() {
    for (heard, what) in [
        ("what time is it", "time"),
        ("what is the time", "time"),
        ("uh what time is it now", "time"),
        ("tell me the time", "time"),
        ("wait what time is it", "time"),
        ("What's the time, please?", "time"),
        ("what day is it today", "date"),
        ("what day is a good day", "date"),
        ("what's the date", "date"),
        ("what is today's date", "date"),
    ] {
        let (text, call) = ask(heard).await;
        let call = call.unwrap_or_else(|| panic!("{heard}: {text}"));
        assert_eq!((call.name.as_str(), call.arguments), ("clock", json!({ "what": what })));
        assert_eq!(text, "", "{heard}");
    }
}

#[tokio::test]
async fn a_tool_call_comes_back_as_a_spoken_answer() {
    let mut tools = ToolRegistry::new();
    tools.register(ClockTool::fixed(WallTime::at((2026, 11, 21), (10, 30)).unwrap())).unwrap();
    let mut talk = Talk::new();
    for (heard, expected, id) in [
        ("what time is it", "It is ten thirty.", "call-1"),
        ("what day is it", "Today is Saturday, the twenty first of November.", "call-2"),
        ("what time is it", "It is ten thirty now.", "call-3"),
    ] {
        talk.messages.push(Message::user(heard));
        let call = talk.answer().await.1.unwrap();
        assert_eq!(call.id, id);
        let called = Message { tool_calls: vec![call.clone()], ..Message::assistant("") };
        talk.messages.push(called);
        talk.messages.push(Message::tool(run(&tools, &call, ToolContext::detached()).await));
        let (answer, none) = talk.answer().await;
        assert_eq!((answer.as_str(), none), (expected, None));
        talk.messages.push(Message::assistant(answer));
    }
}

#[tokio::test]
async fn without_a_clock_the_answer_says_so() {
    let mut talk = Talk::new();
    talk.tools.clear();
    assert_eq!(talk.say("what time is it").await, "Sorry, I have no clock here.");

    let mut talk = Talk::new();
    talk.messages.push(Message::user("what time is it"));
    let call = talk.answer().await.1.unwrap();
    talk.messages
        .push(Message::tool(run(&ToolRegistry::new(), &call, ToolContext::detached()).await));
    assert_eq!(talk.answer().await.0, "Sorry, I have no clock here.");
}

#[tokio::test]
async fn a_name_is_remembered_and_can_change() {
    let mut talk = Talk::new();
    talk.say("my name is john").await;
    talk.say("tell me a joke").await;
    assert_eq!(talk.say("what is my name").await, "Sure, your name is John.");
    talk.say("call me mary").await;
    assert_eq!(talk.say("do you remember my name").await, "You are Mary.");
}

#[tokio::test]
async fn an_interrupted_story_goes_on_where_it_was_cut() {
    let mut talk = Talk::new();
    let story = talk.interrupt("tell me a story", 0).await;
    let cut = story.find("two hundred steps").unwrap() + "two hun".len();
    talk.messages.last_mut().unwrap().text = story[..cut].to_owned();
    talk.say("stop").await;

    let rest = talk.interrupt("please go on", 60).await;
    assert!(rest.starts_with("Sure. Hundred steps, lit the lamp,"), "{rest}");
    assert!(rest.ends_with("That is the end of the story."), "{rest}");

    let more = talk.say("continue").await;
    assert!(more.starts_with("Okay. "), "{more}");
    let expected: Vec<_> = rest[60..].split_whitespace().skip(1).collect();
    assert!(more.ends_with(&expected.join(" ")), "{more}");
    assert_eq!(talk.say("go on").await, "Sorry, there is nothing to go on with.");
}

#[tokio::test]
async fn what_it_is_shown_it_describes_before_it_answers() {
    let page = Media::url(MediaKind::Document, "application/pdf", "https://there/a.pdf");
    let mut talk = Talk::new();
    talk.messages.push(Message::user("thank you").with(page.clone()));
    assert_eq!(talk.answer().await.0, "I was shown 1 document (PDF). You are welcome.");
    talk.messages.push(Message::user("").with(page.clone()).with(page));
    assert_eq!(talk.answer().await.0, "I was shown 2 documents (PDF, PDF).");
    assert_eq!(talk.say("thank you").await, "Any time.");
}

#[tokio::test]
async fn what_was_said_is_said_again() {
    let mut talk = Talk::new();
    talk.say("what is two plus two").await;
    assert_eq!(talk.say("shame that again").await, "Sure. It is four.");
}

#[tokio::test]
async fn a_stream_gives_words_then_its_end() {
    let mut talk = Talk::new();
    talk.messages.push(Message::user("what is two plus two"));
    let delta = |text: &str| ProviderEvent::TextDelta(text.to_owned());
    let usage = Some(Usage::of_text(5, 3));
    let end = ProviderEvent::Finished { reason: FinishReason::Stop, usage };
    assert_eq!(talk.events().await, [delta("It "), delta("is "), delta("four."), end]);

    talk.messages.push(Message::user("what time is it"));
    let reason = FinishReason::ToolCalls;
    let last = talk.events().await.pop().unwrap();
    assert!(matches!(last, ProviderEvent::Finished { reason: ended, .. } if ended == reason));
}

#[tokio::test]
async fn an_answer_keeps_to_the_limit_of_tokens() {
    let messages = vec![Message::user("tell me a story")];
    let parameters = Parameters { max_tokens: Some(4), ..Parameters::default() };
    let request = ProviderRequest { messages, parameters, ..ProviderRequest::default() };
    let mut events: Vec<_> =
        Scripted::default().stream(request).map(Result::unwrap).collect().await;
    let Some(ProviderEvent::Finished { reason, .. }) = events.pop() else { panic!("no end") };
    assert_eq!((reason, events.len()), (FinishReason::Length, 4));
}

#[tokio::test]
async fn the_story_is_60_to_90_seconds_of_speech() {
    let words = ask("tell me a story").await.0.split_whitespace().count();
    let seconds = words as f64 * 60.0 / 165.0;
    assert!((60.0..90.0).contains(&seconds), "{words} words, {seconds} s");
}

/// What comes of the answer to these words of the user, said in turn, and after how long.
async fn asked(provider: &Scripted, said: &[&str]) -> (String, Option<ProviderError>, Duration) {
    let mut messages = Vec::new();
    for text in said {
        messages.extend([Message::user(*text), Message::assistant("So.")]);
    }
    messages.pop();
    let request = ProviderRequest { messages, ..ProviderRequest::default() };
    let (clock, mut text, mut error) = (SessionClock::live(), String::new(), None);
    let began = clock.now();
    let mut stream = provider.stream(request);
    while let Ok(Some(event)) = tokio::time::timeout(LONG, stream.next()).await {
        match event {
            Ok(ProviderEvent::TextDelta(delta)) => text += &delta,
            Ok(_) => {}
            Err(failed) => error = Some(failed),
        }
    }
    (text, error, clock.now().since(began))
}

/// Nothing comes any more.
const LONG: Duration = Duration::from_secs(600);

const BROKEN: &str = r#"
[[rule]]
hear = ["refuse"]
fails = "429:2"

[[rule]]
hear = ["once"]
fails = "503"
times = 1
say = ["Here I am."]

[[rule]]
hear = ["cut"]
fails = "cut"
say = ["One two three four."]

[[rule]]
hear = ["stall"]
fails = "stall:0.75"
say = ["One two three four."]

[[rule]]
hear = ["slowly"]
first_ms = 500
each_ms = 20
say = ["One two three."]

[[rule]]
turn = 2
hear = ["*"]
say = ["That was the second."]

[[rule]]
hear = ["*"]
say = ["Any other.", "One more."]
"#;

#[tokio::test(start_paused = true)]
async fn a_rule_may_answer_late_or_fail() {
    let script = Scripted::parse(BROKEN, "broken.toml").unwrap();
    let (text, error, _) = asked(&script, &["refuse"]).await;
    let error = error.unwrap();
    assert_eq!((text.as_str(), error.kind), ("", ProviderErrorKind::RateLimited));
    assert_eq!(error.advice, RetryAdvice::After(Duration::from_secs(2)));

    let (_, error, _) = asked(&script, &["once"]).await;
    assert_eq!(error.unwrap().kind, ProviderErrorKind::Overloaded);
    let (text, error, _) = asked(&script, &["once"]).await;
    assert_eq!((text.as_str(), error), ("Here I am.", None));

    let (text, error, _) = asked(&script, &["cut"]).await;
    assert_eq!((text.as_str(), error.unwrap().kind), ("One two ", ProviderErrorKind::Network));
    let (text, error, took) = asked(&script, &["stall"]).await;
    assert_eq!((text.as_str(), error, took), ("One two three ", None, LONG));

    let (text, _, took) = asked(&script, &["slowly"]).await;
    // Two further words, and the end.
    assert_eq!((text.as_str(), took), ("One two three.", Duration::from_millis(560)));
}

#[tokio::test(start_paused = true)]
async fn a_rule_may_be_for_one_turn() {
    let script = Scripted::parse(BROKEN, "broken.toml").unwrap();
    for (said, answer) in [
        (&["a"][..], "Any other."),
        (&["a", "b"], "That was the second."),
        // The answers of the other rule take turns without it.
        (&["a", "b", "c"], "One more."),
    ] {
        assert_eq!(asked(&script, said).await.0, answer);
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_tool_has_found_is_said_whatever_its_rule_does() {
    let rules =
        "[[rule]]\nhear = [\"*\"]\ntool = \"clock\"\nthen = [\"It is {result}.\"]\nfails = \"500\"";
    let script = Scripted::parse(rules, "broken.toml").unwrap();
    let (id, name) = ("call-1".to_owned(), "clock".to_owned());
    let result = ToolResult { id, name, content: "ten".to_owned(), is_error: false };
    let messages = vec![Message::user("time"), Message::tool(result)];
    let request = ProviderRequest { messages, ..ProviderRequest::default() };
    let events: Vec<_> = script.stream(request).map(Result::unwrap).collect().await;
    assert_eq!(events[0], ProviderEvent::TextDelta("It ".to_owned()));
    let (_, error, _) = asked(&script, &["time"]).await;
    assert_eq!(error.unwrap().kind, ProviderErrorKind::Failed);
}
