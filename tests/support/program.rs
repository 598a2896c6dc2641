//! Runs the program, never for longer than two minutes.

use std::ffi::OsStr;
use std::process::Output;
use std::time::Duration;

use tokio::process::Command;

use crate::lacking::lacking;

/// The program with `arguments`, in the project's folder.
pub(crate) fn banter<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banter"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).kill_on_drop(true);
    command
}

/// Runs a command to its end.
pub(crate) fn run(mut command: Command) -> Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ended = runtime.block_on(async { tokio::time::timeout(LIMIT, command.output()).await });
    ended.unwrap_or_else(|_| panic!("still running after {LIMIT:?}: {command:?}")).unwrap()
}

/// Whether the machine has the recogniser's model and the default synthesizer. If not, the test
/// is to be skipped.
pub(crate) fn can_talk() -> bool {
    let model = banter::stt::by_name("pocketsphinx");
    if let Err(error) = &model {
        lacking("pocketsphinx", &error.to_string());
    }
    let flite = std::process::Command::new("flite").arg("--version").output();
    if let Err(error) = &flite {
        lacking("flite", &format!("flite does not run: {error}"));
    }
    model.is_ok() && flite.is_ok()
}

/// Far more than any run needs, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);
