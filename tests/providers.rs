//! `banter providers`, the program itself.

#![expect(clippy::unwrap_used, reason = "a test may panic, and so may its helpers")]

#[path = "support/lacking.rs"]
mod lacking;
#[path = "support/program.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod program;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;

use banter::bench::remote::{Launch, MockServer};
use banter::bench::services::Profile;
use banter::net::HttpClient;
use serde_json::Value;

/// The program in `folder`, with these variables alone. It must end within two minutes.
async fn providers(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = program::banter(["providers"]);
    command.args(arguments).current_dir(folder).env_clear().env("HOME", folder);
    command.envs(variables.iter().copied());
    let ended = tokio::time::timeout(std::time::Duration::from_secs(120), command.output());
    ended.await.unwrap().unwrap()
}

fn text(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}{err}")
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn mock_server() -> MockServer {
    let http = Arc::new(HttpClient::new().unwrap());
    let program = Some(PathBuf::from(env!("CARGO_BIN_EXE_banter")));
    Launch { program, ..Launch::new(Profile::Fast) }.start(http).await.unwrap()
}

/// Where nobody listens.
fn refused() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("http://127.0.0.1:{port}/v1")
}

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

#[tokio::test]
async fn what_has_a_key_is_listed_and_no_key_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let none = providers(folder.path(), &[], &[]).await;
    assert!(text(&none).starts_with("* scripted  scripted  -  -\n"), "{}", text(&none));
    assert!(none.status.success());

    let keys = [("OPENAI_API_KEY", "sk-hush-1234"), ("ANTHROPIC_API_KEY", "sk-hush-5678")];
    let listed = providers(folder.path(), &[], &keys).await;
    let told = text(&listed);
    for part in [
        "* openai  openai  gpt-4o-mini  https://api.openai.com/v1  key: set\n",
        "  anthropic  anthropic  claude-haiku-4-5  https://api.anthropic.com  key: set\n",
        "tools, JSON by a schema; 1 USD in, 5 out per 1M tokens, 20",
    ] {
        assert!(told.contains(part), "{part} is not in:\n{told}");
    }
    assert!(listed.status.success() && !told.contains("hush"), "{told}");

    let json = lines(&providers(folder.path(), &["--json", "anthropic"], &keys).await);
    let [anthropic] = &json[..] else { panic!("{json:?}") };
    assert_eq!((&anthropic["id"], &anthropic["chosen"]), (&"anthropic".into(), &false.into()));
    assert_eq!((&anthropic["key"], &anthropic["prices"]["input"]), (&"set".into(), &1.0.into()));
    assert_eq!(anthropic["prices"]["date"].as_str().unwrap().len(), 10);
    assert_eq!(anthropic["capabilities"]["tools"], true);
    assert!(anthropic.get("check").is_none(), "nobody was asked");

    let unknown = providers(folder.path(), &["mine"], &keys).await;
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown).contains("no provider is named `mine`; there is: openai, anthropic"));
}

#[tokio::test]
async fn each_is_asked_one_question_and_the_failures_say_what_to_do() {
    let (folder, server) = (tempfile::tempdir().unwrap(), mock_server().await);
    let (up, down) = (server.services().url().to_owned(), refused());
    let tables = format!(
        "[llm]\nengine = \"up\"\n\
         [providers.up]\ntype = \"openai\"\nbase_url = \"{up}\"\napi_key = \"sk-hush-1234\"\n\
         prices = {{ input = \"2/1M\", output = \"3/1M\" }}\n\
         [providers.down]\ntype = \"ollama\"\nmodel = \"m\"\nbase_url = \"{down}\"\n\
         [providers.keyless]\ntype = \"gemini\"\napi_key_env = \"NOBODY_HAS_IT\"\n"
    );
    write(folder.path(), "mine.toml", &tables);

    let arguments = ["--check", "--json", "--config", "mine.toml"];
    let checked = providers(folder.path(), &arguments, &[]).await;
    assert_eq!(checked.status.code(), Some(1), "{}", text(&checked));
    assert!(!text(&checked).contains("hush"), "{}", text(&checked));
    let all = lines(&checked);
    let of = |id: &str| all.iter().find(|told| told["id"] == id).unwrap();
    assert_eq!(all.iter().filter(|told| told["chosen"] == true).count(), 1);

    let up = of("up");
    assert_eq!((&up["chosen"], &up["check"]["ok"]), (&true.into(), &true.into()), "{up}");
    let ms = |name: &str| up["check"][name].as_f64().unwrap();
    // The server takes 10 ms to the first word, and as long to each next.
    assert!(ms("first_ms") >= 10.0 && ms("whole_ms") > ms("first_ms"), "{up}");
    assert_eq!(up["prices"]["output"], 3.0);

    let down_told = of("down");
    assert_eq!(down_told["check"]["ok"], false);
    assert_eq!(down_told["check"]["kind"], "Network", "{down_told}");
    let advice = down_told["check"]["advice"].as_str().unwrap();
    assert!(advice.contains(&format!("whether a server runs at {down}")), "{advice}");
    assert_eq!((&down_told["key"], &down_told["prices"]["input"]), (&"none".into(), &0.0.into()));

    let keyless = of("keyless");
    assert_eq!(keyless["key"], "missing");
    let problem = keyless["problem"].as_str().unwrap();
    assert!(problem.contains("set the environment variable NOBODY_HAS_IT"), "{problem}");
    // One question each, and none to those that were not asked.
    assert_eq!(server.stop().await.unwrap(), "served 1 requests");
}

#[tokio::test]
async fn if_all_answer_the_exit_code_says_so() {
    let (folder, server) = (tempfile::tempdir().unwrap(), mock_server().await);
    let base = server.services().url();
    let variables = [("OPENAI_BASE_URL", base), ("OPENAI_API_KEY", "sk-hush-1234")];
    let checked = providers(folder.path(), &["--check"], &variables).await;
    let told = text(&checked);
    assert!(checked.status.success(), "{told}");
    assert!(told.contains("costs nothing\n    ok: first word after "), "{told}");
    assert!(!told.contains("hush"), "{told}");

    // A stray file has no key sent elsewhere: it is told, and nothing is asked.
    write(folder.path(), "banter.toml", "[openai]\nbase_url = \"http://127.0.0.1:9/v1\"\n");
    let key = [("OPENAI_API_KEY", "sk-hush-1234")];
    let stray = providers(folder.path(), &["--check"], &key).await;
    assert_eq!(stray.status.code(), Some(1));
    assert!(text(&stray).contains("cannot be asked: banter.toml:2 sets openai.base_url"));
}

/// The first that comes is kept, and told nothing.
#[tokio::test]
async fn ctrl_c_ends_it_while_a_server_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", silent.local_addr().unwrap());
    let mut command = program::banter(["providers", "--check"]);
    command.current_dir(folder.path()).env_clear().env("HOME", folder.path());
    let mut child = command.env("OPENAI_BASE_URL", base).spawn().unwrap();
    let limit = std::time::Duration::from_secs(120);
    let asked = tokio::time::timeout(limit, silent.accept()).await.unwrap().unwrap();

    let id = child.id().unwrap().to_string();
    let sent = std::process::Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let ended = tokio::time::timeout(limit, child.wait()).await.unwrap().unwrap();
    assert_eq!(ended.code(), Some(130));
    drop(asked);
}
