//! Mock services in a process of their own, so that they do not share a core with what is
//! measured.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use banter::bench::remote::MockServer;
//! use banter::bench::services::{Profile, Script};
//! use banter::net::Http;
//!
//! # async fn measure(http: Arc<dyn Http>) -> Result<(), Box<dyn std::error::Error>> {
//! let server = MockServer::spawn(Profile::Realistic, Some(1), http).await?;
//! let services = server.services();
//! services.script("alice", &Script::default()).await?;
//! // Calls with `services.url()` as the address and "alice" as the key.
//! let log = services.log("alice").await?;
//! # Ok(())
//! # }
//! ```

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use http::Request;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::services::{Log, Overrides, Profile, Risk, Script};
use crate::net::{Body, Endpoint, EndpointError, Http, Limits, NetError};
use crate::types::Secret;

/// How mock services are started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The program `banter`: this one by default.
    pub program: Option<PathBuf>,
    /// Their delays.
    pub profile: Profile,
    /// What differs from the profile.
    pub overrides: Overrides,
    /// What goes wrong by chance.
    pub risks: Vec<Risk>,
    /// Decides what happens by chance.
    pub seed: u64,
    /// The core that they run on; any, if `None`.
    pub pin: Option<usize>,
    /// The files of a certificate and its key, for those who want TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Further arguments of `banter mock-server`.
    pub more: Vec<String>,
}

impl Launch {
    /// Services with these delays.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let (overrides, risks) = (Overrides::default(), Vec::new());
        let (tls, more) = (None, Vec::new());
        Self { program: None, profile, overrides, risks, seed: 1, pin: None, tls, more }
    }

    /// Starts them. They are reached by `http`.
    ///
    /// # Errors
    ///
    /// When the program does not start, or does not serve within 10 s.
    pub async fn start(&self, http: Arc<dyn Http>) -> Result<MockServer, RemoteError> {
        let program = self.program.clone().map_or_else(std::env::current_exe, Ok);
        let mut child = Command::new(program.map_err(RemoteError::Start)?)
            .args(self.arguments())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            // Ctrl-C is for this program: what it measured is still to be asked of them.
            .process_group(0)
            .spawn()
            .map_err(RemoteError::Start)?;
        let output = child.stdout.take().ok_or(RemoteError::Silent)?;
        let mut output = BufReader::new(output);
        let mut line = String::new();
        let told = timeout(STARTS, output.read_line(&mut line)).await;
        told.map_err(|_| RemoteError::Silent)?.map_err(RemoteError::Start)?;
        let url = line.trim().strip_prefix(LISTENING).ok_or(RemoteError::Silent)?;
        Ok(MockServer { child, output, services: MockServices::new(url, http) })
    }

    fn arguments(&self) -> Vec<String> {
        let mut arguments = vec!["mock-server".to_owned(), "--until-eof".to_owned()];
        let mut add = |name: &str, value: String| arguments.extend([format!("--{name}"), value]);
        add("profile", self.profile.to_string());
        add("seed", self.seed.to_string());
        if let Some(core) = self.pin {
            add("pin", core.to_string());
        }
        for risk in &self.risks {
            add("fault", risk.to_string());
        }
        if let Some((certificate, key)) = &self.tls {
            add("tls-cert", certificate.display().to_string());
            add("tls-key", key.display().to_string());
        }
        // Each override has a flag of its name.
        let overrides = serde_json::to_value(&self.overrides).unwrap_or_default();
        for (name, value) in overrides.as_object().into_iter().flatten() {
            if !value.is_null() {
                add(&name.replace('_', "-"), value.to_string());
            }
        }
        arguments.extend(self.more.iter().cloned());
        arguments
    }
}

/// Mock services in a process of their own. Dropping it ends them.
#[derive(Debug)]
pub struct MockServer {
    child: Child,
    output: BufReader<ChildStdout>,
    services: MockServices,
}

impl MockServer {
    /// Services with these delays, from this program, on this core if one is given.
    ///
    /// # Errors
    ///
    /// As for [`Launch::start`].
    pub async fn spawn(
        profile: Profile,
        pin: Option<usize>,
        http: Arc<dyn Http>,
    ) -> Result<Self, RemoteError> {
        Launch { pin, ..Launch::new(profile) }.start(http).await
    }

    /// The way to them.
    #[must_use]
    pub const fn services(&self) -> &MockServices {
        &self.services
    }

    /// The number of their process; `None` once it has ended.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Ends them in order. Returns what they say at the end: how many requests they had.
    ///
    /// # Errors
    ///
    /// When they do not end within 10 s; then they are killed.
    pub async fn stop(mut self) -> Result<String, RemoteError> {
        drop(self.child.stdin.take());
        let ended = timeout(STARTS, async {
            let mut said = String::new();
            self.output.read_to_string(&mut said).await?;
            self.child.wait().await?;
            Ok(said.trim().to_owned())
        });
        ended.await.map_err(|_| RemoteError::Silent)?.map_err(RemoteError::Start)
    }
}

/// The way to mock services, wherever they run.
#[derive(Clone, Debug)]
pub struct MockServices {
    url: String,
    http: Arc<dyn Http>,
}

impl MockServices {
    /// Those at `url`, such as `http://127.0.0.1:8770/v1`.
    #[must_use]
    pub fn new(url: &str, http: Arc<dyn Http>) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), http }
    }

    /// Their address: `http://127.0.0.1:PORT/v1`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on `caller` is told this.
    ///
    /// # Errors
    ///
    /// When they cannot be reached.
    pub async fn script(&self, caller: &str, script: &Script) -> Result<(), RemoteError> {
        let endpoint = self.endpoint(caller)?;
        let text = serde_json::to_vec(script).map_err(RemoteError::Json)?;
        let request = endpoint.post("script").body(Body::Whole(text.into()));
        self.ask(&endpoint, request).await.map(drop)
    }

    /// What `caller` has asked so far. Times are those of the machine's monotonic clock.
    ///
    /// # Errors
    ///
    /// When they cannot be reached.
    pub async fn log(&self, caller: &str) -> Result<Log, RemoteError> {
        self.read(caller, "log").await
    }

    /// The same, which they forget then.
    ///
    /// # Errors
    ///
    /// When they cannot be reached.
    pub async fn take_log(&self, caller: &str) -> Result<Log, RemoteError> {
        self.read(caller, "log?clear=true").await
    }

    async fn read(&self, caller: &str, path: &str) -> Result<Log, RemoteError> {
        let endpoint = self.endpoint(caller)?;
        let text = self.ask(&endpoint, endpoint.get(path).body(Body::empty())).await?;
        serde_json::from_slice(&text).map_err(RemoteError::Json)
    }

    async fn ask(
        &self,
        endpoint: &Endpoint,
        request: Result<Request<Body>, http::Error>,
    ) -> Result<Vec<u8>, RemoteError> {
        let answer = endpoint.send(&*self.http, request?, Limits::default()).await?;
        let mut pieces = answer.into_body();
        let mut all = Vec::new();
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }

    /// The script and the log of whoever has this key.
    fn endpoint(&self, caller: &str) -> Result<Endpoint, RemoteError> {
        let key = (!caller.is_empty()).then(|| Secret::new(caller));
        Ok(Endpoint::new(self.url.trim_end_matches("/v1"), key)?)
    }
}

/// Why mock services cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The program does not run.
    #[error("cannot run the mock services: {0}")]
    Start(#[source] io::Error),
    /// It runs and does not say what it should.
    #[error("the mock services do not tell their address; try `banter mock-server`")]
    Silent,
    /// They cannot be reached.
    #[error(transparent)]
    Net(#[from] NetError),
    /// A caller's name cannot be a key.
    #[error(transparent)]
    Caller(#[from] EndpointError),
    /// A request cannot be made.
    #[error(transparent)]
    Request(#[from] http::Error),
    /// What they say cannot be read.
    #[error("the mock services are of another version: {0}")]
    Json(#[source] serde_json::Error),
}

/// What the first line of the program begins with.
pub const LISTENING: &str = "listening on ";

const STARTS: Duration = Duration::from_secs(10);
