//! Vectors that were made already.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The vectors of the last texts, by their texts: so many of them, and no more.
#[derive(Debug)]
pub struct Vectors {
    most: usize,
    known: HashMap<u64, Vec<f32>>,
    /// Oldest first.
    order: VecDeque<u64>,
}

impl Vectors {
    /// Keeps the vectors of `most` texts; then it forgets the oldest.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { most, known: HashMap::new(), order: VecDeque::new() }
    }

    /// The vector of a text.
    #[must_use]
    pub fn get(&self, text: &str) -> Option<&[f32]> {
        self.known.get(&hash(text)).map(Vec::as_slice)
    }

    /// Keeps the vector of a text.
    pub fn put(&mut self, text: &str, vector: Vec<f32>) {
        let key = hash(text);
        if self.known.insert(key, vector).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

/// Two texts with the same hash would do no harm: a message would be ranked as another.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept() {
        let mut vectors = Vectors::new(2);
        vectors.put("one", vec![1.0]);
        vectors.put("two", vec![2.0]);
        vectors.put("one", vec![1.5]);
        assert_eq!(vectors.get("one"), Some(&[1.5][..]));
        vectors.put("three", vec![3.0]);
        assert_eq!(vectors.get("one"), None);
        assert_eq!(
            (vectors.get("two"), vectors.get("three")),
            (Some(&[2.0][..]), Some(&[3.0][..]))
        );
    }
}
