//! What leaves the speaker, sample by sample.

use std::collections::VecDeque;
use std::sync::Arc;

use super::*;

const RATE: SampleRate = SampleRate::SPEECH;

/// A speaker that is asked for blocks of 10 ms.
struct Bench {
    port: RenderPort,
    playback: Playback,
    blocks: u64,
}

impl Bench {
    fn new() -> Self {
        let (port, playback, _tap) = render_port(RATE);
        Self { port, playback, blocks: 0 }
    }

    fn queue(&mut self, samples: impl IntoIterator<Item = i16>) {
        let mut samples: VecDeque<_> = samples.into_iter().collect();
        self.playback.push(&mut samples);
        assert!(samples.is_empty(), "the ring is large enough for a test");
    }

    fn block(&mut self) -> Vec<i16> {
        let mut out = vec![0; 160];
        let at = SessionTime::ZERO + RATE.duration(160 * self.blocks);
        self.port.fill(&mut out, at);
        self.blocks += 1;
        out
    }

    fn played(&mut self) -> Vec<(u64, u64, f64)> {
        std::iter::from_fn(|| self.playback.next_played())
            .map(|played| (played.from, played.to, played.at.as_millis()))
            .collect()
    }
}

fn ramp(range: std::ops::Range<i16>) -> Vec<i16> {
    range.collect()
}

#[test]
fn every_sample_leaves_once_and_in_order() {
    let mut bench = Bench::new();
    assert_eq!(bench.block(), vec![0; 160], "nothing is there yet");
    bench.queue(1000..1480);
    let heard = [bench.block(), bench.block(), bench.block()].concat();
    assert_eq!(heard, ramp(1000..1480));
    assert_eq!(bench.played(), [(0, 160, 10.0), (160, 320, 20.0), (320, 480, 30.0)]);
}

#[test]
fn running_dry_fades_and_is_counted_only_when_more_was_expected() {
    let mut bench = Bench::new();
    bench.queue(vec![8000; 80]);
    let block = bench.block();
    let steps = block.windows(2).map(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs());
    assert!(steps.max().unwrap() <= 801, "no click");
    assert_eq!(bench.block()[159], 0);
    assert_eq!(bench.playback.gate().under_runs(), 0);
    bench.queue(vec![8000; 80]);
    bench.playback.expect_more(true);
    bench.block();
    bench.block();
    assert_eq!(bench.playback.gate().under_runs(), 1);
}

#[test]
fn a_hold_is_silent_within_5_ms_and_goes_on_with_no_sample_lost() {
    let mut bench = Bench::new();
    bench.queue(vec![8000; 480]);
    bench.queue(ramp(8000..8480));
    bench.block();
    bench.playback.gate().hold();
    let held = bench.block();
    assert!(held[..80].windows(2).all(|pair| pair[1] <= pair[0]), "it fades");
    assert!(held[80..].iter().all(|&sample| sample == 0));
    assert_eq!(bench.block(), vec![0; 160]);
    bench.playback.gate().play();
    let resumed: Vec<i16> = (0..6).flat_map(|_| bench.block()).collect();
    // From the first sample that was not at full level: 320 of the first 480 are left.
    assert_eq!(resumed[80..320], vec![8000; 240]);
    assert_eq!(resumed[320..800], ramp(8000..8480));
}

/// Pseudo-random numbers, the same each time.
struct Chance(u32);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % bound
    }
}

/// Noise, so that any few samples are found in one place only. None is near zero.
fn noise(count: usize) -> Vec<i16> {
    let mut chance = Chance(7);
    let mut sample = || (2_000 + chance.below(10_000) as i16) * (1 - 2 * chance.below(2) as i16);
    (0..count).map(|_| sample()).collect()
}

/// How far into `source` it is that `heard` begins with.
fn found(source: &[i16], heard: &[i16]) -> Option<usize> {
    let begins = heard.get(..RUN)?;
    source.windows(RUN).position(|window| window == begins)
}

/// Shorter runs may be chance.
const RUN: usize = 24;

/// All that leaves the speaker of `source` with false alarms of any length at any time, in blocks
/// of any size; and how many there were.
fn heard_with_false_alarms(source: &[i16]) -> (Vec<i16>, usize) {
    let (mut port, mut playback, _tap) = render_port(RATE);
    let mut left: VecDeque<i16> = source.iter().copied().collect();
    let (mut chance, mut heard, mut holds) = (Chance(3), Vec::new(), 0);
    let gate = Arc::clone(playback.gate());
    let mut play = |heard: &mut Vec<i16>, samples: usize, chance: &mut Chance| {
        let until = heard.len() + samples;
        while heard.len() < until {
            playback.push(&mut left);
            let from = heard.len();
            heard.resize(from + 1 + chance.below(700), 0);
            port.fill(&mut heard[from..], SessionTime::ZERO);
        }
    };
    while heard.len() < source.len() * 2 {
        for (set, longest) in
            [(Gate::play as fn(&Gate), 6_000), (Gate::duck, 5_000), (Gate::hold, 20_000)]
        {
            set(&gate);
            let samples = 400 + chance.below(longest);
            play(&mut heard, samples, &mut chance);
        }
        holds += 1;
    }
    gate.play();
    play(&mut heard, source.len(), &mut chance);
    (heard, holds)
}

#[test]
fn false_holds_lose_no_sample_and_repeat_none() {
    let source = noise(RATE.hz() as usize * 4);
    let (heard, holds) = heard_with_false_alarms(&source);
    // What was heard at full level, put together, is the source, but for the 5 ms in which it comes
    // back after each hold: those were heard fading in.
    let (mut at, mut next, mut returns) = (0, 0, 0);
    while next < source.len() {
        let ahead = &source[next..source.len().min(next + 2 * FADE_IN)];
        let Some(skipped) = found(ahead, &heard[at..]) else {
            let behind = &source[next.saturating_sub(400)..next];
            assert_eq!(found(behind, &heard[at..]), None, "heard again before sample {next}");
            at += 1;
            assert!(at < heard.len(), "nothing is heard from sample {next} on");
            continue;
        };
        if at > 0 {
            assert!(skipped <= FADE_IN, "{skipped} samples are lost from {next} on");
            assert_eq!(heard[at - skipped - 1], 0, "some before {next} are heard again");
            let back = source[next..next + skipped].iter().zip(&heard[at - skipped..at]);
            let levels: Vec<_> =
                back.map(|(full, low)| f32::from(*low) / f32::from(*full)).collect();
            assert!(levels.is_sorted() && levels.iter().all(|level| (0.0..=1.0).contains(level)));
            returns += 1;
        }
        next += skipped;
        let same = source[next..].iter().zip(&heard[at..]).take_while(|(one, two)| one == two);
        let length = same.count();
        (at, next) = (at + length, next + length);
    }
    assert!(heard[at + 200..].iter().all(|sample| *sample == 0), "nothing comes after it");
    assert!(holds > 5 && returns == holds, "{returns} of {holds}");
}

/// From silence to full level: 5 ms.
const FADE_IN: usize = 80;

#[test]
fn a_duck_is_heard_within_a_block() {
    let mut bench = Bench::new();
    bench.queue(vec![8000; 480]);
    bench.block();
    bench.playback.gate().duck();
    let ducked = bench.block();
    assert!(ducked[0] < 8000 && ducked.windows(2).all(|pair| pair[1] <= pair[0]), "from the first");
    assert_eq!(ducked[60..], vec![2000; 100], "-12 dB within 4 ms");
}

#[test]
fn a_duck_that_was_nothing_repeats_nothing() {
    let mut bench = Bench::new();
    bench.queue(ramp(8000..8480));
    bench.playback.gate().duck();
    let ducked = bench.block();
    assert_eq!(ducked[159], (8159.0 * 0.25) as i16);
    bench.playback.gate().play();
    bench.block();
    assert_eq!(bench.block(), ramp(8320..8480));
}

#[test]
fn after_a_duck_and_a_hold_the_ducked_words_are_heard_again() {
    let mut bench = Bench::new();
    bench.queue(ramp(8000..8800));
    bench.block();
    bench.playback.gate().duck();
    bench.block();
    bench.playback.gate().hold();
    bench.block();
    bench.playback.gate().play();
    let again = [bench.block(), bench.block()].concat();
    assert_eq!(again[80..], ramp(8240..8480));
    assert_eq!(bench.playback.gate().played(), 480);
}

#[test]
fn a_drop_silences_what_is_queued_and_nothing_after_it() {
    let mut bench = Bench::new();
    bench.queue(vec![8000; 1600]);
    bench.block();
    bench.playback.gate().hold();
    bench.block();
    let heard = bench.playback.drop_queued();
    assert!((160..=240).contains(&heard));
    bench.queue(vec![500; 320]);
    let after = [bench.block(), bench.block()].concat();
    assert_eq!(after[80..320], vec![500; 240]);
    assert!(after.iter().all(|&sample| sample <= 500), "nothing of the dropped is heard");
    assert_eq!(bench.playback.gate().played(), 1920);
}

#[test]
fn what_was_ducked_before_the_speaker_ran_dry_is_dropped_as_well() {
    let mut bench = Bench::new();
    bench.queue(vec![8000; 320]);
    bench.block();
    bench.playback.gate().duck();
    bench.block();
    bench.block(); // there is nothing left
    bench.playback.gate().hold();
    bench.block();
    assert_eq!(bench.playback.drop_queued(), 320);
    let after = [bench.block(), bench.block()].concat();
    assert!(after.iter().all(|&sample| sample == 0), "a cancelled answer is not heard again");
    assert_eq!(bench.playback.gate().played(), 320);
}

#[test]
fn the_tap_has_what_left_the_speaker_silence_included() {
    let (mut port, mut playback, mut tap) = render_port(RATE);
    let mut out = [0; 160];
    port.fill(&mut out, SessionTime::ZERO);
    playback.push(&mut vec![7; 160].into());
    port.fill(&mut out, SessionTime::from_millis(10));
    let mut tapped = Vec::new();
    let blocks: Vec<_> = std::iter::from_fn(|| tap.next_block(&mut tapped)).collect();
    let block = |from, peak, ms| Left { from, count: 160, peak, at: SessionTime::from_millis(ms) };
    assert_eq!(blocks, [block(0, 0, 0), block(160, 7, 10)]);
    assert_eq!(tapped, [[0; 160], [7; 160]].concat());
}

#[test]
fn where_nobody_records_the_tap_has_times_and_levels() {
    let (mut port, mut playback, mut tap) = render_port_with(RATE, Taps::Times);
    playback.push(&mut vec![-9; 100].into());
    port.fill(&mut [0; 160], SessionTime::from_millis(10));
    let mut tapped = Vec::new();
    let left = Left { from: 0, count: 160, peak: 9, at: SessionTime::from_millis(10) };
    assert_eq!(tap.next_block(&mut tapped), Some(left));
    assert!(tapped.is_empty());
}

#[test]
fn what_comes_after_a_silence_is_not_heard_before_it_came() {
    let (mut port, mut playback, mut tap) = render_port(RATE);
    playback.begin_sound(SessionTime::from_millis(7));
    playback.push(&mut vec![9; 160].into());
    let mut out = [0; 160];
    let early = port.pass_silence(&mut out, SessionTime::ZERO);
    assert_eq!((early, out[..early].iter().max()), (112, Some(&0)), "7 ms");
    let at = SessionTime::from_millis(7);
    port.fill(&mut out[early..], at);
    assert_eq!(out[early..], [9; 48]);
    assert_eq!(playback.next_played(), Some(Played { from: 0, to: 48, ran: at, at }));
    assert_eq!(port.pass_silence(&mut out, SessionTime::from_millis(10)), 0, "no more of it");
    let mut tapped = Vec::new();
    while tap.next_block(&mut tapped).is_some() {}
    assert_eq!(tapped, [[0; 112].as_slice(), &[9; 48]].concat(), "the silence left as well");
}

#[test]
fn the_next_answer_begins_when_its_own_sound_comes() {
    let (mut port, playback, _tap) = render_port(RATE);
    let mut out = [0; 160];
    playback.begin_sound(SessionTime::from_millis(5));
    playback.begin_sound(SessionTime::from_millis(8));
    assert_eq!(port.pass_silence(&mut out, SessionTime::ZERO), 80, "the first sound counts");
    playback.end_sound();
    assert_eq!(port.pass_silence(&mut out, SessionTime::ZERO), 0, "nobody waits");
    playback.begin_sound(SessionTime::from_millis(9));
    assert_eq!(port.pass_silence(&mut out, SessionTime::ZERO), 144);
}

#[test]
fn a_device_that_gives_back_hears_again_what_left_at_full_level() {
    let mut bench = Bench::new();
    bench.port.keep(200);
    bench.queue(ramp(8000..8480));
    bench.block();
    bench.block();
    bench.port.give_back(500, SessionTime::from_millis(20));
    assert_eq!(bench.playback.gate().played(), 120, "as far back as was asked for");
    let again: Vec<i16> = (0..3).flat_map(|_| bench.block()).collect();
    assert_eq!(again[80..360], ramp(8200..8480), "after 5 ms at full level");
}

#[test]
fn no_device_keeps_more_than_two_seconds() {
    let mut bench = Bench::new();
    bench.port.keep(usize::MAX);
    for _ in 0..300 {
        bench.queue(vec![8000; 160]);
        bench.block();
    }
    bench.port.give_back(u64::MAX, SessionTime::from_millis(3_000));
    assert_eq!(bench.playback.gate().played(), 160 * 300 - 32_000);
}

#[test]
fn a_microphone_gives_what_it_has() {
    let (mut port, mut capture) = capture_port(RATE);
    let mut samples = vec![5; 7];
    assert!(!capture.take_some(100, &mut samples) && samples.is_empty());
    port.push(&[1, 2, 3]);
    assert!(capture.take_some(2, &mut samples));
    assert_eq!(samples, [1, 2]);
    assert!(capture.take_some(2, &mut samples));
    assert_eq!(samples, [3]);
}

#[test]
fn a_microphone_that_nobody_listens_to_loses_samples_and_counts_them() {
    let (mut port, mut capture) = capture_port(RATE);
    port.push(&vec![1; 40_000]);
    assert_eq!(capture.lost(), 8_000);
    assert_eq!(capture.take(160), Some(vec![1; 160]));
    assert!(!capture.is_over());
    drop(port);
    while capture.take(31_839).is_some() {}
    assert!(capture.is_over());
}

#[test]
fn a_hold_tells_when_the_callback_wrote_silence_and_when_it_is_in_the_air() {
    let mut bench = Bench::new();
    bench.queue(vec![8000; 1600]);
    bench.block();
    bench.block();
    let gate = Arc::clone(bench.playback.gate());
    assert_eq!(gate.silenced(), None);
    gate.hold_at(SessionTime::from_millis(25));
    assert_eq!(gate.silenced(), None, "not yet");
    let ms = SessionTime::from_millis;
    let mut out = vec![0; 160];
    bench.port.fill(&mut out, Instants { ran: ms(30), in_air: ms(50) });
    let loud = out.iter().rposition(|&sample| sample != 0).unwrap() + 1;
    assert!((70..=80).contains(&loud), "it fades for 5 ms: {loud}");
    let in_air = ms(50) + RATE.duration(loud as u64);
    let silenced = Silenced { held: ms(25), ran: ms(30), in_air };
    assert_eq!(gate.silenced(), Some(silenced));
    bench.port.fill(&mut out, Instants { ran: ms(40), in_air: ms(60) });
    assert_eq!(gate.silenced(), Some(silenced), "the first silence counts");
    // Released and held again between two callbacks.
    gate.play();
    gate.hold_at(ms(45));
    assert_eq!(gate.silenced(), None);
    bench.port.fill(&mut out, Instants { ran: ms(50), in_air: ms(70) });
    let again = Silenced { held: ms(45), ran: ms(50), in_air: ms(70) };
    assert_eq!(gate.silenced(), Some(again));
}

#[test]
fn what_is_cut_before_the_callback_runs_is_told_as_silenced_all_the_same() {
    let mut bench = Bench::new();
    bench.queue(vec![8000; 1600]);
    bench.block();
    bench.block();
    let gate = Arc::clone(bench.playback.gate());
    let ms = SessionTime::from_millis;
    gate.hold_at(ms(25));
    bench.playback.drop_queued();
    let mut out = vec![0; 160];
    bench.port.fill(&mut out, Instants { ran: ms(30), in_air: ms(50) });
    let loud = out.iter().rposition(|&sample| sample != 0).unwrap() + 1;
    assert!(loud < 160, "it fades: {loud}");
    let in_air = ms(50) + RATE.duration(loud as u64);
    assert_eq!(gate.silenced(), Some(Silenced { held: ms(25), ran: ms(30), in_air }));
}

#[test]
fn a_microphone_with_a_clock_says_how_far_it_was() {
    let (mut port, mut capture) = capture_port(RATE);
    port.push_at(&[1; 160], SessionTime::from_millis(30));
    port.push_at(&[1; 80], SessionTime::from_millis(36));
    assert!(capture.is_stamped());
    let captured = |samples, ms| Captured { samples, at: SessionTime::from_millis(ms) };
    assert_eq!(capture.next_captured(), Some(captured(160, 30)));
    assert_eq!(capture.next_captured(), Some(captured(240, 36)));
    assert_eq!(capture.next_captured(), None);
}

#[test]
fn a_device_that_empties_its_buffer_gives_back_what_was_not_heard() {
    let mut bench = Bench::new();
    bench.port.keep(320);
    bench.queue(ramp(8000..8800));
    assert_eq!(bench.port.ready(), 800);
    bench.block();
    bench.block();
    bench.playback.gate().hold();
    assert_eq!(bench.port.ready(), 0, "nothing leaves while the gate holds");
    let at = SessionTime::from_millis(7);
    bench.port.give_back(200, at);
    assert_eq!(bench.playback.gate().played(), 120, "it was not heard");
    assert_eq!(bench.playback.gate().silenced().map(|silenced| silenced.in_air), Some(at));
    assert_eq!(bench.block(), vec![0; 160]);
    bench.playback.gate().play();
    assert_eq!(bench.port.ready(), 680);
    let again: Vec<i16> = (0..5).flat_map(|_| bench.block()).collect();
    assert_eq!(again[80..680], ramp(8200..8800), "all of it but for the fade at its beginning");
    assert_eq!(bench.playback.gate().played(), 800);
}

#[test]
fn what_was_ducked_is_heard_again_even_if_less_was_given_back() {
    let mut bench = Bench::new();
    bench.port.keep(320);
    bench.queue(ramp(8000..8800));
    bench.block();
    bench.playback.gate().duck();
    bench.block();
    bench.block();
    bench.playback.gate().hold();
    bench.port.give_back(40, SessionTime::ZERO);
    bench.playback.gate().play();
    assert_eq!(bench.port.ready(), 640);
    assert_eq!(bench.block()[80..], ramp(8240..8320));
}

#[test]
fn what_was_dropped_is_not_given_back() {
    let mut bench = Bench::new();
    bench.port.keep(320);
    bench.queue(vec![8000; 800]);
    bench.block();
    bench.playback.gate().hold();
    bench.playback.drop_queued();
    bench.queue(vec![500; 320]);
    assert_eq!(bench.port.ready(), 320);
    bench.port.give_back(160, SessionTime::ZERO);
    assert_eq!(bench.port.ready(), 320);
    let after: Vec<i16> = (0..3).flat_map(|_| bench.block()).collect();
    assert_eq!(after[80..320], vec![500; 240]);
    assert!(after.iter().all(|&sample| sample <= 500), "nothing of the dropped is heard");
}
