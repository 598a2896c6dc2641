//! What is kept, and for how long.

use std::time::Duration;

use super::listing::Listing;
use crate::ids::ConversationId;
use crate::time::UtcTime;

/// Which conversations are kept. By default all are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Those that were last written to longer ago than this go.
    pub older_than: Option<Duration>,
    /// No more than this many stay; those longest not written to go.
    pub at_most: Option<usize>,
}

impl Retention {
    /// Which of `all` go, the oldest first.
    #[must_use]
    pub fn expired(&self, mut all: Vec<Listing>, now: UtcTime) -> Vec<ConversationId> {
        all.sort_by(|one, other| (one.changed, &one.id).cmp(&(other.changed, &other.id)));
        let too_many = self.at_most.map_or(0, |most| all.len().saturating_sub(most));
        let too_old = |listing: &Listing| {
            self.older_than.is_some_and(|limit| now.since(listing.changed) > limit)
        };
        let gone = all.into_iter().enumerate();
        let gone = gone.filter(|(at, listing)| *at < too_many || too_old(listing));
        gone.map(|(_, listing)| listing.id).collect()
    }
}
