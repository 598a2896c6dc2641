//! What a service's failure costs, cell by cell: the table of `docs/failures.md`.
//!
//! Each engine is the real client of a service that goes wrong as it is told; the others are
//! mocks. The user asks twice: the first turn meets the failure, the second must be answered.

use std::sync::Arc;

use http::StatusCode;

use super::world::*;
use crate::net::mock::{MockFault, MockHttp, MockResponse};
use crate::net::{Endpoint, Http};
use crate::providers::OpenAi;
use crate::stt::OpenAiTranscriber;
use crate::tts::OpenAiSynthesizer;

const DOC: &str = include_str!("../../../docs/failures.md");

/// A failure and what it costs.
struct Cell {
    engine: &'static str,
    failure: &'static str,
    /// What the service answers to the first turn; then it is well.
    answers: Vec<MockResponse>,
    /// How often a turn failed.
    failed: usize,
    /// What the user hears of the first turn.
    heard: Heard,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Heard {
    Answer,
    Apology,
    BeginningAndApology,
    Nothing,
    UntilInterrupted,
}

impl Heard {
    fn in_words(self) -> &'static str {
        match self {
            Self::Answer => "the answer",
            Self::Apology => "an apology",
            Self::BeginningAndApology => "the beginning, then an apology",
            Self::Nothing => "nothing; the apology is written",
            Self::UntilInterrupted => "the answer, until you interrupt it",
        }
    }
}

#[tokio::test(start_paused = true)]
async fn recogniser() {
    check(recogniser_cells()).await;
}

#[tokio::test(start_paused = true)]
async fn model() {
    check(model_cells()).await;
}

#[tokio::test(start_paused = true)]
async fn synthesizer() {
    check(synthesizer_cells()).await;
}

#[test]
fn the_table_in_the_docs_is_this_one() {
    let cells = [recogniser_cells(), model_cells(), synthesizer_cells()].into_iter().flatten();
    let rows: Vec<_> = cells
        .map(|cell| {
            let again = if cell.tries() > 1 { "once" } else { "no" };
            format!("| {} | {} | {again} | {} |", cell.engine, cell.failure, cell.heard.in_words())
        })
        .collect();
    let there: Vec<_> = DOC
        .lines()
        .filter(|line| ["| stt", "| llm", "| tts"].iter().any(|start| line.starts_with(start)))
        .collect();
    assert_eq!(there, rows, "the rows should be:\n{}", rows.join("\n"));
}

impl Cell {
    /// How often the first turn asks the service. An apology that is spoken asks as well.
    fn tries(&self) -> usize {
        match self.heard {
            Heard::Nothing => 1,
            _ => self.answers.len(),
        }
    }
}

async fn check(cells: Vec<Cell>) {
    for cell in cells {
        let name = format!("{}: {}", cell.engine, cell.failure);
        let http = MockHttp::new();
        cell.answers.iter().cloned().for_each(|answer| http.answer(answer));
        // What it says from then on: the answer to a retry has been given by then.
        (0..8).for_each(|_| http.answer(well(cell.engine)));
        let told = world(cell.engine, &http).run().await;

        assert_eq!(told.count("turn_failed"), cell.failed, "{name}: {:?}", told.said());
        let said = told.said();
        let apology = if cell.engine == "stt" { PARDON } else { SORRY };
        let written = told.events.iter().any(|event| {
            matches!(&event.kind, crate::events::EventKind::ResponseText { text }
                if apology.contains(text.trim()))
        });
        let first: Vec<_> = said
            .iter()
            .filter(|line| line.starts_with("assistant: "))
            .map(|line| line.strip_prefix("assistant: ").unwrap_or(line))
            .collect();
        let last = first.last().copied().unwrap_or_default();
        assert!(is_answer(last), "{name}: the second turn was not answered: {said:?}");
        let first = &first[..first.len() - 1];
        let as_told = match cell.heard {
            Heard::Answer => matches!(first, [answer] if is_answer(answer)),
            Heard::Apology => first == [apology],
            Heard::BeginningAndApology => {
                matches!(first, [part, sorry] if ANSWER.starts_with(part) && *sorry == apology)
            }
            Heard::Nothing => first.is_empty() && written,
            Heard::UntilInterrupted => matches!(first, [part] if part.ends_with('…')),
        };
        assert!(as_told, "{name}: {said:?}");
        assert_eq!(told.events.last().map(super::world::name).as_deref(), Some("session_ended"));
    }
}

/// Two questions, and one engine that is a service.
fn world(engine: &str, http: &MockHttp) -> World {
    let script = [voice(600), silence(25_000), voice(600), silence(12_000)].concat();
    let mut world = World::new(&script, &["one", "two"], &[ANSWER, ANSWER, ANSWER]);
    let endpoint = Endpoint::new("http://service.test/v1", None).unwrap();
    let http: Arc<dyn Http> = Arc::new(http.clone());
    match engine {
        "stt" => world.transcriber = Arc::new(OpenAiTranscriber::new(http, endpoint, "m")),
        "llm" => {
            let limits = crate::net::Limits::default();
            world.model = Some(Arc::new(OpenAi::new(http, endpoint, "m").with_limits(limits)));
        }
        _ => world.synthesizer = Arc::new(OpenAiSynthesizer::new(http, endpoint, "m", "v")),
    }
    world
}

fn recogniser_cells() -> Vec<Cell> {
    use Heard::{Answer, Apology};
    let broken = || json(r#"{"te"#).with_fault(MockFault::BreakOff);
    let cell = |failure, answers, heard| Cell {
        engine: "stt",
        failure,
        answers,
        failed: usize::from(heard == Apology),
        heard,
    };
    vec![
        cell("refuses the key (401)", vec![refuses(401)], Apology),
        cell("is busy for a moment (503)", vec![refuses(503), well("stt")], Answer),
        cell("stays busy (503)", vec![refuses(503), refuses(503)], Apology),
        cell("cannot be reached", vec![unreachable(), unreachable()], Apology),
        cell("does not answer for 10 s", vec![hangs()], Apology),
        cell("dies in the middle", vec![broken(), well("stt")], Answer),
        cell("dies in the middle, twice", vec![broken(), broken()], Apology),
        cell("stops in the middle for 10 s", vec![stalls(json(r#"{"te"#))], Apology),
        cell("answers with nothing", vec![json("")], Apology),
        cell(
            "answers with what is no text",
            vec![MockResponse::new(JSON, [&b"\xff\xfe"[..]])],
            Apology,
        ),
        cell("answers without end", vec![json(&"a".repeat(2 << 20))], Apology),
    ]
}

fn model_cells() -> Vec<Cell> {
    use Heard::{Answer, Apology, BeginningAndApology, UntilInterrupted};
    let broken = |text: &str| sse(&[text]).with_fault(MockFault::BreakOff);
    let silent = || sse(&["", "[stop]"]);
    let html = || MockResponse::new("text/html", ["<html>Welcome</html>"]);
    let bytes = || MockResponse::new(SSE, [&b"data: \xff\xfe\n\n"[..]]);
    let cell = |failure, answers, heard| Cell {
        engine: "llm",
        failure,
        answers,
        failed: usize::from(!matches!(heard, Answer | UntilInterrupted)),
        heard,
    };
    let half = "It is fine. I think";
    vec![
        cell("refuses the key (401)", vec![refuses(401)], Apology),
        cell("is busy for a moment (503)", vec![refuses(503), well("llm")], Answer),
        cell("stays busy (503)", vec![refuses(503), refuses(503)], Apology),
        cell("cannot be reached", vec![unreachable(), unreachable()], Apology),
        cell("does not answer for 10 s", vec![hangs()], Apology),
        cell("dies before its first word", vec![broken(""), well("llm")], Answer),
        cell("dies in the middle", vec![broken(half)], BeginningAndApology),
        cell("stops in the middle for 10 s", vec![stalls(sse(&[half]))], BeginningAndApology),
        cell("says nothing", vec![silent(), well("llm")], Answer),
        cell("says nothing, twice", vec![silent(), silent()], Apology),
        cell("answers with a web page", vec![html(), html()], Apology),
        cell("answers with what is no text", vec![bytes(), bytes()], Apology),
        cell(
            "answers without end",
            vec![sse(&["It is fine. ".repeat(10_000).as_str()])],
            UntilInterrupted,
        ),
    ]
}

fn synthesizer_cells() -> Vec<Cell> {
    use Heard::{Answer, Apology, BeginningAndApology, Nothing};
    let mp3 = || MockResponse::new("audio/mpeg", [&b"ID3\x04\0\0\0\0\0\0\0\0"[..]]);
    let part = || MockResponse::new(PCM, [tone(24_000)]);
    let endless = || MockResponse::new(PCM, vec![tone(24_000); 200]);
    let cell =
        |failure, answers, failed, heard| Cell { engine: "tts", failure, answers, failed, heard };
    vec![
        cell("refuses the key (401)", vec![refuses(401), refuses(401)], 2, Nothing),
        cell("is busy for a moment (503)", vec![refuses(503), well("tts")], 0, Answer),
        cell("stays busy (503)", vec![refuses(503), refuses(503)], 1, Apology),
        cell("cannot be reached", vec![unreachable(), unreachable()], 1, Apology),
        cell("does not answer for 10 s", vec![hangs()], 1, Apology),
        cell(
            "dies before its first sound",
            vec![breaks(MockResponse::new(PCM, [tone(0)])), well("tts")],
            0,
            Answer,
        ),
        cell("dies in the middle", vec![breaks(part())], 1, BeginningAndApology),
        cell("stops in the middle for 10 s", vec![stalls(part())], 1, BeginningAndApology),
        cell(
            "makes no sound",
            vec![MockResponse::new(PCM, [tone(0)]), MockResponse::new(PCM, [tone(0)])],
            1,
            Apology,
        ),
        cell("sends MP3", vec![mp3(), mp3()], 1, Apology),
        cell("sends WAV at another rate", vec![wav(22_050)], 0, Answer),
        cell("sounds without end", vec![endless()], 1, BeginningAndApology),
    ]
}

/// An engine that does what it should.
fn well(engine: &str) -> MockResponse {
    match engine {
        "stt" => json(r#"{"text": "one"}"#),
        "llm" => sse(&["It is fine. ", "I think so.", "[stop]"]),
        _ => MockResponse::new(PCM, [tone(24_000)]),
    }
}

fn is_answer(text: &str) -> bool {
    text == ANSWER
}

fn refuses(status: u16) -> MockResponse {
    json(r#"{"error": {"message": "no"}}"#).with_status(StatusCode::from_u16(status).unwrap())
}

fn unreachable() -> MockResponse {
    json("").with_fault(MockFault::Unreachable)
}

fn hangs() -> MockResponse {
    json("").with_fault(MockFault::Hang)
}

fn stalls(answer: MockResponse) -> MockResponse {
    answer.with_fault(MockFault::HangInTheMiddle)
}

fn breaks(answer: MockResponse) -> MockResponse {
    answer.with_fault(MockFault::BreakOff)
}

fn json(text: &str) -> MockResponse {
    MockResponse::new(JSON, [text.as_bytes().to_vec()])
}

/// A stream of deltas; `[stop]` ends it properly.
fn sse(deltas: &[&str]) -> MockResponse {
    let event = |delta: &&str| match *delta {
        "[stop]" => {
            "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
                .to_owned()
        }
        text => {
            let chunk = serde_json::json!({ "choices": [{ "delta": { "content": text } }] });
            format!("data: {chunk}\n\n")
        }
    };
    MockResponse::new(SSE, deltas.iter().map(event).collect::<Vec<_>>())
}

/// Raw sound that is heard.
fn tone(samples: usize) -> Vec<u8> {
    (0..samples).flat_map(|n| if n % 40 < 20 { 8_000_i16 } else { -8_000 }.to_le_bytes()).collect()
}

fn wav(rate: u32) -> MockResponse {
    let sound = tone(rate as usize);
    let mut file = b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0".to_vec();
    file.extend(rate.to_le_bytes());
    file.extend((rate * 2).to_le_bytes());
    file.extend([2, 0, 16, 0]);
    file.extend(b"data");
    file.extend(u32::try_from(sound.len()).unwrap().to_le_bytes());
    file.extend(sound);
    MockResponse::new("audio/wav", [file])
}

const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";
const PCM: &str = "audio/pcm";

const ANSWER: &str = "It is fine. I think so.";
const SORRY: &str = "Sorry, something went wrong. Please ask me again.";
const PARDON: &str = "Sorry, I could not hear that. Please say it again.";
