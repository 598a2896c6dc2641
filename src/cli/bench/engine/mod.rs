//! `banter bench stt|tts|llm`: one engine of the settings by itself.

mod llm;
mod requests;
mod stt;
mod tts;

use std::io::{Write, stderr, stdout};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;

use self::requests::Came;
use crate::bench::machine;
use crate::cli::Ending;
use crate::cli::record::RecordFlags;
use crate::cli::screen::plain;
use crate::cli::talk::Ends;
use crate::config::{Factory, Settings};
use crate::net::HttpClient;
use crate::providers::{Price, PriceError};
use crate::time::WallTime;

/// What is measured by itself.
#[derive(Debug, Subcommand)]
pub(super) enum EngineBench {
    Stt(stt::Stt),
    Tts(tts::Tts),
    Llm(llm::Llm),
    Turns(super::turns::Turns),
}

impl EngineBench {
    pub(super) fn run(self) -> anyhow::Result<Ending> {
        if let Self::Turns(turns) = self {
            return turns.run();
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime")?;
        let record = match &self {
            Self::Llm(llm) => llm.record.clone(),
            _ => RecordFlags::default(),
        };
        let ending = runtime.block_on(async {
            let mut ends = Ends::new()?;
            match self {
                Self::Stt(stt) => stt.measure(&mut ends).await,
                Self::Tts(tts) => tts.measure(&mut ends).await,
                Self::Llm(llm) => llm.measure(&mut ends).await,
                Self::Turns(turns) => turns.run(),
            }
        });
        // A hung engine must not keep the program from ending.
        runtime.shutdown_timeout(Duration::from_secs(1));
        record.end(ending)
    }
}

/// How an engine is measured.
#[derive(Debug, Args)]
struct How {
    /// Ask for each so often. One request before all of them, to warm up, is not counted.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    repeat: u32,
    /// Write the figures as a JSON object.
    #[arg(long)]
    json: bool,
}

/// Makes the engines of the settings, and says what is to be known of this one.
fn factory<'a>(settings: &'a Settings, engine: &str) -> anyhow::Result<Factory<'a>> {
    let factory = Factory::new(settings, || Ok(Arc::new(HttpClient::new()?)));
    for note in factory.notes(&[engine]) {
        writeln!(stderr(), "{note}")?;
    }
    Ok(factory)
}

/// What is told of an engine.
#[derive(Serialize)]
struct Told<'a, F> {
    kind: &'a str,
    engine: &'a str,
    banter: &'static str,
    machine: &'a str,
    at: String,
    #[serde(flatten)]
    figures: &'a F,
    failures: &'a [String],
}

impl How {
    /// Tells the figures, by `table` for people, and what failed.
    fn tell<T, F: Serialize>(
        &self,
        (kind, engine): (&str, &str),
        came: &Came<T>,
        figures: &F,
        table: impl Fn(&F) -> String,
    ) -> anyhow::Result<Ending> {
        let (machine, failures) = (&*machine::name(), &came.failures[..]);
        let mut out = stdout().lock();
        if self.json {
            let (banter, at) = (env!("CARGO_PKG_VERSION"), WallTime::timestamp());
            let told = Told { kind, engine, banter, machine, at, figures, failures };
            writeln!(out, "{}", serde_json::to_string(&told)?)?;
        } else {
            let (done, failed) = (came.done.len(), failures.len());
            writeln!(out, "{kind} {}, on {machine}", plain(engine))?;
            writeln!(out, "{done} measured after one to warm up; {failed} failed\n")?;
            write!(out, "{}", table(figures))?;
            for failure in failures {
                writeln!(out, "FAILED {}", plain(failure))?;
            }
        }
        Ok(came.ending())
    }
}

/// A price for sound.
fn for_sound(text: &str) -> Result<Price, String> {
    match price(text)? {
        price @ Price::Second(_) => Ok(price),
        Price::Item(_) => Err("it is sound that is paid: write it as in 0.006/min".to_owned()),
    }
}

/// A price for tokens.
fn for_tokens(text: &str) -> Result<Price, String> {
    match price(text)? {
        price @ Price::Item(_) => Ok(price),
        Price::Second(_) => Err("it is tokens that are paid: write it as in 0.15/1M".to_owned()),
    }
}

fn price(text: &str) -> Result<Price, String> {
    text.parse().map_err(|error: PriceError| error.to_string())
}
