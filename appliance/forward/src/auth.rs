//! Who the box says it is: the `Authorization` header of a destination's requests.
//!
//! Secrets are read from files when they are needed, kept in [`Secret`] (which shows nothing in `Debug`), and read again when their file
//! changes. An OAuth2 token is kept until shortly before its end; its life is counted on the monotonic clock.

use std::{
    fmt, fs,
    path::Path,
    time::{Duration, SystemTime},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use relaypacs_domain::{Failure, FailureCode};
use reqwest::header::HeaderValue;
use serde::Deserialize;
use tokio::{sync::Mutex, time::Instant};

use crate::{config::Auth, transport};

/// A text that never shows itself.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Gives the `Authorization` header of a destination's requests.
#[derive(Debug)]
pub(crate) struct Authorizer {
    auth: Auth,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<(Stamp, Secret)>,
    token: Option<(Secret, Instant)>,
    /// Grows with each new token, so that several requests that are refused at once renew it once.
    generation: u64,
}

/// What tells that a file changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    len: u64,
}

/// A header and which generation of credentials it was made from.
#[derive(Debug, Clone)]
pub(crate) struct Authorization {
    pub(crate) header: Option<HeaderValue>,
    pub(crate) generation: u64,
}

/// What a token endpoint answers (RFC 6749 §5.1).
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Authorizer {
    const SECRET_MAX: u64 = 64 << 10;
    const ANSWER_MAX: usize = 256 << 10;
    /// A token is renewed this long before its end.
    const LEEWAY: Duration = Duration::from_secs(30);
    const DEFAULT_LIFE: Duration = Duration::from_mins(5);
    const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

    pub(crate) fn new(auth: Auth) -> Self {
        Self { auth, state: Mutex::default() }
    }

    /// The file that holds the secret, with its key, for the check at start.
    pub(crate) fn secret_file(&self) -> Option<(&'static str, &Path)> {
        match &self.auth {
            Auth::None => None,
            Auth::Basic { password_file, .. } => Some(("auth.password_file", password_file)),
            Auth::Bearer { token_file } => Some(("auth.token_file", token_file)),
            Auth::Oauth2 { client_secret_file, .. } => Some(("auth.client_secret_file", client_secret_file)),
        }
    }

    /// Where tokens are asked for.
    pub(crate) fn token_url(&self) -> Option<&url::Url> {
        match &self.auth {
            Auth::Oauth2 { token_url, .. } => Some(token_url),
            Auth::None | Auth::Basic { .. } | Auth::Bearer { .. } => None,
        }
    }

    /// The header for the next request; asks for a token if there is none in force.
    pub(crate) async fn authorization(&self, client: &reqwest::Client) -> Result<Authorization, Failure> {
        let mut state = self.state.lock().await;
        let header = match &self.auth {
            Auth::None => None,
            Auth::Basic { user, password_file } => {
                let password = state.secret(password_file)?;
                Some(header_value("Basic ", &BASE64_STANDARD.encode(format!("{user}:{}", password.0)))?)
            }
            Auth::Bearer { token_file } => Some(header_value("Bearer ", &state.secret(token_file)?.0)?),
            Auth::Oauth2 { .. } => {
                let now = Instant::now();
                let known = state.token.as_ref().filter(|(_, until)| now < *until).map(|(token, _)| token.clone());
                let token = match known {
                    Some(token) => token,
                    None => self.fetch(&mut state, client).await?,
                };
                Some(header_value("Bearer ", &token.0)?)
            }
        };
        Ok(Authorization { header, generation: state.generation })
    }

    /// The destination refused credentials of `generation`: forgets them, so that the next request uses new ones. Says whether there may
    /// be any (a file that did not change gives the same again).
    pub(crate) async fn renew(&self, generation: u64) -> bool {
        let mut state = self.state.lock().await;
        if state.generation != generation {
            return true; // another request has renewed them meanwhile
        }
        match &self.auth {
            Auth::None => false,
            Auth::Oauth2 { .. } => {
                state.token = None;
                state.generation += 1;
                true
            }
            Auth::Basic { password_file: file, .. } | Auth::Bearer { token_file: file } => {
                let before = state.file.take();
                let changed = state.secret(file).is_ok_and(|now| before.is_none_or(|(_, then)| then != now));
                state.generation += u64::from(changed);
                changed
            }
        }
    }

    async fn fetch(&self, state: &mut State, client: &reqwest::Client) -> Result<Secret, Failure> {
        let Auth::Oauth2 { token_url, client_id, client_secret_file, scope } = &self.auth else {
            return Err(Failure::new(FailureCode::Auth, "no token endpoint"));
        };
        let secret = state.secret(client_secret_file)?;
        let mut form = vec![("grant_type", "client_credentials")];
        form.extend(scope.as_deref().map(|scope| ("scope", scope)));
        let pair = format!("{}:{}", form_encoded(client_id), form_encoded(&secret.0));
        let basic = header_value("Basic ", &BASE64_STANDARD.encode(pair))?;
        // RFC 6749 §2.3.1: HTTP Basic is what every server must take; some take the credentials in the body only.
        let mut answer = ask(client, token_url, &form, Some(basic)).await;
        if matches!(answer, Err(Failure { code: FailureCode::Http(400 | 401), .. })) {
            form.extend([("client_id", client_id.as_str()), ("client_secret", secret.0.as_str())]);
            answer = ask(client, token_url, &form, None).await;
        }
        let answer = answer.map_err(refused_token)?;
        let life = answer.expires_in.map_or(Self::DEFAULT_LIFE, |secs| Duration::from_secs(secs.min(30 * 86_400)));
        let token = Secret(answer.access_token);
        state.token = Some((token.clone(), Instant::now() + life - Self::LEEWAY.min(life / 2)));
        state.generation += 1;
        Ok(token)
    }
}

impl State {
    /// The secret in a file, read again when it changed.
    fn secret(&mut self, file: &Path) -> Result<Secret, Failure> {
        let cannot = |error: &dyn fmt::Display| Failure::new(FailureCode::Auth, format!("{}: {error}", file.display()));
        let stamp = stamp(file).map_err(|error| cannot(&error))?;
        if let Some((known, secret)) = &self.file
            && *known == stamp
        {
            return Ok(secret.clone());
        }
        let secret = read_secret(file).map_err(|error| cannot(&error))?;
        self.file = Some((stamp, secret.clone()));
        Ok(secret)
    }
}

fn stamp(file: &Path) -> Result<Stamp, std::io::Error> {
    let meta = fs::metadata(file)?;
    Ok(Stamp { modified: meta.modified().ok(), len: meta.len() })
}

/// Why a file gives no secret.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error("is empty")]
    Empty,
    #[error("is larger than 64KiB")]
    TooLarge,
}

/// Reads a secret; white space around it does not count.
pub(crate) fn read_secret(file: &Path) -> Result<Secret, SecretError> {
    if fs::metadata(file)?.len() > Authorizer::SECRET_MAX {
        return Err(SecretError::TooLarge);
    }
    let text = fs::read_to_string(file)?;
    match text.trim() {
        "" => Err(SecretError::Empty),
        secret => Ok(Secret(secret.into())),
    }
}

fn header_value(scheme: &str, credentials: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(format!("{scheme}{credentials}"))
        .map_err(|_| Failure::new(FailureCode::Auth, "the credentials hold characters that no header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

async fn ask(client: &reqwest::Client, url: &url::Url, form: &[(&str, &str)], basic: Option<HeaderValue>) -> Result<TokenAnswer, Failure> {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let mut request = client
        .post(url.clone())
        .timeout(Authorizer::TOKEN_TIMEOUT)
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(body);
    if let Some(basic) = basic {
        request = request.header("authorization", basic);
    }
    let mut response = request.send().await.map_err(|error| transport::failure(&error))?;
    let status = response.status().as_u16();
    if status != 200 {
        return Err(Failure::new(FailureCode::Http(status), format!("the token endpoint answered {status}")));
    }
    let mut text = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| transport::failure(&error))? {
        text.extend_from_slice(&piece);
        if text.len() > Authorizer::ANSWER_MAX {
            return Err(Failure::new(FailureCode::Auth, "the token endpoint's answer is too long"));
        }
    }
    serde_json::from_slice(&text).map_err(|_| Failure::new(FailureCode::Auth, "the token endpoint's answer holds no access_token"))
}

/// A token endpoint that says no is a matter of credentials; one that cannot be reached is a matter of the line.
fn refused_token(failure: Failure) -> Failure {
    match failure.code {
        FailureCode::Http(400..=499) => Failure { code: FailureCode::Auth, ..failure },
        _ => Failure::new(failure.code, format!("token endpoint: {}", failure.detail)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http() -> reqwest::Client {
        let options =
            transport::TransportOptions { connections: 1, connect_timeout: Duration::from_secs(5), stall_timeout: Duration::from_secs(5) };
        transport::client(transport::no_tls().unwrap(), &options).unwrap()
    }

    async fn header(authorizer: &Authorizer) -> String {
        authorizer.authorization(&http()).await.unwrap().header.unwrap().to_str().unwrap().into()
    }

    #[tokio::test]
    async fn a_token_file_is_read_again_when_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        fs::write(&token_file, "one\n").unwrap();
        let authorizer = Authorizer::new(Auth::Bearer { token_file: token_file.clone() });
        assert_eq!(header(&authorizer).await, "Bearer one");
        assert!(!authorizer.renew(0).await, "the same token again helps nobody");
        fs::write(&token_file, "second").unwrap();
        assert_eq!(header(&authorizer).await, "Bearer second");
        fs::write(&token_file, "third token").unwrap();
        assert!(authorizer.renew(0).await);
        assert!(authorizer.authorization(&http()).await.is_ok_and(|a| a.generation == 1));
    }

    #[tokio::test]
    async fn basic_is_encoded_and_nothing_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        let password_file = folder.path().join("password");
        fs::write(&password_file, "open sesame").unwrap();
        let authorizer = Authorizer::new(Auth::Basic { user: "Aladdin".into(), password_file });
        assert_eq!(header(&authorizer).await, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "RFC 7617 §2");
        let shown = format!("{authorizer:?} {:?}", authorizer.authorization(&http()).await);
        assert!(!shown.contains("sesame") && !shown.contains("QWxh"), "{shown}");
    }

    #[tokio::test]
    async fn a_missing_or_empty_secret_is_a_failure_that_names_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let token_file = folder.path().join("token");
        let authorizer = Authorizer::new(Auth::Bearer { token_file: token_file.clone() });
        let failure = authorizer.authorization(&http()).await.unwrap_err();
        assert_eq!(failure.code, FailureCode::Auth);
        assert!(failure.detail.contains("token: No such file"), "{failure:?}");
        fs::write(&token_file, " \n").unwrap();
        assert!(authorizer.authorization(&http()).await.unwrap_err().detail.contains("is empty"));
    }
}
