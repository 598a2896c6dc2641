//! A server of one's own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::lacking::lacking;
use crate::time::SessionClock;

/// It listens at a socket in a folder of its own. Dropping it ends it.
pub(super) struct RedisServer {
    process: Child,
    folder: TempDir,
}

impl RedisServer {
    /// Starts one with more arguments, and waits until it serves; `None` where the machine lacks
    /// it.
    pub(super) async fn start(arguments: &[&str]) -> Option<Self> {
        if let Err(error) = Command::new(PROGRAM).arg("--version").output() {
            lacking("redis", &format!("{PROGRAM} does not run: {error}"));
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let process = launch(folder.path(), arguments);
        let server = Self { process, folder };
        server.serves().await;
        Some(server)
    }

    pub(super) async fn restart(&mut self) {
        self.stop();
        self.process = launch(self.folder.path(), &[]);
        self.serves().await;
    }

    pub(super) fn stop(&mut self) {
        let _gone = self.process.kill();
        let _status = self.process.wait();
        let _gone = std::fs::remove_file(self.socket());
    }

    pub(super) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join(SOCKET)
    }

    async fn serves(&self) {
        for _ in 0..1_000 {
            if tokio::net::UnixStream::connect(self.socket()).await.is_ok() {
                return;
            }
            SessionClock::live().sleep(Duration::from_millis(10)).await;
        }
        panic!("{PROGRAM} does not start within 10 s");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.stop();
    }
}

fn launch(folder: &Path, arguments: &[&str]) -> Child {
    Command::new(PROGRAM)
        .args(["--port", "0", "--unixsocket", SOCKET, "--save", "", "--appendonly", "no", "--dir"])
        .arg(folder)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

const PROGRAM: &str = "redis-server";
const SOCKET: &str = "redis.sock";
