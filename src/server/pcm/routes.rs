//! What can be asked for by HTTP.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Shared, Sid, call};
use crate::turn::Detection;

/// All routes.
pub(super) fn routes(shared: Arc<Shared>) -> Router {
    let nothing = || async { error(StatusCode::NOT_FOUND, "not_found", NOTHING) };
    let wrong = || async {
        error(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "only GET is answered here")
    };
    Router::new()
        .route("/ws", get(open))
        .route("/health", get(health))
        .route("/metrics", get(metrics))
        .fallback(nothing)
        .method_not_allowed_fallback(wrong)
        .with_state(shared)
}

#[derive(Debug, Deserialize)]
struct Wanted {
    sid: Option<String>,
    #[serde(default)]
    vad: Hearing,
}

/// Who hears when the user speaks.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Hearing {
    #[default]
    Server,
    Client,
}

/// A call begins, if it may.
async fn open(
    State(shared): State<Arc<Shared>>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Wanted { sid, vad } = match wanted {
        Ok(Query(wanted)) => wanted,
        Err(wrong) => return error(StatusCode::BAD_REQUEST, "query", &wrong.body_text()),
    };
    let sid = match sid.as_deref().map(Sid::new).transpose() {
        Ok(sid) => sid,
        Err(wrong) => return error(StatusCode::BAD_REQUEST, "sid", &wrong.to_string()),
    };
    let Ok(upgrade) = upgrade else {
        return error(StatusCode::UPGRADE_REQUIRED, "no_websocket", "this is for WebSockets");
    };
    let seat = match shared.enter() {
        Ok(seat) => seat,
        Err(refusal) => {
            let code = refusal.code();
            let mut answer = error(StatusCode::SERVICE_UNAVAILABLE, code, &refusal.to_string());
            answer.headers_mut().insert(RETRY_AFTER, refusal.retry_after().into());
            return answer;
        }
    };
    let mut new = match shared.answering.answer(sid.as_ref(), seat.number) {
        Ok(new) => new,
        Err(why) => {
            tracing::warn!(call = seat.number, "no engines: {why}");
            let text = "there are no engines for the call; the server's log says why";
            return error(StatusCode::INTERNAL_SERVER_ERROR, "engines", text);
        }
    };
    if let Hearing::Client = vad {
        new.config.turn.detection = Detection::Told;
    }
    tracing::debug!(call = seat.number, sid = sid.as_ref().map(|sid| sid.key().expose()), "opened");
    upgrade
        .read_buffer_size(READ_BUFFER)
        // What is sent leaves at once.
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER)
        .max_message_size(MESSAGE)
        .max_frame_size(MESSAGE)
        .on_upgrade(async move |socket| {
            let ending = call::hold(socket, new, seat.number, seat.away()).await;
            match ending {
                call::Ending::Failed(_) | call::Ending::Slow => {
                    tracing::warn!(call = seat.number, "over: {ending}");
                }
                _ => tracing::info!(call = seat.number, "over: {ending}"),
            }
        })
}

async fn health(State(shared): State<Arc<Shared>>) -> Response {
    answer(StatusCode::OK, &shared.health())
}

async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    let mut answer = Response::new(Body::from(shared.metrics()));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(METRICS));
    answer
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    answer(status, &json!({ "error": { "code": code, "message": message } }))
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut answer = Response::new(Body::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}

const NOTHING: &str = "there is /ws?sid=ID, a WebSocket, /health and /metrics";
/// Of Prometheus' text format.
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The longest message: two minutes of sound.
const MESSAGE: usize = 4 << 20;

/// For each call, of the many that there may be: some frames.
const READ_BUFFER: usize = 8 << 10;
const WRITE_BUFFER: usize = 64 << 10;
