//! Takes one retrieved instance out of an answer that streams by: `multipart/related` (RFC 2046 §5.1) with one Part-10 file, or the file
//! alone. What is done with the file's bytes is the caller's: they are hashed ([`FileHash`]) or kept ([`Vec`]). Bounded: part headers and the
//! whole length have limits.

use memchr::memmem;

use crate::file_hash::{FileHash, NotDicom};

/// The answer is not what a retrieval of one instance gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoInstance;

/// What is done with the file's bytes.
pub(crate) trait FileBytes: Default {
    /// The next bytes of the file.
    fn feed(&mut self, bytes: &[u8]) -> Result<(), NotDicom>;
}

impl FileBytes for FileHash {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), NotDicom> {
        self.feed(bytes)
    }
}

impl FileBytes for Vec<u8> {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), NotDicom> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

/// The reader of one answer.
pub(crate) struct Retrieval<F> {
    state: State,
    /// `CRLF--boundary`; `None`: the file stands alone.
    delimiter: Option<Vec<u8>>,
    buffer: Vec<u8>,
    file: F,
    left_bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first delimiter.
    Preamble,
    Headers,
    Body,
    Ended,
}

impl<F: FileBytes> Retrieval<F> {
    const HEADERS_MAX: usize = 16 << 10;
    /// What multipart and file meta group may add to the data set.
    const AROUND_MAX: u64 = 2 << 20;

    /// For an answer of this Content-Type whose data set has at most `most_bytes`; `None`: that type holds no instance.
    pub(crate) fn new(content_type: &str, most_bytes: u64) -> Option<Self> {
        let lower = content_type.to_ascii_lowercase();
        let (state, delimiter) = if lower.starts_with("multipart/related") {
            (State::Preamble, Some(format!("\r\n--{}", boundary(content_type)?).into_bytes()))
        } else if lower.starts_with("application/dicom") && !lower.starts_with("application/dicom+") {
            (State::Body, None)
        } else {
            return None;
        };
        // the first delimiter may stand at the very start, without the CRLF before it
        let buffer = if delimiter.is_some() { b"\r\n".to_vec() } else { Vec::new() };
        Some(Self { state, delimiter, buffer, file: F::default(), left_bytes: most_bytes.saturating_add(Self::AROUND_MAX) })
    }

    /// The next bytes of the answer.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), NoInstance> {
        self.left_bytes = self.left_bytes.checked_sub(bytes.len() as u64).ok_or(NoInstance)?;
        let Some(delimiter) = self.delimiter.clone() else { return self.file.feed(bytes).map_err(|_| NoInstance) };
        self.buffer.extend_from_slice(bytes);
        loop {
            match self.state {
                State::Preamble => {
                    let Some(at) = memmem::find(&self.buffer, &delimiter) else {
                        let passed = self.buffer.len().saturating_sub(delimiter.len());
                        self.buffer.drain(..passed);
                        return Ok(());
                    };
                    self.buffer.drain(..at + delimiter.len());
                    self.state = State::Headers;
                }
                State::Headers => match memmem::find(&self.buffer, b"\r\n\r\n") {
                    Some(_) if self.buffer.starts_with(b"--") => return Err(NoInstance),
                    Some(at) => {
                        self.buffer.drain(..at + 4);
                        self.state = State::Body;
                    }
                    None if self.buffer.len() > Self::HEADERS_MAX => return Err(NoInstance),
                    None => return Ok(()),
                },
                State::Body => {
                    if let Some(at) = memmem::find(&self.buffer, &delimiter) {
                        self.file.feed(&self.buffer[..at]).map_err(|_| NoInstance)?;
                        self.state = State::Ended;
                    } else {
                        let safe = self.buffer.len().saturating_sub(delimiter.len() - 1);
                        self.file.feed(&self.buffer[..safe]).map_err(|_| NoInstance)?;
                        self.buffer.drain(..safe);
                        return Ok(());
                    }
                }
                State::Ended => {
                    self.buffer.clear();
                    return Ok(());
                }
            }
        }
    }

    /// The whole file; `None`: the answer ended too early. (An answer that is the file alone has no end of its own: the length of the
    /// body or the file tells.)
    pub(crate) fn finish(self) -> Option<F> {
        (self.delimiter.is_none() || self.state == State::Ended).then_some(self.file)
    }
}

fn boundary(content_type: &str) -> Option<&str> {
    let (_, value) = content_type
        .split(';')
        .map(str::trim)
        .filter_map(|p| p.split_once('='))
        .find(|(k, _)| k.trim().eq_ignore_ascii_case("boundary"))?;
    let value = value.trim().trim_matches('"');
    (!value.is_empty() && value.len() <= 200).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use relaypacs_domain::Sha256;

    use super::*;
    use crate::testing::{identity, sha256};

    fn file(data: &[u8]) -> Vec<u8> {
        let mut file = relaypacs_dicom::file_meta(&identity("1.2", "1.3", "1.4"), None);
        file.extend_from_slice(data);
        file
    }

    fn multipart(data: &[u8]) -> Vec<u8> {
        [b"--B\r\nContent-Type: application/dicom\r\n\r\n", file(data).as_slice(), b"\r\n--B--\r\n"].concat()
    }

    fn read(kind: &str, answer: &[u8], piece: usize) -> Option<Sha256> {
        let mut retrieval = Retrieval::<FileHash>::new(kind, 10 << 20)?;
        for bytes in answer.chunks(piece.max(1)) {
            retrieval.feed(bytes).ok()?;
        }
        retrieval.finish()?.finish()
    }

    #[test]
    fn what_is_no_instance_gives_nothing() {
        let kind = "multipart/related; type=\"application/dicom\"; boundary=B";
        let whole = multipart(b"data");
        assert_eq!(read(kind, &whole, 7), Some(sha256(b"data")));
        assert_eq!(read("multipart/related;boundary=\"B\"", &whole, 7), Some(sha256(b"data")));
        assert_eq!(read("application/dicom", &file(b"data"), 7), Some(sha256(b"data")));
        assert_eq!(read(kind, &whole[..whole.len() - 9], 7), None, "cut off");
        assert_eq!(read(kind, b"--B--\r\n\r\n", 7), None, "no part");
        assert_eq!(read(kind, b"--B\r\n\r\nno file\r\n--B--", 7), None);
        assert_eq!(read("text/html", &whole, 7), None);
        assert_eq!(read("multipart/related", &whole, 7), None, "no boundary");
        assert!(Retrieval::<FileHash>::new(kind, 10).unwrap().feed(&vec![0; 3 << 20]).is_err(), "too long");
        assert!(
            Retrieval::<FileHash>::new(kind, 10).unwrap().feed(&[b"--B\r\n".to_vec(), vec![b'x'; 20 << 10]].concat()).is_err(),
            "endless header"
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_split_gives_the_same(data in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'\r'), Just(b'\n'), Just(b'-'), Just(b'B')], 0..400), piece in 1usize..50) {
            // a boundary is random and does not occur in the data
            prop_assume!(memmem::find(&data, b"\r\n--B").is_none());
            prop_assert_eq!(read("multipart/related; boundary=B", &multipart(&data), piece), Some(sha256(&data)));
        }

        #[test]
        fn random_bytes_never_panic(answer in proptest::collection::vec(any::<u8>(), 0..600), piece in 1usize..50) {
            let _ = read("multipart/related; boundary=B", &answer, piece);
            let _ = read("application/dicom", &answer, piece);
        }
    }
}
