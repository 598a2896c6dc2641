//! What went over the wire for an answer.

/// What went over the wire for an answer, in the words of the service's own protocol. Headers are not in
/// it. Where the key stands whole in a body, there is `[secret]` in its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawExchange {
    /// The body of the request, JSON with all its media.
    pub request: String,
    /// The body of the answer: the data of each event, in order; one text, if it came as a whole.
    pub response: Vec<String>,
    /// Whether more came than the 4 MiB of the answer that are kept.
    pub is_cut: bool,
    /// In bytes, of the answer.
    kept: usize,
}

impl RawExchange {
    pub(super) fn of(request: String) -> Self {
        Self { request, ..Self::default() }
    }

    pub(super) fn add(&mut self, data: String) {
        self.is_cut |= self.kept + data.len() > MOST;
        if !self.is_cut {
            self.kept += data.len();
            self.response.push(data);
        }
    }
}

/// In bytes.
const MOST: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut_and_says_so() {
        let mut raw = RawExchange::of("{}".to_owned());
        raw.add("x".repeat(MOST));
        assert!(!raw.is_cut);
        raw.add("y".to_owned());
        raw.add(String::new());
        assert_eq!((raw.response.len(), raw.is_cut), (1, true));
    }
}
