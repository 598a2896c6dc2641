use super::*;
use crate::providers::{GeminiThinking, Reasoning, Thinking};

fn file(text: &str) -> FileText {
    FileText { name: "banter.toml".to_owned(), text: text.to_owned(), found: Found::Here }
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

fn complaints(text: &str) -> Vec<String> {
    let wrong = Settings::layered(&[], &[], Some(&file(text))).unwrap_err();
    wrong.iter().map(ToString::to_string).collect()
}

#[test]
fn a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default() {
    let file = file("language = \"de\"\n[llm]\nmodel = \"filed\"\n[tts]\nspeed = 1.5\n");
    let variables = [pair("BANTER_LLM_MODEL", "env"), pair("BANTER_TTS_SPEED", "0.5")];
    let flags = [("--speed".to_owned(), "tts.speed".to_owned(), "2".to_owned())];
    let settings = Settings::layered(&flags, &variables, Some(&file)).unwrap();
    for (key, value, origin) in [
        ("tts.speed", "2", "--speed"),
        ("llm.model", "\"env\"", "BANTER_LLM_MODEL"),
        ("language", "\"de\"", "banter.toml:1"),
        ("turn.silence_ms", "800", "default"),
    ] {
        let (found, from) = settings.get(key).unwrap();
        assert_eq!((found.shown(), from.to_string()), (value.to_owned(), origin.to_owned()));
    }
}

#[test]
fn an_empty_variable_is_not_given() {
    let settings = Settings::layered(&[], &[pair("BANTER_LANGUAGE", "")], None).unwrap();
    assert_eq!(settings.get("language").unwrap().1, &Origin::Default);
}

#[test]
fn all_that_is_wrong_with_a_file_is_told_at_once_with_lines_and_nearest_names() {
    let told = complaints("[llm]\nmodle = \"x\"\n[turn]\nbarge_in = \"defered\"\nsilence_ms = 5\n");
    let told = told.join("\n");
    for part in [
        "banter.toml:2: there is no setting `llm.modle`; did you mean `llm.model`?",
        "banter.toml:4: turn.barge_in",
        "did you mean deferred?",
        "banter.toml:5: turn.silence_ms: \"5\" is wrong; expected a whole number from 100 to 10000",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    let lines = complaints("[turn]\nsilence_ms = 5\n[stt]\nstream = \"x\"\n[llm]\nmodle = \"x\"\n");
    let lines: Vec<_> = lines.iter().filter_map(|told| told.get(..14)).collect();
    assert_eq!(lines, ["banter.toml:2:", "banter.toml:4:", "banter.toml:6:"]);
    let broken = complaints("language = \ngreeting = \n");
    assert!(broken[0].starts_with("banter.toml:1: ") && broken[1].starts_with("banter.toml:2: "));
    assert!(complaints("[ttts]\nvoice = \"x\"\n")[0].contains("did you mean `tts`?"));
    assert!(
        complaints("language = 3\n")[0].starts_with("banter.toml:1: language: expected a text")
    );
    assert!(complaints("language = \"en\"\n= 3\n")[0].starts_with("banter.toml:2: "));
}

#[test]
fn a_wrong_variable_is_named_and_an_unknown_one_is_warned_of() {
    let wrong = Settings::layered(&[], &[pair("BANTER_TTS_SPEED", "9")], None).unwrap_err();
    assert!(wrong[0].to_string().starts_with("BANTER_TTS_SPEED: tts.speed"), "{wrong:?}");
    let strange = [
        pair("BANTER_LLM_MODLE", "x"),
        pair("BANTER_LOG", "debug"),
        pair("BANTER_TEST_DEVICES", "1"),
    ];
    let settings = Settings::layered(&[], &strange, None).unwrap();
    assert_eq!(settings.warnings().len(), 1);
    assert!(settings.warnings()[0].ends_with("did you mean BANTER_LLM_MODEL?"));
}

#[test]
fn thinking_is_set_in_a_word_or_in_tokens() {
    let text = "[anthropic]\nthinking = 2048\n[gemini]\nthinking = \"low\"";
    let settings = Settings::layered(&[], &[], Some(&file(text))).unwrap();
    assert_eq!(settings.integer("anthropic.thinking"), Some(2_048));
    assert_eq!(settings.text("gemini.thinking"), Some("low"));
    let variables = [pair("ANTHROPIC_THINKING", "max"), pair("GEMINI_THINKING", "0")];
    let settings = Settings::layered(&[], &variables, Some(&file(text))).unwrap();
    assert_eq!(settings.text("anthropic.thinking"), Some("max"));
    assert_eq!(settings.integer("gemini.thinking"), Some(0));

    for wrong in ["12", "\"much\"", "\"1023\"", "true", "1.5"] {
        let told = complaints(&format!("[anthropic]\nthinking = {wrong}")).join("\n");
        assert!(told.starts_with("banter.toml:2: anthropic.thinking: "), "{told}");
        assert!(told.contains("whole number"), "{told}");
    }
    let told = complaints("[gemini]\nthinking = \"max\"").join("\n");
    let words =
        "off, adaptive, minimal, low, medium, high, xhigh, or a whole number from 0 to 65536";
    assert!(told.contains(words), "{told}");

    // The table takes what the models take.
    let kind = |key| Setting::of(key).unwrap().kind;
    let Kind::Amount(words, least, most) = kind("anthropic.thinking") else { panic!("no amount") };
    let all = words.iter().map(ToString::to_string).chain([least.to_string(), most.to_string()]);
    assert!(all.into_iter().all(|text| Thinking::of(&text).is_some()));
    let Kind::Amount(words, least, most) = kind("gemini.thinking") else { panic!("no amount") };
    let all = words.iter().map(ToString::to_string).chain([least.to_string(), most.to_string()]);
    assert!(all.into_iter().all(|text| GeminiThinking::of(&text).is_some()));
    let Kind::Choice(words) = kind("responses.reasoning") else { panic!("no choice") };
    assert!(words.iter().all(|word| Reasoning::of(word).is_some()));
}

#[test]
fn an_engine_s_name_that_is_wrong_tells_the_nearest() {
    for (text, hint) in [
        ("[stt]\nengine = \"pocketsphnix\"", Some("(did you mean pocketsphinx?)")),
        ("[llm]\nengine = \"opnai:gpt-4o\"", Some("(did you mean openai?)")),
        ("[tts]\nengine = \"espeak\"", Some("(did you mean espeak-ng?)")),
        ("[vad]\nengine = \"whatever\"", None),
    ] {
        let told = complaints(text).join("\n");
        assert!(told.starts_with("banter.toml:2: ") && told.contains("expected one of "), "{told}");
        assert_eq!(told.contains("did you mean"), hint.is_some(), "{told}");
        assert!(told.contains(hint.unwrap_or_default()), "{told}");
    }
    let right = "[llm]\nengine = \"scripted:my:rules.toml\"\n[tts]\nengine = \"flite:awb\"";
    assert!(Settings::layered(&[], &[], Some(&file(right))).is_ok());
}

#[test]
fn an_address_with_a_password_is_refused_and_not_quoted() {
    for address in ["https://me:hush@host/v1", "me:hush@host", "https://hush@host", "ftp://x@hush"]
    {
        let told = complaints(&format!("[openai]\nbase_url = \"{address}\"")).join("\n");
        assert!(told.contains("set the key as api_key") && !told.contains("hush"), "{told}");
    }
    let told = complaints("[openai]\nbase_url = \"localhost\"").join("\n");
    assert!(told.contains("\"localhost\" is wrong; expected an address such as"), "{told}");
}

#[test]
fn a_key_is_not_quoted_whatever_is_wrong_around_it() {
    for line in
        ["api_key = hush", "api_key = \"hush", "api_keys = \"hush\"", "api_key = [\"hush\"]"]
    {
        let told = complaints(&format!("[openai]\n{line}")).join("\n");
        assert!(told.starts_with("banter.toml:2: ") && !told.contains("hush"), "{told}");
    }
}

#[test]
fn an_address_with_a_query_is_refused_and_not_quoted() {
    for address in ["https://host/v1?api-key=hush", "host?hush", "https://host#hush"] {
        let told = complaints(&format!("[openai]\nbase_url = \"{address}\"")).join("\n");
        assert!(told.contains("set the key as api_key") && !told.contains("hush"), "{told}");
    }
}

#[test]
fn a_file_prints_without_what_is_in_it() {
    let told = format!("{:?}", file("[openai]\napi_key = \"hush\"\n"));
    assert!(told.contains("banter.toml") && !told.contains("hush"), "{told}");
}

#[test]
fn a_key_is_never_shown() {
    let variables = [pair("OPENAI_API_KEY", "sk-1234")];
    let settings = Settings::layered(&[], &variables, None).unwrap();
    assert_eq!(settings.get("openai.api_key").unwrap().0.shown(), "set");
    assert!(!format!("{settings:?}").contains("sk-1234"));
}

#[test]
fn the_template_without_its_marks_is_a_file_of_defaults() {
    let template = template();
    let plain = template.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
        _ => format!("{line}\n"),
    });
    let settings = Settings::layered(&[], &[], Some(&file(&plain.collect::<String>()))).unwrap();
    let defaults = Settings::layered(&[], &[], None).unwrap();
    for setting in TABLE {
        assert_eq!(settings.get(setting.key).unwrap().0, defaults.get(setting.key).unwrap().0);
    }
}

#[test]
fn a_store_is_made_by_its_name_and_one_with_a_password_is_not_shown() {
    let settings = |text: &str| {
        let file = file(&format!("[state]\nstore = \"{text}\"\nkeep_days = 30\n"));
        Settings::layered(&[], &[], Some(&file)).unwrap()
    };
    let found = settings("files:talks");
    assert_eq!(found.get("state.store").unwrap().0.shown(), "\"files:talks\"");
    assert_eq!(found.store().unwrap().name(), "files:talks");
    assert_eq!(found.retention().older_than.unwrap().as_secs(), 30 * 86_400);
    for address in ["redis://me:hush@host", "redis+unix:///x?pass=hush"] {
        let found = settings(address);
        assert_eq!(found.get("state.store").unwrap().0.shown(), "set");
        // It reaches the store nevertheless.
        match found.store() {
            Ok(store) => assert!(!store.name().contains("hush"), "{store:?}"),
            Err(error) => assert!(error.to_string().ends_with("--features redis"), "{error}"),
        }
    }
    let told = complaints("[state]\nstore = \"redsi://me:hush@host\"\n").join("\n");
    let expected =
        "banter.toml:2: state.store: \"redsi\" is wrong; expected one of memory, files, ";
    assert!(told.starts_with(expected) && !told.contains("hush"), "{told}");
    let nothing = Settings::layered(&[], &[], None).unwrap();
    assert_eq!(nothing.retention(), crate::state::Retention::default());
}
