//! What an exchange is written as: without secrets, and without media unless they are wanted.

use std::collections::BTreeMap;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::line::{self, Line, Timed, VERSION, What};
use super::recording::Exchange;
use crate::net::without_secrets;
use crate::providers::{ProviderEvent, ProviderRequest};
use crate::state::media::name_of;
use crate::types::{Media, MediaSource, Secret};

/// What is written of media.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeptMedia {
    /// Kind, type, name, size and hash. An exchange whose answer has media cannot be replayed.
    #[default]
    Names,
    /// Their bytes as well.
    Bytes,
}

/// Takes secrets out of whatever is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scrubber {
    /// The longest first: one may hold another.
    secrets: Vec<Secret>,
}

/// The bytes of media, by their SHA-256.
type Kept = BTreeMap<String, Bytes>;

impl Scrubber {
    /// Takes these out. A secret of less than four bytes protects nothing, and would tear words.
    pub(crate) fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<_> =
            secrets.into_iter().filter(|secret| secret.expose().len() >= SHORTEST).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        Self { secrets }
    }

    /// What is written of an exchange.
    pub(super) fn line(&self, exchange: Exchange, media: KeptMedia) -> serde_json::Result<Value> {
        let Exchange { at, provider, metered, request, events, end, ended } = exchange;
        let mut kept = Kept::new();
        let request = without_media(request, &mut kept);
        let with_sound = media == KeptMedia::Bytes;
        let mut timed = Vec::with_capacity(events.len());
        for (after, mut came) in events {
            if let Ok(ProviderEvent::Media(media)) = &mut came {
                strip(media, &mut kept);
            }
            let what = What::of(came, with_sound);
            timed.extend(what.map(|what| Timed { ms: millis(after), what }));
        }
        self.clean_texts(&mut timed);
        let encoded = |(name, bytes): (String, Bytes)| (name, STANDARD.encode(bytes));
        let line = Line {
            v: VERSION,
            at: at.to_string(),
            provider,
            metered,
            request: line::asked(&request),
            events: timed,
            end,
            end_ms: millis(ended),
            media: if with_sound {
                kept.into_iter().map(encoded).collect()
            } else {
                BTreeMap::new()
            },
        };
        let mut line = serde_json::to_value(line)?;
        self.clean(&mut line);
        Ok(line)
    }

    /// A request as it would be written.
    pub(crate) fn asked(&self, request: ProviderRequest) -> Value {
        let mut asked = line::asked(&without_media(request, &mut Kept::new()));
        self.clean(&mut asked);
        asked
    }

    /// A text without secrets.
    pub(crate) fn cleaned(&self, text: &str) -> String {
        let text = text.to_owned();
        self.secrets.iter().fold(text, |text, secret| secret.removed_from(&text))
    }

    /// Takes them out of all texts in a value, and out of the names of its fields.
    fn clean(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.is_in(text) => *text = self.cleaned(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.clean(value)),
            Value::Object(fields) => {
                fields.values_mut().for_each(|value| self.clean(value));
                if fields.keys().any(|name| self.is_in(name)) {
                    let clean = |(name, value): (String, Value)| (self.cleaned(&name), value);
                    *fields = std::mem::take(fields).into_iter().map(clean).collect::<Map<_, _>>();
                }
            }
            _ => {}
        }
    }

    fn is_in(&self, text: &str) -> bool {
        self.secrets.iter().any(|secret| text.contains(secret.expose()))
    }

    /// A model that says a secret says it in pieces.
    fn clean_texts(&self, events: &mut [Timed]) {
        let texts = || events.iter().filter_map(|event| event.what.text());
        let whole: String = texts().collect();
        let found = united(self.secrets.iter().flat_map(|secret| places(&whole, secret)).collect());
        if found.is_empty() {
            return;
        }
        let mut start = 0;
        for event in events {
            let What::Text(text) = &mut event.what else { continue };
            let end = start + text.len();
            *text = rest(&whole, start..end, &found);
            start = end;
        }
    }
}

impl What {
    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

fn places(text: &str, secret: &Secret) -> Vec<Range<usize>> {
    let secret = secret.expose();
    text.match_indices(secret).map(|(at, _)| at..at + secret.len()).collect()
}

/// The same places; those that overlap are one.
fn united(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| place.start);
    let mut united: Vec<Range<usize>> = Vec::with_capacity(places.len());
    for place in places {
        match united.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => united.push(place),
        }
    }
    united
}

/// What is left of a piece when these places are taken out. Where one begins, that is said.
fn rest(whole: &str, piece: Range<usize>, found: &[Range<usize>]) -> String {
    let mut left = String::new();
    for (at, letter) in whole[piece.clone()].char_indices() {
        let at = piece.start + at;
        match found.iter().find(|place| place.contains(&at)) {
            None => left.push(letter),
            Some(place) if place.start == at => left += "[secret]",
            Some(_) => {}
        }
    }
    left
}

fn without_media(mut request: ProviderRequest, kept: &mut Kept) -> ProviderRequest {
    let media = request.messages.iter_mut().flat_map(|message| &mut message.media);
    media.for_each(|media| strip(media, kept));
    request
}

/// Leaves the name of its bytes, which are kept beside, and of an address what cannot be a key.
fn strip(media: &mut Media, kept: &mut Kept) {
    match &mut media.source {
        MediaSource::Bytes(bytes) => {
            let name = name_of(bytes);
            kept.insert(name.sha256.clone(), bytes.clone());
            media.source = MediaSource::Stored(name);
        }
        // It holds what it names.
        MediaSource::Url(url) if url.starts_with("data:") => {
            let name = name_of(url.as_bytes());
            media.source = MediaSource::Stored(name);
        }
        MediaSource::Url(url) => *url = without_secrets(url),
        MediaSource::Stored(_) => {}
    }
}

/// To the microsecond.
fn millis(time: std::time::Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

const SHORTEST: usize = 4;
