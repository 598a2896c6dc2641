//! Settings as the program shows, checks and uses them.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
mod program;
#[expect(dead_code, reason = "only the program needs devices, not this test")]
#[path = "support/pulse.rs"]
mod pulse;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Output;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use crate::program::{banter, can_talk, run};

#[test]
fn a_setting_is_shown_with_where_it_comes_from() {
    let folder = with_file("language = \"de\"\n\n[turn]\nsilence_ms = 600\n");
    let mut command = alone(&folder, &["config", "--silence", "700", "-s", "tts.speed=1.5"]);
    command.env("BANTER_LLM_MODEL", "mine");
    let output = run(command);

    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = stdout(&output);
    for (key, expected) in [
        ("stt.model", "stt.model \"gpt-4o-mini-transcribe\" default"),
        ("llm.model", "llm.model \"mine\" BANTER_LLM_MODEL"),
        ("language", "language \"de\" banter.toml:1"),
        ("turn.silence_ms", "turn.silence_ms 700 --silence"),
        ("tts.speed", "tts.speed 1.5 --set"),
        ("greeting", "greeting not set default"),
    ] {
        let line = text.lines().find(|line| line.split(' ').next() == Some(key)).unwrap();
        assert_eq!(line.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    }
}

#[test]
fn a_file_that_is_named_beats_the_one_that_lies_there() {
    let folder = with_file("language = \"de\"\n");
    fs::write(folder.path().join("mine.toml"), "language = \"fr\"\n").unwrap();
    let text = stdout(&run(alone(&folder, &["config", "--config", "mine.toml"])));
    assert!(text.contains("\"fr\"") && text.contains("mine.toml:1"), "{text}");

    let output = run(alone(&folder, &["config", "--config", "no/such.toml"]));
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no/such.toml cannot be read"), "{output:?}");
}

#[test]
fn a_file_in_the_home_is_read_where_there_is_no_other() {
    let folder = TempDir::new().unwrap();
    let settings = folder.path().join(".config/banter");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.join("banter.toml"), "language = \"fr\"\n").unwrap();
    let text = stdout(&run(alone(&folder, &["config"])));
    assert!(text.contains(".config/banter/banter.toml:1"), "{text}");
}

#[test]
fn all_that_is_wrong_is_told_at_once_in_the_order_of_the_lines() {
    let folder = with_file(
        "[turn]\nsilence_ms = 5\n[llm]\nmodle = \"x\"\nengine = \"opnai\"\n[openai]\nbase_url = \
         \"https://me:hush@host/v1\"\napi_key = 3\n",
    );
    for command in ["config", "talk", "chat", "doctor"] {
        let output = run(alone(&folder, &[command]));
        assert_eq!(output.status.code(), Some(1), "{command}: {output:?}");
        let text = stdout(&output) + &stderr(&output);
        let mut rest = text.as_str();
        for part in [
            "banter.toml:2: turn.silence_ms: \"5\" is wrong; expected a whole number from 100",
            "banter.toml:4: there is no setting `llm.modle`; did you mean `llm.model`?",
            "banter.toml:5: llm.engine: \"opnai\" is wrong",
            "(did you mean openai?)",
            "banter.toml:7: openai.base_url: the address has a user or password in it",
            "banter.toml:8: openai.api_key: expected a text in quotes",
        ] {
            let at = rest.find(part).unwrap_or_else(|| panic!("{command}: {part} not in\n{text}"));
            rest = &rest[at..];
        }
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn a_key_is_in_no_output() {
    let server = server(401, r#"{"error": {"message": "Incorrect: AUTHORIZATION"}}"#);
    let files = ["--input", "in.wav", "--output", "out.wav"];
    let talk = [&["talk", "--plain", "--speed", "max", "--events", "events.jsonl"], &files[..]];
    let doctor = [&["doctor"], &files[..]].concat();
    let talk = talk.concat();
    // With the engine whose key is in each place, and how many engines are refused.
    for (command, refused) in [
        (&["config"][..], 0),
        (&["config", "--template"], 0),
        (&["chat"], 1),
        (&["chat", "--json"], 1),
        (SERVE, 0),
        (&doctor, 3),
        (&talk, 1),
    ] {
        let told = told_with_keys(command, RIGHT, &["-s", "tts.api_key=sk-in-a-flag"], &server);
        assert!(!told.contains("sk-in"), "{command:?}: {told}");
        // The keys were sent, and came back.
        assert!(told.matches("Incorrect: [secret]").count() >= refused, "{command:?}: {told}");
    }
}

#[test]
fn a_key_in_a_setting_that_is_wrong_is_in_no_output() {
    let server = server(401, "AUTHORIZATION");
    let right = ["-s", "tts.api_key=sk-in-a-flag"];
    let wrong_files = [
        "[stt]\napi_key = sk-in-the-file\n",
        "[stt]\napi_key = \"sk-in-the-file\n",
        "[stt]\napi_kee = \"sk-in-the-file\"\n",
        "[stt]\napi_key = [\"sk-in-the-file\"]\n",
        "[stt]\nbase_url = \"http://sk-in-the-file@host/v1\"\n",
        "[stt]\nbase_url = \"http://host/v1?api-key=sk-in-the-file\"\n",
        "[stt]\nbase_url = \"http://evil/v1\"\napi_key = \"sk-in-the-file\\n\"\n",
    ];
    let wrong_flags = [
        ["-s", "tts.api_kee=sk-in-a-flag"],
        ["-s", "tts.api_key:sk-in-a-flag"],
        ["-s", "tts.base_url=http://me:sk-in-a-flag@host"],
        ["-s", "tts.base_url=host?key=sk-in-a-flag"],
        ["-s", "tts.api_key=sk-in-a-flag\u{7}"],
    ];
    let cases = wrong_files.iter().map(|file| (*file, &right));
    for (file, flags) in cases.chain(wrong_flags.iter().map(|flags| (RIGHT, flags))) {
        for command in ["config", "chat", "serve", "doctor", "talk"] {
            let command = match command {
                "config" | "chat" => vec![command],
                "serve" => SERVE.to_vec(),
                sound => vec![sound, "--input", "in.wav", "--output", "out.wav"],
            };
            let told = told_with_keys(&command, file, flags, &server);
            assert!(!told.is_empty() && !told.contains("sk-in"), "{command:?} {flags:?}: {told}");
        }
    }
}

/// All that the program writes, with a key in the environment for the model, one in its file for
/// the recogniser, and with flags, at full length of its log.
fn told_with_keys(command: &[&str], file: &str, flags: &[&str], server: &str) -> String {
    let folder = with_sound();
    fs::write(folder.path().join("banter.toml"), file).unwrap();
    fs::write(folder.path().join("lines"), "hello\n").unwrap();
    let mut command = alone(&folder, &[command, flags].concat());
    command.env("OPENAI_API_KEY", "sk-in-the-env").env("OPENAI_BASE_URL", server);
    command.env("BANTER_LLM_API_KEY", "sk-in-the-model-s-env").env("BANTER_LOG", "trace");
    command.stdin(fs::File::open(folder.path().join("lines")).unwrap());
    let output = run(command);
    // The conversation's events are written to a file.
    let events = fs::read_to_string(folder.path().join("events.jsonl")).unwrap_or_default();
    stdout(&output) + &stderr(&output) + &events
}

/// Until the standard input ends.
const SERVE: &[&str] = &["serve", "--pcm", "--listen", "127.0.0.1:0", "--until-eof"];
const RIGHT: &str = "[stt]\napi_key = \"sk-in-the-file\"\n";

#[test]
fn a_file_that_nobody_named_does_not_lead_a_key_astray() {
    let folder = TempDir::new().unwrap();
    let server = server(401, r#"{"error": {"message": "I got AUTHORIZATION"}}"#);
    let file = format!("[openai]\nbase_url = \"{server}\"\n");
    fs::write(folder.path().join("banter.toml"), file).unwrap();
    fs::write(folder.path().join("lines"), "hello\n").unwrap();
    let told = |arguments: &[&str]| {
        let mut command = alone(&folder, arguments);
        command.env("OPENAI_API_KEY", "sk-1234");
        command.stdin(fs::File::open(folder.path().join("lines")).unwrap());
        let output = run(command);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        stdout(&output) + &stderr(&output)
    };

    let stray = told(&["chat"]);
    for part in ["banter.toml:2 sets openai.base_url", "OPENAI_API_KEY", "`--config banter.toml`"] {
        assert!(stray.contains(part), "{part} is not in: {stray}");
    }
    assert!(!stray.contains("I got"), "{stray}");
    let doctor = told(&["doctor"]);
    assert!(doctor.contains("→ name the file with `--config banter.toml`"), "{doctor}");

    let named = told(&["chat", "--config", "banter.toml"]);
    assert!(named.contains("I got [secret]"), "{named}");
}

#[test]
fn a_proxy_that_is_wrong_harms_only_those_who_use_a_service() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("lines"), "hello\n").unwrap();
    let chat = |arguments: &[&str]| {
        let mut command = alone(&folder, arguments);
        command.env("HTTPS_PROXY", "http://me:hush@").env("BANTER_LLM_API_KEY", "sk-1234");
        command.stdin(fs::File::open(folder.path().join("lines")).unwrap());
        run(command)
    };
    let embedded = chat(&["chat", "--llm", "scripted"]);
    assert_eq!(embedded.status.code(), Some(0), "{embedded:?}");
    assert!(!stdout(&embedded).is_empty());

    let service = chat(&["chat"]);
    assert_eq!(service.status.code(), Some(1), "{service:?}");
    let told = stderr(&service);
    assert!(told.contains("HTTPS_PROXY is no address of a proxy; correct or unset it"), "{told}");
    let doctor = stdout(&chat(&["doctor", "--stt", "mock", "--tts", "mock"]));
    assert!(doctor.contains("→ correct or unset it"), "{doctor}");
}

#[test]
fn the_template_uncommented_is_a_file_of_defaults() {
    let folder = TempDir::new().unwrap();
    let template = stdout(&run(alone(&folder, &["config", "--template"])));
    let lines = template.lines().map(|line| match line.strip_prefix('#') {
        Some(setting) if !setting.starts_with(' ') => setting,
        _ => line,
    });
    let lines: Vec<_> = lines.collect();
    let without = stdout(&run(alone(&folder, &["config"])));

    // As it is, it changes nothing at all.
    fs::write(folder.path().join("banter.toml"), &template).unwrap();
    assert_eq!(stdout(&run(alone(&folder, &["config"]))), without);

    fs::write(folder.path().join("banter.toml"), lines.join("\n")).unwrap();
    let output = run(alone(&folder, &["config"]));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let values = |text: &str| {
        let key_and_value =
            |line: &str| line.rsplit_once(' ').map(|(rest, _)| rest.trim().to_owned());
        text.lines().filter_map(key_and_value).collect::<Vec<_>>()
    };
    assert_eq!(values(&stdout(&output)), values(&without));
}

#[test]
fn shells_complete_flags() {
    let folder = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(alone(&folder, &["completions", shell]));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let text = stdout(&output);
        assert!(text.contains("push-to-talk") && text.contains("input"), "{shell}");
    }
    assert!(stdout(&run(alone(&folder, &["completions", "bash"]))).contains("--input"));
    let help = stdout(&run(alone(&folder, &["completions", "--help"])));
    assert!(help.contains("~/.zfunc/_banter"), "{help}");
}

#[test]
fn the_embedded_engines_do_their_work_and_the_exit_code_is_the_truth() {
    if !can_talk() {
        return;
    }
    let folder = with_sound();
    let files = ["--input", "in.wav", "--output", "out.wav"];
    let output = run(alone(&folder, &[&["doctor"], &files[..]].concat()));
    let text = stdout(&output);
    for line in ["ok    synthesizer     flite", "ok    model           scripted"] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
    let heard = text.lines().find(|line| line.starts_with("ok    recogniser")).unwrap();
    assert!(heard.ends_with("\"hello\""), "{heard}");
    assert!(text.ends_with("A conversation is possible: start it with `banter talk`.\n"), "{text}");
    assert_eq!(output.status.code(), Some(0));
    assert!(!folder.path().join("out.wav").exists(), "it does not write");

    // With what the machine has.
    let output = run(alone(&folder, &["doctor"]));
    let fails = stdout(&output).lines().any(|line| line.starts_with("FAIL"));
    assert_eq!(output.status.code(), Some(i32::from(fails)), "{output:?}");
}

#[test]
fn with_a_microphone_and_a_speaker_a_conversation_is_possible() {
    if !can_talk() {
        return;
    }
    let Some(server) = pulse::Server::start() else { return };
    let folder = TempDir::new().unwrap();
    let mut command = alone(&folder, &["doctor"]);
    server.apply(command.as_std_mut());
    let output = run(command);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("; silent just now: is it muted?"), "{text}");

    let mut command = alone(&folder, &["doctor", "--input", "no such microphone"]);
    server.apply(command.as_std_mut());
    let output = run(command);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("→ choose another with --input: `banter devices` lists them"), "{text}");
}

#[test]
fn what_is_missing_comes_with_what_to_do() {
    let folder = with_sound();
    let mut command = alone(
        &folder,
        &["doctor", "--input", "in.wav", "--output", "out.wav", "--stt", "mock", "--llm", "openai"],
    );
    // No program is found here.
    command.env("PATH", folder.path());
    let output = run(command);

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stdout(&output);
    for part in [
        "--    espeak-ng ",
        "FAIL  synthesizer     cannot start the speech synthesizer flite",
        "→ run `apt-get install flite`",
        "FAIL  model           api.openai.com asks for a key",
        "→ set OPENAI_API_KEY",
        "A conversation is not possible: synthesizer: ",
    ] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[test]
fn a_service_that_refuses_is_told_with_the_setting_to_change() {
    let folder = with_sound();
    let server = server(401, r#"{"error": {"message": "no such key"}}"#);
    let mut command = alone(&folder, &["doctor", "--input", "in.wav", "--output", "out.wav"]);
    command.env("OPENAI_API_KEY", "sk-1234").env("OPENAI_BASE_URL", server);
    let output = run(command);

    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = stdout(&output);
    for part in ["FAIL  synthesizer", "FAIL  recogniser", "FAIL  model", "no such key"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    let remedy = "→ set another openai.api_key (now set, by OPENAI_API_KEY)";
    assert_eq!(text.matches(remedy).count(), 3, "{text}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_the_doctor_while_a_service_is_silent() {
    let folder = with_sound();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = alone(&folder, &["doctor", "--input", "in.wav", "--output", "out.wav"]);
    let address = format!("http://{}", listener.local_addr().unwrap());
    command.env("OPENAI_API_KEY", "sk-1234").env("OPENAI_BASE_URL", address);
    command.stdout(std::process::Stdio::piped());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let status = runtime.block_on(async {
        let mut child = command.spawn().unwrap();
        // It has asked: from now on it waits.
        let asked = tokio::task::spawn_blocking(move || listener.accept().unwrap());
        let _connection = tokio::time::timeout(LIMIT, asked).await.unwrap().unwrap();
        let id = child.id().unwrap().to_string();
        Command::new("kill").args(["-INT", &id]).status().await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), child.wait()).await.unwrap().unwrap()
    });
    assert_eq!(status.code(), Some(130));
}

/// The program in `folder`, which is also its home, without any of the environment.
fn alone(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = banter(arguments);
    command.current_dir(folder.path()).env_clear().env("HOME", folder.path());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

fn with_file(text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("banter.toml"), text).unwrap();
    folder
}

fn with_sound() -> TempDir {
    let folder = TempDir::new().unwrap();
    let sentence = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sentences/01.wav");
    fs::copy(sentence, folder.path().join("in.wav")).unwrap();
    folder
}

/// The address of a server that answers each request so, until the test ends. What it says of
/// `AUTHORIZATION` is that of the request, as some servers do.
fn server(status: u16, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            connection.set_read_timeout(Some(LIMIT)).unwrap();
            let mut head = vec![0; 16 * 1024];
            let length = connection.read(&mut head).unwrap();
            let head = String::from_utf8_lossy(&head[..length]).into_owned();
            let key = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer "));
            let body = body.replace("AUTHORIZATION", key.unwrap_or_default());
            let length = body.len();
            let _closed = write!(
                connection,
                "HTTP/1.1 {status} No\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    address
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

const LIMIT: Duration = Duration::from_secs(30);
