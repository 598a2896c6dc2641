use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use http::StatusCode;
use serde_json::Value;

use super::*;
use crate::net::mock::{MockFault, MockHttp, MockRequest, MockResponse};
use crate::providers::mock::{MockAnswer, MockProvider};
use crate::providers::retry::RetryPolicy;
use crate::providers::{Credential, ListedPrices, Price, Prices, ProviderEvent, ProviderRequest};
use crate::types::Message;

fn registry() -> (Registry, Arc<MockHttp>) {
    let http = Arc::new(MockHttp::new());
    let registry = Registry::new().with_variables(|_| None).with_http(Arc::clone(&http) as _);
    (registry, http)
}

fn request(parameters: Parameters) -> ProviderRequest {
    let messages = vec![Message::user("Hello.")];
    ProviderRequest { messages, parameters, ..ProviderRequest::default() }
}

/// What the provider sends when it is asked so.
async fn sent(
    registry: &Registry,
    http: &MockHttp,
    spec: &ProviderSpec,
    parameters: Parameters,
) -> (MockRequest, Value) {
    http.answer(MockResponse::new("text/event-stream", ["data: [DONE]\n\n"]));
    let provider = registry.make(spec).unwrap();
    let _whatever: Vec<_> = provider.stream(request(parameters)).collect().await;
    let sent = http.requests().pop().unwrap();
    let body = serde_json::from_slice(&sent.body).unwrap();
    (sent, body)
}

#[tokio::test]
async fn what_a_request_says_beats_the_spec_which_beats_the_registry() {
    let temperature = |temperature| Parameters { temperature, ..Parameters::default() };
    for (global, own, asked, expected) in [
        (None, None, None, None),
        (Some(0.1), None, None, Some(0.1)),
        (Some(0.1), Some(0.5), None, Some(0.5)),
        (Some(0.1), Some(0.5), Some(1.0), Some(1.0)),
        (Some(0.1), None, Some(1.0), Some(1.0)),
        (None, Some(0.5), None, Some(0.5)),
    ] {
        let (registry, http) = registry();
        let registry = registry.with_defaults(temperature(global));
        let spec = ProviderSpec::new("a", "openai").base_url("http://here/v1");
        let spec = spec.defaults(temperature(own));
        let (_, body) = sent(&registry, &http, &spec, temperature(asked)).await;
        let found = body.get("temperature").and_then(Value::as_f64).map(|found| found as f32);
        assert_eq!(found, expected, "{global:?} {own:?} {asked:?}");
    }
    // Each by itself: the layers are mixed.
    let (registry, http) = registry();
    let registry = registry.with_defaults(Parameters { seed: Some(7), ..temperature(Some(0.1)) });
    let own = Parameters { max_tokens: Some(50), ..temperature(Some(0.5)) };
    let spec = ProviderSpec::new("a", "openai").base_url("http://here/v1").defaults(own);
    let asked = Parameters { top_p: Some(0.25), ..Parameters::default() };
    let (_, body) = sent(&registry, &http, &spec, asked).await;
    assert_eq!((&body["seed"], &body["max_tokens"]), (&7.into(), &50.into()));
    assert_eq!((&body["top_p"], &body["temperature"]), (&0.25.into(), &0.5.into()));
}

#[tokio::test]
async fn a_spec_says_model_address_key_and_headers() {
    let (registry, http) = registry();
    let spec = ProviderSpec::new("mine", "openai")
        .model("large")
        .base_url("http://here:1/v1")
        .key("sk-12345678")
        .header("X-Team", "voice");
    let (sent, body) = sent(&registry, &http, &spec, Parameters::default()).await;
    assert_eq!(body["model"], "large");
    assert_eq!(sent.uri, "http://here:1/v1/chat/completions");
    assert_eq!(sent.headers["authorization"], "Bearer sk-12345678");
    assert_eq!(sent.headers["x-team"], "voice");
    let provider = registry.make(&spec).unwrap();
    assert_eq!(provider.name(), "mine:large");
    assert!(provider.is_metered());
    assert!(!format!("{provider:?}").contains("sk-12345678"));
}

#[tokio::test]
async fn a_secret_header_is_in_no_error() {
    let (registry, http) = registry();
    let spec = ProviderSpec::new("a", "anthropic").base_url("http://here").key("sk-12345678");
    let spec = spec.header("x-also", "hush-87654321").header("anthropic-version", "2099-01-01");
    let said = "{\"error\": {\"message\": \"not sk-12345678 nor hush-87654321\"}}";
    http.answer(MockResponse::new("application/json", [said]).with_status(StatusCode::BAD_REQUEST));
    let provider = registry.make(&spec).unwrap();
    let error = provider.stream(request(Parameters::default())).next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("not [secret] nor [secret]"), "{error}");
    // A header of a spec takes the place of the type's.
    let sent = http.requests().pop().unwrap();
    let versions: Vec<_> = sent.headers.get_all("anthropic-version").iter().collect();
    assert_eq!(versions, ["2099-01-01"]);
}

#[tokio::test]
async fn an_answer_brings_what_went_over_the_wire_if_its_spec_says_so() {
    for (kind, said) in [
        ("openai", r#"{"choices":[{"message":{"content":"sk-12345678?"}}]}"#),
        (
            "responses",
            r#"{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"sk-12345678?"}]}]}"#,
        ),
        (
            "anthropic",
            r#"{"type":"message","content":[{"type":"text","text":"sk-12345678?"}],"stop_reason":"end_turn"}"#,
        ),
        (
            "gemini",
            r#"{"candidates":[{"content":{"parts":[{"text":"sk-12345678?"}]},"finishReason":"STOP"}]}"#,
        ),
    ] {
        let spec = ProviderSpec::new("a", kind).base_url("http://here/v1").key("sk-12345678");
        for (spec, is_told) in [(spec.clone(), false), (spec.raw(), true)] {
            let (registry, http) = registry();
            http.answer(MockResponse::new("application/json", [said]));
            let answer = registry.make(&spec).unwrap().stream(request(Parameters::default()));
            let events: Vec<_> = answer.map(Result::unwrap).collect().await;
            let [_, raw @ .., ProviderEvent::Finished { .. }] = &events[..] else {
                panic!("{kind}: {events:?}")
            };
            assert_eq!(!raw.is_empty(), is_told, "{kind}");
            let [ProviderEvent::Raw(raw)] = raw else { continue };
            assert_eq!(raw.request.as_bytes(), http.requests().pop().unwrap().body);
            assert_eq!(raw.response, [said.replace("sk-12345678", "[secret]")], "but for the key");
        }
    }
}

#[test]
fn a_key_is_looked_for_where_the_type_has_it_but_not_for_another_server() {
    let key = |spec: ProviderSpec| {
        let http: Arc<dyn Http> = Arc::new(MockHttp::new());
        let found = |name: &str| (name == "ANTHROPIC_API_KEY").then(|| Secret::new("sk-1"));
        let registry = Registry::new().with_variables(found).with_http(http);
        Blueprint::new(&spec, &registry).key().unwrap().is_some()
    };
    let spec = || ProviderSpec::new("a", "anthropic");
    assert!(key(spec()));
    assert!(key(spec().base_url("https://api.anthropic.com")));
    assert!(!key(spec().base_url("http://here")));
    assert!(!key(spec().credential(Credential::None)));
    assert!(!key(ProviderSpec::new("a", "openai")));
    assert!(key(
        ProviderSpec::new("a", "ollama").credential(Credential::variable("ANTHROPIC_API_KEY"))
    ));
}

#[test]
fn a_provider_is_made_once_and_shared() {
    let made = Arc::new(AtomicUsize::new(0));
    let (mut registry, _) = registry();
    let count = Arc::clone(&made);
    let parrot = move |plan: &Blueprint<'_>| {
        count.fetch_add(1, Ordering::Relaxed);
        let word = plan.model()?.to_owned();
        Ok(Arc::new(MockProvider::answering(move |_| MockAnswer::text(word.clone()))) as _)
    };
    registry.register("parrot", parrot).unwrap();
    registry.add(ProviderSpec::new("polly", "parrot").model("Cracker.")).unwrap();
    registry.add(ProviderSpec::new("joe", "mock")).unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 0);

    let (one, other) = (registry.get("polly").unwrap(), registry.get("polly").unwrap());
    assert!(Arc::ptr_eq(&one, &other));
    assert_eq!(made.load(Ordering::Relaxed), 1);
    assert!(!Arc::ptr_eq(&one, &registry.get("joe").unwrap()));
    assert_eq!(registry.list().map(|spec| &*spec.id).collect::<Vec<_>>(), ["joe", "polly"]);
    assert!(registry.kinds().any(|kind| kind == "parrot"));
}

/// Counts how often it was closed.
#[derive(Debug, Default)]
struct Door(AtomicUsize);

impl Provider for Door {
    fn name(&self) -> &str {
        "door"
    }

    fn stream(&self, _: ProviderRequest) -> crate::providers::ProviderStream {
        Box::pin(futures_util::stream::empty())
    }

    fn close(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn what_was_made_is_closed_and_nothing_is_made_any_more() {
    let (mut registry, _) = registry();
    let door = Arc::new(Door::default());
    let same = Arc::clone(&door);
    registry.register("door", move |_| Ok(Arc::clone(&same) as _)).unwrap();
    let seed = Parameters { seed: Some(1), ..Parameters::default() };
    registry.add(ProviderSpec::new("front", "door").defaults(seed)).unwrap();
    registry.add(ProviderSpec::new("back", "door")).unwrap();
    registry.get("front").unwrap();

    registry.close();
    registry.close();
    assert_eq!(door.0.load(Ordering::Relaxed), 1, "the one that was made, once");
    assert!(matches!(registry.get("back"), Err(RegistryError::Closed)));
}

#[test]
fn what_is_wrong_says_what_to_do() {
    let (mut registry, _) = registry();
    let told =
        |registry: &Registry, spec: ProviderSpec| registry.make(&spec).unwrap_err().to_string();
    for (spec, parts) in [
        (ProviderSpec::new("a", "opnai"), &["`a` is of no type `opnai`", "mean `openai`?"][..]),
        (ProviderSpec::new("a", "ollama"), &["`a` needs the name of a model", "`a:MODEL`"]),
        (ProviderSpec::new("a", "openai"), &["api.openai.com asks for a key: set OPENAI_API_KEY"]),
        (
            ProviderSpec::new("a", "openai").credential(Credential::variable("MINE")),
            &["`a`: set the environment variable MINE"],
        ),
        (
            ProviderSpec::new("a", "gemini").key("k").option("saftey", "off"),
            &["`saftey`", "`safety`"],
        ),
        (ProviderSpec::new("a", "gemini").key("k").option("safety", "on"), &["off, high, medium"]),
        (ProviderSpec::new("a", "responses").key("k").option("reasoning", "x"), &["minimal"]),
        (
            ProviderSpec::new("a", "anthropic").key("k").option("thinking", 1_000),
            &["thinking is off", "tokens from 1024 to 128000"],
        ),
        (
            ProviderSpec::new("a", "gemini").key("k").option("thinking", "max"),
            &["thinking is off", "xhigh", "tokens from 0 to 65536"],
        ),
        (
            ProviderSpec::new("a", "anthropic").key("k").option("cache", 3),
            &["options are wrong", "cache"],
        ),
        (ProviderSpec::new("a", "openai").key("k").header("x y", "1"), &["`x y` cannot be sent"]),
        (ProviderSpec::new("a", "openai").base_url("here"), &["\"here\" is no address"]),
        (ProviderSpec::new("a", "scripted").option("rules", "no/such.toml"), &["no/such.toml"]),
        (ProviderSpec::new("a", "mock").option("x", 1), &["unknown field `x`"]),
    ] {
        let error = told(&registry, spec);
        for part in parts {
            assert!(error.contains(part), "{part} is not in: {error}");
        }
    }
    registry.add(ProviderSpec::new("fast", "openai")).unwrap();
    let told = registry.get("fsat").unwrap_err().to_string();
    assert!(told.contains("no provider is named `fsat` (did you mean `fast`?)"), "{told}");
    assert!(matches!(
        registry.add(ProviderSpec::new("fast", "mock")),
        Err(RegistryError::Taken(_))
    ));
    assert!(matches!(registry.add(ProviderSpec::new("a:b", "mock")), Err(RegistryError::Id(_))));
    let taken = registry.register("mock", |plan| Err(plan.wrong("no")));
    assert!(matches!(taken, Err(RegistryError::TypeTaken(_))));
}

#[test]
fn every_type_that_is_built_in_can_be_made() {
    let (registry, _) = registry();
    for kind in ProviderKind::ALL {
        let spec = ProviderSpec::new("a", kind.name());
        let spec = if kind.key_variable().is_some() { spec.key("sk") } else { spec };
        let spec = if kind.is_service() { spec.model("m") } else { spec };
        let provider = registry.make(&spec).unwrap_or_else(|error| panic!("{kind:?}: {error}"));
        let name = if kind.is_service() { "a:m" } else { kind.name() };
        assert_eq!(provider.name(), name);
        assert_eq!(provider.is_metered(), kind.key_variable().is_some(), "{kind:?}");
    }
}

#[test]
fn a_spec_says_how_often_it_is_asked_again_and_all_share_a_budget() {
    let (registry, _) = registry();
    let usual = RetryPolicy { retries: 2, ..RetryPolicy::default() };
    let registry = registry.with_retries(Retries::new(usual));
    let of = |retries| {
        let spec = ProviderSpec { retries, ..ProviderSpec::new("a", "ollama").model("m") };
        registry.make(&spec).unwrap().retries().unwrap().clone()
    };
    let (own, other) = (of(Some(5)), of(None));
    assert_eq!((own.policy().retries, other.policy().retries), (5, 2));
    let error = crate::providers::ProviderError::failed("a", "down");
    let spent = (0..20).filter(|_| own.pause(0, &error).is_some()).count();
    assert_eq!((spent, other.pause(0, &error)), (10, None));
}

#[tokio::test(start_paused = true)]
async fn a_spec_says_how_long_a_service_may_be_silent() {
    let (registry, http) = registry();
    let never = MockResponse::new("text/event-stream", [""]);
    http.answer(never.with_fault(MockFault::Hang));
    let patience = Some(Duration::from_millis(700));
    let spec = ProviderSpec { patience, ..ProviderSpec::new("a", "ollama").model("m") };
    let provider = registry.make(&spec).unwrap();
    let error = provider.stream(request(Parameters::default())).next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("700ms"), "{error}");
}

#[tokio::test]
async fn what_servers_of_ones_own_add_is_merged_into_each_request() {
    let json = serde_json::json!({
        "min_p": 0.25, "repetition_penalty": 1.5, "ignore_eos": true, "skip_special_tokens": false,
        "priority": -1, "reasoning_effort": "low",
        "chat_template_kwargs": { "enable_thinking": false },
        "structured_outputs": { "choice": ["yes", "no"] }, "guided_json": { "type": "object" },
        "guided_regex": "a+", "guided_choice": ["a", "b"], "guided_grammar": "root ::= 'a'",
    });
    let Value::Object(options) = json else { unreachable!() };
    let extra = serde_json::json!({ "best_of": 2, "temperature": 0 });
    let spec =
        ProviderSpec { options: options.clone(), ..ProviderSpec::new("a", "vllm").model("m") };
    let (registry, http) = registry();
    let asked = Parameters { temperature: Some(0.5), top_k: Some(40), ..Parameters::default() };
    let (request, body) = sent(&registry, &http, &spec.option("extra", extra), asked).await;
    assert_eq!(request.uri, "http://localhost:8000/v1/chat/completions");
    assert!(!request.headers.contains_key("authorization"));
    for (name, value) in &options {
        assert_eq!(body[name], *value, "{name}");
    }
    assert_eq!((&body["best_of"], &body["top_k"]), (&2.into(), &40.into()));
    // What a request says, nothing extra says.
    assert_eq!(body["temperature"], 0.5);

    for kind in ["openai", "ollama", "llama-server", "lm-studio"] {
        let spec = ProviderSpec::new("a", kind).model("m").key("sk");
        let spec = spec.option("extra", serde_json::json!({ "cache_prompt": true }));
        let spec = spec.option("reasoning_effort", "none");
        let asked = Parameters { top_k: Some(40), ..Parameters::default() };
        let (_, body) = sent(&registry, &http, &spec, asked).await;
        assert_eq!(
            (&body["cache_prompt"], &body["reasoning_effort"]),
            (&true.into(), &"none".into())
        );
        // OpenAI's own server refuses what it does not know.
        assert_eq!(body.get("top_k").is_some(), kind != "openai", "{kind}");
    }
}

#[tokio::test]
async fn ollama_loads_its_model_when_the_user_begins_to_speak_and_keeps_it() {
    let (registry, http) = registry();
    let of = |kept: Value| ProviderSpec::new("a", "ollama").model("m").option("keep_alive", kept);
    let loaded = |request: &MockRequest| request.uri == "http://localhost:11434/api/generate";
    for kept in [Value::from("30m"), Value::from(-1)] {
        let provider = registry.make(&of(kept.clone())).unwrap();
        http.answer(MockResponse::new("application/json", ["{\"done\": true}"]));
        let before = http.requests().len();
        provider.warm();
        provider.warm();
        let deadline = tokio::time::timeout(Duration::from_secs(10), async {
            while http.requests().len() == before {
                tokio::task::yield_now().await;
            }
        });
        deadline.await.unwrap();
        let requests = http.requests();
        let [request] = &requests[before..] else { panic!("asked once: {requests:?}") };
        assert!(loaded(request), "{}", request.uri);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body, serde_json::json!({ "model": "m", "keep_alive": kept, "stream": false }));
    }
    // The conversation goes where it went, and does not tell it there, where it is not heeded.
    let (request, body) = sent(&registry, &http, &of("1h".into()), Parameters::default()).await;
    assert_eq!(request.uri, "http://localhost:11434/v1/chat/completions");
    assert_eq!(body.get("keep_alive"), None);
    let told = registry.make(&of(true.into())).unwrap_err().to_string();
    assert!(told.contains("keep_alive is a text as \"30m\", or seconds"), "{told}");
}

#[test]
fn what_each_request_says_cannot_be_said_by_a_spec() {
    let (registry, _) = registry();
    for own in ["model", "messages", "stream", "tools"] {
        let extra = Value::Object([(own.to_owned(), Value::Null)].into_iter().collect());
        let spec = ProviderSpec::new("a", "vllm").model("m").option("extra", extra);
        let told = registry.make(&spec).unwrap_err().to_string();
        assert!(told.contains(&format!("extra has `{own}`, which each request says")), "{told}");
    }
}

#[test]
fn a_model_costs_what_its_spec_says_else_what_is_known_and_nothing_on_this_machine() {
    let (registry, _) = registry();
    let prices = |spec: ProviderSpec| registry.make(&spec).unwrap().prices();
    let listed = |host, model| Some(ListedPrices::of(host, model).unwrap().prices);
    let known = listed("api.openai.com", "gpt-4o-mini");
    let openai = || ProviderSpec::new("a", "openai").key("sk");
    let own = Prices::new(Price::Item(1.0), Price::Item(2.0));
    for (spec, expected) in [
        (openai(), known),
        (openai().model("gpt-4o-mini-2024-07-18"), known),
        (ProviderSpec::new("a", "responses").key("sk"), known),
        (
            ProviderSpec::new("a", "anthropic").key("sk"),
            listed("api.anthropic.com", "claude-haiku-4-5"),
        ),
        (
            ProviderSpec::new("a", "gemini").key("sk"),
            listed("generativelanguage.googleapis.com", "gemini-2.5-flash"),
        ),
        (openai().prices(own), Some(own)),
        (openai().model("gpt-99"), None),
        // Somebody else's model of that name.
        (openai().base_url("https://there/v1"), None),
        (openai().base_url("https://there/v1").prices(own), Some(own)),
        (openai().base_url("http://localhost/v1"), Some(Prices::FREE)),
        (ProviderSpec::new("a", "ollama").model("m"), Some(Prices::FREE)),
        (ProviderSpec::new("a", "vllm").model("m"), Some(Prices::FREE)),
        (ProviderSpec::new("a", "llama-server"), Some(Prices::FREE)),
        (ProviderSpec::new("a", "lm-studio").model("m"), Some(Prices::FREE)),
        (ProviderSpec::new("a", "ollama").model("m").base_url("https://there").key("sk"), None),
        // Its key stands in a header of its own.
        (
            ProviderSpec::new("a", "vllm")
                .model("m")
                .base_url("https://there")
                .header("x", "sk-12345678"),
            None,
        ),
        (ProviderSpec::new("a", "scripted"), Some(Prices::FREE)),
        (ProviderSpec::new("a", "mock"), None),
    ] {
        let named = format!("{spec:?}");
        assert_eq!(prices(spec), expected, "{named}");
    }
}
