//! Who pushes: the box's key (RFC 8292), made on first start.

use std::path::Path;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use relaypacs_domain::Timestamp;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::json;
use std::sync::Arc;

use crate::keys::{self, KeyFileError};

/// Its file in the folder of the keys.
const FILE: &str = "push.p8";
/// How long a signature holds; push services take at most a day.
const LIFE_S: i64 = 12 * 3600;

/// The key. Cheap to clone.
#[derive(Clone)]
pub struct VapidKey {
    pair: Arc<EcdsaKeyPair>,
}

impl VapidKey {
    /// Reads the key in the folder of the keys, or makes it.
    pub fn open(folder: &Path) -> Result<Self, KeyFileError> {
        let (path, random) = (folder.join(FILE), SystemRandom::new());
        let unusable = |error: &dyn std::fmt::Display| KeyFileError::new(&path, error);
        let document = if let Some(document) = keys::read(&path)? {
            document
        } else {
            let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|error| unusable(&error))?;
            keys::write_whole(&path, made.as_ref())?;
            made.as_ref().to_vec()
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document, &random).map_err(|error| unusable(&error))?;
        Ok(Self { pair: Arc::new(pair) })
    }

    /// The public key, P-256 uncompressed, base64url.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key().as_ref())
    }

    /// The value of `Authorization` for a push service (`audience`: its origin); `None` if no randomness can be had.
    pub(super) fn authorization(&self, audience: &str, contact: &str, now: Timestamp) -> Option<String> {
        let mut claims = json!({"aud": audience, "exp": now.as_millis() / 1000 + LIFE_S});
        if let (false, Some(members)) = (contact.is_empty(), claims.as_object_mut()) {
            members.insert("sub".into(), contact.into());
        }
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"typ": "JWT", "alg": "ES256"})), part(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).ok()?;
        Some(format!("vapid t={signed}.{}, k={}", URL_SAFE_NO_PAD.encode(signature.as_ref()), self.public()))
    }
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VapidKey").finish_non_exhaustive()
    }
}
