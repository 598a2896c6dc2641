//! One utterance, from its first sound to its words.

use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::StreamExt;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::OpenAiTranscriber;
use super::codec::{self, Deltas, Format};
use super::form::Form;
use super::recording::{Full, Recording};
use super::upload::{Answer, Asking, Upload};
use crate::audio::{AudioChunk, SampleRate};
use crate::error::Recovery;
use crate::net::{Body, Incoming, Limits, NetError, events};
use crate::stt::{SttError, SttEvent, SttInput, UtteranceEngine};
use crate::time::Work;

/// Serves an utterance until it is over or dropped.
pub(super) async fn serve(service: OpenAiTranscriber, engine: UtteranceEngine) {
    let UtteranceEngine { inputs, events } = engine;
    let dropped = events.clone();
    let asks = Asks { service: &service, events };
    let mut hearing = Hearing { asks, inputs, _work: Work::default() };
    tokio::select! {
        biased;
        () = dropped.closed() => {}
        () = hearing.run() => {}
    }
}

struct Hearing<'a> {
    asks: Asks<'a>,
    inputs: mpsc::Receiver<(SttInput, Work)>,
    /// That of the end, held until the words are told.
    _work: Work,
}

/// Who asks the service, and tells what it says.
struct Asks<'a> {
    service: &'a OpenAiTranscriber,
    events: mpsc::Sender<Result<SttEvent, SttError>>,
}

/// Up to what an utterance was heard.
enum Heard {
    /// The user pauses.
    Lull,
    End,
    /// Nobody wants to know any more.
    Gone,
}

/// What came of asking at a lull.
enum AtLull {
    /// It was the end: these are the words.
    Ended(String),
    /// It was not. What was heard meanwhile is in the recording.
    GoesOn,
    /// Nobody wants to know any more.
    Gone,
}

/// What goes on while the user speaks.
enum Meanwhile<'a> {
    /// The request travels.
    Upload(Upload<'a>),
    /// A connection is made for a whole request.
    Warming(Pin<Box<dyn Future<Output = ()> + Send + 'a>>),
    /// There is a connection.
    Warm,
    /// The request failed, and will be sent again.
    Failed(Failure),
}

/// A failure that a second request may mend.
struct Failure {
    error: SttError,
    /// When to send it.
    wait: Duration,
    /// It was the way of sending that was refused.
    refused: bool,
}

impl<'a> Hearing<'a> {
    async fn run(&mut self) {
        let told = match self.hear().await {
            Ok(Some(text)) => Ok(SttEvent::Final(text)),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        let _gone = self.asks.events.send(told).await;
    }

    /// The words; `None` if nobody waits for them.
    async fn hear(&mut self) -> Result<Option<String>, SttError> {
        let service = self.asks.service;
        let mut recording = Recording::default();
        if !self.begins(&mut recording).await? {
            return Ok(None);
        }
        if !recording.has_more() {
            service.endpoint.warm(&*service.http).await;
            return Ok(Some(String::new()));
        }
        let form = service.form();
        loop {
            let mut meanwhile = match service.wants_whole.load(Ordering::Relaxed) {
                false => Meanwhile::Upload(service.upload(&form)),
                true => Meanwhile::Warming(Box::pin(service.endpoint.warm(&*service.http))),
            };
            match self.listen(&mut meanwhile, &mut recording).await? {
                Heard::Gone => return Ok(None),
                Heard::End => {
                    return self.asks.words(meanwhile, &mut recording, &form).await.map(Some);
                }
                Heard::Lull => match self.ask(meanwhile, &mut recording, &form).await? {
                    AtLull::Ended(text) => return Ok(Some(text)),
                    AtLull::GoesOn => recording.rewind(),
                    AtLull::Gone => return Ok(None),
                },
            }
        }
    }

    /// Waits for the first sound or the end; `false` if neither comes.
    async fn begins(&mut self, recording: &mut Recording) -> Result<bool, SttError> {
        while let Some((input, work)) = self.inputs.recv().await {
            match input {
                SttInput::Audio(chunk) if chunk.samples().is_empty() => {}
                SttInput::Audio(chunk) => {
                    keep(&chunk, recording)?;
                    return Ok(true);
                }
                SttInput::Lull | SttInput::GoesOn => {}
                SttInput::End => {
                    self._work = work;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Hears the utterance up to its end, or to a pause from which it can be sent once more.
    async fn listen(
        &mut self,
        meanwhile: &mut Meanwhile<'a>,
        recording: &mut Recording,
    ) -> Result<Heard, SttError> {
        loop {
            tokio::select! {
                biased;
                answer = meanwhile.answer(recording) => {
                    *meanwhile = Meanwhile::Failed(early(answer)?);
                }
                input = self.inputs.recv() => match input {
                    Some((SttInput::Audio(chunk), _done)) => keep(&chunk, recording)?,
                    Some((SttInput::Lull, _done)) if recording.whole().is_some() => {
                        return Ok(Heard::Lull);
                    }
                    Some((SttInput::Lull | SttInput::GoesOn, _done)) => {}
                    Some((SttInput::End, work)) => {
                        self._work = work;
                        return Ok(Heard::End);
                    }
                    None => return Ok(Heard::Gone),
                },
            }
        }
    }

    /// Asks for the words so far. If the end comes, these are the words; if the user goes on, the
    /// question was in vain, and so is its failure.
    async fn ask(
        &mut self,
        meanwhile: Meanwhile<'a>,
        recording: &mut Recording,
        form: &Form,
    ) -> Result<AtLull, SttError> {
        // Silence: no more than what ends a turn.
        let mut later = Vec::new();
        let mut answered = None;
        let mut asking = Box::pin(self.asks.words(meanwhile, recording, form));
        let mut ended = false;
        loop {
            tokio::select! {
                biased;
                answer = &mut asking, if answered.is_none() => match answer {
                    answer if ended => return answer.map(AtLull::Ended),
                    answer => {
                        if let Ok(text) = &answer {
                            let told = SttEvent::Provisional(text.clone());
                            let _gone = self.asks.events.send(Ok(told)).await;
                        }
                        answered = Some(answer);
                    }
                },
                input = self.inputs.recv(), if !ended => match (input, answered.take()) {
                    (Some((SttInput::End, work)), told) => {
                        self._work = work;
                        match told {
                            Some(told) => return told.map(AtLull::Ended),
                            None => ended = true,
                        }
                    }
                    (Some((SttInput::GoesOn, _done)), _) => break,
                    (Some((input, _done)), told) => {
                        answered = told;
                        later.extend(match input {
                            SttInput::Audio(chunk) => Some(chunk),
                            _ => None,
                        });
                    }
                    (None, _) => return Ok(AtLull::Gone),
                },
            }
        }
        drop(asking);
        later.iter().try_for_each(|chunk| keep(chunk, recording))?;
        Ok(AtLull::GoesOn)
    }
}

impl<'a> Asks<'a> {
    /// Ends the request, or sends another, and reads the answer.
    async fn words(
        &self,
        meanwhile: Meanwhile<'a>,
        recording: &mut Recording,
        form: &Form,
    ) -> Result<String, SttError> {
        let failure = match meanwhile {
            Meanwhile::Failed(failure) => failure,
            Meanwhile::Upload(mut upload) => {
                match self.read(self.service.in_time(upload.finish(recording)).await).await {
                    Ok(text) => return Ok(text),
                    Err(error) => Failure::of(error, true)?,
                }
            }
            Meanwhile::Warming(_) | Meanwhile::Warm => match self.whole(recording, form).await {
                Ok(text) => return Ok(text),
                Err(error) => Failure::of(error, false)?,
            },
        };
        if recording.whole().is_none() {
            return Err(failure.error);
        }
        let _passed = timeout(failure.wait, pending::<()>()).await;
        let text = self.whole(recording, form).await?;
        if failure.refused {
            self.service.wants_whole.store(true, Ordering::Relaxed);
        }
        Ok(text)
    }

    async fn whole(&self, recording: &Recording, form: &Form) -> Result<String, SttError> {
        let sound = recording.whole().unwrap_or_default();
        let body = Body::Whole(form.whole(sound));
        self.read(self.service.ask(form, body, self.service.limits).await).await
    }

    /// Reads an answer to its end.
    async fn read(&self, answer: Answer) -> Result<String, SttError> {
        let (head, body) = answer.map_err(service_error)?.into_parts();
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        match codec::format(kind).map_err(failed)? {
            Format::Events => self.read_events(body).await,
            format => {
                let all = read_whole(body).await.map_err(service_error)?;
                codec::words_of(format, &all).map_err(failed)
            }
        }
    }

    async fn read_events(&self, body: Incoming) -> Result<String, SttError> {
        let endpoint = &self.service.endpoint;
        let mut data = events(body, endpoint.host());
        let mut deltas = Deltas::default();
        while let Some(data) = data.next().await {
            let told = deltas.on(&data.map_err(service_error)?);
            match told.map_err(|said| failed(endpoint.presentable(&said)))? {
                Some(SttEvent::Final(text)) => return Ok(text),
                Some(partial) => {
                    let _gone = self.events.send(Ok(partial)).await;
                }
                None => {}
            }
        }
        deltas.end().map_err(failed)
    }
}

impl Meanwhile<'_> {
    /// Resolves when the service answers although the sound has not ended. Cancel-safe.
    async fn answer(&mut self, recording: &mut Recording) -> Answer {
        match self {
            Self::Upload(upload) => return upload.answer(recording).await,
            Self::Warming(warming) => {
                warming.await;
                *self = Self::Warm;
            }
            Self::Warm | Self::Failed(_) => {}
        }
        pending().await
    }
}

impl OpenAiTranscriber {
    fn upload<'a>(&'a self, form: &Form) -> Upload<'a> {
        // The user may speak for as long as he likes: the wait begins when he ends.
        let limits = Limits { head: Duration::MAX, ..self.limits };
        let (head, tail) = (form.head(None), form.tail());
        Upload::begin(head, tail, |body| self.ask(form, Body::Stream(body), limits))
    }

    fn ask<'a>(&'a self, form: &Form, body: Body, limits: Limits) -> Asking<'a> {
        let limits = Limits { size: limits.size.min(LONGEST_ANSWER), ..limits };
        let request = self
            .endpoint
            .post("audio/transcriptions")
            .header(CONTENT_TYPE, form.content_type())
            .body(body);
        Box::pin(async move {
            let request = request.map_err(|error| NetError::Unreachable {
                host: self.endpoint.host().to_owned(),
                reason: error.to_string(),
            })?;
            self.endpoint.send(&*self.http, request, limits).await
        })
    }

    async fn in_time(&self, answer: impl Future<Output = Answer>) -> Answer {
        let limit = self.limits.head;
        timeout(limit, answer).await.unwrap_or_else(|_| {
            Err(NetError::TimedOut { host: self.endpoint.host().to_owned(), limit })
        })
    }
}

impl Failure {
    /// What may mend `error`, which came of a streamed or of a whole request.
    ///
    /// # Errors
    ///
    /// With `error`, if nothing may.
    fn of(error: SttError, streamed: bool) -> Result<Self, SttError> {
        let SttError::Service { error: cause, .. } = &error else { return Err(error) };
        let wait = match cause.recovery() {
            Recovery::RetryAfter(wait) => Some(wait).filter(|wait| *wait <= PATIENCE),
            _ => None,
        };
        match (refuses_streams(cause) && streamed, wait) {
            (true, _) => Ok(Self { error, wait: Duration::ZERO, refused: true }),
            (false, Some(wait)) => Ok(Self { error, wait, refused: false }),
            (false, None) => Err(error),
        }
    }
}

/// What to make of an answer that came before the sound had ended.
fn early(answer: Answer) -> Result<Failure, SttError> {
    match answer {
        Err(error) => Failure::of(service_error(error), true),
        Ok(_) => {
            let error = failed("it answered before it had heard all".to_owned());
            Ok(Failure { error, wait: Duration::ZERO, refused: true })
        }
    }
}

/// Whether it may be the missing length that the service does not like.
fn refuses_streams(error: &NetError) -> bool {
    matches!(error, NetError::Refused { status, .. } if LENGTH_WANTED.contains(status))
}

fn keep(chunk: &AudioChunk, recording: &mut Recording) -> Result<(), SttError> {
    let rate = chunk.rate();
    if rate != SampleRate::SPEECH {
        return Err(failed(format!("it needs sound at {}, not at {rate}", SampleRate::SPEECH)));
    }
    recording.push(chunk.samples()).map_err(|Full| {
        failed("a minute of speech could not be sent; end the turn earlier".to_owned())
    })
}

async fn read_whole(mut body: Incoming) -> Result<BytesMut, NetError> {
    let mut all = BytesMut::new();
    while let Some(piece) = body.next().await {
        all.extend_from_slice(&piece?);
    }
    Ok(all)
}

fn service_error(error: NetError) -> SttError {
    SttError::Service { engine: OpenAiTranscriber::NAME, error }
}

fn failed(reason: String) -> SttError {
    SttError::Failed { engine: OpenAiTranscriber::NAME, reason }
}

/// In bytes: the transcript of a minute with the time of each word.
const LONGEST_ANSWER: usize = 1 << 20;

/// Somebody waits for an answer: who must come back later than that comes too late.
const PATIENCE: Duration = Duration::from_secs(1);

/// How servers refuse a body whose length they are not told, or a WAV file that does not know its
/// own.
const LENGTH_WANTED: [StatusCode; 6] = [
    StatusCode::BAD_REQUEST,
    StatusCode::LENGTH_REQUIRED,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::UNSUPPORTED_MEDIA_TYPE,
    StatusCode::UNPROCESSABLE_ENTITY,
    StatusCode::NOT_IMPLEMENTED,
];
