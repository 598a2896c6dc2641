//! `banter models`, and a detector on a library that is fetched or broken: as a user meets them.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::lacking::lacking;

/// The program, with this folder of models and no other settings.
fn banter(models: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
    command.args(arguments).env("BANTER_MODELS", models).env_remove("BANTER_MODELS_SOURCE");
    command.env("NO_COLOR", "1").current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn run(models: &Path, arguments: &[&str]) -> Output {
    banter(models, arguments).output().unwrap()
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// The archives that the set-up has fetched; `None`, and said so, if it has not.
fn archives() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx");
    if folder.join("models/installed").exists() {
        return Some(folder.join("archives"));
    }
    lacking("onnx", "scripts/setup.sh --tests has not fetched the ONNX Runtime and Silero");
    None
}

fn fetched() -> Option<PathBuf> {
    archives().map(|folder| folder.with_file_name("models"))
}

/// Serves the files of a folder, from the byte that is asked for. Of each answer it sends at most
/// `most` bytes, and then nothing more. It ends with the test.
fn serve(folder: PathBuf, most: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let mut held = Vec::new();
        for socket in listener.incoming() {
            held.extend(answer(socket.unwrap(), &folder, most));
        }
    });
    address
}

/// The socket, if there would be more to be sent.
fn answer(mut socket: TcpStream, folder: &Path, most: usize) -> Option<TcpStream> {
    let mut lines = BufReader::new(socket.try_clone().unwrap()).lines().map(Result::unwrap);
    let request = lines.next()?;
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let from = head.iter().find_map(|line| {
        line.to_lowercase().strip_prefix("range: bytes=")?.strip_suffix('-')?.parse().ok()
    });
    let name = request.split(' ').nth(1)?.rsplit('/').next()?.to_owned();
    let Ok(file) = fs::read(folder.join(name)) else {
        let _gone = socket.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
        return None;
    };
    let (start, all) = (from.unwrap_or(0), file.len());
    let status = match from {
        Some(_) => format!("206 Partial Content\r\ncontent-range: bytes {start}-{}/{all}", all - 1),
        None => "200 OK".to_owned(),
    };
    let rest = &file[start..];
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", rest.len());
    let _gone = socket.write_all(head.as_bytes());
    let _gone = socket.write_all(&rest[..rest.len().min(most)]);
    (rest.len() > most).then_some(socket)
}

#[test]
fn models_are_listed_with_what_there_is_of_them() {
    let models = TempDir::new().unwrap();
    let (text, _) = said(&run(models.path(), &["models", "list"]));
    for part in
        ["silero", "onnxruntime", "MIT", "1.3 MB", "missing", &models.path().display().to_string()]
    {
        assert!(text.contains(part), "{part} is not in: {text}");
    }
    fs::write(models.path().join("silero-6.2.3.onnx"), "broken").unwrap();
    let (text, _) = said(&run(models.path(), &["models", "list", "--json"]));
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["name"], &lines[0]["state"]), (&"silero".into(), &"broken".into()));
    assert_eq!(lines[0]["size"], 1_289_603);
    assert_eq!(lines.len(), 3);
}

#[test]
fn what_is_pulled_is_verified_and_used() {
    let Some(archives) = archives() else { return };
    let models = TempDir::new().unwrap();
    let source = serve(archives, usize::MAX);
    let pull = ["models", "pull", "silero", "onnxruntime", "--source", &source];
    let output = run(models.path(), &pull);
    let (text, progress) = said(&output);
    assert!(output.status.success(), "{progress}");
    assert_eq!(text.lines().count(), 2, "{text}");
    // It is piped: no line is written over.
    assert!(progress.contains("silero 6.2.3  11.3 MB of 11.3 MB\n"), "{progress}");
    assert!(!progress.contains('\r') && progress.lines().count() <= 10, "{progress}");

    let output = run(models.path(), &["models", "verify", "silero", "onnxruntime"]);
    let (text, _) = said(&output);
    assert!(output.status.success() && text.matches("there: ").count() == 2, "{text}");

    let output = run(models.path(), &["vad", "--vad", "silero", "assets/sentences/04.wav"]);
    let (text, told) = said(&output);
    assert!(output.status.success() && text.lines().count() == 1, "{text} {told}");
    assert_eq!(told, "", "the runtime says nothing by itself");
}

#[test]
fn a_pull_that_is_stopped_goes_on() {
    let Some(archives) = archives() else { return };
    let models = TempDir::new().unwrap();
    let slow = serve(archives.clone(), 6_000_000);
    let mut pull = Stopped(
        banter(models.path(), &["models", "pull", "silero", "--source", &slow])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let mut told = BufReader::new(pull.0.stderr.take().unwrap());
    let mut line = String::new();
    // More than half of it has come, and the server sends no more.
    let done = |line: &str| line.split_whitespace().nth(2)?.parse::<f64>().ok();
    while done(&line).is_none_or(|megabytes| megabytes < 5.6) {
        line.clear();
        assert!(told.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    kill_process(Pid::from_child(&pull.0), Signal::INT).unwrap();
    let status = pull.0.wait().unwrap();
    told.read_to_string(&mut line).unwrap();
    assert_eq!(status.code(), Some(130), "{line}");
    assert!(line.contains("the next pull goes on from there"), "{line}");
    let (text, _) = said(&run(models.path(), &["models", "list"]));
    assert!(text.contains("begun"), "{text}");

    // The variable does what the flag does.
    let whole = serve(archives, usize::MAX);
    let output = banter(models.path(), &["models", "pull", "silero"])
        .env("BANTER_MODELS_SOURCE", &whole)
        .output()
        .unwrap();
    let (_, progress) = said(&output);
    assert!(output.status.success(), "{progress}");
    assert!(!progress.contains(" 0.0 MB of"), "it began anew: {progress}");
}

/// Ends it whatever happens.
struct Stopped(Child);

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _ended = self.0.wait();
    }
}

#[test]
fn what_fails_is_told_with_what_to_do() {
    let (models, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let wheel = "silero_vad-6.2.3-py3-none-any.whl";
    fs::write(other.path().join(wheel), vec![0; 11_317_527]).unwrap();
    let source = serve(other.path().to_owned(), usize::MAX);
    for (arguments, parts) in [
        (&["pull", "whisper"][..], &["no model is called `whisper`", "onnxruntime"][..]),
        (&["pull", "onnxruntime", "--source", &source], &["404", "cannot fetch onnxruntime"]),
        (&["pull", "silero", "--source", &source], &["its hash is another", "another source"]),
        (&["pull", "silero", "--source", "http://me:hush@host"], &["http"]),
        (&["verify", "whisper"], &["no model is called `whisper`"]),
    ] {
        let output = run(models.path(), &[&["models"], arguments].concat());
        let (_, told) = said(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
        for part in parts {
            assert!(told.contains(part) && !told.contains("hush"), "{part} is not in: {told}");
        }
    }
    fs::write(models.path().join("silero-6.2.3.onnx"), "broken").unwrap();
    let output = run(models.path(), &["models", "verify"]);
    let (text, _) = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("fetch it with `banter models pull silero`"), "{text}");
}

/// Compiles a library that claims to be an ONNX Runtime; `None`, and said so, without a compiler.
fn library(folder: &Path, name: &str, code: &str) -> Option<PathBuf> {
    let (source, library) = (folder.join(format!("{name}.c")), folder.join(format!("{name}.so")));
    fs::write(&source, code).unwrap();
    let compiled =
        Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).output();
    if compiled.is_ok_and(|output| output.status.success()) {
        return Some(library);
    }
    lacking("cc", "there is no C compiler");
    None
}

/// What the detector says with this library.
fn with_library(library: &Path) -> Output {
    let models = TempDir::new().unwrap();
    let setting = format!("onnx.library={}", library.display());
    run(models.path(), &["vad", "--vad", "silero", "assets/sentences/04.wav", "-s", &setting])
}

/// A library with an interface that gives this version, and this for every other question.
fn claims(version: &str, api: &str) -> String {
    format!(
        "static const char *version(void) {{ return \"{version}\"; }}\n\
         static const void *api(unsigned number) {{ (void) number; return {api}; }}\n\
         static struct {{ const void *(*api)(unsigned); const char *(*version)(void); }} base = {{ api, version }};\n\
         const void *OrtGetApiBase(void) {{ return &base; }}\n"
    )
}

#[test]
fn a_library_that_is_none_is_told_and_nothing_breaks() {
    let folder = TempDir::new().unwrap();
    let text = folder.path().join("text.so");
    fs::write(&text, "no library").unwrap();
    let empty = library(folder.path(), "empty", "int nothing;");
    let old = library(folder.path(), "old", &claims("1.16.3", "0"));
    let liar = library(folder.path(), "liar", &claims("1.99.0", "0"));
    let base = library(folder.path(), "base", "void *OrtGetApiBase(void) { return 0; }");
    for (library, why) in [
        (Some(text), ""),
        (empty, "no OrtGetApiBase"),
        (old, "its version is 1.16.3"),
        (liar, "does not keep to its interface"),
        (base, "does not keep to its interface"),
    ] {
        let Some(library) = library else { continue };
        let output = with_library(&library);
        let (_, told) = said(&output);
        assert_eq!(output.status.code(), Some(1), "{told}");
        for part in [why, "banter models pull onnxruntime", "onnx.library"] {
            assert!(told.contains(part), "{part} is not in: {told}");
        }
    }
}

#[test]
fn a_setting_that_points_nowhere_is_named() {
    let Some(fetched) = fetched() else { return };
    for (setting, parts) in [
        (
            "onnx.library=/no/such.so",
            ["/no/such.so", "banter models pull onnxruntime", "onnx.library"],
        ),
        (
            "onnx.silero=/no/such.onnx",
            ["/no/such.onnx", "banter models pull silero", "onnx.silero"],
        ),
        (
            "onnx.silero=README.md",
            ["the model of Silero cannot be used", "models pull silero", "onnx.silero"],
        ),
        ("onnx.silero=src", ["src cannot be read", "it is not a file", "onnx.silero"]),
    ] {
        let arguments = ["vad", "--vad", "silero", "assets/sentences/04.wav", "-s", setting];
        let output = run(&fetched, &arguments);
        let (_, told) = said(&output);
        assert_eq!(output.status.code(), Some(1), "{setting}: {told}");
        for part in parts {
            assert!(told.contains(part), "{part} is not in: {told}");
        }
    }
}

#[test]
fn a_model_hears_whether_turns_are_over() {
    let Some(fetched) = fetched() else { return };
    let turns = ["bench", "turns", "--model", "off", "--model", "smart-turn", "--check"];
    let (text, told) = said(&run(&fetched, &turns));
    assert!(text.contains("balanced+smart-turn") && text.contains("; 0 failed"), "{text}{told}");
    let models = TempDir::new().unwrap();
    let onnxruntime = format!("onnx.library={}", fetched.join(LIBRARY).display());
    for command in [&["bench", "turns", "--model", "smart-turn"][..], &["doctor", SMART_TURN]] {
        let arguments = [command, &["-s", &onnxruntime]].concat();
        let output = run(models.path(), &arguments);
        let (text, told) = said(&output);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {text}{told}");
        for part in ["banter models pull smart-turn", "onnx.smart_turn"] {
            assert!(text.contains(part) || told.contains(part), "{part}: {text}{told}");
        }
    }
}

const SMART_TURN: &str = "--set=turn.model=smart-turn";
const LIBRARY: &str = "libonnxruntime-1.31.1.so";

#[test]
fn a_file_that_nobody_named_cannot_choose_a_library() {
    let Some(fetched) = fetched() else { return };
    let here = TempDir::new().unwrap();
    let library = fetched.join("libonnxruntime-1.31.1.so");
    let text = format!("[onnx]\nlibrary = {:?}\n", library.display().to_string());
    fs::write(here.path().join("banter.toml"), text).unwrap();
    let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sentences/04.wav");
    let vad = |more: &[&str]| {
        let mut command = banter(&fetched, &["vad", "--vad", "silero"]);
        command.arg(&sound).args(more).current_dir(here.path()).output().unwrap()
    };
    let output = vad(&[]);
    let (_, told) = said(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("onnx.library") && told.contains("--config"), "{told}");
    assert!(vad(&["--config", "banter.toml"]).status.success());
}

#[test]
fn it_listens_in_simulated_calls_the_same_each_time() {
    let Some(fetched) = fetched() else { return };
    let call = ["simulate", "question", "--vad", "silero"];
    let [(log, told), again] = [(); 2].map(|()| said(&run(&fetched, &call)));
    assert!(log.contains("\"turn_started\"") && told.is_empty(), "{log}{told}");
    assert_eq!((log, told), again);
}

#[test]
fn a_vote_listens_with_both() {
    let Some(fetched) = fetched() else { return };
    for vote in ["silero+earshot", "earshot+silero", "earshot+energy"] {
        let output = run(&fetched, &["vad", "--vad", vote, "assets/sentences/04.wav"]);
        let (text, told) = said(&output);
        assert!(output.status.success() && text.lines().count() == 1, "{vote}: {text} {told}");
    }
    let output = run(&fetched, &["vad", "--vad", "earshot+ernergy", "assets/sentences/04.wav"]);
    let (_, told) = said(&output);
    assert!(told.contains("or two of them, as earshot+webrtc"), "{told}");
}
