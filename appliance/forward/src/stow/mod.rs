//! STOW-RS (PS3.18 §10.5): one request and what came of it. What that means for each instance is decided in [`crate::deliver`].

pub(crate) mod answer;
pub(crate) mod request;

use std::{sync::Arc, time::Duration};

use relaypacs_domain::{Clock, Failure, FailureCode, ObjectId, Uid};
use reqwest::{Response, header};
use tokio::time::timeout;

use crate::{
    content::{ContentError, Contents, Part},
    dicomweb::{Service, stalled},
    limiter::{Lane, Limiter},
    transport,
};
use answer::{Answer, Unreadable};
use request::{Multipart, Progress};

/// How one request ended.
#[derive(Debug)]
pub(crate) enum Sent {
    /// The destination answered (perhaps before it had read the whole body).
    Answered(Reply),
    /// No connection: nothing was sent.
    NotConnected(Failure),
    /// The line broke or stalled: what became of the instances is unknown.
    Broken(Failure),
    /// The box has no credentials to show.
    NoCredentials(Failure),
    /// The data set of a part could not be read from the buffer: the request was broken off.
    Unreadable(ObjectId, ContentError),
}

/// An answer with what its head says.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Retry-After, where it makes sense.
    pub(crate) retry_after: Option<Duration>,
    /// The first Warning header's text or the like is not kept: it may hold patient data.
    pub(crate) answer: Result<Answer, Unreadable>,
    /// Generation of the credentials that were shown.
    pub(crate) generation: u64,
}

/// What accompanies a request.
#[derive(Clone)]
pub(crate) struct Sending {
    pub(crate) contents: Arc<dyn Contents>,
    pub(crate) limit: Option<(Arc<Limiter>, Lane)>,
    pub(crate) clock: Clock,
}

impl Service {
    /// Sends `parts` in one request to `/studies/{study}` (`/studies` for parts whose study is not known). `progress` tells how far it got.
    pub(crate) async fn store(&self, parts: &[Part], study: Option<&Uid>, sending: &Sending, progress: &Arc<Progress>) -> Sent {
        let http = self.http();
        let authorization = match self.authorizer.authorization(&http).await {
            Ok(authorization) => authorization,
            Err(failure) if failure.code == FailureCode::Auth => return Sent::NoCredentials(failure),
            Err(failure) => return Sent::NotConnected(failure),
        };
        let multipart = Multipart::new(parts, format!("relaypacs-{}", uuid::Uuid::new_v4().simple()));
        let url = study.map_or_else(|| self.url(&["studies"]), |study| self.url(&["studies", study.as_str()]));
        let mut request = http
            .post(url)
            .header(header::CONTENT_TYPE, multipart.content_type())
            .header(header::CONTENT_LENGTH, multipart.content_length())
            .header(header::ACCEPT, "application/dicom+json");
        if let Some(value) = authorization.header {
            request = request.header(header::AUTHORIZATION, value);
        }
        let body = multipart.into_stream(sending.contents.clone(), progress.clone(), sending.limit.clone());
        let request = request.body(reqwest::Body::wrap_stream(body));
        let response = tokio::select! {
            response = request.send() => response,
            () = progress.stalled(self.stall_timeout) => return Sent::Broken(stalled(self.stall_timeout)),
        };
        match response {
            Ok(response) => Sent::Answered(self.reply(response, parts.len(), authorization.generation, &sending.clock).await),
            Err(error) => match progress.failed() {
                Some((object, error)) => Sent::Unreadable(object, error),
                None if error.is_connect() => Sent::NotConnected(transport::failure(&error)),
                None => Sent::Broken(transport::failure(&error)),
            },
        }
    }

    async fn reply(&self, mut response: Response, instances: usize, generation: u64, clock: &Clock) -> Reply {
        let status = response.status().as_u16();
        let retry_after = response.headers().get(header::RETRY_AFTER).and_then(|value| retry_after(value.to_str().ok()?, clock));
        let answer = self.answer_body(&mut response, instances).await.and_then(|body| Answer::parse(&body));
        Reply { status, retry_after, answer, generation }
    }

    async fn answer_body(&self, response: &mut Response, instances: usize) -> Result<Vec<u8>, Unreadable> {
        let limit = Answer::limit_bytes(instances);
        let mut body = Vec::new();
        loop {
            match timeout(self.stall_timeout, response.chunk()).await {
                Ok(Ok(Some(piece))) if body.len() + piece.len() > limit => return Err(Unreadable::TooLong),
                Ok(Ok(Some(piece))) => body.extend_from_slice(&piece),
                Ok(Ok(None)) => return Ok(body),
                Ok(Err(_)) | Err(_) => return Err(Unreadable::CutOff),
            }
        }
    }
}

/// Retry-After (RFC 9110 §10.2.3): seconds or a date.
fn retry_after(text: &str, clock: &Clock) -> Option<Duration> {
    let text = text.trim();
    if let Ok(secs) = text.parse() {
        return Some(Duration::from_secs(secs));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp().as_millisecond();
    Some(Duration::from_millis(u64::try_from(at - clock.now().as_millis()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use relaypacs_domain::{ManualClock, Timestamp};

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let hand = Arc::new(ManualClock::default());
        hand.set_wall(Timestamp::from_millis(784_111_777_000 - 5_000)); // Sun, 06 Nov 1994 08:49:37 GMT, less five seconds
        let clock = Clock::manual(hand);
        let check = |text: &str, expected: Option<u64>| assert_eq!(retry_after(text, &clock).map(|d| d.as_secs()), expected, "{text:?}");
        check("120", Some(120));
        check(" 0 ", Some(0));
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(5));
        check("Sun, 06 Nov 1994 08:49:00 GMT", Some(0));
        check("soon", None);
        check("-3", None);
    }
}
