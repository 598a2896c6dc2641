//! Servers of the Model Context Protocol, as files name them: tables `[mcp.NAME]` of the settings
//! file, and the JSON that other programs share, `{"mcpServers": {"NAME": {…}}}`.
//!
//! In their texts, `${NAME}` stands for the environment variable of that name, and `${NAME:-TEXT}`
//! for it or, if it is not set, for TEXT: so no key need stand in a file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::file::{FileText, Found};
use super::layers::{Origin, SettingError};
use crate::text::nearest;
use crate::tools::mcp::McpServer;

/// A server that a file names.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedServer {
    /// Its name.
    pub name: String,
    /// The server; else the environment variable that it lacks, which is no mistake until it is
    /// started.
    pub server: Result<McpServer, SettingError>,
    /// Where it stands.
    pub origin: Origin,
}

/// The servers of a JSON file as other programs have it. `name` is the file's, `variable` looks
/// into the environment.
///
/// # Errors
///
/// The first that is wrong in it, with the server's name.
pub fn mcp_servers(
    name: &str,
    text: &str,
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<McpServer>, SettingError> {
    let wrong = |problem: String| SettingError::new(name.to_owned(), problem);
    let file: Shared = serde_json::from_str(text).map_err(|error| wrong(untold(&error)))?;
    let mut servers = Vec::new();
    for (name, entry) in file.servers {
        let server = entry.server(&name, variable);
        let problem = |problem: Problem| wrong(format!("the server `{name}`: {}", problem.told()));
        servers.extend(server.map_err(problem)?);
    }
    Ok(servers)
}

impl FileText {
    /// The servers that it names, all that is wrong with them, and a warning for each that is not
    /// started: a file that nobody named may start no program.
    pub(super) fn servers(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> (Vec<NamedServer>, Vec<SettingError>, Vec<String>) {
        let (mut servers, mut wrong, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        // What is no table has been told already.
        let Ok(Tables { mcp }) = toml::from_str(&self.text) else { return Default::default() };
        for (name, table) in mcp {
            let place = format!("{}:{}", self.name, self.line(table.span().start));
            let table = strictly(table.into_inner());
            let server = table.map_err(Problem::Wrong).and_then(|it| it.server(&name, variable));
            let problem =
                |problem| SettingError::new(place.clone(), format!("mcp.{name}: {problem}"));
            let server = match server {
                Err(Problem::Wrong(why)) => {
                    wrong.push(problem(why));
                    continue;
                }
                Ok(None) => continue,
                Ok(Some(server)) => Ok(server),
                Err(Problem::Unset(why)) => Err(problem(why)),
            };
            if self.found == Found::Here {
                warnings.push(format!(
                    "{place}: the MCP server `{name}` is not started, for nobody named this file; \
                     to trust it, give --config {}",
                    self.name
                ));
                continue;
            }
            servers.push(NamedServer { name, server, origin: Origin::Line(place) });
        }
        (servers, wrong, warnings)
    }
}

#[derive(Deserialize)]
struct Tables {
    #[serde(default)]
    mcp: BTreeMap<String, Spanned<toml::Table>>,
}

#[derive(Deserialize)]
struct Shared {
    #[serde(rename = "mcpServers")]
    servers: BTreeMap<String, Entry>,
}

/// Why there is no server.
#[derive(Debug)]
enum Problem {
    /// The file is wrong.
    Wrong(String),
    /// A variable is not set.
    Unset(String),
}

impl Problem {
    fn told(self) -> String {
        match self {
            Self::Wrong(why) | Self::Unset(why) => why,
        }
    }
}

/// What a file says of a server.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    #[serde(rename = "type")]
    kind: Option<String>,
    command: Option<String>,
    args: Vec<String>,
    env: BTreeMap<String, String>,
    cwd: Option<PathBuf>,
    url: Option<String>,
    headers: BTreeMap<String, String>,
    allow: Vec<String>,
    required: Option<bool>,
    disabled: bool,
    init_timeout_ms: Option<u64>,
    request_timeout_ms: Option<u64>,
    reconnects: Option<u32>,
}

const KEYS: &[&str] = &[
    "type",
    "command",
    "args",
    "env",
    "cwd",
    "url",
    "headers",
    "allow",
    "required",
    "disabled",
    "init_timeout_ms",
    "request_timeout_ms",
    "reconnects",
];

/// A table in which nothing is misspelt.
fn strictly(table: toml::Table) -> Result<Entry, String> {
    if let Some(stranger) = table.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let hint = nearest(stranger, KEYS.iter().copied());
        let hint = hint.map(|key| format!("; did you mean `{key}`?")).unwrap_or_default();
        return Err(format!("there is no `{stranger}`{hint}"));
    }
    table.try_into().map_err(|error: toml::de::Error| untold(&error))
}

impl Entry {
    /// The server; `None` if it is switched off.
    fn server(
        self,
        name: &str,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<McpServer>, Problem> {
        if self.disabled {
            return Ok(None);
        }
        let filled = |text: &str| filled(text, variable);
        let wrong = |why: &str| Err(Problem::Wrong(why.to_owned()));
        let server = match (&self.command, &self.url, self.kind.as_deref()) {
            (Some(command), None, None | Some("stdio")) => {
                let mut server = McpServer::stdio(name, filled(command)?);
                for arg in &self.args {
                    server = server.args([filled(arg)?]);
                }
                for (key, value) in &self.env {
                    server = server.env(key, filled(value)?);
                }
                self.cwd.iter().fold(server, |server, folder| server.cwd(folder))
            }
            (None, Some(url), None | Some("http" | "streamable-http" | "streamableHttp")) => {
                let mut server = McpServer::http(name, filled(url)?);
                for (key, value) in &self.headers {
                    server = server.header(key, filled(value)?);
                }
                server
            }
            (_, _, Some("sse")) => {
                return wrong(
                    "`sse` is the old way over HTTP; ask the service for its address of \
                     streamable HTTP, often /mcp, and give no type",
                );
            }
            (Some(_), Some(_), _) => return wrong("give either `command` or `url`"),
            (None, None, _) => {
                return wrong("give `command`, a program, or `url`, a service");
            }
            (_, _, Some(kind)) => {
                return wrong(&format!("the type `{kind}` does not fit; leave it out"));
            }
        };
        Ok(Some(self.limited(server.allow(self.allow.iter().map(String::as_str)))))
    }

    fn limited(&self, mut server: McpServer) -> McpServer {
        if let Some(limit) = self.init_timeout_ms {
            server = server.init_timeout(Duration::from_millis(limit));
        }
        if let Some(limit) = self.request_timeout_ms {
            server = server.request_timeout(Duration::from_millis(limit));
        }
        if let Some(times) = self.reconnects {
            server = server.reconnects(times);
        }
        server.required(self.required.unwrap_or(true))
    }
}

/// `text` with the values of the variables that it names.
fn filled(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<String, Problem> {
    let mut pieces = text.split("${");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let Some((inside, after)) = piece.split_once('}') else {
            return Err(Problem::Wrong("a `${` has no `}`".to_owned()));
        };
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let value = variable(name).or_else(|| default.map(str::to_owned));
        let unset = || Problem::Unset(format!("the environment variable {name} is not set"));
        out += &value.ok_or_else(unset)?;
        out += after;
    }
    Ok(out)
}

/// What is wrong, without the texts that are quoted in it: they may be keys.
fn untold(error: &dyn std::fmt::Display) -> String {
    let told = error.to_string();
    let told = told.trim();
    let Some((before, rest)) = told.split_once("string \"") else { return told.to_owned() };
    let after = rest.split_once("\", expected").map_or("", |(_, after)| after);
    format!("{before}a text, expected{after}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn file(text: &str, found: Found) -> FileText {
        FileText { name: "b.toml".to_owned(), text: text.to_owned(), found }
    }

    fn layered(text: &str, found: Found) -> Result<Settings, Vec<String>> {
        let variables = [("TOKEN".to_owned(), "sk-1".to_owned())];
        Settings::layered(&[], &variables, Some(&file(text, found)))
            .map_err(|wrong| wrong.iter().map(ToString::to_string).collect())
    }

    const TWO: &str = "\
language = \"de\"
[mcp.files]
command = \"npx\"
args = [\"-y\", \"server\"]
env = { KEY = \"${TOKEN}\" }
allow = [\"read_*\"]
required = false
request_timeout_ms = 500

[mcp.web]
url = \"https://example.com/mcp\"
headers = { authorization = \"Bearer ${TOKEN}${NONE:-!}\" }
[mcp.off]
command = \"x\"
disabled = true
";

    #[test]
    fn servers_stand_in_tables_of_the_settings_file() {
        let settings = layered(TWO, Found::OfUser).unwrap();
        let files = McpServer::stdio("files", "npx")
            .args(["-y", "server"])
            .env("KEY", "sk-1")
            .allow(["read_*"])
            .required(false)
            .request_timeout(Duration::from_millis(500));
        let web = McpServer::http("web", "https://example.com/mcp")
            .header("authorization", "Bearer sk-1!");
        let [one, two] = settings.mcp() else { panic!("{:?}", settings.mcp()) };
        assert_eq!(one.server.as_ref().unwrap(), &files);
        assert_eq!(one.origin, Origin::Line("b.toml:2".to_owned()));
        assert_eq!(two.server.as_ref().unwrap(), &web);
        assert!(!format!("{settings:?}").contains("sk-1"));
        assert_eq!(settings.text("language"), Some("de"));
    }

    #[test]
    fn a_file_that_nobody_named_starts_no_program() {
        let settings = layered(TWO, Found::Here).unwrap();
        assert!(settings.mcp().is_empty());
        assert_eq!(settings.warnings().len(), 2);
        let warning = &settings.warnings()[0];
        assert!(
            warning.starts_with("b.toml:2: the MCP server `files` is not started"),
            "{warning}"
        );
        assert!(warning.contains("--config b.toml"), "{warning}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line_and_without_keys() {
        for (table, expected) in [
            ("comand = \"x\"", "there is no `comand`; did you mean `command`?"),
            ("", "give `command`, a program, or `url`, a service"),
            ("command = \"x\"\nurl = \"http://y\"", "give either `command` or `url`"),
            ("command = \"x\"\nenv = \"sk-2\"", "invalid type: a text, expected a map"),
            ("command = \"${GONE\"", "a `${` has no `}`"),
            ("url = \"http://y\"\ntype = \"sse\"", "ask the service for its address"),
            ("url = \"http://y\"\ntype = \"stdio\"", "the type `stdio` does not fit"),
        ] {
            let wrong = layered(&format!("\n[mcp.a]\n{table}\n"), Found::Named).unwrap_err();
            let [wrong] = &wrong[..] else { panic!("{wrong:?}") };
            assert!(wrong.starts_with("b.toml:2: mcp.a: ") && wrong.contains(expected), "{wrong}");
            assert!(!wrong.contains("sk-2"), "{wrong}");
        }
        let settings = layered("[mcp.a]\ncommand = \"${GONE}\"", Found::Named).unwrap();
        let unset = settings.mcp()[0].server.as_ref().unwrap_err().to_string();
        assert_eq!(unset, "b.toml:1: mcp.a: the environment variable GONE is not set");
        let wrong = layered("mcp = 1\n", Found::Named).unwrap_err();
        assert_eq!(wrong, ["b.toml:1: mcp holds tables: [mcp.NAME]"]);
    }

    #[test]
    fn the_json_of_other_programs_is_read() {
        let text = r#"{"mcpServers": {
            "everything": {"command": "npx", "args": ["-y", "${PACKAGE:-all}"], "icon": "x.png"},
            "web": {"type": "http", "url": "http://localhost/mcp", "headers": {"x-key": "${TOKEN}"}}
        }, "theme": "dark"}"#;
        let token = |name: &str| (name == "TOKEN").then(|| "sk-1".to_owned());
        let servers = mcp_servers("m.json", text, &token).unwrap();
        let everything = McpServer::stdio("everything", "npx").args(["-y", "all"]);
        let web = McpServer::http("web", "http://localhost/mcp").header("x-key", "sk-1");
        assert_eq!(servers, [everything, web]);

        let none = |_: &str| None;
        let wrong = mcp_servers("m.json", text, &none).unwrap_err().to_string();
        assert_eq!(wrong, "m.json: the server `web`: the environment variable TOKEN is not set");
        let wrong = mcp_servers("m.json", r#"{"servers": {}}"#, &none).unwrap_err().to_string();
        assert!(wrong.contains("missing field `mcpServers`"), "{wrong}");
    }
}
