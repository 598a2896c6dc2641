use crate::lacking::lacking;
use std::future::Future;

use futures_util::StreamExt;

use super::super::pcm::MIN_CHUNK;
use super::super::{EspeakNg, Flite, Synthesizer};
use super::*;

type Chunks = Vec<AudioChunk>;

#[tokio::test]
async fn real_engines_speak_at_their_rate() {
    for engine in engines() {
        let chunks = sound(engine.speak(SpeakRequest::new(SENTENCE))).await.unwrap();
        assert!(chunks.iter().all(|chunk| chunk.rate() == engine.rate()));
        assert!(chunks.iter().all(|chunk| chunk.duration() <= MAX_CHUNK));
        let short = chunks.iter().filter(|chunk| chunk.duration() < MIN_CHUNK).count();
        assert!(
            chunks.len() > 5 && short <= 2,
            "only the first and the last may be short, not {short}"
        );
        let seconds = seconds(&chunks);
        assert!((1.0..5.0).contains(&seconds), "{} spoke for {seconds} s", engine.name());
    }
}

#[tokio::test]
async fn speed_is_obeyed() {
    for engine in engines() {
        let mut request = SpeakRequest::new(SENTENCE);
        let normal = seconds(&sound(engine.speak(request.clone())).await.unwrap());
        request.speed = 2.0;
        let fast = seconds(&sound(engine.speak(request)).await.unwrap());
        assert!((0.4..0.65).contains(&(fast / normal)), "{}: {fast} {normal}", engine.name());
    }
}

#[tokio::test]
async fn any_text_is_text_and_no_option_or_command() {
    for engine in engines() {
        for text in [
            "-h hello",
            "--help",
            "$(touch x); `ls` 'a",
            "a\0b\x1b[2J\nc",
            "[[_^_de]] x",
            "é 你好 🎉",
        ] {
            let chunks = sound(engine.speak(SpeakRequest::new(text))).await.unwrap();
            assert!(seconds(&chunks) > 0.1, "{} {text:?}", engine.name());
        }
        for blank in ["", " \n\t", "\0"] {
            let chunks = sound(engine.speak(SpeakRequest::new(blank))).await.unwrap();
            assert!(chunks.is_empty(), "{blank:?}");
        }
    }
}

#[tokio::test]
async fn an_unknown_voice_fails_with_words() {
    for engine in engines() {
        let mut request = SpeakRequest::new("Hello.");
        request.voice = Some("nobody".to_owned());
        let error = sound(engine.speak(request)).await.unwrap_err();
        assert!(error.contains("voice"), "{error}");
    }
}

#[tokio::test]
async fn sound_comes_before_the_end_and_without_believing_lengths() {
    // Says its head and one sample, then waits for ever.
    let mut stream = shell(&format!("{HEAD} printf '\\1\\0'; exec sleep 100"));
    let first = within(stream.next()).await.unwrap().unwrap();
    assert_eq!(first, SpeechEvent::Audio(AudioChunk::new([1], SampleRate::SPEECH)));
}

#[tokio::test]
async fn an_odd_last_byte_is_dropped() {
    let chunks = sound(shell(&format!("{HEAD} printf '\\1\\0\\2'"))).await.unwrap();
    assert_eq!(chunks, [AudioChunk::new([1], SampleRate::SPEECH)]);
}

#[tokio::test]
async fn failures_say_why() {
    for (script, reason) in [
        ("echo no such thing >&2; exit 3", "status 3: no such thing"),
        ("kill -TERM $$", "killed by SIGTERM"),
        ("printf 'hello'", "no WAV sound"),
        ("true", "no sound"),
        ("HEAD", "no sound"),
        ("HEAD printf 1234; kill -SEGV $$", "killed by SIGSEGV"),
        ("head -c 200000 /dev/zero >&2; exit 1", "status 1"),
    ] {
        let error = sound(shell(&script.replace("HEAD", HEAD))).await.unwrap_err();
        assert!(error.contains(reason), "{script}: {error}");
    }
}

#[tokio::test]
async fn another_rate_than_promised_is_refused() {
    let program = Program { name: "sh", rate: SampleRate::new(8_000).unwrap() };
    let error = sound(run(program, ["-c", HEAD])).await.unwrap_err();
    assert!(error.contains("16000 Hz, not at 8000 Hz"), "{error}");
}

#[tokio::test]
async fn a_missing_program_is_told_how_to_be_installed() {
    let program = Program { name: "no-such-synthesizer", rate: SampleRate::SPEECH };
    let mut stream = run(program, []);
    let Some(Err(error @ TtsError::Start { .. })) = stream.next().await else { panic!() };
    assert!(error.to_string().contains("`apt-get install no-such-synthesizer`"), "{error}");
    assert!(error.to_string().contains("`make setup`"), "{error}");
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_gives_nothing_has_failed() {
    // The paused clock jumps to the limit while the process sleeps.
    let error = sound(shell("exec sleep 100")).await.unwrap_err();
    assert!(error.contains("nothing for 10 s"), "{error}");
}

#[tokio::test]
async fn dropping_the_stream_ends_the_process_and_leaves_no_zombie() {
    for script in ["exec sleep 100", "trap '' TERM; exec cat /dev/zero"] {
        let speaking = start(SH, &["-c", script]);
        let pid = speaking.child.id().unwrap();
        assert!(exists(pid));
        drop(speaking);
        gone(pid).await;
    }
}

#[tokio::test]
async fn a_real_engine_killed_in_the_middle_names_the_signal() {
    if !installed("espeak-ng") {
        return;
    }
    // Minutes of sound: the process waits for its reader, who has read the first chunk only.
    let program = Program { name: "espeak-ng", rate: SampleRate::new(22_050).unwrap() };
    let mut speaking = start(program, &["--stdout", &SENTENCE.repeat(100)]);
    assert!(within(speaking.next()).await.unwrap().is_some());
    speaking.child.start_kill().unwrap();
    let error = loop {
        match within(speaking.next()).await {
            Ok(chunk) => assert!(chunk.is_some(), "it ended well"),
            Err(error) => break error,
        }
    };
    assert!(error.contains("SIGKILL"), "{error}");
}

#[test]
fn control_characters_are_not_passed_on() {
    assert_eq!(plain("a\0b\n"), Some("a b".to_owned()));
    assert_eq!(plain("\0 \x1b"), None);
}

fn engines() -> Vec<Box<dyn Synthesizer>> {
    let all: [Box<dyn Synthesizer>; 2] =
        [Box::new(Flite::default()), Box::new(EspeakNg::default())];
    all.into_iter().filter(|engine| installed(engine.name())).collect()
}

fn installed(program: &str) -> bool {
    let found = std::process::Command::new(program).arg("--version").output().is_ok();
    if !found {
        lacking(program, "not installed");
    }
    found
}

fn start(program: Program, args: &[&str]) -> Speaking {
    Speaking::start(program, &mut command(program, args.iter().copied())).unwrap()
}

fn shell(script: &str) -> SpeechStream {
    run(SH, ["-c", script])
}

async fn sound(stream: SpeechStream) -> Result<Chunks, String> {
    let events: Vec<_> = within(stream.collect()).await;
    let mut chunks = Chunks::new();
    for event in events {
        match event {
            Ok(SpeechEvent::Audio(chunk)) => chunks.push(chunk),
            Ok(word) => return Err(format!("{word:?}")),
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(chunks)
}

async fn within<F: Future>(work: F) -> F::Output {
    timeout(Duration::from_secs(60), work).await.expect("it waits for ever")
}

fn seconds(chunks: &Chunks) -> f64 {
    chunks.iter().map(|chunk| chunk.duration().as_secs_f64()).sum()
}

fn exists(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// Waits until the process is reaped: the runtime does it as it turns.
async fn gone(pid: u32) {
    within(async {
        while exists(pid) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

const SH: Program = Program { name: "sh", rate: SampleRate::SPEECH };

const SENTENCE: &str = "I would say that it depends on this. ";

/// Prints the head of a WAV file at 16,000 Hz whose lengths are unknown.
const HEAD: &str = "printf 'RIFF\\377\\377\\377\\377WAVEfmt \\20\\0\\0\\0\\1\\0\\1\\0\\200\\76\\0\\0\\0\\175\\0\\0\\2\\0\\20\\0data\\0\\0\\0\\0';";
