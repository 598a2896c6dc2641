//! What is sent.

use std::iter::once;
use std::ops::Range;
use std::sync::Arc;

use super::budget::{Budget, ContextError, Relevance, Strategy, Summarise};
use super::exchanges::starts;
use super::sizes::Sizes;
use super::summary::Summary;
use crate::text::TokenCount;
use crate::text::tokens::sum;
use crate::types::{Message, ToolDescriptor};

/// What would be sent if there were no budget.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The instructions.
    pub system: &'a str,
    /// The tools.
    pub tools: &'a [ToolDescriptor],
    /// The conversation; the last message is what to answer.
    pub messages: &'a [Message],
}

/// What is sent of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The messages that are kept: stretches of the conversation, in order.
    pub kept: Vec<Range<usize>>,
    /// The first so many messages are told by the summary, which goes beside the instructions; 0
    /// if there is none.
    pub summarised: usize,
    /// The size of all that is sent, in tokens.
    pub tokens: u32,
}

impl Plan {
    /// How many messages of a conversation are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.iter().map(Range::len).sum()
    }

    /// Whether none is kept, because there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The messages that are kept of a conversation.
    #[must_use]
    pub fn messages(&self, all: &Arc<[Message]>) -> Arc<[Message]> {
        if self.len() == all.len() {
            return Arc::clone(all);
        }
        self.kept.iter().flat_map(|stretch| &all[stretch.clone()]).cloned().collect()
    }
}

/// Decides what is sent, for one conversation.
#[derive(Debug)]
pub struct Planner {
    budget: Budget,
    count: Arc<dyn TokenCount>,
    sizes: Sizes,
}

impl Planner {
    /// Plans within `budget`, by these counts.
    #[must_use]
    pub fn new(budget: Budget, count: Arc<dyn TokenCount>) -> Self {
        Self { budget, count, sizes: Sizes::default() }
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// What is sent. A `summary` counts only with [`Strategy::Summarise`], and `similarities` of
    /// the messages to the question, by their place, only with [`Strategy::Relevance`]; without
    /// them these strategies do as [`Strategy::Sliding`].
    ///
    /// # Errors
    ///
    /// When what must be sent is larger than the budget, or, with [`Strategy::Fail`], all of it.
    pub fn plan(
        &mut self,
        asked: &Asked<'_>,
        summary: Option<&Summary>,
        similarities: &[Option<f32>],
    ) -> Result<Plan, ContextError> {
        self.sizes.forget_from(asked.messages.len());
        let (starts, budget) = (starts(asked.messages), self.budget.tokens);
        let fixed = self.fixed(asked);
        let last = starts.last().copied().unwrap_or(0);
        let needed = sum([fixed, self.size(asked, last..asked.messages.len())]);
        if needed > budget {
            return Err(ContextError::TooLarge { needed, budget });
        }
        let Self { budget: Budget { strategy, .. }, .. } = self;
        let strategy = std::mem::take(strategy);
        let plan = match &strategy {
            Strategy::Sliding => Ok(self.slide(asked, &starts, 0, fixed)),
            Strategy::Fail => self.all(asked, fixed),
            Strategy::Summarise(how) => Ok(self.summarised(asked, &starts, fixed, how, summary)),
            Strategy::Relevance(how) => Ok(self.relevant(asked, &starts, fixed, how, similarities)),
        };
        self.budget.strategy = strategy;
        plan
    }

    /// The messages that are to be summarised next, if it is time for it: those behind what
    /// `summary` covers, and not more of them than the budget holds.
    pub fn to_summarise(
        &mut self,
        asked: &Asked<'_>,
        summary: Option<&Summary>,
    ) -> Option<Range<usize>> {
        let Strategy::Summarise(how) = &self.budget.strategy else { return None };
        let (threshold, keep) = (threshold(&self.budget, how), how.keep_recent);
        let starts = starts(asked.messages);
        let covered = covered(summary, &starts, asked.messages.len());
        let told = if covered > 0 { self.told(asked, summary) } else { 0 };
        let (all, fixed) = (asked.messages.len(), self.fixed(asked));
        if sum([fixed, told, self.size(asked, covered..all)]) <= threshold {
            return None;
        }
        let last = starts.last().copied()?;
        // What will not be sent beside the next summary should be told in it.
        let mark = self.told(asked, Some(&Summary::default()));
        let fixed = sum([fixed, mark, self.budget.longest_summary()]);
        let sent = self.slide(asked, &starts, 0, fixed).kept;
        let sent = sent.first().map_or(last, |sent| sent.start);
        let until = all.saturating_sub(keep.max(1)).max(sent);
        let (mut end, mut tokens) = (covered, 0);
        for start in starts.into_iter().filter(|start| *start > covered) {
            tokens = sum([tokens, self.size(asked, end..start)]);
            let is_first = end == covered;
            if start > until.min(last) || tokens > self.budget.tokens && !is_first {
                break;
            }
            end = start;
        }
        (end > covered).then_some(covered..end)
    }

    /// All or nothing.
    fn all(&mut self, asked: &Asked<'_>, fixed: u32) -> Result<Plan, ContextError> {
        let (all, budget) = (0..asked.messages.len(), self.budget.tokens);
        let needed = sum([fixed, self.size(asked, all.clone())]);
        if needed > budget {
            return Err(ContextError::OverBudget { needed, budget });
        }
        Ok(Plan { kept: stretches(once(all)), summarised: 0, tokens: needed })
    }

    /// The newest exchanges that fit, but none before `from`. The last one does.
    fn slide(&mut self, asked: &Asked<'_>, starts: &[usize], from: usize, fixed: u32) -> Plan {
        let all = asked.messages.len();
        let (mut kept, mut tokens) = (all, fixed);
        for start in starts.iter().rev().copied().take_while(|start| *start >= from) {
            let more = sum([tokens, self.size(asked, start..kept)]);
            if more > self.budget.tokens {
                break;
            }
            (kept, tokens) = (start, more);
        }
        Plan { kept: stretches(once(kept..all)), summarised: 0, tokens }
    }

    /// All while it is short; then the summary and what came since, as far as it fits.
    fn summarised(
        &mut self,
        asked: &Asked<'_>,
        starts: &[usize],
        fixed: u32,
        how: &Summarise,
        summary: Option<&Summary>,
    ) -> Plan {
        let whole = self.slide(asked, starts, 0, fixed);
        let fits = whole.len() == asked.messages.len();
        let covered = covered(summary, starts, asked.messages.len());
        if covered == 0 || fits && whole.tokens <= threshold(&self.budget, how) {
            return whole;
        }
        let fixed = sum([fixed, self.told(asked, summary)]);
        let plan = self.slide(asked, starts, covered, fixed);
        // There is no room for the summary beside what is to be answered.
        if plan.is_empty() { whole } else { Plan { summarised: covered, ..plan } }
    }

    /// The newest messages, and what has most to do with the question.
    fn relevant(
        &mut self,
        asked: &Asked<'_>,
        starts: &[usize],
        fixed: u32,
        how: &Relevance,
        similarities: &[Option<f32>],
    ) -> Plan {
        let whole = self.slide(asked, starts, 0, fixed);
        let all = asked.messages.len();
        let recent = all.saturating_sub(how.min_recent.max(1));
        let recent = starts.iter().rposition(|start| *start <= recent).unwrap_or(0);
        if whole.len() == all || similarities.is_empty() {
            return whole;
        }
        let newest = self.slide(asked, starts, starts.get(recent).copied().unwrap_or(0), fixed);
        let mut tokens = newest.tokens;
        let mut kept = newest.kept;
        let similarity = |exchange: &Range<usize>| {
            let of_messages = similarities.get(exchange.clone()).unwrap_or_default();
            let of_messages = of_messages.iter().flatten().copied();
            of_messages.filter(|similarity| !similarity.is_nan()).reduce(f32::max)
        };
        let mut older: Vec<_> = (starts.windows(2).take(recent))
            .map(|pair| pair[0]..pair[1])
            .filter_map(|exchange| Some((similarity(&exchange)?, exchange)))
            .filter(|(similarity, _)| *similarity >= how.threshold)
            .collect();
        // Of equals the newer one.
        older.sort_by(|one, other| other.0.total_cmp(&one.0).then(other.1.start.cmp(&one.1.start)));
        for (_, exchange) in older {
            let more = sum([tokens, self.size(asked, exchange.clone())]);
            if more <= self.budget.tokens {
                tokens = more;
                kept.push(exchange);
            }
        }
        kept.sort_by_key(|exchange| exchange.start);
        Plan { kept: stretches(kept), summarised: 0, tokens }
    }

    /// What is sent in any case, beside the last message.
    fn fixed(&self, asked: &Asked<'_>) -> u32 {
        let tools = asked.tools.iter().map(|tool| self.count.tool(tool));
        sum(tools.chain([REPLY, self.count.text(asked.system)]))
    }

    /// What the summary adds to the instructions.
    fn told(&self, asked: &Asked<'_>, summary: Option<&Summary>) -> u32 {
        let with = |summary: &Summary| self.count.text(&summary.beside(asked.system));
        summary.map_or(0, with).saturating_sub(self.count.text(asked.system))
    }

    fn size(&mut self, asked: &Asked<'_>, stretch: Range<usize>) -> u32 {
        let Self { sizes, count, .. } = self;
        sum(stretch.map(|at| sizes.of(at, &asked.messages[at], &**count)))
    }
}

/// How many messages a summary covers that holds: as many exchanges as it knows to their end, and
/// never the last one.
fn covered(summary: Option<&Summary>, starts: &[usize], messages: usize) -> usize {
    let Some(summary) = summary.filter(|summary| summary.holds(messages)) else { return 0 };
    let reaches = |start: &&usize| **start as u64 <= summary.messages;
    starts.iter().rev().find(reaches).copied().unwrap_or(0)
}

fn threshold(budget: &Budget, how: &Summarise) -> u32 {
    (f64::from(budget.tokens) * f64::from(how.threshold.clamp(0.0, 1.0))) as u32
}

/// Stretches without gaps between them are one.
fn stretches(exchanges: impl IntoIterator<Item = Range<usize>>) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for exchange in exchanges.into_iter().filter(|exchange| !exchange.is_empty()) {
        match stretches.last_mut() {
            Some(last) if last.end == exchange.start => last.end = exchange.end,
            _ => stretches.push(exchange),
        }
    }
    stretches
}

/// What has the model begin its answer.
const REPLY: u32 = 3;
