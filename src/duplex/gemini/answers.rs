//! Answers: which one is under way, and what still comes of those that are over.

use crate::duplex::{Decoded, DuplexEvent, Refusal, ReplyEnd, ReplyId};
use crate::ids::TurnId;
use crate::types::Usage;

/// The other side names no answers: one begins with the first that comes of it, and ends with its
/// turn, when it is interrupted, or when it calls tools.
#[derive(Debug)]
pub(super) struct Answers {
    next: ReplyId,
    active: Option<Answer>,
    /// One is wanted that has not begun.
    is_asked: bool,
    /// What may still come of an answer that is over here.
    rest: Rest,
    /// What an answer took that has not been told, since it came behind its end.
    owed: Usage,
    /// What the last answer took as far as that was told.
    told: Option<Usage>,
    /// The last turn of the user's that something was answered to.
    answered: Option<TurnId>,
}

#[derive(Debug)]
struct Answer {
    id: ReplyId,
    /// What of it has come is all.
    is_whole: bool,
    is_cancelled: bool,
    has_transcript: bool,
    odd: Option<u8>,
    usage: Option<Usage>,
}

/// What may still come of an answer that is over here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// Nothing.
    None,
    /// Words that are late, and the end of its turn.
    Words,
    /// The end of its turn: it called tools, and some servers end the turn then, also after they were
    /// told the results.
    End,
    /// Anything: it was cancelled, and the other side does not know.
    All,
}

/// Something of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Sound, a call, or what is written.
    Content,
    /// Words that were spoken.
    Transcript,
}

impl Answers {
    pub(super) fn new() -> Self {
        Self {
            next: ReplyId::FIRST,
            active: None,
            is_asked: false,
            rest: Rest::None,
            owed: Usage::default(),
            told: None,
            answered: None,
        }
    }

    /// An answer is asked for.
    pub(super) fn ask(&mut self) {
        self.is_asked = true;
    }

    /// Whether one is wanted that has not begun.
    pub(super) fn is_asked(&self) -> bool {
        self.is_asked
    }

    /// It has the results that it waited for, and goes on.
    pub(super) fn go_on(&mut self) {
        self.is_asked = true;
        if self.rest == Rest::Words {
            self.rest = Rest::End;
        }
    }

    /// No more is wanted of an answer. The other side cannot be told.
    pub(super) fn cancel(&mut self, reply: ReplyId) {
        if let Some(active) = self.active.as_mut().filter(|active| active.id == reply) {
            active.is_cancelled = true;
        }
    }

    /// Ends the answer that was cancelled, if it has not ended by itself.
    pub(super) fn settle(&mut self, decoded: &mut Decoded) {
        if self.active.as_ref().is_some_and(|active| active.is_cancelled) {
            self.end(ReplyEnd::Cancelled, decoded);
            self.rest = Rest::All;
        }
    }

    /// Something of an answer comes, after what was said in this turn: the answer, which may begin
    /// with it; none if it is of one that is over.
    pub(super) fn piece(
        &mut self,
        piece: Piece,
        turn: Option<TurnId>,
        decoded: &mut Decoded,
    ) -> Option<ReplyId> {
        if self.active.is_none() {
            match (self.rest, piece) {
                (Rest::All, _) | (Rest::Words, Piece::Transcript) => return None,
                _ => self.begin(decoded),
            }
        }
        self.answered = turn;
        let active = self.active.as_mut()?;
        active.has_transcript |= piece == Piece::Transcript;
        Some(active.id)
    }

    /// Whether the words of the answer under way come as those that were spoken.
    pub(super) fn has_transcript(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.has_transcript)
    }

    /// Whether something was answered to this turn.
    pub(super) fn has_answered(&self, turn: Option<TurnId>) -> bool {
        turn.is_some() && self.answered == turn
    }

    /// The samples of an answer's bytes; half a sample waits for its other half.
    pub(super) fn pcm(&mut self, bytes: &[u8]) -> Vec<i16> {
        let (Some(active), Some(&head)) = (self.active.as_mut(), bytes.first()) else {
            return Vec::new();
        };
        let first = active.odd.take().map(|low| i16::from_le_bytes([low, head]));
        let rest = if first.is_some() { &bytes[1..] } else { bytes };
        let (pairs, left) = rest.as_chunks::<2>();
        active.odd = left.first().copied();
        first.into_iter().chain(pairs.iter().map(|pair| i16::from_le_bytes(*pair))).collect()
    }

    /// What a turn took so far: each time all of it, not what is new.
    pub(super) fn took(&mut self, usage: Usage) {
        match (&mut self.active, self.told) {
            (Some(active), _) => active.usage = Some(usage),
            (None, Some(told)) => self.owed = less(usage, told),
            (None, None) => self.owed = usage,
        }
    }

    /// It calls tools, and waits.
    pub(super) fn awaits_tools(&mut self, decoded: &mut Decoded) {
        self.end(ReplyEnd::AwaitsTools, decoded);
        self.rest = Rest::Words;
    }

    /// The other side has cut it short.
    pub(super) fn interrupted(&mut self, decoded: &mut Decoded) {
        self.end(ReplyEnd::Interrupted, decoded);
        self.rest = Rest::Words;
    }

    /// All of it has come; its turn goes on for as long as it sounds.
    pub(super) fn generated(&mut self) {
        match &mut self.active {
            Some(active) => active.is_whole = true,
            None if self.rest == Rest::All => self.rest = Rest::Words,
            None => {}
        }
    }

    /// Its turn is over. One that was asked for and had nothing to say has been given.
    pub(super) fn complete(&mut self, how: ReplyEnd, decoded: &mut Decoded) {
        let rest = std::mem::replace(&mut self.rest, Rest::None);
        if self.active.is_none() && rest == Rest::None && self.is_asked {
            self.begin(decoded);
        }
        self.end(how, decoded);
    }

    /// Something was refused: the answer that was asked for, if one was and none is under way.
    pub(super) fn fail(&mut self, refusal: &Refusal, decoded: &mut Decoded) -> bool {
        let in_vain = self.is_asked && self.active.is_none();
        if in_vain {
            self.begin(decoded);
            self.end(ReplyEnd::Failed(refusal.clone()), decoded);
        }
        in_vain
    }

    /// The connection is lost.
    pub(super) fn lost(&mut self, decoded: &mut Decoded) {
        let how = match &self.active {
            Some(active) if active.is_cancelled => ReplyEnd::Cancelled,
            Some(active) if active.is_whole => ReplyEnd::Completed,
            _ => ReplyEnd::Lost,
        };
        self.end(how, decoded);
        self.is_asked = false;
        self.rest = Rest::None;
        self.told = None;
    }

    fn begin(&mut self, decoded: &mut Decoded) {
        let id = self.next;
        self.next = id.next();
        self.rest = Rest::None;
        let asked = std::mem::take(&mut self.is_asked);
        self.active = Some(Answer {
            id,
            is_whole: false,
            is_cancelled: false,
            has_transcript: false,
            odd: None,
            usage: None,
        });
        self.told = None;
        decoded.events.push(DuplexEvent::ReplyStarted { reply: id, asked });
    }

    fn end(&mut self, how: ReplyEnd, decoded: &mut Decoded) {
        let Some(Answer { id: reply, usage, .. }) = self.active.take() else {
            return;
        };
        let owed = std::mem::take(&mut self.owed);
        self.told = usage;
        let all = usage.unwrap_or_default() + owed;
        let usage = (usage.is_some() || owed != Usage::default()).then_some(all);
        decoded.events.push(DuplexEvent::ReplyEnded { reply, how, usage });
    }
}

/// What is more in the one than in the other.
fn less(usage: Usage, told: Usage) -> Usage {
    Usage {
        input_tokens: usage.input_tokens.saturating_sub(told.input_tokens),
        output_tokens: usage.output_tokens.saturating_sub(told.output_tokens),
        cached_tokens: usage.cached_tokens.saturating_sub(told.cached_tokens),
        cache_written_tokens: usage.cache_written_tokens.saturating_sub(told.cache_written_tokens),
        audio_input_tokens: usage.audio_input_tokens.saturating_sub(told.audio_input_tokens),
        audio_output_tokens: usage.audio_output_tokens.saturating_sub(told.audio_output_tokens),
    }
}
