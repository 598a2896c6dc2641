//! The command line.
//!
//! Exit codes: 0 done; 1 failed; 2 wrong usage; 3 done, but something could not be written
//! whole (the recording, the events, the conversation); 130 ended by Ctrl-C, with everything written.

mod approve;
mod bench;
mod captions;
mod chat;
mod completions;
mod config;
mod conversation;
mod devices;
mod doctor;
mod end;
mod harmless;
mod labels;
mod mcp;
mod mock_server;
mod models;
mod pack;
mod pending;
mod providers;
mod record;
mod say;
mod screen;
mod serve;
mod sessions;
mod settings;
mod simulate;
mod talk;
mod tools;
mod transcribe;
mod turns;
mod vad;

use std::io::{IsTerminal, Write, stderr};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// A real-time voice agent: answers fast, and stops the instant you speak.
#[derive(Debug, Parser)]
#[command(name = "banter", version, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Talk(talk::Talk),
    Chat(chat::Chat),
    Vad(vad::VadCommand),
    Transcribe(transcribe::Transcribe),
    Say(say::Say),
    Serve(serve::Serve),
    Bench(Box<bench::Bench>),
    Devices(devices::Devices),
    MockServer(mock_server::MockServer),
    Simulate(simulate::Simulate),
    Models(models::Models),
    Mcp(mcp::Mcp),
    Providers(providers::Providers),
    Pack(pack::PackCommand),
    Sessions(sessions::Sessions),
    Tools(tools::Tools),
    Config(config::ConfigCommand),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
}

impl Command {
    /// A log would be written over the screen, unless it goes to a file.
    fn hides_log(&self) -> bool {
        matches!(self, Self::Talk(talk) if talk.shows_screen()) && stderr().is_terminal()
    }
}

const AFTER_HELP: &str = "\
Exit codes:
  0    done
  1    failed; the message says why and what to do
  2    wrong usage
  3    done, but the recording, the events, the exchanges or the conversation could not be written
       whole
  130  ended by Ctrl-C, with everything written

BANTER_LOG=debug shows what happens inside (BANTER_LOG=banter::session=trace for one part).";

/// How a command ended, where it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Done,
    /// It has told why by itself.
    Failed,
    NotWhole,
    Interrupted,
}

/// Runs the program.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let level = if arguments.command.hides_log() { "off" } else { "warn" };
    tracing_subscriber::fmt()
        .with_env_filter(log_filter(level))
        .with_writer(std::io::stderr)
        .init();
    let ended = match arguments.command {
        Command::Talk(talk) => talk.run(),
        Command::Chat(chat) => chat.run(),
        Command::Vad(vad) => vad.run(),
        Command::Transcribe(transcribe) => transcribe.run(),
        Command::Say(say) => say.run(),
        Command::Serve(serve) => serve.run(),
        Command::Bench(bench) => bench.run(),
        Command::Devices(devices) => devices.run(),
        Command::MockServer(server) => server.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Models(models) => models.run(),
        Command::Mcp(mcp) => mcp.run(),
        Command::Providers(providers) => providers.run(),
        Command::Pack(pack) => pack.run(),
        Command::Sessions(sessions) => sessions.run(),
        Command::Tools(tools) => tools.run(),
        Command::Config(config) => config.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Completions(completions) => completions.run(),
    };
    match ended {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::Failed) => ExitCode::FAILURE,
        Ok(Ending::NotWhole) => ExitCode::from(3),
        Ok(Ending::Interrupted) => ExitCode::from(130),
        // Nobody reads on: `banter … | head` is no failure.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _unheard = writeln!(stderr(), "banter: {}", harmless::harmless(&complaint(&error)));
            ExitCode::FAILURE
        }
    }
}

/// What is logged: what the user wants, else `level`. A library that notes addresses with what is
/// secret in them is silent unless it is asked for.
fn log_filter(level: &str) -> EnvFilter {
    let wanted = std::env::var("BANTER_LOG").ok();
    let wanted = wanted.filter(|wanted| EnvFilter::try_new(wanted).is_ok());
    let wanted = wanted.unwrap_or_else(|| level.to_owned());
    EnvFilter::new(if wanted.contains("rmcp") { wanted } else { format!("{wanted},rmcp=off") })
}

/// The error with its causes, each once: some errors tell their cause themselves.
fn complaint(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
    error.downcast_ref::<std::io::Error>().is_some_and(broken)
}
