//! Ten minutes of conversation over open speakers: what the agent says comes back into the
//! microphone 40 ms later and 20 dB softer, while somebody asks, listens, and speaks over it.
//!
//! It takes its ten minutes, so it is run by `make slow`.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/events.rs"]
#[expect(dead_code, reason = "only some of it is needed here")]
mod events;
#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/paplay.rs"]
#[expect(dead_code, reason = "nothing is recorded here")]
mod paplay;
#[path = "support/pulse.rs"]
mod pulse;

use std::path::{Path, PathBuf};
use std::process::{Command as Once, Stdio};
use std::time::Duration;

use banter::SessionClock;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::events::{Event, of};

#[test]
#[ignore = "it takes ten minutes: make slow"]
fn the_agent_never_holds_for_its_own_voice_in_ten_minutes() {
    if !pulse::with_devices("the_agent_never_holds_for_its_own_voice_in_ten_minutes") {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        pulse::leak("-20dB");
        // Who plays to the microphone's sink changes its latency for all others, the echo as well.
        // So the user's voice has a sink of its own, from which it always flows on.
        pulse::pactl("load-module module-null-sink sink_name=user rate=48000 channels=1");
        pulse::pactl("load-module module-loopback source=user.monitor sink=mic_in latency_msec=20");
        let folder = TempDir::new().unwrap();
        let mut call = Call::start(&folder);
        call.until("session_started").await;
        let mut round = 0;
        while call.clock.now().as_millis() < TEN_MINUTES {
            call.round(round, &folder).await;
            round += 1;
        }
        call.hang_up().await;
        call.judge(round);
    });
}

/// `banter talk` on open speakers, and whoever speaks with it.
struct Call {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    events: Vec<Event>,
    clock: SessionClock,
    /// From when to when the user spoke, by the events' times.
    spoke: Vec<(f64, f64)>,
    /// From the user's first word over the agent's to its silence, in ms.
    held: Vec<f64>,
    missed: u32,
    /// Rounds in which the agent had nothing to say for so long.
    silent: usize,
}

impl Call {
    fn start(folder: &TempDir) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
        command.args(["talk", "--plain", "--events", "-"]);
        // Nobody's own settings and keys count here.
        command.env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME");
        command.env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL");
        command.current_dir(folder.path()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let clock = SessionClock::live();
        let (events, spoke, held) = (Vec::new(), Vec::new(), Vec::new());
        Self { child, lines, events, clock, spoke, held, missed: 0, silent: 0 }
    }

    /// A question, its answer to the end; a story, and a word over it.
    async fn round(&mut self, round: usize, folder: &TempDir) {
        let questions = [4, 6, 11, 7];
        self.say(&sentence(questions[round % questions.len()])).await;
        self.until("agent_speech_ended").await;
        self.pause(1_500).await;
        self.say(&story(folder)).await;
        self.until("agent_speech_started").await;
        self.pause(6_000 + 1_700 * (round as u64 % 4)).await;
        if !self.agent_speaks() {
            // The recogniser took the question for another, whose answer is over by now.
            eprintln!("round {round}: nothing to speak over");
            self.silent += 1;
            return;
        }
        let before = self.events.len();
        self.say(&sentence(12)).await;
        let over = self.events[before..].iter().any(|event| event.kind() == "interrupted");
        if !over {
            let _late = tokio::time::timeout(PATIENCE, self.until("interrupted")).await;
        }
        let (began, _) = *self.spoke.last().unwrap();
        let held = self.events[before..].iter().find(|event| event.kind() == "held");
        match held {
            Some(held) => self.held.push(held.at() - began - ONSET_MS),
            None => self.missed += 1,
        }
        self.pause(3_000).await;
        eprintln!("round {round}: held after {:.0?} ms, {} missed", self.held.last(), self.missed);
    }

    fn agent_speaks(&self) -> bool {
        let of_speech = |event: &&Event| event.kind().starts_with("agent_speech_");
        let last = self.events.iter().rfind(of_speech);
        last.is_some_and(|event| event.kind() == "agent_speech_started")
    }

    /// Says it to the end, while the agent may do what it likes.
    async fn say(&mut self, file: &Path) {
        let from = self.now();
        let mut player = Command::new("paplay");
        let mut player = player.arg("--device=user").arg(file).spawn().unwrap();
        loop {
            tokio::select! {
                biased;
                line = self.lines.next_line() => self.note(line.unwrap()),
                status = player.wait() => {
                    assert!(status.unwrap().success());
                    break;
                }
            }
        }
        let to = self.now();
        self.spoke.push((from, to));
    }

    /// Listens for so long.
    async fn pause(&mut self, ms: u64) {
        let _over = tokio::time::timeout(Duration::from_millis(ms), async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                self.note(line);
            }
        })
        .await;
    }

    /// Listens until an event of this type comes.
    async fn until(&mut self, kind: &str) {
        let came = async {
            loop {
                let line = self.lines.next_line().await.unwrap();
                self.note(line);
                if self.events.last().unwrap().kind() == kind {
                    return;
                }
            }
        };
        tokio::time::timeout(LIMIT, came).await.unwrap_or_else(|_| panic!("no {kind}"));
    }

    fn note(&mut self, line: Option<String>) {
        let line = line.unwrap_or_else(|| panic!("the program has ended: {:?}", self.child));
        let event = Event::parse(&line);
        if event.kind() == "session_started" {
            self.clock = SessionClock::live();
        }
        self.events.push(event);
    }

    /// By the session's clock, as near as a pipe tells.
    fn now(&self) -> f64 {
        self.clock.now().as_millis()
    }

    async fn hang_up(&mut self) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::INT).unwrap();
        self.until("session_ended").await;
        assert_eq!(self.child.wait().await.unwrap().code(), Some(130));
    }

    fn judge(&self, rounds: usize) {
        let spoken =
            |at: f64| self.spoke.iter().any(|(from, to)| (*from..to + AFTER_MS).contains(&at));
        let alone = |kind: &str| -> Vec<_> {
            let at = of(&self.events, kind).into_iter().map(Event::at);
            at.filter(|at| !spoken(*at)).collect()
        };
        let (own, turns) = (alone("held"), alone("turn_started"));
        let mut held = self.held.clone();
        held.sort_by(f64::total_cmp);
        let ended = of(&self.events, "agent_speech_ended");
        let agent: f64 = ended.iter().map(|event| event.number("heard_ms")).sum();
        eprintln!(
            "{rounds} rounds, the agent spoke for {:.0} s; held for its own voice: {}; turns of \
             nobody: {}; {} of {rounds} spoken over, after {:.0?} ms (median)",
            agent / 1e3,
            own.len(),
            turns.len(),
            held.len(),
            held.get(held.len() / 2)
        );
        assert!(own.is_empty(), "it held for its own voice at {own:?} ms");
        assert!(turns.is_empty(), "it heard itself at {turns:?} ms");
        assert!(self.silent * 4 <= rounds, "it did not understand {} stories", self.silent);
        // As of the barge-ins of `bench turns --check`: 27 of 30.
        assert!(self.missed as usize * 10 <= rounds, "{} words over its voice missed", self.missed);
    }
}

fn sentence(number: usize) -> PathBuf {
    format!("{}/assets/sentences/{number:02}.wav", env!("CARGO_MANIFEST_DIR")).into()
}

/// Something long is asked for.
fn story(folder: &TempDir) -> PathBuf {
    let file = folder.path().join("story.wav");
    if !file.exists() {
        let text = ["-voice", "rms", "-t", "tell me a story", "-o"];
        assert!(Once::new("flite").args(text).arg(&file).status().unwrap().success());
    }
    file
}

const TEN_MINUTES: f64 = 600_000.0;

/// From the start of a player to the first voice of "never mind": its file begins with silence.
const ONSET_MS: f64 = 150.0;

/// What the agent does so long after the user's last word is not done for it.
const AFTER_MS: f64 = 1_000.0;

/// How long a word over its voice may take to end the answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Far more than any wait needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(90);
