//! The body of a STOW-RS request (PS3.18 §10.5.1, RFC 2387): a multipart of Part-10 files with an exact length known before it is sent.
//!
//! ```text
//! --B CRLF Content-Type: application/dicom CRLF CRLF <file meta><data set> CRLF   (each part)
//! --B-- CRLF
//! ```
//! The part header is exactly this: with `transfer-syntax=` some servers answer 200 and store nothing; so they do without the closing
//! boundary and with a chunked body. Data sets stream through: memory does not grow with the request.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use relaypacs_domain::ObjectId;
use tokio::time::Instant;

use crate::{
    content::{ContentError, Contents, Part, checked},
    limiter::{Lane, Limiter},
};

const PART_HEADER: &str = "Content-Type: application/dicom\r\n\r\n";

/// A request body that is not sent yet.
#[derive(Debug)]
pub(crate) struct Multipart {
    boundary: String,
    parts: Vec<(Part, Bytes)>,
}

impl Multipart {
    /// A body of `parts`; `boundary` must not occur in them (128 random bits do).
    pub(crate) fn new(parts: &[Part], boundary: String) -> Self {
        Self { boundary, parts: parts.iter().map(|part| (part.clone(), part.file_meta())).collect() }
    }

    pub(crate) fn content_type(&self) -> String {
        format!("multipart/related; type=\"application/dicom\"; boundary={}", self.boundary)
    }

    /// Exact length of the body in bytes.
    pub(crate) fn content_length(&self) -> u64 {
        let around = (2 + self.boundary.len() + 2 + PART_HEADER.len() + 2) as u64;
        let parts: u64 = self.parts.iter().map(|(part, meta)| around + meta.len() as u64 + part.bytes).sum();
        parts + (2 + self.boundary.len() + 4) as u64
    }

    /// The body. Tells `progress` of every piece, and of the part that could not be read.
    pub(crate) fn into_stream(
        self,
        contents: Arc<dyn Contents>,
        progress: Arc<Progress>,
        limit: Option<(Arc<Limiter>, Lane)>,
    ) -> impl Stream<Item = Result<Bytes, ContentError>> + Send + 'static {
        let (open, close) = (format!("--{}\r\n{PART_HEADER}", self.boundary), format!("--{}--\r\n", self.boundary));
        let told = progress.clone();
        let parts = stream::iter(self.parts).flat_map(move |(part, meta)| {
            let mut head = Vec::with_capacity(open.len() + meta.len());
            head.extend_from_slice(open.as_bytes());
            head.extend_from_slice(&meta);
            let (told, object) = (told.clone(), part.object);
            let data = checked(contents.as_ref(), &part).inspect(move |piece| {
                if let Err(error) = piece {
                    told.fail(object, error.clone());
                }
            });
            once(head).chain(data).chain(once(b"\r\n".as_slice()))
        });
        let whole = parts.chain(once(close));
        match limit {
            None => whole.boxed(),
            Some((limiter, lane)) => limited(whole, limiter, lane, progress.clone()),
        }
        .inspect(move |piece| progress.moved(piece.as_ref().map_or(0, Bytes::len)))
    }
}

fn once(bytes: impl Into<Vec<u8>>) -> stream::Once<std::future::Ready<Result<Bytes, ContentError>>> {
    stream::once(std::future::ready(Ok(Bytes::from(bytes.into()))))
}

/// Cuts pieces small and lets them pass at the limiter's rate. Waiting for the limiter is progress: the line is not at fault.
fn limited(
    pieces: impl Stream<Item = Result<Bytes, ContentError>> + Send + 'static,
    limiter: Arc<Limiter>,
    lane: Lane,
    progress: Arc<Progress>,
) -> BoxStream<'static, Result<Bytes, ContentError>> {
    let small = pieces.flat_map(|piece| match piece {
        Ok(piece) => {
            let count = piece.len().div_ceil(Limiter::PIECE);
            let cut = move |n: usize| Ok(piece.slice(n * Limiter::PIECE..((n + 1) * Limiter::PIECE).min(piece.len())));
            stream::iter(0..count).map(cut).left_stream()
        }
        Err(error) => once_error(error).right_stream(),
    });
    small
        .then(move |piece| {
            let (limiter, progress) = (limiter.clone(), progress.clone());
            async move {
                if let Ok(piece) = &piece {
                    limiter.pass(piece.len(), lane).await;
                    progress.moved(0);
                }
                piece
            }
        })
        .boxed()
}

fn once_error(error: ContentError) -> stream::Once<std::future::Ready<Result<Bytes, ContentError>>> {
    stream::once(std::future::ready(Err(error)))
}

/// How far a request is: read by whoever watches over it.
#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    sent_bytes: AtomicU64,
    last_ms: AtomicU64,
    failed: Mutex<Option<(ObjectId, ContentError)>>,
}

impl Progress {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), sent_bytes: AtomicU64::new(0), last_ms: AtomicU64::new(0), failed: Mutex::new(None) }
    }

    /// Something moved: `bytes` were taken by the line.
    pub(crate) fn moved(&self, bytes: usize) {
        self.sent_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.last_ms.store(self.began.elapsed().as_millis() as u64, Ordering::Relaxed);
    }

    fn fail(&self, object: ObjectId, error: ContentError) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((object, error));
    }

    /// The part that could not be read, which broke the request off.
    pub(crate) fn failed(&self) -> Option<(ObjectId, ContentError)> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Ordering::Relaxed)
    }

    /// Ends when nothing has moved for `longest`.
    pub(crate) async fn stalled(&self, longest: Duration) {
        loop {
            let last = self.began + Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
            if last.elapsed() >= longest {
                return;
            }
            tokio::time::sleep_until(last + longest).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Memory, part};

    async fn body(parts: &[Part], contents: Memory, limit: Option<(Arc<Limiter>, Lane)>) -> (u64, Vec<u8>, Arc<Progress>) {
        let multipart = Multipart::new(parts, "B".into());
        let length = multipart.content_length();
        let progress = Arc::new(Progress::new());
        let mut stream = Box::pin(multipart.into_stream(Arc::new(contents), progress.clone(), limit));
        let mut all = Vec::new();
        while let Some(Ok(piece)) = stream.next().await {
            all.extend_from_slice(&piece);
        }
        (length, all, progress)
    }

    #[tokio::test]
    async fn the_length_is_exact_and_the_data_sets_are_untouched() {
        let contents = Memory::default().with(1, b"odd").with(2, &vec![7; 100_000]).with(3, b"");
        let parts = [part(1, b"odd"), part(2, &vec![7; 100_000]), part(3, b"")];
        let (length, all, progress) = body(&parts, contents, None).await;
        assert_eq!(length, all.len() as u64);
        assert_eq!(progress.sent_bytes(), length);
        let mut expected = Vec::new();
        for (part, data) in parts.iter().zip([b"odd".to_vec(), vec![7; 100_000], vec![]]) {
            expected.extend_from_slice(b"--B\r\nContent-Type: application/dicom\r\n\r\n");
            expected.extend_from_slice(&part.file_meta());
            expected.extend_from_slice(&data);
            expected.extend_from_slice(b"\r\n");
        }
        expected.extend_from_slice(b"--B--\r\n");
        assert!(all == expected);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limited_body_is_the_same_and_takes_its_time() {
        let contents = Memory::default().with(1, &vec![7; 200_000]);
        let parts = [part(1, &vec![7; 200_000])];
        let (_, plain, _) = body(&parts, contents.clone(), None).await;
        let begun = Instant::now();
        let limiter = Arc::new(Limiter::new(100_000.0));
        let (_, slow, _) = body(&parts, contents, Some((limiter, Lane::Ordinary))).await;
        assert!(plain == slow);
        assert!(begun.elapsed() >= Duration::from_millis(1_600), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_part_that_cannot_be_read_is_named() {
        let check = async |contents: Memory, expected: &str| {
            let (_, _, progress) = body(&[part(1, b"good"), part(2, b"data")], contents.with(1, b"good"), None).await;
            let (object, error) = progress.failed().unwrap();
            assert_eq!((object, error.to_string().as_str()), (ObjectId(2), expected));
        };
        check(Memory::default(), "no such object").await;
        check(Memory::default().with(2, b"da"), "2 bytes are missing at its end").await;
        check(Memory::default().with(2, b"data and more"), "it is longer than recorded").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_seen_and_progress_puts_it_off() {
        let (progress, begun) = (Arc::new(Progress::new()), Instant::now());
        let mover = progress.clone();
        tokio::spawn(async move {
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                mover.moved(1);
            }
        });
        progress.stalled(Duration::from_secs(10)).await;
        assert_eq!(begun.elapsed().as_secs(), 55);
    }
}
