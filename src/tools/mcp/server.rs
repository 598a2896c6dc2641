//! Which servers there are, and how each is reached.

use std::path::PathBuf;
use std::time::Duration;

use crate::tools::matches;
use crate::types::Secret;

/// A server of the Model Context Protocol, and how to reach it.
///
/// ```
/// use std::time::Duration;
///
/// use banter::tools::mcp::McpServer;
/// use banter::types::Secret;
///
/// let files = McpServer::stdio("files", "npx")
///     .args(["-y", "@modelcontextprotocol/server-filesystem", "."])
///     .allow(["read_*", "list_*"]);
/// let tickets = McpServer::http("tickets", "https://mcp.example.com/mcp")
///     .header("authorization", Secret::new("Bearer …"))
///     .request_timeout(Duration::from_secs(5))
///     .required(false);
/// # drop((files, tickets));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct McpServer {
    pub(super) name: String,
    pub(super) way: Way,
    pub(super) allow: Vec<String>,
    pub(super) init_timeout: Duration,
    pub(super) request_timeout: Duration,
    pub(super) reconnects: u32,
    pub(super) required: bool,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Way {
    /// It is a program on this machine, and reads and writes lines.
    Stdio(Program),
    /// It is a service.
    Http(Service),
}

/// A program on this machine.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Program {
    pub(super) command: String,
    pub(super) args: Vec<String>,
    pub(super) env: Vec<(String, Secret)>,
    pub(super) cwd: Option<PathBuf>,
}

/// A service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Service {
    pub(super) url: String,
    pub(super) headers: Vec<(String, Secret)>,
}

impl McpServer {
    /// A program that is started and speaks over its standard input and output. Of this program's
    /// environment it gets what programs need to run (`PATH`, `HOME`, `LANG` and the like), and
    /// what [`env`](Self::env) adds.
    #[must_use]
    pub fn stdio(name: impl Into<String>, command: impl Into<String>) -> Self {
        let program =
            Program { command: command.into(), args: Vec::new(), env: Vec::new(), cwd: None };
        Self::new(name.into(), Way::Stdio(program))
    }

    /// A service at `url` that speaks streamable HTTP.
    #[must_use]
    pub fn http(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self::new(name.into(), Way::Http(Service { url: url.into(), headers: Vec::new() }))
    }

    fn new(name: String, way: Way) -> Self {
        Self {
            name,
            way,
            allow: Vec::new(),
            init_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            reconnects: 3,
            required: true,
        }
    }

    /// Arguments of the program; a service has none.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<String>>) -> Self {
        if let Way::Stdio(program) = &mut self.way {
            program.args.extend(args.into_iter().map(Into::into));
        }
        self
    }

    /// A variable of the program's environment; a service has none.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        if let Way::Stdio(program) = &mut self.way {
            program.env.push((name.into(), value.into()));
        }
        self
    }

    /// The folder in which the program runs; this one's by default.
    #[must_use]
    pub fn cwd(mut self, folder: impl Into<PathBuf>) -> Self {
        if let Way::Stdio(program) = &mut self.way {
            program.cwd = Some(folder.into());
        }
        self
    }

    /// A header of every request to the service; a program gets none. It is not sent on to another
    /// host.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        if let Way::Http(service) = &mut self.way {
            service.headers.push((name.into(), value.into()));
        }
        self
    }

    /// Takes only the tools that one of `names` means, as the server calls them; `*` stands for
    /// anything. All by default.
    #[must_use]
    pub fn allow(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.allow.extend(names.into_iter().map(Into::into));
        self
    }

    /// How long it may take until it has started and told its tools; 10 s by default.
    #[must_use]
    pub fn init_timeout(mut self, limit: Duration) -> Self {
        self.init_timeout = limit;
        self
    }

    /// How long one request may take; 30 s by default.
    #[must_use]
    pub fn request_timeout(mut self, limit: Duration) -> Self {
        self.request_timeout = limit;
        self
    }

    /// How often in a row it is started again when it ends by itself; 3 times by default. One that
    /// has run for a minute may do so anew.
    #[must_use]
    pub fn reconnects(mut self, times: u32) -> Self {
        self.reconnects = times;
        self
    }

    /// Whether nothing goes without it, as by default. Else its failure to start is only a warning.
    #[must_use]
    pub fn required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command or the address, as errors show it: without arguments, and without what may be
    /// secret in an address.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.way {
            Way::Stdio(program) => program.command.clone(),
            Way::Http(service) => match service.url.parse::<http::Uri>() {
                Ok(url) => {
                    let host = url.host().unwrap_or_default();
                    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                    format!("{}://{host}{port}{}", url.scheme_str().unwrap_or("http"), url.path())
                }
                Err(_) => "an address that is none".to_owned(),
            },
        }
    }

    pub(super) fn allows(&self, tool: &str) -> bool {
        self.allow.is_empty() || self.allow.iter().any(|pattern| matches(pattern, tool))
    }

    /// `text` without the secrets that this server was given.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        let secrets = match &self.way {
            Way::Stdio(program) => &program.env,
            Way::Http(service) => &service.headers,
        };
        let long = secrets.iter().filter(|(_, secret)| secret.expose().len() >= SHORTEST_SECRET);
        long.fold(text.to_owned(), |text, (_, secret)| {
            let bare = secret.expose().strip_prefix("Bearer ").map(Secret::new);
            let text = secret.removed_from(&text);
            bare.map_or(text.clone(), |bare| bare.removed_from(&text))
        })
    }
}

/// What is shorter (`1`, `true`) is no secret, and would make holes in what a server says.
const SHORTEST_SECRET: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_a_server_without_its_secrets() {
        let server = McpServer::http("a", "https://me:pass@example.com:81/mcp?key=abc")
            .header("authorization", "Bearer sk-123456");
        assert_eq!(server.shown(), "https://example.com:81/mcp");
        let said = "no: Bearer sk-123456, sk-123456";
        assert_eq!(server.without_secrets(said), "no: [secret], [secret]");
        let server = McpServer::stdio("b", "npx").args(["--key", "abc"]).env("DEBUG", "1");
        assert_eq!(server.shown(), "npx");
        assert_eq!(server.without_secrets("1 error"), "1 error");
        assert!(!format!("{server:?}").contains("\"1\""));
    }

    #[test]
    fn an_empty_list_allows_all() {
        let all = McpServer::stdio("a", "b");
        assert!(all.allows("write_file"));
        let some = all.allow(["read_*", "list"]);
        assert!(some.allows("read_file") && some.allows("list") && !some.allows("write_file"));
    }
}
