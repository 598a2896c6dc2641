//! A server of OpenAI's protocol that others wrote: `tests/aimock/package.json` names it.
//!
//! It answers as `tests/aimock/*.json` say. In these, the sound `@FILE.wav` stands for that file,
//! or for its samples at 24,000 Hz where the format is `pcm`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use banter::audio::{Resampler, SampleRate, WavReader};
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::lacking::lacking;

/// The key that it wants from everybody.
pub(crate) const KEY: &str = "sk-of-the-tests";

/// A server of one's own. Dropping it ends it.
pub(crate) struct Aimock {
    process: Child,
    address: String,
    _fixtures: NamedTempFile,
}

impl Aimock {
    /// Starts one that answers as a file in `tests/aimock` says, and waits until it serves; `None`
    /// where the machine lacks it.
    pub(crate) fn start(fixtures: &str) -> Option<Self> {
        let node = node()?;
        let fixtures = with_sound(&folder().join(fixtures));
        let mut process = Command::new(node)
            .arg(folder().join(SERVER))
            // A port of its choice.
            .args(["--port", "0", "--validate-on-load", "--fixtures"])
            .arg(fixtures.path())
            .env("AIMOCK_API_KEYS", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, told) = sync_channel(1);
        let output = process.stdout.take().unwrap();
        // What it tells must be read, or it stops.
        std::thread::spawn(move || watch(BufReader::new(output), &tell));
        let mut server = Self { process, address: String::new(), _fixtures: fixtures };
        // If it does not serve, it is dropped here, and ends.
        server.address = told.recv_timeout(LIMIT).unwrap();
        Some(server)
    }

    /// Where its services are: `http://127.0.0.1:PORT/v1`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The requests that it has had at a path below [`url`](Self::url), in their order.
    pub(crate) fn requests(&self, path: &str) -> Vec<Value> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        let request = format!(
            "GET /__aimock/journal HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {KEY}\r\n\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{answer}");
        let entries: Vec<Value> = serde_json::from_str(body).unwrap();
        let path = format!("/v1/{path}");
        entries.into_iter().filter(|entry| entry["path"] == *path).collect()
    }
}

impl Drop for Aimock {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
    }
}

/// The program that runs it, with whose package `scripts/setup.sh --tests` may have put a newer
/// one.
fn node() -> Option<PathBuf> {
    if !folder().join(SERVER).exists() {
        lacking("npm", "tests/aimock is not installed; run scripts/setup.sh --tests");
        return None;
    }
    let modules = folder().join("node_modules").read_dir().unwrap();
    let newer = modules.map(|entry| entry.unwrap().path().join("bin/node"));
    let node = newer.filter(|node| node.exists()).last().unwrap_or_else(|| "node".into());
    if let Err(error) = Command::new(&node).arg("--version").output() {
        lacking("npm", &format!("node does not run: {error}"));
        return None;
    }
    Some(node)
}

fn folder() -> PathBuf {
    in_project("tests/aimock")
}

/// Tells the address that the server prints once it serves.
fn watch(output: impl BufRead, tell: &SyncSender<String>) {
    for line in output.lines().map_while(Result::ok) {
        if let Some((_, address)) = line.split_once("listening on http://") {
            let _told_already = tell.try_send(address.trim().to_owned());
        }
    }
}

/// The answers in a file, with the sound that they name.
fn with_sound(file: &Path) -> NamedTempFile {
    let mut answers: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for answer in answers["fixtures"].as_array_mut().unwrap() {
        let response = &mut answer["response"];
        let Some(wav) = response["audio"].as_str().and_then(|audio| audio.strip_prefix('@')) else {
            continue;
        };
        let bytes = match response["format"] == "pcm" {
            true => at_24_khz(wav).iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            false => std::fs::read(in_project(wav)).unwrap(),
        };
        response["audio"] = base64(&bytes).into();
    }
    let mut written = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
    serde_json::to_writer(&mut written, &answers).unwrap();
    written
}

/// A file's sound as a service sends it.
pub(crate) fn at_24_khz(wav: &str) -> Vec<i16> {
    let sound = WavReader::open(in_project(wav)).unwrap().read_all().unwrap();
    let mut resampler = Resampler::new(sound.rate(), SampleRate::new(24_000).unwrap()).unwrap();
    let mut out = Vec::new();
    resampler.process(sound.samples(), &mut out);
    resampler.flush(&mut out);
    out
}

fn in_project(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

fn base64(bytes: &[u8]) -> String {
    let digit = |bits: u32| char::from(DIGITS[(bits & 63) as usize]);
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let bits =
            [16, 8, 0].iter().zip(three).map(|(by, byte)| u32::from(*byte) << by).sum::<u32>();
        let digits = [18, 12, 6, 0].map(|by| digit(bits >> by));
        text.extend(&digits[..=three.len()]);
        text.extend(std::iter::repeat_n('=', 3 - three.len()));
    }
    text
}

/// Within `tests/aimock`.
const SERVER: &str = "node_modules/@copilotkit/aimock/dist/cli.js";
/// To start on a busy machine, and to tell what it was asked.
const LIMIT: Duration = Duration::from_secs(30);
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
