//! Who is asked what.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::json;

use super::duplex::Calls;
use super::player::Player;
use crate::bench::person::monotonic;
use crate::bench::services::{self, LARGEST, Script, Services};
use crate::time::SessionClock;

pub(super) fn router(services: Arc<Services>, calls: Calls) -> Router {
    Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/script", post(script))
        .route("/log", get(log))
        .fallback(async move |services, request: Request| match calls.knock(&request) {
            Some(knock) => calls.open(&knock, request).await,
            None => answer(services, request).await,
        })
        .with_state(services)
}

async fn answer(State(services): State<Arc<Services>>, request: Request) -> Response {
    let clock = SessionClock::live();
    let (head, body) = request.into_parts();
    let body = match clock.timeout(LONGEST_UPLOAD, whole(body)).await {
        Some(Ok(body)) => body,
        Some(Err(status)) => return refusal(status, "the request's body is too large or broken"),
        None => return refusal(StatusCode::REQUEST_TIMEOUT, "the request has no end"),
    };
    let (arrived, begin) = (monotonic(), clock.now());
    let request = match services::Request::new(&head, body, arrived) {
        Ok(request) => request,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let plan = services.answer(&request);
    tracing::debug!(path = request.path, status = plan.status, "a request");
    Player::new(services, clock, begin, plan).answer().await
}

/// All of a body. More than a service takes is read, so that the client hears of the refusal, and
/// forgotten.
async fn whole(body: Body) -> Result<Bytes, StatusCode> {
    let mut pieces = body.into_data_stream();
    let mut all = BytesMut::new();
    let mut is_too_large = false;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| StatusCode::BAD_REQUEST)?;
        is_too_large |= all.len() + piece.len() > LARGEST;
        if !is_too_large {
            all.extend_from_slice(&piece);
        }
    }
    if is_too_large { Err(StatusCode::PAYLOAD_TOO_LARGE) } else { Ok(all.freeze()) }
}

#[derive(Deserialize)]
struct Whose {
    caller: Option<String>,
    #[serde(default)]
    clear: bool,
}

impl Whose {
    fn caller(self, headers: &HeaderMap) -> String {
        self.caller.unwrap_or_else(|| services::caller(headers).to_owned())
    }
}

async fn script(
    State(services): State<Arc<Services>>,
    Query(whose): Query<Whose>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match serde_json::from_slice::<Script>(&body) {
        Ok(script) => {
            services.script(&whose.caller(&headers), script);
            StatusCode::NO_CONTENT.into_response()
        }
        Err(error) => refusal(StatusCode::BAD_REQUEST, &format!("this is no script: {error}")),
    }
}

async fn log(
    State(services): State<Arc<Services>>,
    Query(whose): Query<Whose>,
    headers: HeaderMap,
) -> Response {
    let clear = whose.clear;
    let caller = whose.caller(&headers);
    let log = services.log(&caller);
    if clear {
        services.clear(&caller);
    }
    match serde_json::to_vec(&log) {
        Ok(text) => ([(CONTENT_TYPE, JSON)], text).into_response(),
        Err(error) => refusal(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string()),
    }
}

pub(super) fn refusal(status: StatusCode, message: &str) -> Response {
    let error = json!({"message": message, "type": "invalid_request_error", "code": null});
    (status, [(CONTENT_TYPE, JSON)], json!({"error": error}).to_string()).into_response()
}

const JSON: &str = "application/json";
/// The longest turn is far shorter.
const LONGEST_UPLOAD: Duration = Duration::from_secs(300);
