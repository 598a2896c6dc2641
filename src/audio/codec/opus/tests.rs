use super::*;
use crate::audio::codec::tests::{human, losses, rate, segmental_snr, synthesized};
use crate::audio::codec::{Codec, Decoder, Encoder};
use crate::audio::level::{peak_dbfs, rms_dbfs};

const RATES: [u32; 5] = [8_000, 12_000, 16_000, 24_000, 48_000];

fn both(config: OpusConfig, hz: u32) -> (Encoder, Decoder) {
    let codec = Codec::Opus(config);
    (codec.encoder(rate(hz)).unwrap(), codec.decoder(rate(hz)).unwrap())
}

fn with(frame: FrameLength, bits_per_second: u32) -> OpusConfig {
    OpusConfig { frame, bits_per_second, ..OpusConfig::default() }
}

fn samples(frame: FrameLength, hz: u32) -> usize {
    rate(hz).samples(frame.duration()) as usize
}

fn packets(encoder: &mut Encoder, speech: &[i16], frame: usize) -> Vec<Vec<u8>> {
    let packet = |pcm: &[i16]| {
        let mut packet = Vec::new();
        encoder.encode(pcm, &mut packet).unwrap();
        packet
    };
    speech.chunks_exact(frame).map(packet).collect()
}

/// 1 for the same sound, whatever its level: above 300 Hz, since Opus takes rumble out of voices, which
/// turns the phase of what is next to it.
fn likeness(a: &[i16], b: &[i16], hz: u32) -> f64 {
    let above = |sound: &[i16]| {
        let keep = (-std::f64::consts::TAU * 300.0 / f64::from(hz)).exp();
        let once = |sound: Vec<f64>| {
            let mut before = (0.0, 0.0);
            let step = |now: f64| {
                before = (now, keep * (before.1 + now - before.0));
                before.1
            };
            sound.into_iter().map(step).collect::<Vec<_>>()
        };
        once(once(sound.iter().map(|&it| f64::from(it)).collect()))
    };
    let sum = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let len = a.len().min(b.len());
    let (a, b) = (above(&a[..len]), above(&b[..len]));
    sum(&a, &b) / (sum(&a, &a) * sum(&b, &b)).sqrt()
}

#[test]
fn a_voice_comes_through_at_each_rate_in_frames_of_each_length() {
    for hz in RATES {
        let speech = &synthesized(rate(hz))[..hz as usize * 4];
        for frame in FrameLength::ALL {
            // Short frames have more heads and less to foresee.
            let bits = if frame.duration() < Duration::from_millis(10) { 64_000 } else { 32_000 };
            let (mut encoder, mut decoder) = both(with(frame, bits), hz);
            let (mut heard, len) = (Vec::new(), samples(frame, hz));
            let packets = packets(&mut encoder, speech, len);
            for packet in &packets {
                let before = heard.len();
                decoder.decode(Some(packet), &mut heard).unwrap();
                assert_eq!(heard.len() - before, len);
            }
            let late = rate(hz).samples(encoder.delay()) as usize;
            // Where the library resamples within, the sound is 40 µs early.
            let near = late - hz as usize / 24_000..=late;
            let alike = |late: usize| likeness(&heard[late..], speech, hz);
            let best = near.map(alike).fold(0.0, f64::max);
            let sent = packets.iter().map(Vec::len).sum::<usize>() * 8 / 4;
            eprintln!("{hz} Hz, {frame:?}: alike {best:.3}, {sent} bit/s, {late} samples late");
            assert!(best > 0.9, "{hz} Hz, {frame:?}: {best}");
            // Neither sooner nor later than it says.
            let aside = hz as usize / 2_000;
            for wrong in [alike(late - aside), alike(late + aside)] {
                assert!(wrong < best - 0.1, "{hz} Hz, {frame:?}: {wrong}, {best}");
            }
            assert!(sent < bits as usize * 6 / 5, "{hz} Hz, {frame:?}: {sent}");
            assert!(encoder.delay() <= Duration::from_micros(6_500));
        }
    }
}

#[test]
fn lost_packets_are_concealed_and_fade() {
    for hz in RATES {
        for frame in FrameLength::ALL {
            let len = samples(frame, hz);
            let speech = synthesized(rate(hz));
            let (mut encoder, mut decoder) = both(with(frame, 32_000), hz);
            let packets = packets(&mut encoder, &speech[..hz as usize * 3 / 2], len);
            let mut heard = Vec::new();
            for packet in &packets {
                decoder.decode(Some(packet), &mut heard).unwrap();
            }
            let mut filled = Vec::new();
            while filled.len() < hz as usize {
                let before = filled.len();
                decoder.decode(None, &mut filled).unwrap();
                assert_eq!(filled.len() - before, len, "{hz} Hz, {frame:?}");
            }
            let before = peak_dbfs(&heard[heard.len() - hz as usize / 5..]);
            let (first, last) = (peak_dbfs(&filled), rms_dbfs(&filled[hz as usize * 3 / 4..]));
            assert!(first < before + 3.0, "{hz} Hz, {frame:?}: {first} dB after {before}");
            assert!(last < before - 20.0, "{hz} Hz, {frame:?}: {last} dB after {before}");
        }
    }
}

/// How like the truth lost frames are: of concealment, and of what the packets after them hold.
fn with_and_without_fec(speech: &[i16], frame: FrameLength) -> [f64; 2] {
    let (hz, len) = (16_000, samples(frame, 16_000));
    let config =
        OpusConfig { protection: Protection::Fec { expected_loss: 20 }, ..with(frame, 32_000) };
    let (mut encoder, mut whole) = both(config, hz);
    let packets = packets(&mut encoder, speech, len);
    let mut truth = Vec::new();
    for packet in &packets {
        whole.decode(Some(packet), &mut truth).unwrap();
    }
    [false, true].map(|recovers| {
        let (mut decoder, mut is_lost) = (both(config, hz).1, losses(10));
        let (mut heard, mut lost) = (Vec::new(), Vec::new());
        for (at, packet) in packets.iter().enumerate() {
            lost.push(is_lost());
            match packets.get(at + 1) {
                _ if !lost[at] => decoder.decode(Some(packet), &mut heard).unwrap(),
                Some(next) if recovers => decoder.recover(next, &mut heard).unwrap(),
                _ => decoder.decode(None, &mut heard).unwrap(),
            }
        }
        let frames = truth.chunks_exact(len).zip(heard.chunks_exact(len));
        segmental_snr(frames.zip(&lost).filter_map(|(it, lost)| lost.then_some(it)))
    })
}

#[test]
fn the_next_packet_tells_more_of_a_lost_one_than_those_before() {
    for frame in [FrameLength::Ms10, FrameLength::Ms20, FrameLength::Ms40, FrameLength::Ms60] {
        let [without, with] = with_and_without_fec(&synthesized(rate(16_000)), frame);
        eprintln!("synthesized, {frame:?}: {without:.1} dB concealed, {with:.1} dB recovered");
        assert!(with > without + 5.0, "{frame:?}");
    }
}

#[test]
fn of_people_as_well() {
    let Some(speech) = human(rate(16_000)) else { return };
    let [without, with] = with_and_without_fec(&speech, FrameLength::Ms20);
    eprintln!("human: {without:.1} dB concealed, {with:.1} dB recovered");
    assert!(with > without + 5.0);
}

#[test]
fn what_tells_nothing_of_a_lost_packet_is_no_error() {
    let speech = synthesized(rate(16_000));
    let (mut encoder, mut decoder) = both(OpusConfig::default(), 16_000);
    let sent = packets(&mut encoder, &speech[8_000..16_000], 320);
    let mut heard = Vec::new();
    decoder.decode(Some(&sent[0]), &mut heard).unwrap();
    let garbage = vec![0xff; 70_000];
    for (at, next) in [&sent[1][..], &[], &[0xff], &garbage].into_iter().enumerate() {
        decoder.recover(next, &mut heard).unwrap();
        assert_eq!(heard.len(), 320 * (at + 2));
    }
}

#[test]
fn bytes_that_are_no_packet_are_an_error_and_leave_no_trace() {
    let mut decoder = both(OpusConfig::default(), 16_000).1;
    let mut pcm = vec![1, 2];
    // Nothing; more frames than 120 ms; a length beyond the end; longer than any.
    let (many, long) = ([0xff, 0xbf, 0, 0], vec![0; 65_536]);
    for packet in [&[][..], &many, &[0x7a, 0xff, 0xff], &long] {
        let error = decoder.decode(Some(packet), &mut pcm).unwrap_err();
        assert_eq!(error, CodecError::Packet { bytes: packet.len() });
        assert_eq!(pcm, [1, 2]);
    }
    decoder.decode(None, &mut pcm).unwrap();
    assert_eq!(pcm.len(), 322);
}

#[test]
fn a_packet_in_stereo_is_mixed() {
    let mut stereo = ::opus::Encoder::new(48_000, Channels::Stereo, Application::Audio).unwrap();
    let tone = |n: i32| (f64::from(n / 2) * 0.05).sin() * 10_000.0;
    let packet = stereo.encode_vec(&(0..1_920).map(|n| tone(n) as i16).collect::<Vec<_>>(), 4_000);
    let (mut decoder, mut pcm) = (both(OpusConfig::default(), 48_000).1, Vec::new());
    decoder.decode(Some(&packet.unwrap()), &mut pcm).unwrap();
    assert_eq!(pcm.len(), 960);
    assert!(peak_dbfs(&pcm) > -15.0);
}

#[test]
fn pauses_are_left_out_if_so_wished() {
    let sent = |pauses| {
        let config = OpusConfig { pauses, ..OpusConfig::default() };
        let (mut encoder, mut decoder) = both(config, 16_000);
        let speech = &synthesized(rate(16_000))[..32_000];
        let sound = [speech, &[0; 64_000], speech].concat();
        let packets = packets(&mut encoder, &sound, 320);
        let mut heard = Vec::new();
        for packet in &packets {
            let packet = Some(&packet[..]).filter(|it| !it.is_empty());
            decoder.decode(packet, &mut heard).unwrap();
        }
        eprintln!("{}", likeness(&heard[96_000 + 104..], speech, 16_000));
        assert!(rms_dbfs(&heard[48_000..96_000]) < -60.0);
        packets[100..300].iter().filter(|it| !it.is_empty()).count()
    };
    assert_eq!(sent(Pauses::Sent), 200);
    let few = sent(Pauses::LeftOut);
    eprintln!("{few} of 200 packets of a pause are sent");
    assert!((5..50).contains(&few), "{few}");
}

#[test]
fn each_rate_of_bits_is_kept() {
    let speech = &synthesized(rate(16_000))[..16_000 * 10];
    let mut before = 0;
    for bits in [8_000, 16_000, 32_000, 64_000] {
        let (mut encoder, _) = both(with(FrameLength::Ms20, bits), 16_000);
        let bytes: usize = packets(&mut encoder, speech, 320).iter().map(Vec::len).sum();
        let is = bytes * 8 / 10;
        eprintln!("{bits} bit/s: {is}");
        assert!(is > before && is < bits as usize * 5 / 4, "{bits}: {is}");
        before = is;
    }
}

#[test]
fn what_opus_does_not_know_is_refused() {
    for hz in [1, 11_025, 32_000, 44_100, 96_000] {
        let codec = Codec::Opus(OpusConfig::default());
        let known = "8, 12, 16, 24 or 48 kHz";
        let wrong = CodecError::Rate { rate: rate(hz), known };
        assert_eq!(codec.encoder(rate(hz)).unwrap_err(), wrong);
        assert_eq!(codec.decoder(rate(hz)).unwrap_err(), wrong);
    }
    for bits in [0, 5_999, 510_001, u32::MAX] {
        let codec = Codec::Opus(with(FrameLength::Ms20, bits));
        let said = codec.encoder(rate(16_000)).unwrap_err().to_string();
        let wanted = "the bits per second of Opus cannot be";
        assert!(said.starts_with(wanted) && said.ends_with("choose 6000 to 510000"), "{said}");
    }
    let (mut encoder, mut packet) = (both(OpusConfig::default(), 16_000).0, Vec::new());
    for given in [0, 319, 321, 640, 100_000] {
        let error = encoder.encode(&vec![0; given], &mut packet).unwrap_err();
        assert_eq!(error, CodecError::Frame { given, wanted: 320 });
    }
    assert!(packet.is_empty());
}

#[test]
fn more_than_all_packets_cannot_be_lost() {
    let protection = Protection::Fec { expected_loss: 255 };
    let config = OpusConfig { protection, ..OpusConfig::default() };
    assert!(Codec::Opus(config).encoder(rate(16_000)).is_ok());
}
