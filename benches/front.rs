//! What 10 ms of the microphone's sound cost in the front end at 16 kHz, without the detector: a
//! user who speaks over the agent's echo, from synthesized speech.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use std::path::Path;
use std::time::Duration;

use banter::audio::WavReader;
use banter::dsp::{Aec3, BLOCK, EchoCanceller, FrontConfig, FrontEnd, Suppression};
use banter::vad::Scripted;

const PIECE: usize = 160;
const SECONDS: usize = 20;
/// When it is heard, and how loud.
const ECHO: [(usize, f32); 4] = [(960, 0.2), (1_100, 0.08), (1_500, -0.06), (2_100, 0.03)];

fn main() {
    let mut criterion = support::criterion();
    let mut group = criterion.benchmark_group("front end, 10 ms");
    let talk = Talk::new();
    let enhances = FrontConfig { echo: false, ..FrontConfig::default() };
    let cancels = FrontConfig { echo: true, ..FrontConfig::off() };
    let front = |config: &FrontConfig| FrontEnd::new(detector(), config);
    let gates = || FrontEnd::with_canceller(detector(), &cancels, || Box::new(Nothing));
    for (name, mut front) in [
        ("echo, noise and gain", front(&FrontConfig::default())),
        ("suppressor and gain", front(&enhances)),
        ("suppressor", front(&FrontConfig { gain: false, ..enhances })),
        ("gain", front(&FrontConfig { noise: Suppression::Off, ..enhances })),
        ("gate and chime", gates()),
        ("off: chime", front(&FrontConfig::off())),
    ] {
        let (mut pieces, mut out) = (talk.pieces(), Vec::new());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (rendered, heard) = pieces.next().unwrap();
                out.clear();
                front.render(rendered);
                front.hear(heard, &mut out, |_| {});
            });
        });
    }
    let (mut pieces, mut blocks, mut canceller) = (talk.pieces(), Blocks::default(), Aec3::new());
    group.bench_function("canceller", |bencher| {
        bencher.iter(|| {
            let (rendered, heard) = pieces.next().unwrap();
            blocks.fill(rendered, heard, |rendered, heard| canceller.cancel(rendered, heard));
        });
    });
    group.finish();
    criterion.final_summary();
}

/// One that costs nothing.
fn detector() -> Box<Scripted> {
    Box::new(Scripted::new(""))
}

/// What the agent says, and what the microphone hears of it and of the user.
struct Talk {
    rendered: Vec<i16>,
    heard: Vec<i16>,
}

impl Talk {
    fn new() -> Self {
        let (rendered, user) = (speech(&["01", "03", "05", "07", "09"]), speech(&["02", "06"]));
        let mut heard: Vec<f32> = user.iter().map(|&sample| f32::from(sample) / 2.0).collect();
        for (delay, factor) in ECHO {
            for (to, &from) in heard[delay..].iter_mut().zip(&rendered) {
                *to += factor * f32::from(from);
            }
        }
        Self { rendered, heard: heard.into_iter().map(|sample| sample as i16).collect() }
    }

    /// Over and over.
    fn pieces(&self) -> impl Iterator<Item = (&[i16], &[i16])> {
        self.rendered.chunks_exact(PIECE).zip(self.heard.chunks_exact(PIECE)).cycle()
    }
}

/// These sentences, one after the other.
fn speech(names: &[&str]) -> Vec<i16> {
    let read = |name: &&str| {
        let path = format!("{}/assets/sentences/{name}.wav", env!("CARGO_MANIFEST_DIR"));
        WavReader::open(Path::new(&path)).unwrap().read_all().unwrap().samples().to_vec()
    };
    let all: Vec<i16> = names.iter().flat_map(read).collect();
    all.into_iter().cycle().take(SECONDS * 16_000).collect()
}

/// Cuts pieces into blocks.
#[derive(Default)]
struct Blocks {
    rendered: Vec<f32>,
    heard: Vec<f32>,
}

impl Blocks {
    fn fill(
        &mut self,
        rendered: &[i16],
        heard: &[i16],
        mut each: impl FnMut(&[f32; BLOCK], &mut [f32; BLOCK]),
    ) {
        for (&rendered, &heard) in rendered.iter().zip(heard) {
            self.rendered.push(f32::from(rendered));
            self.heard.push(f32::from(heard));
            if self.heard.len() == BLOCK {
                let rendered = self.rendered.first_chunk().unwrap();
                each(rendered, self.heard.first_chunk_mut().unwrap());
                self.rendered.clear();
                self.heard.clear();
            }
        }
    }
}

/// Cancels nothing: what is beside the canceller is measured.
#[derive(Debug)]
struct Nothing;

impl EchoCanceller for Nothing {
    fn name(&self) -> &'static str {
        "nothing"
    }

    fn cancel(&mut self, _: &[f32; BLOCK], _: &mut [f32; BLOCK]) {}

    fn linear(&self) -> &[f32; BLOCK] {
        &[0.0; BLOCK]
    }

    fn delay(&self) -> Duration {
        Duration::ZERO
    }

    fn path_delay(&self) -> Duration {
        Duration::ZERO
    }
}
