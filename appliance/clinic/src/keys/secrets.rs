//! Encryption at rest, keyed hashes, random bytes and codes for people.

use std::{path::Path, sync::Arc};

use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hmac,
    rand::{SecureRandom, SystemRandom},
};

use super::{KeyFileError, read, write_whole};

/// The file in the folder of the keys.
const FILE: &str = "secrets.key";
/// The systemd credential that takes the place of the file.
const CREDENTIAL: &str = "relaypacs-secrets";
/// Bytes of the key.
const LEN: usize = 32;
/// What people read out and type: no 0, 1, I or O. 32 characters, 5 bits each.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// The box's key for what lies encrypted in `clinic.redb`. Cheap to clone.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    seal: LessSafeKey,
    derive: hmac::Key,
    random: SystemRandom,
}

/// Something cannot be encrypted or decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It was encrypted under another key (a restored database without its keys, say) or altered.
    #[error("a stored secret cannot be decrypted with this box's key")]
    NotOurs,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

impl Secrets {
    /// Reads the key, or makes it on first start. Blocking.
    pub(crate) fn open(folder: &Path) -> Result<Self, KeyFileError> {
        let given = std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| Path::new(&dir).join(CREDENTIAL));
        Self::from_files(given.as_deref(), &folder.join(FILE))
    }

    fn from_files(credential: Option<&Path>, file: &Path) -> Result<Self, KeyFileError> {
        if let Some(path) = credential
            && let Some(key) = read(path)?
        {
            return Self::from_key(path, &key);
        }
        let key = if let Some(key) = read(file)? {
            key
        } else {
            let key: [u8; LEN] = random_from(&SystemRandom::new()).map_err(|error| KeyFileError::new(file, error))?;
            write_whole(file, &key)?;
            key.to_vec()
        };
        Self::from_key(file, &key)
    }

    fn from_key(path: &Path, key: &[u8]) -> Result<Self, KeyFileError> {
        let wrong = || KeyFileError::new(path, format!("it has {} bytes, the key has {LEN}", key.len()));
        let root = if key.len() == LEN { hmac::Key::new(hmac::HMAC_SHA256, key) } else { return Err(wrong()) };
        // One key a purpose, all from the one file.
        let sealing = hmac::sign(&root, b"relaypacs seal 1");
        let seal = UnboundKey::new(&AES_256_GCM, sealing.as_ref()).map(LessSafeKey::new).map_err(|_| wrong())?;
        let derive = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&root, b"relaypacs derive 1").as_ref());
        Ok(Self(Arc::new(Inner { seal, derive, random: SystemRandom::new() })))
    }

    /// Encrypts (AES-256-GCM under a random nonce). `context` says what it is and whose: it only opens under the same.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<Vec<u8>, SecretError> {
        let nonce: [u8; NONCE_LEN] = self.random()?;
        let mut sealed = plain.to_vec();
        let ended = self.0.seal.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut sealed);
        ended.map_err(|_| SecretError::Random)?;
        sealed.splice(0..0, nonce);
        Ok(sealed)
    }

    /// Decrypts what [`Secrets::seal`] gave.
    pub fn open_sealed(&self, context: &str, sealed: &[u8]) -> Result<Vec<u8>, SecretError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(SecretError::NotOurs)?;
        let mut bytes = sealed.to_vec();
        let plain = self.0.seal.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut bytes);
        Ok(plain.map_err(|_| SecretError::NotOurs)?.to_vec())
    }

    /// A keyed hash (HMAC-SHA-256): equal for equal input on this box only. `purpose` keeps uses apart.
    pub fn keyed(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0.derive);
        context.update(&(purpose.len() as u64).to_be_bytes());
        context.update(purpose.as_bytes());
        context.update(data);
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }

    /// Random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], SecretError> {
        random_from(&self.0.random)
    }

    /// A random code of `groups` times four characters that people can read out, such as `K7RM-2WPX`: 20 bits a group.
    pub fn code(&self, groups: usize) -> Result<String, SecretError> {
        let mut code = String::with_capacity(groups * 5);
        for group in 0..groups {
            if group > 0 {
                code.push('-');
            }
            let bytes: [u8; 4] = self.random()?;
            code.extend(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])));
        }
        Ok(code)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secrets(..)")
    }
}

/// What somebody typed as a code, without case, dashes and spaces.
pub(crate) fn normal_code(typed: &str) -> String {
    typed.chars().filter(|c| !matches!(c, '-' | ' ')).map(|c| c.to_ascii_uppercase()).take(64).collect()
}

fn random_from<const N: usize>(random: &SystemRandom) -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    random.fill(&mut bytes).map_err(|_| SecretError::Random)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_opens_only_in_its_context_on_its_box_and_unaltered() {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secrets = Secrets::open(dir.path()).unwrap();
        let sealed = secrets.seal("totp of 1", b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        let again = Secrets::open(dir.path()).unwrap();
        assert_eq!(again.open_sealed("totp of 1", &sealed).unwrap(), b"secret");
        assert_eq!(again.keyed("a", b"x"), secrets.keyed("a", b"x"));
        assert_ne!(secrets.keyed("a", b"x"), secrets.keyed("b", b"x"));
        assert_eq!(again.open_sealed("totp of 2", &sealed), Err(SecretError::NotOurs));
        assert_eq!(Secrets::open(other.path()).unwrap().open_sealed("totp of 1", &sealed), Err(SecretError::NotOurs));
        for cut in 0..sealed.len() {
            assert_eq!(again.open_sealed("totp of 1", &sealed[..cut]), Err(SecretError::NotOurs));
            let mut bent = sealed.clone();
            bent[cut] ^= 1;
            assert_eq!(again.open_sealed("totp of 1", &bent), Err(SecretError::NotOurs));
        }
    }

    #[test]
    fn the_key_file_is_the_box_s_alone_and_must_be_a_key() {
        let dir = tempfile::tempdir().unwrap();
        Secrets::open(dir.path()).unwrap();
        let path = dir.path().join(FILE);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "short").unwrap();
        assert!(Secrets::open(dir.path()).unwrap_err().to_string().contains("5 bytes"));
    }

    #[test]
    fn a_credential_takes_the_place_of_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let (credential, file) = (dir.path().join("credential"), dir.path().join("file"));
        std::fs::write(&credential, [7; LEN]).unwrap();
        let one = Secrets::from_files(Some(&credential), &file).unwrap();
        assert!(!file.exists());
        let other = Secrets::from_files(None, &file).unwrap();
        assert_ne!(one.keyed("a", b""), other.keyed("a", b""));
    }

    #[test]
    fn codes_read_well_and_are_taken_as_people_type_them() {
        let dir = tempfile::tempdir().unwrap();
        let code = Secrets::open(dir.path()).unwrap().code(2).unwrap();
        assert_eq!((code.len(), code.as_bytes()[4]), (9, b'-'));
        assert!(code.bytes().all(|c| c == b'-' || ALPHABET.contains(&c)), "{code}");
        assert_eq!(normal_code(&format!(" {} ", code.to_lowercase())), code.replace('-', ""));
    }
}
