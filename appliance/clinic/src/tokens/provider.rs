//! What jsonwebtoken asks of a crypto library, over ring: RS256 and nothing else.

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils},
    errors::{Error, ErrorKind},
};
use ring::{
    rand::SystemRandom,
    signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use signature::{Signer, Verifier};

static PROVIDER: CryptoProvider =
    CryptoProvider { signer_factory: signer, verifier_factory: verifier, key_utils: KeyUtils::new_unimplemented() };

/// Makes it the process's provider; asking again changes nothing.
pub(super) fn install() {
    let _ = PROVIDER.install_default();
}

struct Rs256Signer(RsaKeyPair);
struct Rs256Verifier(DecodingKey);

fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    only_rs256(*algorithm)?;
    let pair = RsaKeyPair::from_pkcs8(key.as_bytes()).map_err(|_| Error::from(ErrorKind::InvalidKeyFormat))?;
    Ok(Box::new(Rs256Signer(pair)))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    only_rs256(*algorithm)?;
    Ok(Box::new(Rs256Verifier(key.clone())))
}

fn only_rs256(algorithm: Algorithm) -> Result<(), Error> {
    if algorithm == Algorithm::RS256 { Ok(()) } else { Err(ErrorKind::InvalidAlgorithm.into()) }
}

impl Signer<Vec<u8>> for Rs256Signer {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        let mut signed = vec![0; self.0.public().modulus_len()];
        let ended = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signed);
        ended.map(|()| signed).map_err(|_| signature::Error::new())
    }
}

impl Verifier<Vec<u8>> for Rs256Verifier {
    fn verify(&self, message: &[u8], signed: &Vec<u8>) -> Result<(), signature::Error> {
        let key = self.0.try_get_as_bytes().map_err(|_| signature::Error::new())?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key).verify(message, signed).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Rs256Signer {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

impl JwtVerifier for Rs256Verifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}
