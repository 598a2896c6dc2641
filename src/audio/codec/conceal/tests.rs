use proptest::prelude::*;

use super::*;
use crate::audio::codec::g711::Law;
use crate::audio::codec::tests::{
    human, losses, rate, segmental_snr, spectral_distance, synthesized,
};

const RATES: [u32; 8] = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 44_100, 48_000];

fn concealer(hz: u32) -> Concealer {
    Concealer::new(rate(hz)).unwrap()
}

/// Two harmonics of a voice.
fn voice(hz: u32, pitch: f64, samples: usize) -> Vec<i16> {
    let at = |n: usize| n as f64 * pitch / f64::from(hz) * std::f64::consts::TAU;
    (0..samples).map(|n| (at(n).sin() * 8_000.0 + (at(n) * 2.0).cos() * 4_000.0) as i16).collect()
}

fn peak(pcm: &[i16]) -> u16 {
    pcm.iter().map(|it| it.unsigned_abs()).max().unwrap_or(0)
}

fn largest_step(pcm: &[i16]) -> i32 {
    pcm.windows(2).map(|it| (i32::from(it[1]) - i32::from(it[0])).abs()).max().unwrap_or(0)
}

#[test]
fn a_voice_goes_on_as_if_nothing_were_lost() {
    for hz in RATES {
        for pitch in [80.0, 120.0, 190.0, 310.0] {
            let ms = (hz / 1_000) as usize;
            let whole = voice(hz, pitch, ms * 120);
            let mut concealer = concealer(hz);
            let mut heard = whole[..ms * 100].to_vec();
            concealer.came(&mut heard);
            concealer.lost(ms * 10, &mut heard);
            let wrong = heard.iter().zip(&whole).map(|(a, b)| (a - b).unsigned_abs()).max();
            // At 8 kHz a period of 310 Hz is not a whole number of samples.
            assert!(wrong.unwrap() < 3_000, "{hz} Hz, pitch {pitch}: {wrong:?}");
        }
    }
}

#[test]
fn it_fades_after_10_ms_and_is_silent_after_60() {
    for hz in RATES {
        let ten = rate(hz).samples(Duration::from_millis(10)) as usize;
        let mut concealer = concealer(hz);
        concealer.came(&mut voice(hz, 150.0, ten * 10));
        let mut heard = Vec::new();
        for _ in 0..20 {
            concealer.lost(ten / 2, &mut heard);
        }
        let peaks: Vec<_> = heard.chunks(ten).map(peak).collect();
        assert!(peaks[0] > 10_000 && peaks[1..6].is_sorted_by(|a, b| a > b), "{hz}: {peaks:?}");
        assert!(peaks[5] > 0 && peaks[6..].iter().all(|&it| it == 0), "{hz}: {peaks:?}");
    }
}

#[test]
fn before_anything_came_there_is_silence() {
    let (mut concealer, mut heard) = (concealer(8_000), vec![7]);
    concealer.lost(160, &mut heard);
    assert_eq!((heard.len(), heard[0], peak(&heard[1..])), (161, 7, 0));
}

#[test]
fn without_loss_nothing_is_changed() {
    let speech = synthesized(rate(16_000));
    let mut concealer = concealer(16_000);
    for frame in speech.chunks(333) {
        let mut same = frame.to_vec();
        concealer.came(&mut same);
        assert_eq!(same, frame);
    }
}

#[test]
fn how_the_sound_is_cut_makes_no_difference() {
    let speech = synthesized(rate(8_000));
    let with_pieces_of = |pieces: &[usize]| {
        let (mut concealer, mut heard) = (concealer(8_000), Vec::new());
        for (at, second) in speech.chunks_exact(2_400).enumerate() {
            let mut rest = second;
            while !rest.is_empty() {
                let (now, later) =
                    rest.split_at(pieces[heard.len() % pieces.len()].min(rest.len()));
                if at % 4 == 3 && rest.len() > 2_000 {
                    // Of each fourth 300 ms, the first 50 ms are lost.
                    concealer.lost(400, &mut heard);
                    rest = &rest[400..];
                    continue;
                }
                let from = heard.len();
                heard.extend_from_slice(now);
                concealer.came(&mut heard[from..]);
                rest = later;
            }
        }
        heard
    };
    let by_frames = with_pieces_of(&[160]);
    assert!(by_frames == with_pieces_of(&[1, 7, 20, 333, 64]));
    assert!(by_frames != speech);
}

#[test]
fn a_loss_may_be_told_in_pieces() {
    let speech = synthesized(rate(24_000));
    let concealed = |piece: usize| {
        let (mut concealer, mut heard) = (concealer(24_000), Vec::new());
        concealer.came(&mut speech[10_000..20_000].to_vec());
        for _ in 0..1_200 / piece {
            concealer.lost(piece, &mut heard);
        }
        heard
    };
    assert_eq!(concealed(1_200), concealed(1));
    assert_eq!(concealed(1_200), concealed(60));
}

#[test]
fn rates_of_no_codec_are_refused() {
    for hz in [1, 7_999, 48_001, u32::MAX] {
        let error = Concealer::new(rate(hz)).unwrap_err();
        assert!(matches!(error, CodecError::Rate { .. }), "{error}");
    }
}

proptest! {
    /// Whatever it is: the steps are those of the sound itself, and what a blend over a quarter of the
    /// shortest period can add to them.
    #[test]
    fn it_is_never_louder_than_what_was_heard_and_has_no_click(
        hz in prop::sample::select(&RATES[..]),
        sound in prop::collection::vec(any::<i16>(), 0..400),
        spread in 1_usize..40,
        packets in prop::collection::vec(prop::bool::weighted(0.6), 1..20),
        millis in 1_usize..40,
    ) {
        // Values in between: sound rather than noise.
        let sample = |n: usize| {
            let (at, share) = (n / spread, (n % spread) as f32 / spread as f32);
            let value = |at: usize| f32::from(sound.get(at % sound.len().max(1)).copied().unwrap_or(0));
            (value(at) * (1.0 - share) + value(at + 1) * share) as i16
        };
        let len = hz as usize / 1_000 * millis;
        let mut whole: Vec<_> = (0..4_000 + packets.len() * len).map(sample).collect();
        let mut roughest = largest_step(&whole);
        let (mut concealer, mut heard) = (concealer(hz), whole[..4_000].to_vec());
        concealer.came(&mut heard);
        for (packet, came) in whole[4_000..].chunks_exact_mut(len).zip(packets) {
            let (from, mut loudest) = (heard.len(), peak(&heard));
            if came {
                loudest = loudest.max(peak(packet));
                concealer.came(packet);
                heard.extend_from_slice(packet);
            } else {
                concealer.lost(len, &mut heard);
            }
            prop_assert!(peak(&heard[from..]) <= loudest);
            let step = largest_step(&heard[from - 1..]);
            let blend = 6 * i32::from(loudest) / (hz / 800 + 1).cast_signed() + 2;
            prop_assert!(step <= roughest + blend, "{step}, {roughest}, {blend}");
            roughest = roughest.max(step);
        }
    }
}

/// What a telephone's packets sound like when of 100 so many are lost.
struct Call {
    whole: Vec<i16>,
    concealed: Vec<i16>,
    silenced: Vec<i16>,
    lost: Vec<bool>,
    frame: usize,
}

impl Call {
    fn with(speech: &[i16], hz: u32, percent: u32) -> Self {
        let frame = hz as usize / 50;
        let (mut whole, mut packet) = (Vec::new(), Vec::new());
        Law::Mu.encode(speech, &mut packet);
        Law::Mu.decode(&packet, &mut whole);
        let (mut concealer, mut is_lost) = (concealer(hz), losses(percent));
        let mut call = Self { whole, concealed: vec![], silenced: vec![], lost: vec![], frame };
        for packet in call.whole.chunks_exact(frame) {
            let lost = is_lost();
            call.lost.push(lost);
            if lost {
                concealer.lost(frame, &mut call.concealed);
                call.silenced.resize(call.concealed.len(), 0);
            } else {
                let from = call.concealed.len();
                call.concealed.extend_from_slice(packet);
                concealer.came(&mut call.concealed[from..]);
                call.silenced.extend_from_slice(packet);
            }
        }
        call
    }

    /// What was to be heard and what was, in frames that are lost, or also in those after them.
    fn frames<'a>(
        &'a self,
        heard: &'a [i16],
        after: bool,
    ) -> impl Iterator<Item = (&'a [i16], &'a [i16])> {
        let frames = self.whole.chunks_exact(self.frame).zip(heard.chunks_exact(self.frame));
        frames.enumerate().filter_map(move |(at, it)| {
            (self.lost[at] || after && at > 0 && self.lost[at - 1]).then_some(it)
        })
    }

    fn compare(&self, what: &str) {
        let [concealed, silenced] = [&self.concealed, &self.silenced].map(|it| {
            (segmental_snr(self.frames(it, false)), spectral_distance(self.frames(it, true)))
        });
        eprintln!(
            "{what}: concealed {concealed:.2?}, silence {silenced:.2?} (SNR, distance in dB)"
        );
        // Silence is as wrong as the sound is loud.
        assert!(silenced.0.abs() < 0.01 && concealed.0 > 0.5, "{what}: {concealed:?}");
        assert!(concealed.1 < silenced.1 / 2.0, "{what}: {concealed:?}, {silenced:?}");
        assert!(peak(&self.concealed) <= peak(&self.whole), "{what}");
    }
}

#[test]
fn a_synthesized_voice_with_losses_is_better_than_with_holes() {
    for (hz, percent) in [(8_000, 5), (8_000, 20), (16_000, 5), (48_000, 5)] {
        let call = Call::with(&synthesized(rate(hz)), hz, percent);
        call.compare(&format!("synthesized, {hz} Hz, {percent} %"));
    }
}

#[test]
fn human_speech_with_losses_is_better_than_with_holes() {
    for (hz, percent) in [(8_000, 5), (8_000, 20), (16_000, 5), (48_000, 5)] {
        let Some(speech) = human(rate(hz)) else { return };
        let call = Call::with(&speech, hz, percent);
        call.compare(&format!("human, {hz} Hz, {percent} %"));
    }
}
