//! How a device is to be opened: its rate, channels and format.

use cpal::{SampleFormat, SupportedStreamConfigRange};

use crate::audio::SampleRate;
use crate::device::Kind;

/// The way chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) rate: SampleRate,
    pub(super) channels: u16,
    pub(super) format: SampleFormat,
}

/// The best of what a device offers: the wanted rate or the next above or below; few channels;
/// 16 bit before others.
pub(super) fn best(
    offered: &[SupportedStreamConfigRange],
    kind: Kind,
    wanted: SampleRate,
) -> Option<Choice> {
    offered
        .iter()
        .filter_map(|range| {
            let format = format_rank(range.sample_format())?;
            let hz = wanted.hz().clamp(range.min_sample_rate(), range.max_sample_rate());
            let rate = SampleRate::new(hz)?;
            let choice = Choice { rate, channels: range.channels(), format: range.sample_format() };
            let off = (hz < wanted.hz(), hz.abs_diff(wanted.hz()));
            Some(((off, channel_rank(kind, range.channels()), format), choice))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, choice)| choice)
}

fn format_rank(format: SampleFormat) -> Option<u8> {
    match format {
        SampleFormat::I16 => Some(0),
        SampleFormat::F32 => Some(1),
        SampleFormat::I32 => Some(2),
        SampleFormat::U16 => Some(3),
        SampleFormat::U8 => Some(4),
        _ => None,
    }
}

/// One channel is enough to hear; a speaker has mostly two.
fn channel_rank(kind: Kind, channels: u16) -> u16 {
    match (kind, channels) {
        (Kind::Microphone, channels) => channels,
        (Kind::Speaker, 2) => 0,
        (Kind::Speaker, channels) => channels,
    }
}

#[cfg(test)]
mod tests {
    use cpal::SupportedBufferSize::Unknown;

    use super::*;

    fn range(
        channels: u16,
        (min, max): (u32, u32),
        format: SampleFormat,
    ) -> SupportedStreamConfigRange {
        SupportedStreamConfigRange::new(channels, min, max, Unknown, format)
    }

    fn chosen(offered: &[SupportedStreamConfigRange], kind: Kind) -> (u32, u16, SampleFormat) {
        let choice = best(offered, kind, SampleRate::new(48_000).unwrap()).unwrap();
        (choice.rate.hz(), choice.channels, choice.format)
    }

    #[test]
    fn the_wanted_rate_comes_first_then_few_channels_then_the_format() {
        let any = [
            range(1, (44_100, 44_100), SampleFormat::I16),
            range(2, (8_000, 192_000), SampleFormat::F32),
            range(2, (8_000, 192_000), SampleFormat::I16),
            range(1, (8_000, 192_000), SampleFormat::F32),
            range(8, (8_000, 192_000), SampleFormat::I16),
        ];
        assert_eq!(chosen(&any, Kind::Microphone), (48_000, 1, SampleFormat::F32));
        assert_eq!(chosen(&any, Kind::Speaker), (48_000, 2, SampleFormat::I16));
    }

    #[test]
    fn a_higher_rate_is_better_than_a_lower_one() {
        let two = [
            range(1, (44_100, 44_100), SampleFormat::I16),
            range(1, (96_000, 96_000), SampleFormat::I16),
        ];
        assert_eq!(chosen(&two, Kind::Microphone), (96_000, 1, SampleFormat::I16));
    }

    #[test]
    fn formats_that_are_not_spoken_are_not_chosen() {
        let odd = [range(1, (48_000, 48_000), SampleFormat::F64)];
        assert_eq!(best(&odd, Kind::Microphone, SampleRate::SPEECH), None);
    }
}
