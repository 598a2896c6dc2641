//! The way of a request, over redirects.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, LOCATION, PROXY_AUTHORIZATION};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use reqwest::Url;

use super::Problem;
use super::plan::Plan;
use super::request::Planned;
use crate::net::{Body, Http, Incoming};

/// The answer at the end of the way, and whose it is.
pub(super) async fn follow(
    http: &dyn Http,
    plan: &Plan,
    mut request: Planned,
) -> Result<(Response<Incoming>, String), Problem> {
    for _hop in 0..=MOST_REDIRECTS {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let answer = http.send(sent(&request)?).await;
        let answer = answer.map_err(|error| Problem::Failed(error.to_string()))?;
        let Some(url) = redirected(&request.url, &answer)? else { return Ok((answer, host)) };
        plan.check_address(&url)?;
        request = request.redirected(url, answer.status());
    }
    Err(Problem::Failed(format!("it was redirected more than {MOST_REDIRECTS} times")))
}

fn sent(planned: &Planned) -> Result<Request<Body>, Problem> {
    let mut request = Request::new(match planned.body.is_empty() {
        true => Body::empty(),
        false => Body::Whole(planned.body.clone()),
    });
    *request.method_mut() = planned.method.clone();
    *request.uri_mut() = planned
        .url
        .as_str()
        .parse()
        .map_err(|_| Problem::Arguments("they give no address".to_owned()))?;
    *request.headers_mut() = planned.headers.clone();
    request.headers_mut().extend(planned.secret_headers.clone());
    Ok(request)
}

/// Where an answer sends the request, if it does.
fn redirected(from: &Url, answer: &Response<Incoming>) -> Result<Option<Url>, Problem> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = answer.headers().get(LOCATION) else { return Ok(None) };
    let url = location.to_str().ok().and_then(|location| from.join(location).ok());
    let url = url.filter(|url| url.username().is_empty() && url.password().is_none());
    url.map(Some).ok_or_else(|| {
        let host = from.host_str().unwrap_or_default();
        Problem::Failed(format!("{host} redirects it to nowhere"))
    })
}

impl Planned {
    /// As browsers do it: what was posted is fetched from there, unless the status says that it
    /// be posted again. What is secret goes nowhere else.
    fn redirected(mut self, url: Url, status: StatusCode) -> Self {
        let becomes_get = match status {
            StatusCode::SEE_OTHER => self.method != Method::HEAD,
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = Bytes::new();
            self.headers.remove(CONTENT_TYPE);
        }
        if url.origin() != self.url.origin() {
            self.secret_headers = HeaderMap::new();
            for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
                self.headers.remove(name);
            }
        }
        self.url = url;
        self
    }
}

const MOST_REDIRECTS: usize = 5;
