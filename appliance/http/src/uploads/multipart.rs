//! Reading a `multipart/form-data` body (RFC 7578) of two parts whose lengths are known: one that is gathered, one that is handed on as it
//! comes. The second one's length is known from the first, so that nothing is searched in it.

use axum::{
    body::BodyDataStream,
    http::{HeaderMap, header},
};
use bytes::{Buf, Bytes, BytesMut};

use super::pace::PacedBody;
use crate::problem::Problem;

/// A body, read from the front.
pub(super) struct Multipart {
    stream: PacedBody,
    boundary: String,
    held: BytesMut,
}

/// Longest head of a part in bytes.
const MAX_HEAD: usize = 4 << 10;
/// Longest boundary (RFC 2046 §5.1.1).
const MAX_BOUNDARY: usize = 70;

impl Multipart {
    /// Of a request with these headers.
    pub(super) fn new(headers: &HeaderMap, stream: BodyDataStream) -> Result<Self, (Problem, BodyDataStream)> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let boundary = kind.split(';').skip(1).find_map(|parameter| {
            let (name, value) = parameter.trim().split_once('=')?;
            name.eq_ignore_ascii_case("boundary").then(|| value.trim_matches('"').to_owned())
        });
        let is_form = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("multipart/form-data"));
        match boundary.filter(|boundary| is_form && (1..=MAX_BOUNDARY).contains(&boundary.len())) {
            Some(boundary) => Ok(Self { stream: PacedBody::new(stream), boundary, held: BytesMut::new() }),
            None => Err((Problem::unreadable("the body must be multipart/form-data with a boundary"), stream)),
        }
    }

    /// Goes to the beginning of the next part, which must have this name. `first`: of the body.
    pub(super) async fn part(&mut self, name: &str, first: bool) -> Result<(), Problem> {
        let mark = if first { format!("--{}\r\n", self.boundary) } else { format!("\r\n--{}\r\n", self.boundary) };
        self.expect(mark.as_bytes()).await?;
        let head = self.until(b"\r\n\r\n", MAX_HEAD).await?;
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let is_it = head.lines().any(|line| line.starts_with("content-disposition:") && line.contains(&format!("name=\"{name}\"")));
        if is_it { Ok(()) } else { Err(Problem::unreadable(format!("the next part of the body must be {name}"))) }
    }

    /// All of a part, of at most `most` bytes.
    pub(super) async fn gather(&mut self, most: usize) -> Result<Vec<u8>, Problem> {
        let mark = format!("\r\n--{}", self.boundary);
        let bytes = self.until_but(mark.as_bytes(), most).await?;
        Ok(bytes.to_vec())
    }

    /// The next bytes of the part, at least one and at most `most`.
    pub(super) async fn take(&mut self, most: usize) -> Result<Bytes, Problem> {
        if self.held.is_empty() {
            // Handed on as it came, without a copy.
            let mut bytes = self.more().await?;
            if bytes.len() > most {
                self.held.extend_from_slice(&bytes[most..]);
                bytes.truncate(most);
            }
            return Ok(bytes);
        }
        Ok(self.held.split_to(most.min(self.held.len())).freeze())
    }

    /// The end of the last part.
    pub(super) async fn end(&mut self) -> Result<(), Problem> {
        self.expect(format!("\r\n--{}--", self.boundary).as_bytes()).await
    }

    /// What was not read.
    pub(super) fn rest(self) -> BodyDataStream {
        self.stream.rest()
    }

    async fn expect(&mut self, mark: &[u8]) -> Result<(), Problem> {
        while self.held.len() < mark.len() {
            let more = self.more().await?;
            self.held.extend_from_slice(&more);
        }
        if !self.held.starts_with(mark) {
            return Err(Problem::unreadable("the parts of the body are not where their lengths put them"));
        }
        self.held.advance(mark.len());
        Ok(())
    }

    /// The bytes before `mark`, which is taken off as well.
    async fn until(&mut self, mark: &[u8], most: usize) -> Result<Bytes, Problem> {
        let bytes = self.until_but(mark, most).await?;
        self.held.advance(mark.len());
        Ok(bytes)
    }

    async fn until_but(&mut self, mark: &[u8], most: usize) -> Result<Bytes, Problem> {
        let mut looked_at = 0;
        loop {
            if let Some(found) = memchr::memmem::find(&self.held[looked_at..], mark) {
                return Ok(self.held.split_to(looked_at + found).freeze());
            }
            looked_at = self.held.len().saturating_sub(mark.len() - 1);
            if looked_at > most {
                return Err(Problem::too_large(format!("a part of the body has more than {most} bytes")));
            }
            let more = self.more().await?;
            self.held.extend_from_slice(&more);
        }
    }

    async fn more(&mut self) -> Result<Bytes, Problem> {
        loop {
            match self.stream.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => return Ok(bytes),
                Some(Err(problem)) => return Err(problem),
                None => return Err(Problem::unreadable("the body ends before its parts do")),
            }
        }
    }
}
