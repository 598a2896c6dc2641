//! Turns in writing.

use std::sync::Mutex;

use super::*;
use crate::hooks::{Hook, HookFuture, ModelAnswer};
use crate::net::mock::{MockHttp, MockResponse};
use crate::pack;
use crate::providers::mock::MockAnswer;
use crate::providers::{ProviderError, ProviderErrorKind, ProviderSpec, Registry};
use crate::session::InstructionsError;
use crate::types::ResponseFormat;

#[tokio::test]
async fn a_request_is_made_of_the_prompt_the_variables_and_what_was_said() {
    let model = model(&["Hello, Ann.", "In room 2."]);
    let format = ResponseFormat::JsonObject;
    let opening = opening(&model).tools(rooms()).metadata("tenant", "t1").id(id("c1"));
    let conversation = opening.format(format.clone()).start().await.unwrap();

    let response = conversation.send("Good morning!").await.unwrap();
    conversation.send("Where is the whale?").await.unwrap();

    assert_eq!((response.text(), response.to_string().as_str()), ("Hello, Ann.", "Hello, Ann."));
    let asked = &model.requests()[1];
    assert_eq!(asked.system, ANN);
    let lines: Vec<_> = asked.messages.iter().map(line).collect();
    assert_eq!(
        lines,
        ["user: Good morning!", "assistant: Hello, Ann.", "user: Where is the whale?"]
    );
    let offered: Vec<_> = asked.tools.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(offered, ["find_room"], "one is not described by the pack, one is blocked");
    assert_eq!(asked.tools[0].description, "Looks it up.", "the pack's words stand first");
    let parameters = &asked.parameters;
    assert_eq!((parameters.temperature, parameters.top_p), (Some(0.25), Some(0.5)));
    assert_eq!((parameters.max_tokens, &parameters.format), (Some(300), &Some(format)));
    assert_eq!(asked.metadata["tenant"], "t1");
    assert_eq!(asked.metadata["conversation_id"], "c1");
}

#[derive(Debug, Default)]
struct Wire(Mutex<Vec<String>>);

impl Hook for Wire {
    fn name(&self) -> &str {
        "wire"
    }

    fn after_provider<'a>(&'a self, answer: ModelAnswer<'a>) -> HookFuture<'a, ()> {
        self.0.lock().unwrap().extend(answer.raw.map(|raw| raw.request.clone()));
        Box::pin(std::future::ready(()))
    }
}

#[tokio::test]
async fn an_answer_has_what_went_over_the_wire_for_each_request_if_that_is_wanted() {
    let http = Arc::new(MockHttp::new());
    for answer in [
        r#"{"choices":[{"message":{"tool_calls":[{"id":"1","function":{"name":"find_room","arguments":"{}"}}]}}]}"#,
        r#"{"choices":[{"message":{"content":"Upstairs."}}]}"#,
    ] {
        http.answer(MockResponse::new("application/json", [answer]));
    }
    let registry = Registry::new().with_http(Arc::clone(&http) as _);
    let spec = ProviderSpec::new("a", "openai").base_url("http://here/v1").raw();
    let wire = Arc::new(Wire::default());
    let opening = Conversation::open(pack(), "guide").provider(registry.make(&spec).unwrap());
    let opening = opening.var("visitor", "Ann").tools(rooms()).hook(Arc::clone(&wire) as _);
    let conversation = opening.await_missing_tools().start().await.unwrap();
    let response = conversation.send("Where is the whale?").await.unwrap();
    assert_eq!(response.text(), "Upstairs.");
    let requests: Vec<_> = response.raw.iter().map(|raw| raw.request.clone()).collect();
    let sent = http.requests();
    let sent = sent.iter().map(|sent| String::from_utf8_lossy(&sent.body).into_owned());
    assert_eq!(requests, sent.collect::<Vec<_>>());
    assert!(response.raw[1].response[0].contains("Upstairs."));
    assert_eq!(*wire.0.lock().unwrap(), requests);
}

#[tokio::test]
async fn a_turn_may_have_metadata_of_its_own() {
    let model = model(&["One.", "Two."]);
    let conversation = opening(&model).metadata("tenant", "t1").start().await.unwrap();
    let input = Input::from("a").with_metadata("tenant", "t2").with_metadata("user", "u1");
    conversation.send(input).await.unwrap();
    conversation.send("b").await.unwrap();
    let tenants: Vec<_> =
        model.requests().iter().map(|asked| asked.metadata["tenant"].clone()).collect();
    assert_eq!(tenants, ["t2", "t1"]);
    assert_eq!(model.requests()[0].metadata["user"], "u1");
    assert!(!model.requests()[1].metadata.contains_key("user"));
}

#[tokio::test]
async fn variables_may_change_from_turn_to_turn() {
    let model = model(&["One.", "Two.", "Three."]);
    let conversation = opening(&model).variable_provider(pack::Time).start().await.unwrap();
    conversation.send("a").await.unwrap();
    conversation.set_var("visitor", "Bob");
    conversation.send("b").await.unwrap();
    conversation.set_vars(pack::Values::from([
        ("visitor".to_owned(), "Cid".into()),
        ("language".to_owned(), "Welsh".into()),
    ]));
    conversation.send("c").await.unwrap();

    let told: Vec<_> = model.requests().into_iter().map(|asked| asked.system).collect();
    let bob = "You guide Bob in English. Be kind to Bob.";
    assert_eq!(told, [ANN, bob, "You guide Cid in Welsh. Be kind to Cid."]);
    assert_eq!(conversation.get_var("visitor"), Some("Cid".into()));
    assert_eq!(conversation.vars().len(), 2);
}

#[tokio::test]
async fn a_variable_without_a_value_is_an_error_and_nothing_is_asked() {
    let model = model(&["One."]);
    let conversation = opening(&model).start().await.unwrap();
    conversation.set_var("visitor", Value::Null);

    let error = conversation.send("hello").await.unwrap_err();

    assert!(matches!(error, ConversationError::Instructions(InstructionsError::Prompt(_))));
    assert_eq!(error.to_string(), "no value for `visitor`");
    assert!(model.requests().is_empty());
    // It can be mended; what was said before the error was not lost.
    conversation.set_var("visitor", "Ann");
    conversation.send("hello again").await.unwrap();
    assert_eq!(said(&conversation), ["user: hello", "user: hello again", "assistant: One."]);
}

#[tokio::test]
async fn what_a_user_or_a_value_says_is_never_expanded() {
    let model = model(&["One."]);
    let conversation = opening(&model).var("visitor", "{{language}}").start().await.unwrap();
    conversation.send("{{manners}}").await.unwrap();
    let asked = &model.requests()[0];
    assert_eq!(asked.system, "You guide {{language}} in English. Be kind to {{language}}.");
    assert_eq!(asked.messages[0].text, "{{manners}}");
}

#[derive(Debug)]
struct Broken;

impl pack::VariableProvider for Broken {
    fn name(&self) -> &str {
        "weather"
    }

    fn provide(&self, _: pack::Facts<'_>) -> Result<pack::Values, pack::ProviderError> {
        Err(pack::ProviderError { provider: "weather".to_owned(), reason: "rain".to_owned() })
    }
}

#[tokio::test]
async fn a_provider_of_variables_that_fails_is_named() {
    let conversation = opening(&model(&[])).variable_provider(Broken).start().await.unwrap();
    let error = conversation.send("hello").await.unwrap_err().to_string();
    assert_eq!(error, "the variables of `weather` are not to be had: rain");
}

/// Tells how long the conversation is.
#[derive(Debug)]
struct Length(std::sync::OnceLock<Conversation>);

impl pack::VariableProvider for Arc<Length> {
    fn name(&self) -> &str {
        "length"
    }

    fn provide(&self, _: pack::Facts<'_>) -> Result<pack::Values, pack::ProviderError> {
        let messages = self.0.get().map_or(0, |conversation| conversation.messages().len());
        Ok(pack::Values::from([("language".to_owned(), format!("{messages} words").into())]))
    }
}

#[tokio::test]
async fn a_provider_of_variables_may_look_at_the_conversation() {
    let model = model(&["One."]);
    let length = Arc::new(Length(std::sync::OnceLock::new()));
    let opening = opening(&model).variable_provider(Arc::clone(&length));
    let conversation = opening.start().await.unwrap();
    length.0.set(conversation.clone()).unwrap();
    conversation.send("hello").await.unwrap();
    let told = model.requests()[0].system.clone();
    assert_eq!(told, "You guide Ann in 1 words. Be kind to Ann.");
}

#[tokio::test]
async fn a_missing_prompt_names_those_that_there_are() {
    let error = Conversation::open(pack(), "gide").start().await.unwrap_err();
    // Without a model there is none to talk to, whatever the prompt.
    assert!(matches!(error, ConversationError::NoProvider(_) | ConversationError::Prompt(_)));
    let provider: Arc<dyn Provider> = model(&[]);
    let error = Conversation::open(pack(), "gide").provider(provider).start().await.unwrap_err();
    assert_eq!(error.to_string(), "the pack has no prompt `gide`; it has guide, other");
}

#[tokio::test]
async fn a_default_model_answers_unless_the_environment_names_one() {
    let named = detect::detected().unwrap().map(|provider| provider.name().to_owned());
    let by_default = Conversation::open(pack(), "other").default_provider(model(&[]));
    let provider = by_default.start().await.unwrap().shared.parts.provider.clone();
    assert_eq!(provider.name(), named.as_deref().unwrap_or("mock"));

    let given: Arc<dyn Provider> = Arc::new(crate::providers::scripted::Scripted::default());
    let both = Conversation::open(pack(), "other").default_provider(model(&[])).provider(given);
    let provider = both.start().await.unwrap().shared.parts.provider.clone();
    assert_eq!(provider.name(), "scripted", "what is given stands first");
}

#[tokio::test]
async fn an_answer_streams_and_its_last_piece_is_the_whole() {
    let model = model(&["Once upon a time."]);
    let conversation = opening(&model).start().await.unwrap();
    let mut stream = conversation.stream("a story").await.unwrap();
    let mut pieces = Vec::new();
    while let Some(chunk) = stream.next().await {
        match chunk.unwrap() {
            Chunk::Text(text) => pieces.push(text),
            Chunk::Done(response) => pieces.push(format!("[{}]", response.text())),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(pieces, ["Once ", "upon ", "a ", "time.", "[Once upon a time.]"]);
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn a_stream_can_be_processed_collected_or_combined() {
    use futures_util::{StreamExt, pin_mut};
    let model = model(&["One two.", "Three four.", "Five."]);
    let conversation = opening(&model).start().await.unwrap();

    let mut seen = 0;
    let stream = conversation.stream("a").await.unwrap();
    let response = stream.process(|_| seen += 1).await.unwrap();
    assert_eq!((seen, response.text()), (2, "One two."));
    let text = conversation.stream("b").await.unwrap().collect_text().await.unwrap();
    assert_eq!(text, "Three four.");
    let stream = conversation.stream("c").await.unwrap().into_stream();
    pin_mut!(stream);
    assert_eq!(stream.count().await, 2);
}

#[tokio::test]
async fn who_stops_reading_ends_the_answer_and_what_was_read_stays() {
    let model = model(&["Once upon a time.", "Well?"]);
    let conversation = opening(&model).start().await.unwrap();
    let mut stream = conversation.stream("a story").await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);
    conversation.send("go on").await.unwrap();
    let story = ["user: a story", "assistant: Once…", "user: go on", "assistant: Well?"];
    assert_eq!(said(&conversation), story);
}

#[tokio::test]
async fn a_model_that_fails_is_a_typed_error_and_the_conversation_goes_on() {
    let model = model(&[]);
    let refusal = || ProviderError::new("mock", ProviderErrorKind::Unauthorized, "no such key");
    model.add(MockAnswer::text("").failing_after(0, refusal()));
    model.add_response("Yes?");
    let conversation = opening(&model).start().await.unwrap();

    let error = conversation.send("hello").await.unwrap_err();

    let ConversationError::Provider(error) = error else { panic!("{error:?}") };
    assert!(error.kind == ProviderErrorKind::Unauthorized && error.reason == "no such key");
    assert_eq!(conversation.send("again").await.unwrap().text(), "Yes?");
}

#[tokio::test]
async fn tasks_share_it_and_their_turns_do_not_mix() {
    let model = Arc::new(MockProvider::answering(|asked| {
        let last = asked.messages.last().map(|message| message.text.clone());
        crate::providers::mock::MockAnswer::text(last.unwrap_or_default())
    }));
    let conversation = opening(&model).start().await.unwrap();
    let ask = |number: usize| {
        let conversation = conversation.clone();
        tokio::spawn(async move { conversation.send(format!("q{number}")).await.unwrap() })
    };
    let asked: Vec<_> = (0..20).map(ask).collect();
    for (number, task) in asked.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().text(), format!("q{number}"));
    }
    let lines = said(&conversation);
    assert_eq!(lines.len(), 40);
    for turn in lines.chunks(2) {
        assert_eq!(turn[0].replace("user", ""), turn[1].replace("assistant", ""));
    }
}

#[tokio::test]
async fn an_empty_message_is_refused() {
    let conversation = opening(&model(&[])).start().await.unwrap();
    assert!(matches!(conversation.send(" ").await, Err(ConversationError::Empty)));
}

#[tokio::test]
async fn the_events_of_a_turn_are_told() {
    let conversation = opening(&model(&["Hello there."])).start().await.unwrap();
    let mut events = conversation.subscribe();
    conversation.send("hi").await.unwrap();
    let mut told = Vec::new();
    while told.last().is_none_or(|kind| kind != "response_ended") {
        told.push(crate::session::tests::world::name(&events.next().await.unwrap().unwrap()));
    }
    let expected =
        ["typed", "response_started", "response_text", "response_text", "response_ended"];
    assert_eq!(told, expected);
}

/// A prompt that takes small images, looked at closely.
fn with_media(model: &Arc<MockProvider>) -> Opening {
    let mut pack = pack();
    let rules = json!({ "enabled": true, "supported_types": ["image"],
        "image": { "default_detail": "high", "max_images_per_msg": 1 } });
    pack.prompts.get_mut("guide").unwrap().media = Some(serde_json::from_value(rules).unwrap());
    let provider: Arc<dyn Provider> = Arc::<MockProvider>::clone(model);
    let opening = Conversation::open(pack, "guide").provider(provider).var("visitor", "Ann");
    opening.await_missing_tools()
}

#[tokio::test]
async fn what_is_attached_is_held_against_the_prompt_s_rules() {
    use crate::types::{Detail, Media, MediaKind};
    let model = model(&["A whale."]);
    let conversation = with_media(&model).start().await.unwrap();
    let png = || Media::bytes(MediaKind::Image, "image/png", &b"\x89PNG\r\n\x1a\n"[..]);

    let two = Message::user("What are these?").with(png()).with(png());
    let error = conversation.send(two).await.unwrap_err();
    assert!(matches!(error, ConversationError::Media(_)), "{error}");
    conversation.send(Message::user("What is this?").with(png())).await.unwrap();

    let asked = &model.requests()[0].messages;
    assert_eq!(asked.len(), 1, "what was refused was not said");
    assert_eq!(asked[0].media[0].detail, Some(Detail::High));
}

#[tokio::test]
async fn an_answer_may_show_something_and_tells_what_it_took_and_cost() {
    use crate::providers::Prices;
    use crate::types::{Media, MediaKind, Usage};
    let model = model(&[]);
    let picture = Media::bytes(MediaKind::Image, "image/png", &b"\x89PNG"[..]);
    let usage = Usage::of_text(1_000, 10);
    model.add(MockAnswer::text("A whale:").showing(picture.clone()).using(usage));
    let prices = Prices::new("0.5/1M".parse().unwrap(), "2/1M".parse().unwrap());
    let conversation = opening(&model).prices(prices).start().await.unwrap();

    let mut shown = 0;
    let stream = conversation.stream("Draw one.").await.unwrap();
    let response = stream
        .process(|chunk| shown += usize::from(matches!(chunk, Chunk::Media(_))))
        .await
        .unwrap();

    assert_eq!((shown, response.media()), (1, &[picture.clone()][..]));
    assert_eq!(response.usage, Some(usage));
    assert!(response.cost.is_some_and(|cost| (cost - 0.000_52).abs() < 1e-12), "{response:?}");
    assert_eq!(conversation.messages()[1].media, [picture]);
}

#[tokio::test]
async fn what_is_known_of_a_model_s_prices_counts_unless_others_are_given() {
    use crate::providers::{Price, Prices, ProviderSpec, Registry};
    use crate::types::{ToolPolicy, Usage};
    let usage = Usage::of_text(1_000, 10);
    let tokens = |input, output| Prices::new(Price::Item(input), Price::Item(output));
    let provider = |prices: Option<Prices>| {
        let mut registry = Registry::new();
        let answers = model(&[]);
        for _ in 0..2 {
            answers.add(MockAnswer::text("Yes.").using(usage));
        }
        registry.register("double", move |_| Ok(Arc::clone(&answers) as _)).unwrap();
        registry.make(&ProviderSpec { prices, ..ProviderSpec::new("a", "double") }).unwrap()
    };
    for (known, given, cost) in [
        (Some(tokens(1.0, 5.0)), None, Some(1_050.0)),
        (Some(tokens(1.0, 5.0)), Some(tokens(2.0, 0.0)), Some(2_000.0)),
        (Some(Prices::FREE), None, Some(0.0)),
        // Not known is not for nothing.
        (None, None, None),
    ] {
        let opening = Conversation::plain("").provider(provider(known));
        let opening = given.into_iter().fold(opening, Opening::prices);
        let conversation = opening.start().await.unwrap();
        assert_eq!(conversation.cost(), None);
        assert_eq!(conversation.send("Hello.").await.unwrap().cost, cost);
        assert_eq!(conversation.send("Hello.").await.unwrap().cost, cost);
        assert_eq!(conversation.cost(), cost.map(|cost| 2.0 * cost), "of all turns");
    }
    let bounded = |prices| {
        let policy = ToolPolicy { max_cost_usd: Some(1.0), ..ToolPolicy::default() };
        Conversation::plain("").provider(provider(prices)).tool_policy(policy).start()
    };
    bounded(Some(Prices::FREE)).await.unwrap();
    let error = bounded(None).await.unwrap_err();
    assert!(matches!(error, ConversationError::NoPrices), "{error}");
}
