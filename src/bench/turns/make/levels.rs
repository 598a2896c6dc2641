//! How loud speech is, and where it lies in a clip.
//!
//! All of it looks at frames of 10 ms. A clip's own noise is taken for the tenth part of the
//! frames that is softest.

/// Samples per second of everything here.
pub(super) const RATE: usize = 16_000;

/// 10 ms.
const FRAME: usize = RATE / 100;
/// A frame is speech if at least so many of the five around it stand out.
const AROUND: usize = 5;
const STANDING_OUT: usize = 3;

/// `db` as a factor.
pub(super) fn factor(db: f64) -> f64 {
    10_f64.powf(db / 20.0)
}

/// The first sample of speech and the one after the last; `None` for a clip without any.
pub(super) fn bounds(sound: &[f64]) -> Option<(usize, usize)> {
    let speech = speech(sound);
    let first = speech.iter().position(|&is| is)?;
    let last = speech.iter().rposition(|&is| is)?;
    Some((first * FRAME, (last + 1) * FRAME))
}

/// The longest stretch without speech, in ms.
pub(super) fn longest_pause(sound: &[f64]) -> usize {
    let speech = speech(sound);
    speech.split(|&is| is).map(<[bool]>::len).max().unwrap_or_default() * 10
}

/// The place within the middle third that is softest, for a pause to be put there.
pub(super) fn softest_place(sound: &[f64]) -> usize {
    let (levels, third) = (levels(sound), sound.len() / FRAME / 3);
    let middle = third..levels.len() - third;
    // Over 30 ms: a single frame may be the closed part of a consonant.
    let around = |at: usize| {
        let near = &levels[at.saturating_sub(1)..(at + 2).min(levels.len())];
        near.iter().sum::<f64>() / near.len() as f64
    };
    let softest = middle.min_by(|&one, &other| around(one).total_cmp(&around(other)));
    softest.map_or(sound.len() / 2, |frame| frame * FRAME + FRAME / 2)
}

/// The root of the mean square of what is not pause; 0 for silence.
pub(super) fn active(sound: &[f64]) -> f64 {
    let levels = levels(sound);
    let audible = percentile(&levels, 0.95) * 0.1;
    let squares: Vec<f64> =
        levels.iter().filter(|&&level| level > audible).map(|level| level * level).collect();
    if squares.is_empty() {
        0.0
    } else {
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    }
}

/// The root of the mean square of everything; 0 for silence.
pub(super) fn rms(sound: &[f64]) -> f64 {
    let squares: f64 = sound.iter().map(|sample| sample * sample).sum();
    (squares / sound.len().max(1) as f64).sqrt()
}

/// The clip with its speech at `dbfs`. Silence stays silence.
pub(super) fn at_level(sound: &[f64], dbfs: f64) -> Vec<f64> {
    scaled(sound, gain(active(sound), dbfs))
}

/// What brings `level` to `dbfs`.
pub(super) fn gain(level: f64, dbfs: f64) -> f64 {
    if level > 0.0 { factor(dbfs) / level } else { 0.0 }
}

/// Each sample so many times as great.
pub(super) fn scaled(sound: &[f64], gain: f64) -> Vec<f64> {
    sound.iter().map(|sample| sample * gain).collect()
}

/// The clip with ends that do not click: both fade over `over` samples, at most a quarter.
pub(super) fn faded(sound: &[f64], over: usize) -> Vec<f64> {
    let mut faded = sound.to_vec();
    let (len, over) = (sound.len(), over.min(sound.len() / 4));
    for at in 0..over {
        let gain = at as f64 / over.saturating_sub(1).max(1) as f64;
        faded[at] *= gain;
        faded[len - 1 - at] *= gain;
    }
    faded
}

/// Whether each frame is speech.
fn speech(sound: &[f64]) -> Vec<bool> {
    let levels = levels(sound);
    let (noise, loud) = (percentile(&levels, 0.1), percentile(&levels, 0.95));
    let threshold = (noise * 3.0).min(loud * 0.2).max(loud * 0.03);
    let stands_out: Vec<bool> = levels.iter().map(|&level| level > threshold).collect();
    let is_speech = |at: usize| {
        let near = at.saturating_sub(AROUND / 2)..(at + AROUND / 2 + 1).min(levels.len());
        stands_out[near].iter().filter(|&&out| out).count() >= STANDING_OUT
    };
    (0..levels.len()).map(is_speech).collect()
}

/// Each frame's root of the mean square.
fn levels(sound: &[f64]) -> Vec<f64> {
    sound.chunks_exact(FRAME).map(rms).collect()
}

/// The value that this share of `values` does not pass, on the line between two; 0 without any.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |index: f64| sorted.get(index as usize).copied().unwrap_or_default();
    let (low, high) = (at(place.floor()), at(place.ceil()));
    low + (high - low) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of a tone, or of a noise floor.
    fn stretch(seconds: f64, level: f64) -> Vec<f64> {
        let samples = (seconds * RATE as f64) as usize;
        (0..samples).map(|at| (at as f64 * 0.3).sin() * level * f64::sqrt(2.0)).collect()
    }

    fn clip() -> Vec<f64> {
        let parts = [(0.5, 1e-4), (1.0, 0.1), (0.25, 1e-4), (0.5, 0.1), (0.4, 1e-4)];
        parts.iter().flat_map(|&(seconds, level)| stretch(seconds, level)).collect()
    }

    #[test]
    fn speech_is_found_in_its_noise() {
        let (from, to) = bounds(&clip()).unwrap();
        assert!(from.abs_diff(8_000) <= 160 && to.abs_diff(36_000) <= 160, "{from} {to}");
        let pause = longest_pause(&clip()[from..to]);
        assert!((230..=270).contains(&pause), "{pause}");
        assert_eq!(bounds(&[0.0; 8_000]), None);
        assert_eq!(bounds(&[]), None);
    }

    #[test]
    fn a_level_is_that_of_the_speech_and_not_of_the_pauses() {
        let level = active(&at_level(&clip(), -26.0));
        assert!((level - factor(-26.0)).abs() < 1e-6, "{level}");
        assert!(rms(&at_level(&clip(), -26.0)) < factor(-27.0));
        assert_eq!(at_level(&[0.0; 500], -20.0), [0.0; 500]);
        assert_eq!(at_level(&[], -20.0), [0.0; 0]);
    }

    #[test]
    fn a_pause_is_put_where_it_is_softest() {
        let at = softest_place(&clip()[8_000..36_000]);
        assert!((16_000..20_000).contains(&at), "{at}");
        assert!(softest_place(&[]) == 0);
    }

    #[test]
    fn faded_ends_begin_at_nothing() {
        let faded = faded(&[1.0; 1_000], 160);
        assert_eq!((faded[0], faded[999], faded[159], faded[500]), (0.0, 0.0, 1.0, 1.0));
        assert_eq!(super::faded(&[1.0, 1.0], 160), [1.0, 1.0]);
    }
}
