//! Reads `multipart/related` (RFC 2046 §5.1, RFC 2387) piece by piece from a stream, in constant memory.

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use memchr::memmem::Finder;

/// Longest head of a part in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Why a body is no good multipart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum MultipartError {
    /// The media type has no boundary, or one that RFC 2046 forbids.
    #[error("the Content-Type names no boundary")]
    Boundary,
    /// The body ended before the closing boundary.
    #[error("the body ends before its closing boundary")]
    Truncated,
    /// A part's head does not end.
    #[error("the head of a part is longer than 16 KiB")]
    Head,
    /// The connection failed.
    #[error("the body cannot be read: {0}")]
    Body(String),
}

/// A multipart body being read.
pub(super) struct Multipart<S> {
    body: S,
    buffer: BytesMut,
    /// CRLF, two hyphens and the boundary.
    delimiter: Vec<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary, or inside a part's content.
    Content,
    /// Behind a boundary.
    Boundary,
    /// Behind the closing boundary.
    End,
}

impl<S, E> Multipart<S>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: std::fmt::Display,
{
    /// Reads `body` as its media type says.
    pub(super) fn new(content_type: &str, body: S) -> Result<Self, MultipartError> {
        let boundary = parameter(content_type, "boundary").filter(|boundary| (1..=70).contains(&boundary.len()));
        let delimiter = format!("\r\n--{}", boundary.ok_or(MultipartError::Boundary)?).into_bytes();
        // The first boundary may stand at the very start; with a line end before it it looks like all others.
        Ok(Self { body, buffer: BytesMut::from(&b"\r\n"[..]), delimiter, state: State::Content })
    }

    /// Goes to the next part, passing over what is left of this one; false: there is none.
    pub(super) async fn next_part(&mut self) -> Result<bool, MultipartError> {
        while self.state == State::Content {
            self.piece().await?;
        }
        if self.state == State::End {
            return Ok(false);
        }
        self.at_least(2).await?;
        if self.buffer.starts_with(b"--") {
            self.state = State::End;
            return Ok(false);
        }
        loop {
            if let Some(end) = Finder::new(b"\r\n\r\n").find(&self.buffer) {
                let _head = self.buffer.split_to(end + 4);
                self.state = State::Content;
                return Ok(true);
            }
            if self.buffer.len() > MAX_HEAD {
                return Err(MultipartError::Head);
            }
            self.more().await?;
        }
    }

    /// The next piece of the part's content; `None`: it is complete.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, MultipartError> {
        while self.state == State::Content {
            if let Some(at) = Finder::new(&self.delimiter).find(&self.buffer) {
                let piece = self.buffer.split_to(at).freeze();
                let _delimiter = self.buffer.split_to(self.delimiter.len());
                self.state = State::Boundary;
                return Ok((!piece.is_empty()).then_some(piece));
            }
            // What could be the start of a delimiter stays.
            let safe = self.buffer.len().saturating_sub(self.delimiter.len() - 1);
            if safe > 0 {
                return Ok(Some(self.buffer.split_to(safe).freeze()));
            }
            self.more().await?;
        }
        Ok(None)
    }

    async fn at_least(&mut self, length: usize) -> Result<(), MultipartError> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(())
    }

    async fn more(&mut self) -> Result<(), MultipartError> {
        let piece = self.body.next().await.ok_or(MultipartError::Truncated)?;
        self.buffer.extend_from_slice(&piece.map_err(|error| MultipartError::Body(error.to_string()))?);
        Ok(())
    }
}

/// A parameter of a media type, unquoted.
fn parameter<'a>(media_type: &'a str, name: &str) -> Option<&'a str> {
    media_type.split(';').skip(1).find_map(|parameter| {
        let (key, value) = parameter.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    const BODY: &[u8] = b"preamble\r\n--b\r\nContent-Type: application/dicom\r\n\r\none\r\n-\r\n--b\r\nA: b\r\n\r\n\r\n--b--\r\n";

    async fn parts(body: &[u8], step: usize) -> Result<Vec<Vec<u8>>, MultipartError> {
        let pieces: Vec<_> = body.chunks(step).map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece))).collect();
        let mut multipart =
            Multipart::new("multipart/related; type=\"application/dicom\"; boundary=\"b\"", futures_util::stream::iter(pieces))?;
        let mut parts = Vec::new();
        while multipart.next_part().await? {
            let mut part = Vec::new();
            while let Some(piece) = multipart.piece().await? {
                part.extend_from_slice(&piece);
            }
            parts.push(part);
        }
        Ok(parts)
    }

    #[tokio::test]
    async fn any_split_gives_the_same_parts() {
        for step in 1..=BODY.len() {
            assert_eq!(parts(BODY, step).await, Ok(vec![b"one\r\n-".to_vec(), Vec::new()]), "pieces of {step}");
        }
    }

    #[tokio::test]
    async fn a_body_that_is_cut_anywhere_is_an_error() {
        let closing = BODY.len() - b"--\r\n".len() + 2;
        for end in 0..closing {
            assert_eq!(parts(&BODY[..end], 7).await, Err(MultipartError::Truncated), "cut at {end}");
        }
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let body = [b"--b\r\nA: ".as_slice(), &vec![b'x'; MAX_HEAD + 10]].concat();
        assert_eq!(parts(&body, 1000).await, Err(MultipartError::Head));
    }

    #[test]
    fn the_boundary_is_asked_for() {
        let new = |media_type: &str| Multipart::new(media_type, futures_util::stream::empty::<Result<Bytes, Infallible>>()).map(|_| ());
        assert_eq!(new("multipart/related; boundary=x"), Ok(()));
        assert_eq!(new("multipart/related"), Err(MultipartError::Boundary));
        assert_eq!(new("multipart/related; boundary=\"\""), Err(MultipartError::Boundary));
    }
}
