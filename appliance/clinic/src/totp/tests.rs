//! The QR code can be scanned, and another implementation makes the codes.

use std::{process::Command, sync::Arc, time::Duration};

use relaypacs_domain::{ManualClock, Role, Timestamp};

use super::*;
use crate::testing::{Box, PASSWORD};

/// What oathtool (Debian package) makes of a secret at a time.
fn oathtool(secret: &str, at: Timestamp) -> String {
    let now = format!("@{}", at.as_millis() / 1000);
    let out = Command::new("oathtool").args(["--totp", "-b", "--now", &now, secret]).output().expect("oathtool is installed");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

/// What a camera reads.
fn scanned(png: &[u8]) -> String {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png));
    reader.set_transformations(png::Transformations::EXPAND);
    let mut reader = reader.read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let width = info.width as usize;
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, info.height as usize, |x, y| pixels[y * info.line_size + x]);
    let grids = picture.detect_grids();
    assert_eq!(grids.len(), 1);
    grids[0].decode().unwrap().1
}

async fn with_factor(test: &Box) -> (Principal, String, Vec<String>) {
    let who = test.somebody("ada", Role::Clinician).await;
    let offer = test.clinic.totp.offer(&who).await.unwrap();
    let code = oathtool(&offer.secret, test.now());
    let recovery = test.clinic.totp.enable(&who, &code, Some(&offer.secret), &Origin::default()).await.unwrap();
    (who, offer.secret, recovery)
}

fn next_step(hand: &Arc<ManualClock>) {
    hand.advance(Duration::from_secs(STEP));
}

#[tokio::test]
async fn the_picture_scans_to_the_secret_that_oathtool_understands() {
    let test = Box::new().await;
    let who = test.somebody("ada", Role::Clinician).await;
    let offer = test.clinic.totp.offer(&who).await.unwrap();
    let uri = scanned(&png(&offer.provisioning_uri).unwrap());
    assert_eq!(uri, offer.provisioning_uri);
    let uri = url::Url::parse(&uri).unwrap();
    assert_eq!((uri.scheme(), uri.host_str(), uri.path()), ("otpauth", Some("totp"), "/RelayPACS%20test:ada"));
    let secret = uri.query_pairs().find(|(key, _)| key == "secret").unwrap().1.into_owned();
    assert_eq!(secret, offer.secret);
    let code = oathtool(&secret, test.now());
    assert_eq!(test.clinic.totp.enable(&who, &code, None, &Origin::default()).await.unwrap().len(), RECOVERY_CODES);
    assert!(test.clinic.accounts.find(who.user).await.unwrap().totp_enabled);
}

#[tokio::test]
async fn a_code_counts_one_step_around_and_once() {
    let test = Box::new().await;
    let (_, secret, _) = with_factor(&test).await;
    let at = |steps: i64| Timestamp::from_millis(test.now().as_millis() + steps * 30_000);
    let check = async |code: String, good: bool| {
        let answer = test.sign_in("ada", PASSWORD, Some(&code)).await;
        assert_eq!(answer.is_ok(), good, "{answer:?}");
        test.clinic.accounts.throttle().forgive("ada");
    };
    check(oathtool(&secret, at(0)), false).await; // used to turn it on
    next_step(&test.hand);
    next_step(&test.hand);
    check(oathtool(&secret, at(-2)), false).await;
    check(oathtool(&secret, at(2)), false).await;
    check(oathtool(&secret, at(-1)), true).await;
    check(oathtool(&secret, at(-1)), false).await;
    check(oathtool(&secret, at(1)), true).await;
    check(oathtool(&secret, at(0)), false).await; // older than the newest used
}

#[tokio::test]
async fn recovery_codes_count_once_and_are_not_kept_in_plain() {
    let test = Box::new().await;
    let (who, secret, recovery) = with_factor(&test).await;
    assert!(test.sign_in("ada", PASSWORD, Some(&recovery[0].to_lowercase())).await.is_ok());
    assert!(test.sign_in("ada", PASSWORD, Some(&recovery[0])).await.is_err());
    assert!(test.sign_in("ada", PASSWORD, Some(&recovery[1].replace('-', " "))).await.is_ok());
    let file = std::fs::read(test.dir.path().join(crate::FILE)).unwrap();
    let plain = totp_rs::Secret::try_from_base32(&secret).unwrap();
    for hidden in
        [plain.as_bytes(), secret.as_bytes(), recovery[2].as_bytes(), recovery[2].replace('-', "").as_bytes(), PASSWORD.as_bytes()]
    {
        assert!(!file.windows(hidden.len()).any(|part| part == hidden));
    }
    test.clinic.totp.disable(&who, &recovery[3], &Origin::default()).await.unwrap();
    assert!(test.sign_in("ada", PASSWORD, None).await.is_ok());
}

#[tokio::test]
async fn it_goes_off_only_with_a_code_and_wrong_ones_lock() {
    let test = Box::new().await;
    let (who, secret, _) = with_factor(&test).await;
    next_step(&test.hand);
    assert!(matches!(test.clinic.totp.offer(&who).await, Err(TotpError::On)));
    for _ in 0..5 {
        let refused = test.clinic.totp.disable(&who, "000000", &Origin::default()).await;
        assert!(matches!(refused, Err(TotpError::WrongCode)), "{refused:?}");
    }
    let code = oathtool(&secret, test.now());
    let locked = test.clinic.totp.disable(&who, &code, &Origin::default()).await;
    assert!(matches!(locked, Err(TotpError::Account(AccountError::Locked { .. }))), "{locked:?}");
    test.clinic.accounts.throttle().forgive("ada");
    test.clinic.totp.disable(&who, &code, &Origin::default()).await.unwrap();
    assert!(matches!(test.clinic.totp.disable(&who, &code, &Origin::default()).await, Err(TotpError::Off)));
}

#[tokio::test]
async fn an_offer_alone_is_nothing_and_a_foreign_secret_is_refused() {
    let test = Box::new().await;
    let who = test.somebody("ada", Role::Clinician).await;
    let nobody = Origin::default();
    assert!(matches!(test.clinic.totp.enable(&who, "123456", None, &nobody).await, Err(TotpError::Off)));
    let first = test.clinic.totp.offer(&who).await.unwrap();
    assert!(test.sign_in("ada", PASSWORD, None).await.is_ok(), "not asked before it is on");
    let second = test.clinic.totp.offer(&who).await.unwrap();
    let (old, new) = (oathtool(&first.secret, test.now()), oathtool(&second.secret, test.now()));
    assert!(matches!(test.clinic.totp.enable(&who, &old, None, &nobody).await, Err(TotpError::WrongCode)));
    assert!(matches!(test.clinic.totp.enable(&who, &new, Some(&first.secret), &nobody).await, Err(TotpError::WrongCode)));
    assert!(test.clinic.totp.enable(&who, &new, Some(&second.secret.to_lowercase()), &nobody).await.is_ok());
}

#[tokio::test]
async fn a_database_without_its_key_gives_no_secret_away_and_recovery_codes_nothing() {
    let test = Box::new().await;
    with_factor(&test).await;
    let other = tempfile::tempdir().unwrap();
    let row = test.clinic.store.read_blocking(|transaction| row::find(transaction, "ada")).unwrap().unwrap();
    let secrets = Secrets::open(other.path()).unwrap();
    assert_eq!(secrets.open_sealed(&context(row.0), row.1.second_factor.secret.as_ref().unwrap()), Err(SecretError::NotOurs));
}
