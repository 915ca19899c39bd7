//! A floor under the speed of a body. What is under way holds memory that others wait for; a sender who trickles would hold it without end.

use std::time::{Duration, Instant};

use axum::body::BodyDataStream;
use bytes::Bytes;
use futures_util::StreamExt;

use super::broken_off;
use crate::problem::Problem;

/// Bytes that come each second at least, on average: the slowest of telephone lines bring more.
const LEAST_A_SECOND: u64 = 2048;
/// What pauses may cost beyond that.
const GRACE: Duration = Duration::from_mins(1);

/// A body as it comes in. Only what its sender takes counts, not what the box does with it.
pub(super) struct PacedBody {
    stream: BodyDataStream,
    waited: Duration,
    received: u64,
}

impl PacedBody {
    /// Of a body that begins now.
    pub(super) fn new(stream: BodyDataStream) -> Self {
        Self { stream, waited: Duration::ZERO, received: 0 }
    }

    /// The next bytes, `None` at the end. Refuses (408) a body that breaks off or comes too slowly.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, Problem>> {
        let began = Instant::now();
        let bytes = self.stream.next().await?;
        self.waited += began.elapsed();
        let Ok(bytes) = bytes else { return Some(Err(broken_off())) };
        self.received += bytes.len() as u64;
        Some(if is_too_slow(self.waited, self.received) { Err(broken_off()) } else { Ok(bytes) })
    }

    /// What was not read.
    pub(super) fn rest(self) -> BodyDataStream {
        self.stream
    }
}

fn is_too_slow(waited: Duration, received: u64) -> bool {
    waited > GRACE + Duration::from_secs(received / LEAST_A_SECOND)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use futures_util::stream;

    use super::*;

    #[test]
    fn a_trickle_is_too_slow_and_a_bad_line_is_not() {
        let check = |seconds: u64, bytes: u64, expected: bool| {
            assert_eq!(is_too_slow(Duration::from_secs(seconds), bytes), expected, "{bytes} bytes in {seconds} s");
        };
        check(60, 1, false);
        check(61, 1, true);
        check(29 * 20, 20, true);
        check(40 * 60, 5 << 20, false);
        check(60 * 60, 5 << 20, true);
    }

    #[tokio::test]
    async fn one_that_comes_well_comes_whole() {
        let pieces = stream::iter(["a", "bc", ""].map(|piece| Ok::<_, std::io::Error>(Bytes::from(piece))));
        let mut body = PacedBody::new(Body::from_stream(pieces).into_data_stream());
        let mut whole = Vec::new();
        while let Some(bytes) = body.next().await {
            whole.extend_from_slice(&bytes.map_err(|_| "it does not").unwrap());
        }
        assert_eq!(whole, b"abc");
        let broken = stream::iter([Ok(Bytes::from("a")), Err(std::io::Error::other("gone"))]);
        let mut body = PacedBody::new(Body::from_stream(broken).into_data_stream());
        assert!(body.next().await.unwrap().is_ok() && body.next().await.unwrap().is_err());
    }
}
