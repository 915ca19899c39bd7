//! Message encryption for web push (RFC 8291): `aes128gcm` (RFC 8188) in one record, keys by ECDH on P-256.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | salt |
//! | 4 | record size, big endian |
//! | 1 | length of the key id: 65 |
//! | 65 | the sender's public key of this message |
//! | … | AES-128-GCM of the plaintext and a delimiter 0x02 |

use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand::{SecureRandom, SystemRandom},
};

/// Longest plaintext: push services take 4,096 bytes in all.
pub(super) const MAX_PLAIN: usize = 3_900;
const RECORD_SIZE: u32 = 4096;

/// Encrypts for a browser with this public key (65 bytes, uncompressed) and authentication secret (16 bytes).
pub(super) fn encrypt(plain: &[u8], browser: &[u8], secret: &[u8]) -> Result<Vec<u8>, Unspecified> {
    if plain.len() > MAX_PLAIN {
        return Err(Unspecified);
    }
    let random = SystemRandom::new();
    let private = EphemeralPrivateKey::generate(&ECDH_P256, &random)?;
    let public = private.compute_public_key()?;
    let mut salt = [0; 16];
    random.fill(&mut salt)?;
    let info = [b"WebPush: info\0", browser, public.as_ref()].concat();
    let keys = agree_ephemeral(private, &UnparsedPublicKey::new(&ECDH_P256, browser), |shared| {
        let input: [u8; 32] = expand(&Salt::new(HKDF_SHA256, secret).extract(shared), &info)?;
        let key = Salt::new(HKDF_SHA256, &salt).extract(&input);
        let content: [u8; 16] = expand(&key, b"Content-Encoding: aes128gcm\0")?;
        let nonce: [u8; 12] = expand(&key, b"Content-Encoding: nonce\0")?;
        Ok::<_, Unspecified>((content, nonce))
    });
    let (content, nonce) = keys??;
    let mut sealed = [plain, &[2]].concat();
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content)?);
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)?;
    let public = public.as_ref();
    Ok([&salt, RECORD_SIZE.to_be_bytes().as_slice(), &[public.len() as u8], public, &sealed].concat())
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(key: &Prk, info: &[u8]) -> Result<[u8; N], Unspecified> {
    let mut out = [0; N];
    key.expand(&[info], Length(N))?.fill(&mut out)?;
    Ok(out)
}
