//! A sound server of one's own, with a virtual microphone and two virtual speakers.
//!
//! What is played to `mic_in` is heard by the microphone; what the speakers play can be recorded
//! from `spk_out.monitor` and `spk_two.monitor`. Nothing of the user's own sound is touched.
//!
//! The sound library reads the environment, which a program may not change once it has threads:
//! so a test runs itself again, as a child with the environment set.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, fs};

use tempfile::TempDir;

use crate::lacking::lacking;

/// Runs the test `name` of this program again, with virtual devices. Returns `true` in that
/// child: the test is to be done there.
pub(crate) fn with_devices(name: &str) -> bool {
    if env::var_os(INSIDE).is_some() {
        return true;
    }
    // One call after the other: what hears and speaks in real time has the machine to itself.
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(server) = Server::start() else { return false };
    let mut child = Command::new(env::current_exe().unwrap());
    // What is run by hand only is run in the child as well.
    child.args([name, "--exact", "--nocapture", "--test-threads=1", "--include-ignored"]);
    server.apply(&mut child);
    let done = child.env(INSIDE, server.process.id().to_string()).status().unwrap();
    assert!(done.success(), "{name} failed with virtual devices: {done}");
    false
}

/// From here on the microphone hears what the first speaker plays, 40 ms later and at `volume`.
#[allow(dead_code, reason = "not every test has open speakers")]
pub(crate) fn leak(volume: &str) {
    pactl("load-module module-loopback source=spk_out.monitor sink=mic_in latency_msec=40");
    let inputs = pactl("list short sink-inputs");
    let leak = inputs.lines().find(|line| line.contains("module-loopback")).unwrap();
    let leak = leak.split_whitespace().next().unwrap();
    pactl(&format!("set-sink-input-volume {leak} {volume}"));
}

/// Asks the server. What it says.
#[allow(dead_code, reason = "not every test changes the devices")]
pub(crate) fn pactl(command: &str) -> String {
    let done = Command::new("pactl").args(command.split(' ')).output().unwrap();
    assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// The server. Dropping it ends it.
pub(crate) struct Server {
    process: Child,
    folder: TempDir,
}

impl Server {
    /// Starts it and waits until it serves; `None` where the machine lacks it.
    pub(crate) fn start() -> Option<Self> {
        if let Err(error) = Command::new("pulseaudio").arg("--version").output() {
            lacking("pulse", &format!("pulseaudio does not run: {error}"));
            return None;
        }
        let plugin = FOLDERS.iter().any(|folder| Path::new(folder).join(PLUGIN).exists());
        if !plugin {
            lacking("pulse", "ALSA's plugin for it is not installed (libasound2-plugins)");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("run/pulse")).unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        fs::write(folder.path().join("asound.conf"), ASOUND).unwrap();
        fs::write(folder.path().join("server.pa"), SERVER).unwrap();
        let server = Self { process: run(folder.path()), folder };
        Some(server)
    }

    /// Gives a command the server's environment.
    pub(crate) fn apply(&self, command: &mut Command) {
        set(command, self.folder.path());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// Runs a server in `folder`, and waits until it serves: its last module is loaded, and the default
/// is set.
pub(crate) fn run(folder: &Path) -> Child {
    let mut command = Command::new("pulseaudio");
    command.arg("-n").arg("-F").arg(folder.join("server.pa")).args([
        "--daemonize=no",
        "--exit-idle-time=-1",
        "--disallow-exit",
        "--use-pid-file=no",
        // A real sound server is never behind; where it may not be first, it goes on as it is.
        "--realtime=yes",
        "--high-priority=yes",
    ]);
    set(&mut command, folder);
    let mut process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let serves = (0..100).any(|_| {
        let mut ask = Command::new("pactl");
        ask.args(["info"]);
        set(&mut ask, folder);
        let answer = ask.output().unwrap();
        let serves = String::from_utf8_lossy(&answer.stdout).contains("Default Source: vmic");
        if !serves {
            std::thread::park_timeout(Duration::from_millis(50));
        }
        serves
    });
    if !serves {
        let _gone = process.kill();
        let _status = process.wait();
        panic!("the sound server does not start within 5 s");
    }
    process
}

fn set(command: &mut Command, folder: &Path) {
    let run = folder.join("run");
    command
        .env("XDG_RUNTIME_DIR", &run)
        .env("PULSE_RUNTIME_PATH", run.join("pulse"))
        .env("PULSE_STATE_PATH", folder.join("state"))
        .env("PULSE_COOKIE", folder.join("state/cookie"))
        .env("PULSE_SERVER", format!("unix:{}", run.join("pulse/native").display()))
        .env("ALSA_CONFIG_PATH", folder.join("asound.conf"))
        .env("HOME", folder);
}

/// Held while a test with devices runs.
static ALONE: Mutex<()> = Mutex::new(());

/// In the child: the server's process.
pub(crate) const INSIDE: &str = "BANTER_TEST_DEVICES";

const PLUGIN: &str = "libasound_module_pcm_pulse.so";

/// Where distributions put it.
const FOLDERS: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/alsa-lib",
    "/usr/lib/aarch64-linux-gnu/alsa-lib",
    "/usr/lib64/alsa-lib",
    "/usr/lib/alsa-lib",
];

const ASOUND: &str = "\
</usr/share/alsa/alsa.conf>
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.second { type pulse device spk_two hint { show on description \"Second Speaker\" } }
pcm.narrow { type plug slave { pcm { type pulse } rate 44100 } hint { show on description \"Narrow\" } }
";

/// With rewinds a sink without a card would run two seconds ahead.
const SERVER: &str = "\
load-module module-native-protocol-unix
load-module module-null-sink sink_name=mic_in norewinds=1 rate=48000 channels=2
load-module module-null-sink sink_name=spk_out norewinds=1 rate=48000 channels=2
load-module module-null-sink sink_name=spk_two norewinds=1 rate=48000 channels=2
load-module module-remap-source source_name=vmic master=mic_in.monitor
set-default-sink spk_out
set-default-source vmic
";
