use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;

use super::super::{FileText, Found};
use super::*;
use crate::duplex::{Detecting, Eagerness, ServerTurns};
use crate::net::mock::{MockDial, MockHttp, MockResponse};
use crate::providers::ProviderRequest;

fn settings(variables: &[(&str, &str)], file: Option<(Found, &str)>) -> Settings {
    layered(&[], variables, file)
}

/// Of flags (`--set`), variables and a file.
fn layered(
    flags: &[(&str, &str)],
    variables: &[(&str, &str)],
    file: Option<(Found, &str)>,
) -> Settings {
    let owned = |text: &str| text.to_owned();
    let flags: Vec<_> =
        flags.iter().map(|(key, value)| (owned("--set"), owned(key), owned(value))).collect();
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| (owned(name), owned(value))).collect();
    let file =
        file.map(|(found, text)| FileText { name: owned("banter.toml"), text: owned(text), found });
    Settings::layered(&flags, &variables, file.as_ref()).unwrap()
}

fn factory(settings: &Settings) -> Factory<'_> {
    Factory::new(settings, || Ok(Arc::new(MockHttp::new())))
}

const KEY: (&str, &str) = ("OPENAI_API_KEY", "sk-7");

#[test]
fn an_address_of_a_file_that_nobody_named_gets_no_key_from_elsewhere() {
    let own = ("BANTER_LLM_API_KEY", "sk-7");
    for (address, variables) in [
        ("[openai]\nbase_url = \"http://evil/v1\"\n", &[KEY][..]),
        ("[openai]\nbase_url = \"http://evil/v1\"\n", &[own]),
        ("[llm]\nbase_url = \"http://evil/v1\"\n", &[own]),
        ("[llm]\nbase_url = \"https://api.openai.com/v1/../x\"\n", &[own]),
    ] {
        let stray = settings(variables, Some((Found::Here, address)));
        let told = factory(&stray).provider().unwrap_err().to_string();
        let variable = variables[0].0;
        for part in ["banter.toml:2 sets ", "`--config banter.toml`", ".api_key in it", variable] {
            assert!(told.contains(part), "{part} is not in: {told}");
        }
        for chosen in [Found::Named, Found::OfUser] {
            let named = settings(variables, Some((chosen, address)));
            factory(&named).provider().unwrap();
        }
    }
    let flag = [("openai.api_key", "sk-7")];
    let stray = Some((Found::Here, "[openai]\nbase_url = \"http://evil/v1\"\n"));
    factory(&layered(&flag, &[], stray)).transcriber().unwrap_err();
    factory(&layered(&flag, &[], stray)).synthesizer().unwrap_err();
}

#[test]
fn a_file_that_nobody_named_may_have_its_own_key_or_none_and_the_usual_address() {
    for (file, variables) in [
        ("[openai]\nbase_url = \"http://mine/v1\"\napi_key = \"sk\"\n", &[][..]),
        ("[openai]\nbase_url = \"http://mine/v1\"\n", &[]),
        ("[openai]\nbase_url = \"https://api.openai.com/v1\"\n", &[KEY]),
        // The address beside it is from the environment.
        ("[llm]\napi_key = \"sk\"\n", &[("OPENAI_BASE_URL", "http://mine/v1")]),
        // It gets no common key anyhow.
        ("[llm]\nbase_url = \"http://mine/v1\"\n", &[KEY]),
    ] {
        let stray = settings(variables, Some((Found::Here, file)));
        factory(&stray).provider().unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

#[test]
fn the_way_to_services_is_made_once_and_only_for_those_who_need_it() {
    let made = AtomicUsize::new(0);
    let connect = || {
        made.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(MockHttp::new()) as Arc<dyn Http>)
    };
    let embedded = settings(&[("BANTER_STT_ENGINE", "mock")], None);
    let factory = Factory::new(&embedded, connect);
    factory.transcriber().unwrap();
    factory.provider().unwrap();
    factory.synthesizer().unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 0);

    let services = settings(&[KEY], None);
    let factory = Factory::new(&services, connect);
    factory.transcriber().unwrap();
    factory.provider().unwrap();
    factory.synthesizer().unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 1);

    let nowhere = || {
        let (host, reason) = ("any host".to_owned(), "HTTP_PROXY is wrong".to_owned());
        Err(NetError::Unreachable { host, reason })
    };
    let told = Factory::new(&services, nowhere).provider().unwrap_err().to_string();
    assert!(told.contains("HTTP_PROXY is wrong"), "{told}");
    Factory::new(&embedded, nowhere).provider().unwrap();
}

#[test]
fn the_model_behind_the_name_counts_unless_a_higher_layer_says_otherwise() {
    let file = "[llm]\nengine = \"openai:filed\"\nmodel = \"other\"\n";
    let file = Some((Found::Named, file));
    let model = |flags: &[_], variables: &[_]| {
        let settings = layered(flags, &[&[KEY], variables].concat(), file);
        factory(&settings).provider().unwrap().name().to_owned()
    };
    assert_eq!(model(&[], &[]), "openai:filed");
    assert_eq!(model(&[], &[("BANTER_LLM_MODEL", "env")]), "openai:env");
    assert_eq!(model(&[("llm.model", "flag")], &[("BANTER_LLM_MODEL", "env")]), "openai:flag");
    let named = [("llm.engine", "openai:named")];
    assert_eq!(model(&named, &[("BANTER_LLM_MODEL", "env")]), "openai:named");
    assert_eq!(model(&[named[0], ("llm.model", "flag")], &[]), "openai:named");
    // That nothing is to be set is no model.
    assert_eq!(model(&[("llm.model", "")], &[]), "openai:filed");

    let speech = "[stt]\nengine = \"openai:filed\"\n[tts]\nengine = \"openai:filed\"\n";
    let variables = [KEY, ("BANTER_STT_MODEL", "env"), ("BANTER_TTS_MODEL", "env")];
    let settings = settings(&variables, Some((Found::Named, speech)));
    let factory = factory(&settings);
    assert!(format!("{:?}", factory.transcriber().unwrap()).contains("\"env\""));
    assert!(format!("{:?}", factory.synthesizer().unwrap()).contains("\"env\""));
    assert_eq!(factory.name("stt"), "openai:env");
}

#[test]
fn the_name_of_an_engine_is_that_of_the_one_that_is_made() {
    let embedded = settings(&[("BANTER_TTS_ENGINE", "flite:slt")], None);
    let names = ["stt", "llm", "tts"].map(|engine| factory(&embedded).name(engine));
    assert_eq!(names, ["pocketsphinx", "scripted", "flite:slt"]);
    let service = settings(&[KEY, ("BANTER_LLM_MODEL", "mine")], None);
    assert_eq!(factory(&service).name("llm"), "openai:mine");
}

#[test]
fn each_vendor_has_its_key_its_address_and_its_model() {
    for (name, variable, usual) in VENDORS {
        let key = (*variable, "sk-7");
        let made = |variables: &[(&str, &str)]| {
            let settings = settings(variables, None);
            let factory = factory(&settings);
            let provider = factory.provider().unwrap();
            assert_eq!(factory.name("llm"), provider.name());
            assert!(provider.is_metered() && factory.is_service("llm"));
            provider.name().to_owned()
        };
        // By its key alone, by its name, and by its model.
        assert_eq!(made(&[key]), format!("{name}:{usual}"));
        assert_eq!(made(&[key, KEY, ("BANTER_LLM_ENGINE", name)]), format!("{name}:{usual}"));
        let named = format!("{name}:mine");
        assert_eq!(made(&[key, ("BANTER_LLM_ENGINE", &named)]), named);
        assert_eq!(made(&[key, ("BANTER_LLM_ENGINE", name), ("BANTER_LLM_MODEL", "mine")]), named);
        // With OpenAI's key as well, that one is taken.
        assert_eq!(made(&[key, KEY]), "openai:gpt-4o-mini");
        // The speech stays embedded.
        let settings = settings(&[key], None);
        assert_eq!(factory(&settings).name("stt"), "pocketsphinx");

        let told = |variables: &[(&str, &str)]| {
            let mut all = vec![("BANTER_LLM_ENGINE", *name)];
            all.extend(variables);
            factory(&layered(&[], &all, None)).provider().unwrap_err().to_string()
        };
        let missing = told(&[KEY]);
        assert!(missing.contains(&format!("set {variable}, or the address")), "{missing}");
        let stray = format!("[{name}]\nbase_url = \"http://evil\"\n");
        let stray = layered(&[("llm.engine", name)], &[key], Some((Found::Here, &stray)));
        let told = factory(&stray).provider().unwrap_err().to_string();
        assert!(told.contains("is not sent there"), "{told}");
    }
}

#[test]
fn responses_are_openais_other_protocol_at_the_same_address_with_the_same_key() {
    let settings = settings(&[KEY, ("BANTER_LLM_ENGINE", "responses")], None);
    assert_eq!(factory(&settings).provider().unwrap().name(), "responses:gpt-4o-mini");
    assert_eq!(factory(&settings).name("stt"), "openai:gpt-4o-mini-transcribe");
    let missing = layered(&[("llm.engine", "responses:m")], &[], None);
    let told = factory(&missing).provider().unwrap_err().to_string();
    assert!(told.contains("set OPENAI_API_KEY, or the address"), "{told}");
}

#[tokio::test]
async fn how_a_model_thinks_is_told_by_settings_and_by_its_table() {
    let adaptive = serde_json::json!({ "type": "adaptive" });
    let budget = serde_json::json!({ "type": "enabled", "budget_tokens": 2_048 });
    let anthropic = "[anthropic]\nthinking = \"max\"\n[providers.a]\ntype = \"anthropic\"\n";
    let own = format!("{anthropic}options = {{ thinking = 2048 }}\n");
    let gemini = "[gemini]\nthinking = 512\n[providers.a]\ntype = \"gemini\"\n";
    let level = format!("{gemini}options = {{ thinking = \"low\" }}\n");
    for (engine, text, place, told) in [
        ("anthropic", anthropic, "/thinking", &adaptive),
        ("anthropic", anthropic, "/output_config/effort", &"max".into()),
        ("a", anthropic, "/thinking", &adaptive),
        ("a", &own, "/thinking", &budget),
        ("gemini", gemini, "/generationConfig/thinkingConfig/thinkingBudget", &512.into()),
        ("a", &level, "/generationConfig/thinkingConfig/thinkingLevel", &"LOW".into()),
    ] {
        let http = Arc::new(MockHttp::new());
        http.answer(MockResponse::new("text/event-stream", [""]));
        let keys = [("ANTHROPIC_API_KEY", "sk-1"), ("GEMINI_API_KEY", "sk-2")];
        let settings = layered(&[("llm.engine", engine)], &keys, Some((Found::OfUser, text)));
        let factory = Factory::new(&settings, || Ok(Arc::clone(&http) as Arc<dyn Http>));
        let model = factory.provider().unwrap();
        let _nothing: Vec<_> = model.stream(ProviderRequest::default()).collect().await;
        let body: serde_json::Value = serde_json::from_slice(&http.requests()[0].body).unwrap();
        assert_eq!(body.pointer(place), Some(told), "{engine} of {text}");
    }
}

const VENDORS: &[(&str, &str, &str)] = &[
    ("anthropic", "ANTHROPIC_API_KEY", "claude-haiku-4-5"),
    ("gemini", "GEMINI_API_KEY", "gemini-2.5-flash"),
];

#[test]
fn whoever_lacks_a_key_is_told_the_variable_that_counts() {
    let told = |variables: &[(&str, &str)]| {
        let mut all = vec![("BANTER_LLM_ENGINE", "openai")];
        all.extend(variables);
        factory(&settings(&all, None)).provider().unwrap_err().to_string()
    };
    let common = told(&[]);
    assert!(common.contains("set OPENAI_API_KEY, or the address"), "{common}");
    // The common key does not count here.
    let own = told(&[("BANTER_LLM_BASE_URL", "https://api.openai.com/v1"), KEY]);
    assert!(own.contains("set BANTER_LLM_API_KEY, or the address"), "{own}");
    assert!(!own.contains("OPENAI_API_KEY,"), "{own}");
}

#[test]
fn what_embedded_engines_do_not_heed_is_noted() {
    let all = ["stt", "llm", "tts"];
    let notes = |variables: &[_]| factory(&settings(variables, None)).notes(&all);
    let plain = notes(&[]);
    assert_eq!(plain.len(), 1, "{plain:?}");
    assert!(plain[0].starts_with("small embedded engines: pocketsphinx, scripted, flite"));
    assert_eq!(notes(&[("BANTER_LANGUAGE", "en-GB")]).len(), 1);
    assert_eq!(notes(&[KEY, ("BANTER_LANGUAGE", "de"), ("BANTER_TTS_VOICE", "nova")]).len(), 0);

    let german = notes(&[("BANTER_LANGUAGE", "de")]).join("\n");
    for part in [
        "the language is set to de, but pocketsphinx hears English only",
        "but scripted answers in English only",
        "but flite speaks English only; choose espeak-ng",
    ] {
        assert!(german.contains(part), "{part} is not in: {german}");
    }
    let voice = notes(&[("BANTER_TTS_VOICE", "nova"), ("BANTER_TTS_ENGINE", "flite:awb")]);
    assert_eq!(
        voice[1..],
        ["tts.voice is for services, not for flite; choose its voice as --tts flite:VOICE"]
    );
}

#[test]
fn espeak_speaks_the_language_unless_its_voice_is_named() {
    for (engine, language, voice) in [
        ("espeak-ng", "de", "\"de\""),
        ("espeak-ng", "pt_BR", "\"pt-BR\""),
        ("espeak-ng", "en", "\"en-us\""),
        ("espeak-ng:fr", "de", "\"fr\""),
    ] {
        let settings =
            settings(&[("BANTER_TTS_ENGINE", engine), ("BANTER_LANGUAGE", language)], None);
        let engine = format!("{:?}", factory(&settings).synthesizer().unwrap());
        assert!(engine.contains(voice), "{engine}");
    }
    let settings = settings(&[("BANTER_TTS_ENGINE", "espeak-ng"), ("BANTER_LANGUAGE", "de")], None);
    assert_eq!(factory(&settings).notes(&["tts"]), Vec::<String>::new());
}

/// `duplex.options` with these turns, and what comes of it.
fn turns(there: &str, provider: &str, detection: &str) -> (Result<(), String>, Detecting) {
    let options = format!("{{\"turn_detection\": {detection}}}");
    let flags = [
        ("duplex.model", "m"),
        ("duplex.provider", provider),
        ("duplex.turns", there),
        ("duplex.options", &options),
        ("openai.api_key", "sk-7"),
        ("gemini.api_key", "sk-8"),
    ];
    let settings = layered(&flags, &[], None);
    let made = factory(&settings).duplex(Arc::new(MockDial::new()));
    let made = made.map(drop).map_err(|error| error.to_string());
    (made, settings.session().duplex.detecting)
}

#[test]
fn openai_is_told_how_to_detect_turns_where_it_does() {
    let ms = Duration::from_millis;
    let by_silence = r#"{"type": "server_vad", "threshold": 0.6, "prefix_padding_ms": 200,
        "silence_duration_ms": 700, "idle_timeout_ms": 6000}"#;
    let expected = ServerTurns {
        threshold: Some(0.6),
        prefix: Some(ms(200)),
        silence: Some(ms(700)),
        idle: Some(ms(6_000)),
        ..ServerTurns::default()
    };
    for there in ["there", "both"] {
        assert_eq!(turns(there, "openai", by_silence), (Ok(()), Detecting::There(expected)));
    }
    let by_sense = r#"{"type": "semantic_vad", "eagerness": "low"}"#;
    let expected = ServerTurns { semantic: Some(Eagerness::Low), ..ServerTurns::default() };
    assert_eq!(turns("there", "openai", by_sense), (Ok(()), Detecting::There(expected)));
}

#[test]
fn turn_detection_that_cannot_be_is_told() {
    for (there, provider, detection, told) in [
        ("here", "openai", r#"{"type": "server_vad"}"#, "duplex.turns to there or both"),
        ("there", "openai", r#"{"type": "server_vad", "threshold": 2}"#, "from 0 to 1"),
        ("there", "openai", r#"{"type": "server_vad", "eagerness": "low"}"#, "eagerness"),
        ("there", "openai", r#"{"type": "other"}"#, "server_vad"),
        ("both", "openai", r#"{"type": "semantic_vad", "eagerness": "soon"}"#, "soon"),
        ("both", "openai", r#"{"type": "server_vad", "create_response": true}"#, "create_response"),
        ("there", "gemini", r#"{"type": "server_vad"}"#, "turn_detection"),
    ] {
        let (made, _) = turns(there, provider, detection);
        let error = made.unwrap_err();
        assert!(error.contains(told), "{detection}: {error}");
    }
}
