//! Plays a plan on the wall's clock.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;

use crate::bench::person::monotonic;
use crate::bench::services::{End, Plan, Services};
use crate::time::{SessionClock, SessionTime};

/// An answer in progress. Dropping it tells the log that it is over.
#[derive(Debug)]
pub(super) struct Player {
    services: Arc<Services>,
    clock: SessionClock,
    plan: Plan,
    /// The next step, and when it is due.
    step: usize,
    due: SessionTime,
}

impl Player {
    /// `begin` is when the request's last byte was there.
    pub(super) fn new(
        services: Arc<Services>,
        clock: SessionClock,
        begin: SessionTime,
        plan: Plan,
    ) -> Self {
        let first = plan.steps.first().map_or(Duration::ZERO, |step| step.after);
        Self { services, clock, plan, step: 0, due: begin + first }
    }

    /// The answer, whose head leaves with the first step.
    pub(super) async fn answer(mut self) -> Response {
        self.wait().await;
        let plan = &self.plan;
        let status = StatusCode::from_u16(plan.status);
        let mut head = HeaderMap::new();
        head.insert(CONTENT_TYPE, HeaderValue::from_static(plan.content_type));
        let wait = plan.retry_after.map(|wait| wait.as_secs_f64().to_string());
        if let Some(Ok(wait)) = wait.map(HeaderValue::try_from) {
            head.insert(RETRY_AFTER, wait);
        }
        let is_one = plan.steps.len() == 1 && plan.end == End::Finish;
        let body = match is_one.then(|| self.take()).flatten() {
            // Its length is told.
            Some(bytes) => Body::from(bytes),
            None => Body::from_stream(stream::unfold(Some(self), |player| async {
                let mut player = player?;
                let piece = player.next().await?;
                Some((piece, Some(player)))
            })),
        };
        let mut answer = Response::new(body);
        *answer.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *answer.headers_mut() = head;
        answer
    }

    /// Waits until the next step is due, or for what comes after the last one.
    async fn wait(&mut self) {
        if self.step < self.plan.steps.len() {
            // Most steps of a service without delays are due now: no timer is set for them.
            if self.clock.now() < self.due {
                self.clock.sleep_until(self.due).await;
            }
        } else if self.plan.end == End::Stall {
            self.clock.sleep(LONGEST_STALL).await;
        }
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.wait().await;
        if let Some(bytes) = self.take() {
            return Some(Ok(bytes));
        }
        if self.plan.end == End::Finish {
            return None;
        }
        // What was sent before leaves the socket's buffer first.
        tokio::task::yield_now().await;
        Some(Err(io::Error::other("broken off, as it was told")))
    }

    /// The next step, which is sent now.
    fn take(&mut self) -> Option<Bytes> {
        let bytes = std::mem::take(&mut self.plan.steps.get_mut(self.step)?.bytes);
        self.services.sent(self.plan.exchange, self.step, monotonic());
        self.step += 1;
        self.due = self.due + self.plan.steps.get(self.step).map_or(Duration::ZERO, |s| s.after);
        Some(bytes)
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        self.services.over(self.plan.exchange);
    }
}

/// No client is that patient.
const LONGEST_STALL: Duration = Duration::from_secs(600);
