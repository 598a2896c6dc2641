//! Vectors of words and their parts, without a model.

use std::future::ready;

use super::{EmbedFuture, Embedder};

/// Vectors by the words of a text and the threes of letters in them, hashed.
///
/// It needs no service, no model and no network, and takes a few microseconds for a sentence. It
/// finds messages that share words with the question, and forms of a word ("move", "moved"), in
/// any language that writes letters; scripts without spaces are compared by their characters. It
/// knows no meaning: of "car" and "automobile" it knows nothing, nor of languages that say the same.
/// For that, use the embeddings of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hashed;

impl Embedder for Hashed {
    fn name(&self) -> &'static str {
        "hashed"
    }

    fn embed(&self, texts: Vec<String>) -> EmbedFuture {
        Box::pin(ready(Ok(texts.iter().map(|text| vector(text)).collect())))
    }
}

/// Its length is 1, unless the text has no letters.
fn vector(text: &str) -> Vec<f32> {
    let mut vector = vec![0.0; LENGTH];
    let mut letters = Vec::new();
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        letters.clear();
        letters.extend(word.chars().flat_map(char::to_lowercase));
        // Short words are mostly those that every sentence has.
        let weight = (letters.len() as f32).min(LONG_WORD) / LONG_WORD;
        add(&mut vector, &letters, weight);
        letters.insert(0, EDGE);
        letters.push(EDGE);
        for three in letters.windows(3) {
            add(&mut vector, three, weight * PART);
        }
    }
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|number| *number /= length);
    }
    vector
}

/// Adds a feature at the place that its hash says, with the sign that its hash says: features that
/// share a place cancel out as often as they add up.
fn add(vector: &mut [f32], letters: &[char], weight: f32) {
    let hash = letters.iter().fold(BASIS, |hash, letter| {
        u32::from(*letter)
            .to_le_bytes()
            .iter()
            .fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
    });
    // The low bits of this hash are its worst.
    let hash = hash ^ (hash >> 32);
    let sign = if hash >> 31 & 1 == 0 { weight } else { -weight };
    vector[(hash % LENGTH as u64) as usize] += sign;
}

const LENGTH: usize = 512;
/// In letters: words of this length and longer count in full.
const LONG_WORD: f32 = 6.0;
/// What a part of a word counts, beside the word.
const PART: f32 = 0.4;
const EDGE: char = '\u{2}';
/// The 64-bit FNV-1a hash: offset basis and prime.
const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::cosine;

    fn similarity(one: &str, other: &str) -> f32 {
        cosine(&vector(one), &vector(other))
    }

    #[test]
    fn the_same_words_are_the_same() {
        assert!((similarity("Lisbon is lovely.", "lisbon IS lovely") - 1.0).abs() < 1e-5);
        assert_eq!(similarity("", "lisbon"), 0.0);
        assert_eq!(similarity("...", "?!"), 0.0);
    }

    #[test]
    fn what_shares_words_with_a_question_comes_before_what_does_not() {
        let told = [
            "My name is Ada and I have moved to Lisbon in spring.",
            "The parcel has not come, the order number is 4711.",
            "I would like two coffees and a sandwich, please.",
            "What is the weather going to be tomorrow?",
            "Mein Hund heißt Bello und frisst am liebsten Äpfel.",
            "東京の天気は晴れです。",
        ];
        for (question, answer) in [
            ("When did I move to Lisbon?", 0),
            ("Has my parcel come by now?", 1),
            ("How many coffees did I order? And a sandwich?", 2),
            ("Will the weather be fine?", 3),
            ("Wie heißt noch mal mein Hund?", 4),
            ("東京の天気", 5),
        ] {
            let by_similarity = |text: &&str| similarity(question, text);
            let best = told
                .iter()
                .enumerate()
                .max_by(|one, other| by_similarity(one.1).total_cmp(&by_similarity(other.1)));
            assert_eq!(best.map(|(place, _)| place), Some(answer), "{question}");
        }
    }

    #[test]
    fn strangers_are_about_at_right_angles() {
        let strange = similarity("Two coffees and a sandwich", "My parcel never came through");
        assert!(strange.abs() < 0.15, "{strange}");
    }
}
