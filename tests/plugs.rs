//! Devices that come and go in the middle of a call: unplugged, suspended, another default, another
//! rate, a sound server that dies. Each time the call goes on, and the next turn is answered.
//!
//! The devices are a sound server's, which each test has for itself: see `support/pulse.rs`.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/paplay.rs"]
mod paplay;
#[path = "support/pulse.rs"]
mod pulse;

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::Arc;
use std::time::Duration;

use banter::device::cpal::{CpalMicrophone, CpalSpeaker};
use banter::providers::mock::{MockAnswer, MockProvider};
use banter::stt::mock::MockTranscriber;
use banter::tts::MockSynthesizer;
use banter::{
    Engines, EventKind, Pace, Session, SessionClock, SessionConfig, SessionError, SessionHandle,
    SessionTime, Subscription, Summary, vad,
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// A test in the child that has the sound server.
fn talk<F: Future<Output = ()>>(name: &str, test: impl FnOnce() -> F) {
    if pulse::with_devices(name) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(test());
    }
}

#[test]
fn the_call_goes_on_when_all_devices_are_unplugged_and_plugged_in_again() {
    talk("the_call_goes_on_when_all_devices_are_unplugged_and_plugged_in_again", || async {
        let mut call = Call::start(None);
        call.turn("mic_in").await;
        unplug_all();
        call.lost(2).await;
        plug_all(48_000);
        let plugged = call.clock.now();
        call.found(2, plugged).await;
        call.turn("mic_in").await;
        call.end().await;
    });
}

#[test]
fn an_answer_waits_for_the_speaker_and_goes_on_there() {
    talk("an_answer_waits_for_the_speaker_and_goes_on_there", || async {
        let mut call = Call::start(None);
        call.say("mic_in").await;
        call.until("the agent's voice", |kind| {
            matches!(kind, EventKind::AgentSpeechStarted { .. })
        })
        .await;
        unplug_all();
        call.lost(2).await;
        plug_all(48_000);
        let plugged = call.clock.now();
        call.found(2, plugged).await;
        call.answered().await;
        call.end().await;
    });
}

#[test]
fn devices_that_are_plugged_in_again_may_have_another_rate() {
    talk("devices_that_are_plugged_in_again_may_have_another_rate", || async {
        let mut call = Call::start(None);
        call.turn("mic_in").await;
        for rate in [44_100, 16_000] {
            unplug_all();
            call.lost(2).await;
            plug_all(rate);
            let plugged = call.clock.now();
            call.found(2, plugged).await;
            call.turn("mic_in").await;
        }
        call.end().await;
    });
}

/// The server moves the streams of those who use the default: nothing is lost.
#[test]
fn whoever_uses_the_default_follows_it() {
    talk("whoever_uses_the_default_follows_it", || async {
        let mut call = Call::start(None);
        call.turn("mic_in").await;
        pulse::pactl(
            "load-module module-null-sink sink_name=mic_two norewinds=1 rate=48000 channels=2",
        );
        pulse::pactl("load-module module-remap-source source_name=vmic_two master=mic_two.monitor");
        pulse::pactl("set-default-source vmic_two");
        pulse::pactl("set-default-sink spk_two");
        call.turn_heard_from("mic_two", "spk_two").await;
        // The one that it uses is pulled out, and there is another.
        pulse::pactl("unload-module module-remap-source");
        pulse::pactl("load-module module-remap-source source_name=vmic master=mic_in.monitor");
        pulse::pactl("set-default-source vmic");
        pulse::pactl("set-default-sink spk_out");
        call.turn_heard_from("mic_in", "spk_out").await;
        assert_eq!(call.warnings, Vec::<String>::new());
        call.end().await;
    });
}

#[test]
fn suspended_devices_go_on_when_they_are_resumed() {
    talk("suspended_devices_go_on_when_they_are_resumed", || async {
        let mut call = Call::start(None);
        call.turn("mic_in").await;
        suspend(true);
        call.lost(2).await;
        // Long enough for those that are tried meanwhile to be given up.
        call.listen(Duration::from_secs(4)).await;
        suspend(false);
        let resumed = call.clock.now();
        call.found(2, resumed).await;
        call.turn("mic_in").await;
        call.end().await;
    });
}

#[test]
fn the_call_survives_the_death_of_the_sound_server() {
    talk("the_call_survives_the_death_of_the_sound_server", || async {
        let mut call = Call::start(None);
        call.turn("mic_in").await;
        paplay::kill_server();
        call.lost(2).await;
        call.listen(Duration::from_secs(1)).await;
        let _server = Revived::start();
        let there = call.clock.now();
        call.found(2, there).await;
        call.turn("mic_in").await;
        call.end().await;
    });
}

/// Its chosen speaker is a server's of its own; the default is not.
#[test]
fn a_named_device_is_stood_in_for_and_gone_back_to() {
    talk("a_named_device_is_stood_in_for_and_gone_back_to", || async {
        let mut headset = Headset::plug_in();
        let mut call = Call::start(Some("Headset"));
        call.turn("mic_in").await;
        call.say("mic_in").await;
        call.until("the agent's voice", |kind| {
            matches!(kind, EventKind::AgentSpeechStarted { .. })
        })
        .await;
        headset.pull_out();
        let pulled = call.clock.now();
        call.found(1, pulled).await;
        assert_eq!(call.changed, ["speaker Default Audio Device"]);
        call.answered().await;
        headset.plug_in_again();
        let plugged = call.clock.now();
        call.until("the way back", |kind| matches!(kind, EventKind::DeviceChanged { .. })).await;
        eprintln!("back after {:.0} ms", call.clock.now().millis_since(plugged));
        assert_eq!(call.changed.last().unwrap(), "speaker Headset");
        call.turn("mic_in").await;
        assert_eq!(call.warnings.len(), 1, "{:?}", call.warnings);
        call.end().await;
    });
}

#[test]
fn a_call_that_waits_for_devices_can_be_ended() {
    talk("a_call_that_waits_for_devices_can_be_ended", || async {
        let mut call = Call::start(None);
        call.turn("mic_in").await;
        paplay::kill_server();
        call.lost(2).await;
        let asked = call.clock.now();
        let clock = call.clock.clone();
        call.end().await;
        let took = clock.now().millis_since(asked);
        eprintln!("ended after {took:.0} ms");
        assert!(took < 2_000.0, "{took} ms");
    });
}

/// A call on live devices, whose detector knows voice, and whose other engines know nothing.
struct Call {
    running: JoinHandle<Result<Summary, SessionError>>,
    events: Subscription,
    handle: SessionHandle,
    clock: SessionClock,
    warnings: Vec<String>,
    changed: Vec<String>,
}

impl Call {
    /// On the default devices, or this speaker.
    fn start(speaker: Option<&str>) -> Self {
        let answer = |_: &_| MockAnswer::text("Yes, I am. What can I do for you?");
        let engines = Engines {
            vad: vad::by_name("earshot").unwrap(),
            transcriber: Arc::new(MockTranscriber::new(["are you there"; 8])),
            provider: Arc::new(MockProvider::answering(answer)),
            synthesizer: Arc::new(MockSynthesizer::default()),
            tools: Arc::default(),
        };
        let session = Session::new(engines, SessionConfig::default());
        let (events, handle) = (session.subscribe(), session.handle());
        let microphone = Box::new(CpalMicrophone::open(None).unwrap());
        let speaker = Box::new(CpalSpeaker::open(speaker).unwrap());
        let running = tokio::spawn(session.run(microphone, speaker, Pace::Live));
        let clock = SessionClock::live();
        Self { running, events, handle, clock, warnings: Vec::new(), changed: Vec::new() }
    }

    /// Takes note of the next event.
    async fn next(&mut self, what: &str) -> EventKind {
        let next = tokio::time::timeout(LIMIT, self.events.next()).await;
        let event = next.unwrap_or_else(|_| panic!("no {what} within {LIMIT:?}")).unwrap().unwrap();
        match &event.kind {
            EventKind::Warning { message } => self.warnings.push(message.clone()),
            EventKind::DeviceChanged { device, name } => {
                self.changed.push(format!("{device} {name}"));
            }
            EventKind::TurnFailed { error, .. } => panic!("{error}"),
            _ => return event.kind,
        }
        eprintln!("{:9.0} ms: {:?}", event.at.as_millis(), event.kind);
        event.kind
    }

    async fn until(&mut self, what: &str, is_it: impl Fn(&EventKind) -> bool) {
        while !is_it(&self.next(what).await) {}
    }

    /// Takes note of what happens for so long.
    async fn listen(&mut self, length: Duration) {
        let _over = tokio::time::timeout(length, async {
            loop {
                self.next("anything").await;
            }
        })
        .await;
    }

    /// So many devices are told to be lost, each once.
    async fn lost(&mut self, count: usize) {
        self.warnings.clear();
        while self.warnings.len() < count {
            self.next("loss").await;
        }
        assert!(
            self.warnings.iter().all(|told| told.contains("looked for")),
            "{:?}",
            self.warnings
        );
    }

    /// As many are found again, within two seconds of `since`.
    async fn found(&mut self, count: usize, since: SessionTime) {
        let before = self.changed.len();
        while self.changed.len() < before + count {
            self.next("device").await;
        }
        let took = self.clock.now().millis_since(since);
        eprintln!("{count} devices were found after {took:.0} ms");
        assert!(took < 2_000.0, "{took} ms");
    }

    /// Somebody asks, and is answered to the end.
    async fn turn(&mut self, microphone: &str) {
        self.say(microphone).await;
        self.answered().await;
    }

    async fn say(&mut self, microphone: &str) {
        let mut player = paplay::play(&sentence(), microphone);
        self.until("turn", |kind| matches!(kind, EventKind::TurnEnded { .. })).await;
        assert!(player.wait().unwrap().success());
    }

    async fn answered(&mut self) {
        let ended = |kind: &EventKind| matches!(kind, EventKind::AgentSpeechEnded { .. });
        while !ended(&self.next("answer").await) {}
    }

    /// The same, and the answer leaves this speaker.
    async fn turn_heard_from(&mut self, microphone: &str, speaker: &str) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("heard.raw");
        let recording = paplay::record(speaker, &file);
        self.turn(microphone).await;
        drop(recording);
        let bytes = std::fs::read(file).unwrap();
        let samples = bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        let loud = samples.filter(|sample| sample.unsigned_abs() > 500).count();
        eprintln!("{loud} loud samples left {speaker}");
        assert!(loud > 24_000, "half a second at least: {loud} samples");
    }

    async fn end(self) {
        self.handle.stop();
        let over = tokio::time::timeout(LIMIT, self.running).await;
        over.unwrap().unwrap().unwrap();
    }
}

fn sentence() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/sentences/01.wav")
}

fn unplug_all() {
    pulse::pactl("unload-module module-remap-source");
    pulse::pactl("unload-module module-null-sink");
}

/// All but the second speaker.
fn plug_all(rate: u32) {
    for sink in ["mic_in", "spk_out"] {
        let options = format!("sink_name={sink} norewinds=1 rate={rate} channels=2");
        pulse::pactl(&format!("load-module module-null-sink {options}"));
    }
    pulse::pactl("load-module module-remap-source source_name=vmic master=mic_in.monitor");
    pulse::pactl("set-default-sink spk_out");
    pulse::pactl("set-default-source vmic");
}

fn suspend(on: bool) {
    for (kind, name) in [("sink", "spk_out"), ("source", "vmic")] {
        pulse::pactl(&format!("suspend-{kind} {name} {}", u8::from(on)));
    }
}

/// This test's server once more, after its death. Dropping it ends it.
struct Revived(Child);

impl Revived {
    fn start() -> Self {
        Self(pulse::run(Path::new(&std::env::var("HOME").unwrap())))
    }
}

impl Drop for Revived {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// A speaker on a server of its own.
struct Headset {
    folder: TempDir,
    server: Option<Revived>,
}

impl Headset {
    fn plug_in() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("run/pulse")).unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        let home = std::env::var("HOME").unwrap();
        std::fs::copy(Path::new(&home).join("server.pa"), folder.path().join("server.pa")).unwrap();
        let devices = std::env::var("ALSA_CONFIG_PATH").unwrap();
        let socket = folder.path().join("run/pulse/native");
        let speaker = format!(
            "pcm.headset {{ type pulse server \"unix:{}\" device spk_two hint {{ show on \
             description \"Headset\" }} }}\n",
            socket.display()
        );
        let all = std::fs::read_to_string(&devices).unwrap() + &speaker;
        std::fs::write(devices, all).unwrap();
        let mut headset = Self { folder, server: None };
        headset.plug_in_again();
        headset
    }

    fn pull_out(&mut self) {
        self.server = None;
    }

    fn plug_in_again(&mut self) {
        self.server = Some(Revived(pulse::run(self.folder.path())));
    }
}

/// Far more than any wait needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);
