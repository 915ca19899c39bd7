//! Digests in request headers: Content-MD5 (RFC 1864, in base64, or in hex as many clients send it), Digest (RFC 3230) and Content-Digest
//! (RFC 9530).

use axum::http::{HeaderMap, HeaderValue, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use relaypacs_clinic::uploads::Expected;

use crate::problem::Problem;

/// What a request says about its body. Algorithms nobody here knows are passed over, as RFC 9530 §2 wants it; of the others every one counts.
pub(super) fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let bytes = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let mut expected = Expected { bytes, md5: None, sha256: None };
    for value in texts(headers, "content-md5")? {
        note(&mut expected.md5, value, "Content-MD5", "16 bytes in base64 or hex")?;
    }
    for name in ["digest", "content-digest"] {
        for (algorithm, value) in texts(headers, name)?.into_iter().flat_map(pairs) {
            match algorithm.as_str() {
                "sha-256" => note(&mut expected.sha256, value, "Content-Digest", "sha-256=:32 bytes in base64:")?,
                "md5" => note(&mut expected.md5, value, "Digest", "md5=16 bytes in base64")?,
                _ => {}
            }
        }
    }
    Ok(expected)
}

/// Every line of a header.
fn texts<'a>(headers: &'a HeaderMap, name: &str) -> Result<Vec<&'a str>, Problem> {
    let text = |value: &'a HeaderValue| value.to_str().map_err(|_| Problem::invalid(name, format!("{name} is not readable")));
    headers.get_all(name).iter().map(text).collect()
}

/// Notes a digest; two that differ cannot both be the body's.
fn note<const LEN: usize>(known: &mut Option<[u8; LEN]>, value: &str, name: &str, form: &str) -> Result<(), Problem> {
    let told = decoded(value).ok_or_else(|| Problem::invalid(name, format!("{name} cannot be read; it is {form}")))?;
    match known.replace(told) {
        Some(before) if before != told => Err(Problem::invalid(name, "the request names two digests of one kind that differ")),
        _ => Ok(()),
    }
}

/// A SHA-256 in hex or base64.
pub(super) fn sha256(text: &str) -> Option<[u8; 32]> {
    decoded(text)
}

/// `algorithm=value` pairs; values may stand between colons.
fn pairs(text: &str) -> impl Iterator<Item = (String, &str)> {
    text.split(',').filter_map(|pair| {
        let (algorithm, value) = pair.split_once('=')?;
        let value = value.split(';').next().unwrap_or_default().trim();
        let value = value.strip_prefix(':').and_then(|value| value.strip_suffix(':')).unwrap_or(value);
        Some((algorithm.trim().to_ascii_lowercase(), value))
    })
}

fn decoded<const LEN: usize>(text: &str) -> Option<[u8; LEN]> {
    let text = text.trim();
    if text.len() == 2 * LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let mut bytes = [0; LEN];
        for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
        }
        return Some(bytes);
    }
    STANDARD.decode(text).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &str) -> Result<Expected, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        expected(&headers)
    }

    #[test]
    fn every_way_of_saying_a_digest_is_understood() {
        // MD5 and SHA-256 of "hello".
        let md5 = *b"\x5d\x41\x40\x2a\xbc\x4b\x2a\x76\xb9\x71\x9d\x91\x10\x17\xc5\x92";
        let sha = sha256("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824").unwrap();
        for (name, value) in [
            ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
            ("content-md5", "5d41402abc4b2a76b9719d911017c592"),
            ("digest", "MD5=XUFAKrxLKna5cZ2REBfFkg=="),
        ] {
            assert_eq!(of(name, value).unwrap().md5, Some(md5), "{name}: {value}");
        }
        for (name, value) in [
            ("content-digest", "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:"),
            ("content-digest", "sha-512=:AAAA:, sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:;q=1"),
            ("digest", "SHA-256=LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
        ] {
            assert_eq!(of(name, value).unwrap().sha256, Some(sha), "{name}: {value}");
        }
        assert_eq!(of("content-digest", "sha-512=:AAAA:").unwrap(), Expected::default());
        assert_eq!(of("content-length", "17").unwrap().bytes, Some(17));
    }

    #[test]
    fn every_line_counts_and_none_contradicts_another() {
        let all = |lines: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(*name, value.parse().unwrap());
            }
            expected(&headers)
        };
        let sha256 = ("content-digest", "sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:");
        assert!(all(&[("content-digest", "sha-512=:AAAA:"), sha256]).unwrap().sha256.is_some(), "of the second line");
        assert!(all(&[sha256, sha256]).is_ok());
        assert!(all(&[sha256, ("digest", "sha-256=AAAAul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=")]).is_err());
        assert!(all(&[("content-md5", "5d41402abc4b2a76b9719d911017c592"), ("digest", "md5=AAAAAAAAAAAAAAAAAAAAAA==")]).is_err());
    }

    #[test]
    fn a_garbled_digest_is_not_passed_over() {
        for (name, value) in [("content-md5", "hello"), ("content-digest", "sha-256=:AAAA:"), ("digest", "md5=zz")] {
            assert!(of(name, value).is_err(), "{name}: {value}");
        }
    }
}
