//! The tokens the box gives out: RS256 JWTs (RFC 7519, RFC 7515) of three types that cannot stand in for one another.
//!
//! | `typ` | lives | names | good for |
//! |---|---|---|---|
//! | `access` | 15 min | account and session | every call, as `Authorization: Bearer` |
//! | `refresh` | 7 days | account, session and its place in the family | one exchange for a new pair |
//! | `upload` | 24 h | account and upload | the chunks of that upload |
//!
//! A token proves who it was given to; whether account and session still exist is asked of [`crate::Sessions`] at every call. Every check
//! pins the algorithm, the type and the issuer. Expiry is wall-clock time. A signature that was good stays good as long as its key counts: it
//! is not computed again for a token that was seen lately.

mod provider;
mod ring_of_keys;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::{Algorithm, Header, Validation};
use relaypacs_domain::{Clock, Principal, Role, SessionId, UploadId, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use self::ring_of_keys::{KeyRing, Pair};
use crate::keys::KeyFileError;

/// A token is no longer than this, in bytes.
const MOST_BYTES: usize = 4096;
/// Older key pairs that go on verifying after a rotation.
const KEEP: usize = 3;
/// Tokens whose signatures are remembered (about 300 bytes each); with more, all are forgotten and computed again.
const MOST_VERIFIED: usize = 4096;

/// Makes and checks tokens. Cheap to clone.
#[derive(Clone)]
pub struct Tokens(Arc<Shared>);

struct Shared {
    keys: RwLock<KeyRing>,
    /// What tokens say whose signatures were good, by the tokens' SHA-256. Emptied whenever a key is forgotten.
    verified: Mutex<HashMap<[u8; 32], Arc<Claims>>>,
    options: TokenOptions,
    clock: Clock,
}

/// What tokens say and how long they live.
#[derive(Debug, Clone)]
pub struct TokenOptions {
    /// `iss` of every token.
    pub issuer: String,
    /// Life of an access token.
    pub access_ttl: Duration,
    /// Life of a refresh token.
    pub refresh_ttl: Duration,
    /// Life of an upload token.
    pub upload_ttl: Duration,
}

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is none of this box's: garbled, altered, signed by somebody else, or signed by a key that is forgotten.
    #[error("the token is not one of this box")]
    Foreign,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is good, but for something else.
    #[error("the token is not meant for this")]
    WrongType,
    /// It cannot be made.
    #[error("a token cannot be signed")]
    Unsigned,
}

/// Which of the three a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Typ {
    Access,
    Refresh,
    Upload,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    sub: String,
    uid: UserId,
    role: Role,
    typ: Typ,
    jti: String,
    /// Seconds since 1970.
    iat: i64,
    /// Seconds since 1970.
    exp: i64,
    iss: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sid: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    upload: Option<UploadId>,
}

/// What an access token proves: it was given to this account for this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessGrant {
    /// The account.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
}

/// What a refresh token proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshGrant {
    /// The account.
    pub user: UserId,
    /// The session, which is the token's family.
    pub session: SessionId,
    /// Which of the family it is.
    pub jti: String,
}

/// What an upload token proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadGrant {
    /// The upload, the only thing the token is good for.
    pub upload: UploadId,
    /// Whose it is.
    pub owner: UserId,
}

/// A public key as a JWK (RFC 7517).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Jwk {
    /// Key type: `RSA`.
    pub kty: &'static str,
    /// Use: `sig`.
    #[serde(rename = "use")]
    pub usage: &'static str,
    /// Algorithm: `RS256`.
    pub alg: &'static str,
    /// Its name in the tokens' headers.
    pub kid: String,
    /// Modulus, base64url.
    pub n: String,
    /// Exponent, base64url.
    pub e: String,
}

impl Tokens {
    /// Reads the keys, or makes a pair on first start (blocking, up to some seconds then).
    pub(crate) fn open(folder: &std::path::Path, options: TokenOptions, clock: Clock) -> Result<Self, KeyFileError> {
        provider::install();
        let keys = RwLock::new(KeyRing::open(folder)?);
        Ok(Self(Arc::new(Shared { keys, verified: Mutex::default(), options, clock })))
    }

    /// How long each type lives.
    pub fn options(&self) -> &TokenOptions {
        &self.0.options
    }

    /// An access token for a session.
    pub fn access(&self, principal: &Principal) -> Result<String, TokenError> {
        let claims = self.claims(principal, Typ::Access, Uuid::new_v4().simple().to_string(), self.0.options.access_ttl);
        self.sign(&claims)
    }

    /// A refresh token for a session; `jti` is its place in the family, `ttl` its life.
    pub(crate) fn refresh(&self, principal: &Principal, jti: String, ttl: Duration) -> Result<String, TokenError> {
        self.sign(&self.claims(principal, Typ::Refresh, jti, ttl))
    }

    /// An upload token: good for this upload of `owner` and nothing else.
    pub fn upload_token(&self, upload: UploadId, owner: &Principal) -> Result<String, TokenError> {
        let mut claims = self.claims(owner, Typ::Upload, Uuid::new_v4().simple().to_string(), self.0.options.upload_ttl);
        (claims.sid, claims.upload) = (None, Some(upload));
        self.sign(&claims)
    }

    /// Checks an access token. Whether its session still exists is another question.
    pub fn check_access(&self, token: &str) -> Result<AccessGrant, TokenError> {
        let claims = self.check(token, Typ::Access)?;
        Ok(AccessGrant { user: claims.uid, session: claims.sid.ok_or(TokenError::Foreign)? })
    }

    /// Checks a refresh token. Whether its turn has come is another question.
    pub(crate) fn check_refresh(&self, token: &str) -> Result<RefreshGrant, TokenError> {
        let claims = self.check(token, Typ::Refresh)?;
        Ok(RefreshGrant { user: claims.uid, session: claims.sid.ok_or(TokenError::Foreign)?, jti: claims.jti.clone() })
    }

    /// Checks an upload token.
    pub fn check_upload(&self, token: &str) -> Result<UploadGrant, TokenError> {
        let claims = self.check(token, Typ::Upload)?;
        Ok(UploadGrant { upload: claims.upload.ok_or(TokenError::Foreign)?, owner: claims.uid })
    }

    /// The public keys, the signing one last.
    pub fn jwks(&self) -> Vec<Jwk> {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let jwk = |pair: &Pair| Jwk {
            kty: "RSA",
            usage: "sig",
            alg: "RS256",
            kid: pair.kid.clone(),
            n: pair.modulus.clone(),
            e: pair.exponent.clone(),
        };
        keys.iter().map(jwk).collect()
    }

    /// Signs with a new pair from now on and gives its `kid`. `forget`: what older pairs signed counts no more, everybody signs in again.
    /// Blocking, up to some seconds on a small board; tokens are made and checked meanwhile.
    pub fn rotate(&self, forget: bool) -> Result<String, KeyFileError> {
        let (folder, number) = self.0.keys.read().unwrap_or_else(PoisonError::into_inner).next();
        let fresh = Pair::make(&folder, number)?;
        let kid = fresh.kid.clone();
        let mut keys = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        self.verified().clear();
        keys.rotate(fresh, if forget { 0 } else { KEEP })?;
        Ok(kid)
    }

    fn claims(&self, principal: &Principal, typ: Typ, jti: String, ttl: Duration) -> Claims {
        let iat = self.now();
        Claims {
            sub: principal.username.clone(),
            uid: principal.user,
            role: principal.role,
            typ,
            jti,
            iat,
            exp: iat.saturating_add(i64::try_from(ttl.as_secs()).unwrap_or(i64::MAX)),
            iss: self.0.options.issuer.clone(),
            sid: Some(principal.session),
            upload: None,
        }
    }

    fn sign(&self, claims: &Claims) -> Result<String, TokenError> {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let pair = keys.signing();
        let header = Header { kid: Some(pair.kid.clone()), ..Header::new(Algorithm::RS256) };
        jsonwebtoken::encode(&header, claims, &pair.signs).map_err(|_| TokenError::Unsigned)
    }

    fn check(&self, token: &str, typ: Typ) -> Result<Arc<Claims>, TokenError> {
        if token.len() > MOST_BYTES {
            return Err(TokenError::Foreign);
        }
        let digest: [u8; 32] = Sha256::digest(token).into();
        let known = self.verified().get(&digest).cloned();
        let claims = known.map_or_else(|| self.verify(token, digest), Ok)?;
        match claims {
            claims if claims.typ != typ => Err(TokenError::WrongType),
            claims if claims.exp <= self.now() => Err(TokenError::Expired),
            claims => Ok(claims),
        }
    }

    /// Checks the signature, and remembers one that is good.
    fn verify(&self, token: &str, digest: [u8; 32]) -> Result<Arc<Claims>, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Foreign)?;
        // Held to the end: a key that is forgotten meanwhile must not leave what it signed behind.
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let pair = header.kid.as_deref().and_then(|kid| keys.find(kid)).ok_or(TokenError::Foreign)?;
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false; // by our clock, at every check
        rules.validate_aud = false;
        rules.set_issuer(&[&self.0.options.issuer]);
        rules.set_required_spec_claims(&["exp", "iss", "sub"]);
        let claims = jsonwebtoken::decode::<Claims>(token, &pair.verifies, &rules).map_err(|_| TokenError::Foreign)?;
        let claims = Arc::new(claims.claims);
        let mut verified = self.verified();
        if verified.len() >= MOST_VERIFIED {
            verified.clear();
        }
        verified.insert(digest, claims.clone());
        Ok(claims)
    }

    fn verified(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Claims>>> {
        self.0.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wall-clock seconds since 1970.
    fn now(&self) -> i64 {
        self.0.clock.now().as_millis() / 1000
    }
}

#[cfg(test)]
mod tests;
