//! A program that is killed while it saves loses nothing that was acknowledged.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use std::{env, fs, thread};

use banter::Message;
use banter::ids::ConversationId;
use banter::state::{Entry, FileStore, Mode, Revision, SqliteStore, StateStore, TurnRecord};
use banter::time::UtcTime;
use tempfile::TempDir;

/// The test runs itself again as the program that is killed.
#[test]
fn whoever_is_killed_200_times_while_saving_loses_nothing_that_was_acknowledged() {
    if let Some(folder) = env::var_os(INSIDE) {
        return save_until_killed(Path::new(&folder));
    }
    let (folder, mut torn, mut entries) = (in_memory(), 0, 0);
    for kill in 0..KILLS {
        // Each conversation goes on after some kills, and stays short enough to be read often.
        let conversation = kill / 4;
        let acknowledged = run_and_kill(folder.path(), conversation, kill);
        let file = folder.path().join(format!("talk{conversation}.jsonl"));
        torn += usize::from(
            fs::read(file).unwrap_or_default().last().is_some_and(|last| *last != b'\n'),
        );
        for ((name, store), acknowledged) in stores(folder.path()).into_iter().zip(acknowledged) {
            let there = read(&*store, conversation);
            assert!(there.len() >= acknowledged, "{name}: {} of {acknowledged}", there.len());
            for (at, entry) in there.iter().enumerate() {
                assert!(*entry == numbered(at), "{name}: entry {at} is another one");
            }
            entries += there.len();
        }
    }
    println!("{KILLS} kills, {torn} lines torn, {entries} entries found whole and in order");
    assert!(entries > KILLS, "nothing was stored");
}

/// What a killed program has written is there whether it reached the disk or not; so where nothing
/// waits for a disk, more of the kills hit a write.
fn in_memory() -> TempDir {
    TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap()
}

/// Runs the program that saves, kills it a while after it has begun to, and tells what each store
/// had acknowledged.
fn run_and_kill(folder: &Path, conversation: usize, kill: usize) -> [usize; 2] {
    let mut child = saving(folder, conversation);
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut told = String::new();
    // Now and then it is killed before anything was acknowledged.
    while kill % 10 != 9 && !told.contains("files ") {
        assert!(output.read_line(&mut told).unwrap() > 0, "it ended by itself");
    }
    if kill.is_multiple_of(2) {
        // Moments from 0 to 5 ms, spread evenly and in no order.
        thread::park_timeout(Duration::from_micros((kill as u64 * 4_969) % 5_000));
    } else {
        await_long_line(&folder.join(format!("talk{conversation}.jsonl")));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    output.read_to_string(&mut told).unwrap();
    ["files ", "sqlite "].map(|name| {
        let lines = told.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let last =
            lines.filter_map(|line| line.trim_end().split(name).nth(1)?.parse().ok()).next_back();
        last.unwrap_or(0)
    })
}

/// Returns when a long line is being written, or after a fraction of a second.
fn await_long_line(file: &Path) {
    let length = || fs::metadata(file).map_or(0, |data| data.len());
    let before = length();
    for _ in 0..100_000 {
        if length() > before + 10_000 {
            return;
        }
    }
}

fn saving(folder: &Path, conversation: usize) -> Child {
    let name = "whoever_is_killed_200_times_while_saving_loses_nothing_that_was_acknowledged";
    Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(INSIDE, folder)
        .env(CONVERSATION, conversation.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Saves entry after entry in both stores, and tells each that is acknowledged.
fn save_until_killed(folder: &Path) {
    let conversation = env::var(CONVERSATION).unwrap().parse().unwrap();
    let savers = stores(folder).map(|(name, store)| {
        thread::spawn(move || {
            let mut revision = Revision::ZERO.plus(read(&*store, conversation).len());
            // Nobody saves for ever, should nobody kill it.
            for _ in 0..10_000 {
                let at = usize::try_from(revision.get()).unwrap();
                // One, or some at once.
                let entries = (at..=at + at % 3).map(numbered).collect();
                revision = wait(store.append(&id(conversation), revision, entries)).unwrap();
                // One write, which no other gets between.
                let line = format!("{name} {revision}\n");
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    savers.into_iter().for_each(|saver| saver.join().unwrap());
}

fn stores(folder: &Path) -> [(&'static str, Arc<dyn StateStore>); 2] {
    [
        ("files", Arc::new(FileStore::new(folder))),
        ("sqlite", Arc::new(SqliteStore::new(folder.join("talks.db")))),
    ]
}

fn read(store: &dyn StateStore, conversation: usize) -> Vec<Entry> {
    wait(store.read(&id(conversation))).unwrap().unwrap_or_default()
}

fn wait<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn id(conversation: usize) -> ConversationId {
    format!("talk{conversation}").parse().unwrap()
}

/// The entry of this number: long ones, too, since the system stops writing those when it kills.
fn numbered(number: usize) -> Entry {
    let length = [10, 5_000, 100_000][number % 3];
    let words = format!("{number} {}", "x".repeat(length));
    let at = UtcTime::from_millis(i64::try_from(number).unwrap());
    Entry::Turn(TurnRecord::new(at, Mode::Text, vec![Message::user(words)]))
}

const KILLS: usize = 200;
const INSIDE: &str = "BANTER_TEST_KILL";
const CONVERSATION: &str = "BANTER_TEST_KILL_CONVERSATION";
