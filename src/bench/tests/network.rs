//! Mock services in memory: their plans are played on Tokio's clock.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};

use crate::bench::services::{self, End, Plan, Services};
use crate::net::{Body, Http, HttpFuture, Incoming, NetError};
use crate::time::SessionClock;

#[derive(Debug)]
pub(super) struct Network {
    services: Arc<Services>,
    clock: SessionClock,
}

impl Network {
    pub(super) fn new(services: Arc<Services>, clock: SessionClock) -> Self {
        Self { services, clock }
    }
}

impl Http for Network {
    fn send(&self, request: Request<Body>) -> HttpFuture {
        let (services, clock) = (Arc::clone(&self.services), self.clock.clone());
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = match body {
                Body::Whole(bytes) => bytes,
                Body::Stream(pieces) => {
                    let all = |mut all: BytesMut, piece: Bytes| async move {
                        all.extend_from_slice(&piece);
                        all
                    };
                    pieces.fold(BytesMut::new(), all).await.freeze()
                }
            };
            let arrived = clock.now().as_nanos();
            let plan = services.answer(&services::Request::new(&head, body, arrived).unwrap());
            let (status, kind) = (plan.status, plan.content_type);
            let retry_after = plan.retry_after;
            let mut body = play(plan, services, clock);
            // The head travels with the first piece.
            let first = body.next().await;
            let body: Incoming = Box::pin(stream::iter(first).chain(body));
            let mut response = Response::new(body);
            *response.status_mut() = StatusCode::from_u16(status).unwrap();
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            if let Some(wait) = retry_after {
                let seconds = HeaderValue::from_str(&wait.as_secs().to_string()).unwrap();
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
            Ok(response)
        })
    }
}

fn play(plan: Plan, services: Arc<Services>, clock: SessionClock) -> Incoming {
    let Plan { exchange, steps, end, .. } = plan;
    let due = clock.now();
    let state = (steps.into_iter().enumerate(), due, Some((services, clock)));
    Box::pin(stream::unfold(state, move |(mut steps, due, shared)| async move {
        let (services, clock) = shared?;
        match steps.next() {
            Some((number, step)) => {
                let due = due + step.after;
                clock.sleep_until(due).await;
                services.sent(exchange, number, clock.now().as_nanos());
                Some((Ok(step.bytes), (steps, due, Some((services, clock)))))
            }
            None if end == End::Stall => std::future::pending().await,
            None if end == End::Cut => {
                let host = "services.test".to_owned();
                let reason = "as it was told".to_owned();
                Some((Err(NetError::BrokeOff { host, reason }), (steps, due, None)))
            }
            None => None,
        }
    }))
}
