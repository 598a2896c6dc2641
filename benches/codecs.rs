//! 20 ms of speech to a packet and back, and what conceals that it is lost.

#![expect(clippy::unwrap_used, reason = "a bench that cannot run says so")]

mod support;

use std::hint::black_box;

use banter::SampleRate;
use banter::audio::codec::{Codec, g711::Law};
use banter::audio::{Resampler, WavReader};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};

fn main() {
    let mut criterion: Criterion = support::criterion();
    let mut group = criterion.benchmark_group("codecs");
    measure(&mut group, "PCM", Codec::Pcm, 24_000);
    measure(&mut group, "µ-law", Codec::G711(Law::Mu), 8_000);
    measure(&mut group, "A-law", Codec::G711(Law::A), 8_000);
    #[cfg(feature = "opus")]
    for hz in [8_000, 16_000, 48_000] {
        measure(&mut group, "Opus", Codec::Opus(Default::default()), hz);
    }
    group.finish();
    criterion.final_summary();
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, codec: Codec, hz: u32) {
    let rate = SampleRate::new(hz).unwrap();
    let (mut encoder, mut decoder) = (codec.encoder(rate).unwrap(), codec.decoder(rate).unwrap());
    let speech = speech(rate);
    let mut frames = speech.chunks_exact(hz as usize / 50).cycle();
    let (mut packet, mut pcm) = (Vec::with_capacity(4_000), Vec::with_capacity(4_000));
    group.bench_function(format!("{name}, {rate}, encode"), |bencher| {
        bencher.iter(|| {
            packet.clear();
            encoder.encode(black_box(frames.next().unwrap()), &mut packet).unwrap();
        });
    });
    let packets: Vec<_> = frames
        .take(200)
        .map(|frame| {
            let mut packet = Vec::new();
            encoder.encode(frame, &mut packet).unwrap();
            packet
        })
        .collect();
    let mut next = packets.iter().cycle();
    group.bench_function(format!("{name}, {rate}, decode"), |bencher| {
        bencher.iter(|| {
            pcm.clear();
            decoder.decode(Some(black_box(next.next().unwrap())), &mut pcm).unwrap();
        });
    });
    // Of two packets, one is lost: each begins a gap of its own.
    group.bench_function(format!("{name}, {rate}, decode one and conceal one"), |bencher| {
        bencher.iter(|| {
            pcm.clear();
            decoder.decode(Some(black_box(next.next().unwrap())), &mut pcm).unwrap();
            decoder.decode(None, &mut pcm).unwrap();
        });
    });
}

fn speech(rate: SampleRate) -> Vec<i16> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sentences/01.wav");
    let mut reader = WavReader::open(file).unwrap();
    let (mut resampler, mut speech) = (Resampler::new(reader.rate(), rate).unwrap(), Vec::new());
    resampler.process(reader.read_all().unwrap().samples(), &mut speech);
    speech
}
