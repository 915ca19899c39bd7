//! The key pairs that tokens are signed with: `keys/token-<n>.pk8` (PKCS#8 DER). The highest number signs; the others only verify, until
//! the longest-lived token they signed is over.

use std::{
    fs,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use ring::{
    rand::SecureRandom,
    signature::{KeyPair, RsaKeyPair},
};
use rsa::{pkcs8::EncodePrivateKey, rand_core};
use sha2::{Digest, Sha256};

use crate::keys::{KeyFileError, read, write_whole};

/// Size of the modulus.
const BITS: usize = 2048;
/// All key pairs.
pub(super) struct KeyRing {
    folder: PathBuf,
    /// Those that only verify, oldest first.
    older: Vec<Pair>,
    signing: Pair,
}

pub(super) struct Pair {
    number: u32,
    /// Thumbprint of the public key (RFC 7638).
    pub(super) kid: String,
    /// Of the public key, as a JWK shows it.
    pub(super) modulus: String,
    /// Of the public key, as a JWK shows it.
    pub(super) exponent: String,
    pub(super) signs: EncodingKey,
    pub(super) verifies: DecodingKey,
}

impl KeyRing {
    /// Reads the pairs; makes one when there is none. Blocking, up to some seconds then.
    pub(super) fn open(folder: &Path) -> Result<Self, KeyFileError> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| KeyFileError::new(folder, error))? {
            let name = entry.map_err(|error| KeyFileError::new(folder, error))?.file_name();
            numbers.extend(name.to_str().and_then(number_of));
        }
        numbers.sort_unstable();
        let signing = match numbers.pop() {
            Some(newest) => Pair::read(folder, newest)?,
            None => Pair::make(folder, 1)?,
        };
        let older = numbers.into_iter().map(|number| Pair::read(folder, number)).collect::<Result<_, _>>()?;
        Ok(Self { folder: folder.to_owned(), older, signing })
    }

    /// The pair that signs.
    pub(super) fn signing(&self) -> &Pair {
        &self.signing
    }

    pub(super) fn find(&self, kid: &str) -> Option<&Pair> {
        self.iter().find(|pair| pair.kid == kid)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.older.iter().chain([&self.signing])
    }

    /// Where the next pair goes, and its number.
    pub(super) fn next(&self) -> (PathBuf, u32) {
        (self.folder.clone(), self.signing.number.saturating_add(1))
    }

    /// Signs with `fresh` from now on, which lies on disk already. What exceeds `keep` older pairs is forgotten, file and all.
    pub(super) fn rotate(&mut self, fresh: Pair, keep: usize) -> Result<(), KeyFileError> {
        self.older.push(std::mem::replace(&mut self.signing, fresh));
        while self.older.len() > keep {
            let path = path_of(&self.folder, self.older.remove(0).number);
            fs::remove_file(&path).map_err(|error| KeyFileError::new(&path, error))?;
        }
        Ok(())
    }
}

impl Pair {
    /// Makes a pair and keeps it. Blocking, up to some seconds on a small board.
    pub(super) fn make(folder: &Path, number: u32) -> Result<Self, KeyFileError> {
        let path = path_of(folder, number);
        let made = rsa::RsaPrivateKey::new(&mut Random, BITS).map_err(|error| KeyFileError::new(&path, error))?;
        let der = made.to_pkcs8_der().map_err(|error| KeyFileError::new(&path, error))?;
        write_whole(&path, der.as_bytes())?;
        Self::read(folder, number)
    }

    fn read(folder: &Path, number: u32) -> Result<Self, KeyFileError> {
        let path = path_of(folder, number);
        let der = read(&path)?.ok_or_else(|| KeyFileError::new(&path, "it is gone"))?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|error| KeyFileError::new(&path, error))?;
        let parts = ring::rsa::PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let (modulus, exponent) = (URL_SAFE_NO_PAD.encode(&parts.n), URL_SAFE_NO_PAD.encode(&parts.e));
        let thumbprint = Sha256::digest(format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#));
        Ok(Self {
            number,
            kid: URL_SAFE_NO_PAD.encode(thumbprint),
            verifies: DecodingKey::from_rsa_der(pair.public_key().as_ref()),
            signs: EncodingKey::from_rsa_der(&der),
            modulus,
            exponent,
        })
    }
}

fn path_of(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("token-{number}.pk8"))
}

fn number_of(name: &str) -> Option<u32> {
    name.strip_prefix("token-")?.strip_suffix(".pk8")?.parse().ok()
}

/// The system's random numbers as the key maker wants them.
struct Random;

impl rand_core::CryptoRng for Random {}

impl rand_core::RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, into: &mut [u8]) {
        // The trait leaves no other way: a key made without random numbers must not exist.
        assert!(self.try_fill_bytes(into).is_ok(), "the system gives random numbers");
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), rand_core::Error> {
        ring::rand::SystemRandom::new().fill(into).map_err(|_| rand_core::Error::new("the system gives no random numbers"))
    }
}
