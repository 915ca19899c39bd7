//! Tokens that are good, and every way of not being good.

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use relaypacs_domain::{ManualClock, Timestamp};

use super::*;

fn options() -> TokenOptions {
    TokenOptions {
        issuer: "box".into(),
        access_ttl: Duration::from_mins(15),
        refresh_ttl: Duration::from_hours(24),
        upload_ttl: Duration::from_hours(24),
    }
}

fn somebody() -> Principal {
    Principal { user: UserId(Uuid::now_v7()), username: "ada".into(), role: Role::Clinician, session: SessionId(Uuid::now_v7()) }
}

fn tokens(folder: &Path) -> (Tokens, Arc<ManualClock>) {
    let hand = Arc::new(ManualClock::default());
    hand.set_wall(Timestamp::from_millis(1_795_400_000_000));
    (Tokens::open(folder, options(), Clock::manual(hand.clone())).unwrap(), hand)
}

/// The token with its `part` (0 header, 1 claims, 2 signature) changed by `change`.
fn bent(token: &str, part: usize, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts[part] = URL_SAFE_NO_PAD.encode(change(URL_SAFE_NO_PAD.decode(&parts[part]).unwrap()));
    parts.join(".")
}

fn replaced(from: &'static str, to: &'static str) -> impl Fn(Vec<u8>) -> Vec<u8> {
    move |bytes| {
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains(from), "{text}");
        text.replace(from, to).into_bytes()
    }
}

#[test]
fn each_type_is_taken_for_itself_only_and_until_its_time_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let (tokens, hand) = tokens(dir.path());
    let (who, upload) = (somebody(), UploadId(Uuid::now_v7()));
    let access = tokens.access(&who).unwrap();
    let refresh = tokens.refresh(&who, "one".into(), options().refresh_ttl).unwrap();
    let uploading = tokens.upload_token(upload, &who).unwrap();
    assert_eq!(tokens.check_access(&access), Ok(AccessGrant { user: who.user, session: who.session }));
    assert_eq!(tokens.check_refresh(&refresh).unwrap().jti, "one");
    assert_eq!(tokens.check_upload(&uploading), Ok(UploadGrant { upload, owner: who.user }));
    for other in [&refresh, &uploading] {
        assert_eq!(tokens.check_access(other), Err(TokenError::WrongType));
    }
    for other in [&access, &uploading] {
        assert_eq!(tokens.check_refresh(other), Err(TokenError::WrongType));
    }
    for other in [&access, &refresh] {
        assert_eq!(tokens.check_upload(other), Err(TokenError::WrongType));
    }
    hand.advance(Duration::from_secs(15 * 60 - 1));
    assert!(tokens.check_access(&access).is_ok());
    hand.advance(Duration::from_secs(1));
    assert_eq!(tokens.check_access(&access), Err(TokenError::Expired));
    assert!(tokens.check_refresh(&refresh).is_ok());
}

#[test]
fn an_altered_or_foreign_token_is_refused() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (tokens, _) = tokens(dir.path());
    let token = tokens.access(&somebody()).unwrap();
    let check = |token: &str, why: &str| assert_eq!(tokens.check_access(token), Err(TokenError::Foreign), "{why}");
    check("", "empty");
    check("a.b.c", "rubbish");
    check(&"x".repeat(MOST_BYTES + 1), "endless");
    check(&bent(&token, 1, replaced("clinician", "admin\",\"x\":\"")), "another role");
    check(&bent(&token, 1, replaced("\"sub\":\"ada\"", "\"sub\":\"bob\"")), "another name");
    check(&bent(&token, 0, replaced("RS256", "none")), "no algorithm");
    check(&bent(&token, 0, replaced("RS256", "HS256")), "a symmetric algorithm over the public key");
    check(
        &bent(&token, 2, |mut signed| {
            signed[0] ^= 1;
            signed
        }),
        "another signature",
    );
    check(&bent(&token, 2, |_| Vec::new()), "no signature");
    let (other, _) = self::tokens(elsewhere.path());
    assert_eq!(other.check_access(&token), Err(TokenError::Foreign));
    let issuer = TokenOptions { issuer: "another".into(), ..options() };
    let same_keys = Tokens::open(dir.path(), issuer, Clock::system()).unwrap();
    assert_eq!(same_keys.check_access(&token), Err(TokenError::Foreign));
}

#[test]
fn keys_outlive_a_restart_are_closed_to_others_and_rotate() {
    let dir = tempfile::tempdir().unwrap();
    let who = somebody();
    let (first, _) = tokens(dir.path());
    let old = first.access(&who).unwrap();
    let (tokens, _) = tokens(dir.path());
    assert!(tokens.check_access(&old).is_ok());
    let mode = dir.path().join("token-1.pk8").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let kid = tokens.rotate(false).unwrap();
    let new = tokens.access(&who).unwrap();
    assert_eq!(jsonwebtoken::decode_header(&new).unwrap().kid.as_deref(), Some(kid.as_str()));
    assert_eq!(tokens.jwks().last().map(|jwk| jwk.kid.clone()), Some(kid));
    assert!(tokens.check_access(&old).is_ok() && tokens.check_access(&new).is_ok());
    tokens.rotate(true).unwrap();
    assert_eq!(tokens.check_access(&old), Err(TokenError::Foreign));
    assert_eq!(tokens.jwks().len(), 1);
    let files = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(files, 1);
}

#[test]
fn signatures_that_were_good_are_remembered_and_no_more_than_there_is_room_for() {
    let dir = tempfile::tempdir().unwrap();
    let (tokens, _) = tokens(dir.path());
    let token = tokens.access(&somebody()).unwrap();
    let bad = bent(&token, 1, replaced("\"sub\":\"ada\"", "\"sub\":\"bob\""));
    for _ in 0..2 {
        assert!(tokens.check_access(&token).is_ok() && tokens.check_access(&bad).is_err());
        assert_eq!(tokens.verified().len(), 1, "only what was good");
    }
    let claims = tokens.verified().values().next().unwrap().clone();
    for number in 0..MOST_VERIFIED {
        tokens.verified().insert(Sha256::digest(number.to_le_bytes()).into(), claims.clone());
    }
    assert!(tokens.check_access(&tokens.access(&somebody()).unwrap()).is_ok());
    assert_eq!(tokens.verified().len(), 1);
}
