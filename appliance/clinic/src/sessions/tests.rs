//! Signing in, the family of refresh tokens, and every way for a session to end.

use relaypacs_domain::Role;

use super::*;
use crate::testing::{Box, PASSWORD};

fn here() -> Origin {
    Origin { address: Some("192.0.2.1".parse().unwrap()), user_agent: Some("Firefox\n/1".into()) }
}

async fn ada(test: &Box) -> SignedIn {
    test.somebody("ada", Role::Clinician).await;
    test.sign_in("Ada", PASSWORD, None).await.unwrap()
}

async fn refresh(test: &Box, token: &str) -> Result<SignedIn, SignInError> {
    test.clinic.sessions.refresh(token, None, &here()).await
}

/// With the name of the attempt.
async fn refresh_as(test: &Box, token: &str, attempt: &str) -> Result<SignedIn, SignInError> {
    test.clinic.sessions.refresh(token, Some(attempt), &here()).await
}

#[tokio::test]
async fn wrong_name_and_wrong_password_are_one_answer() {
    let test = Box::new().await;
    ada(&test).await;
    for (name, password) in [("ada", "Wrong-Horse-77"), ("nobody", PASSWORD), ("", ""), ("ada", "")] {
        let refused = test.sign_in(name, password, None).await;
        assert!(matches!(refused, Err(SignInError::Wrong)), "{name}: {refused:?}");
    }
}

#[tokio::test]
async fn failures_lock_names_that_exist_and_names_that_do_not_alike() {
    let test = Box::new().await;
    ada(&test).await;
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            assert!(matches!(test.sign_in(name, "Wrong-Horse-77", None).await, Err(SignInError::Wrong)));
        }
        let locked = test.sign_in(name, PASSWORD, None).await;
        assert!(matches!(locked, Err(SignInError::Account(AccountError::Locked { .. }))), "{name}: {locked:?}");
    }
    assert!(test.clinic.accounts.find_by_name("ada").await.unwrap().is_locked);
    test.hand.advance(Duration::from_secs(30));
    assert!(test.sign_in("ada", PASSWORD, None).await.is_ok());
}

#[tokio::test]
async fn the_code_is_asked_for_before_anything_is_granted() {
    let test = Box::new().await;
    let who = ada(&test).await.principal;
    let offer = test.clinic.totp.offer(&who).await.unwrap();
    let totp = totp_rs::Builder::new().with_secret(totp_rs::Secret::try_from_base32(&offer.secret).unwrap()).build().unwrap();
    let now = || u64::try_from(test.now().as_millis() / 1000).unwrap();
    test.clinic.totp.enable(&who, &totp.generate(now()).to_string(), None, &here()).await.unwrap();
    let sessions = test.clinic.sessions.list(&who).await.unwrap().len();
    assert!(matches!(test.sign_in("ada", PASSWORD, None).await, Err(SignInError::CodeNeeded)));
    assert!(matches!(test.sign_in("ada", PASSWORD, Some("000000")).await, Err(SignInError::Wrong)));
    assert!(matches!(test.sign_in("ada", "Wrong-Horse-77", None).await, Err(SignInError::Wrong)), "a code is not asked of strangers");
    assert_eq!(test.clinic.sessions.list(&who).await.unwrap().len(), sessions);
    test.hand.advance(Duration::from_secs(30));
    assert!(test.sign_in("ada", PASSWORD, Some(&totp.generate(now()).to_string())).await.is_ok());
}

#[tokio::test]
async fn a_family_goes_on_and_ends_when_an_old_token_turns_up() {
    let test = Box::new().await;
    let first = ada(&test).await;
    test.hand.advance(Duration::from_mins(10));
    let second = refresh(&test, &first.refresh_token).await.unwrap();
    test.hand.advance(Duration::from_mins(10));
    let third = refresh(&test, &second.refresh_token).await.unwrap();
    assert!(test.clinic.sessions.principal(&third.access_token).is_ok());
    let ended = test.clinic.sessions.ended(third.principal.session);
    let reused = refresh(&test, &first.refresh_token).await;
    assert!(matches!(reused, Err(SignInError::Reused { user }) if user == first.principal.user), "{reused:?}");
    assert!(matches!(refresh(&test, &third.refresh_token).await, Err(SignInError::Ended)));
    assert!(test.clinic.sessions.principal(&third.access_token).is_err() && ended.is_cancelled());
    let trail = test.clinic.audit.export(1, 100).await.unwrap();
    assert_eq!(trail.last().unwrap().action, "refresh_token_reused");
    let told = test.clinic.notifications.list(first.principal.user, false, 10, 0).await.unwrap();
    assert_eq!(told.notifications[0].kind, NotificationKind::Security);
}

#[tokio::test]
async fn a_lost_answer_is_given_again_for_a_minute_while_nobody_has_used_it() {
    let test = Box::new().await;
    let first = ada(&test).await;
    test.hand.advance(Duration::from_mins(10));
    refresh(&test, &first.refresh_token).await.unwrap();
    test.hand.advance(Duration::from_mins(1));
    let again = refresh(&test, &first.refresh_token).await.unwrap();
    // Both answers hold the same token, so that neither copy is the old one.
    let next = refresh(&test, &again.refresh_token).await.unwrap();
    assert!(matches!(refresh(&test, &first.refresh_token).await, Err(SignInError::Reused { .. })));
    assert!(refresh(&test, &next.refresh_token).await.is_err());

    let first = test.sign_in("ada", PASSWORD, None).await.unwrap();
    refresh(&test, &first.refresh_token).await.unwrap();
    test.hand.advance(Duration::from_millis(60_001));
    assert!(matches!(refresh(&test, &first.refresh_token).await, Err(SignInError::Reused { .. })));
}

#[tokio::test]
async fn a_named_attempt_is_answered_again_however_late_while_nobody_has_used_its_answer() {
    let test = Box::new().await;
    let first = ada(&test).await;
    let lost = refresh_as(&test, &first.refresh_token, "the first attempt").await.unwrap();
    test.hand.advance(Duration::from_hours(3 * 24));
    let test = test.restarted().await;
    let again = refresh_as(&test, &first.refresh_token, "the first attempt").await.unwrap();
    assert_eq!(again.principal.session, lost.principal.session);
    // Both answers hold the same token, so that neither copy is the old one.
    let next = refresh_as(&test, &lost.refresh_token, "the second attempt").await.unwrap();
    assert!(refresh_as(&test, &again.refresh_token, "the second attempt").await.is_ok());
    let reused = refresh_as(&test, &first.refresh_token, "the first attempt").await;
    assert!(matches!(reused, Err(SignInError::Reused { .. })), "its answer was used: {reused:?}");
    assert!(matches!(refresh(&test, &next.refresh_token).await, Err(SignInError::Ended)));
}

#[tokio::test]
async fn a_token_without_the_name_of_its_attempt_was_copied() {
    let test = Box::new().await;
    test.somebody("ada", Role::Clinician).await;
    for copied in [None, Some("another attempt")] {
        let mine = test.sign_in("ada", PASSWORD, None).await.unwrap();
        let answer = refresh_as(&test, &mine.refresh_token, "my attempt").await.unwrap();
        let reused = test.clinic.sessions.refresh(&mine.refresh_token, copied, &here()).await;
        assert!(matches!(reused, Err(SignInError::Reused { .. })), "{copied:?} within the minute: {reused:?}");
        assert!(test.clinic.sessions.principal(&answer.access_token).is_err());
    }
    // One that was not named when it was exchanged cannot be named later.
    let mine = test.sign_in("ada", PASSWORD, None).await.unwrap();
    refresh(&test, &mine.refresh_token).await.unwrap();
    test.hand.advance(Duration::from_millis(60_001));
    assert!(matches!(refresh_as(&test, &mine.refresh_token, "my attempt").await, Err(SignInError::Reused { .. })));
}

#[tokio::test]
async fn sessions_outlive_a_restart_and_end_by_time() {
    let test = Box::new().await;
    let first = ada(&test).await;
    let test = test.restarted().await;
    assert!(test.clinic.sessions.principal(&first.access_token).is_ok());
    test.hand.advance(Duration::from_mins(15));
    assert!(matches!(test.clinic.sessions.principal(&first.access_token), Err(SignInError::Token(TokenError::Expired))));
    let mut token = first.refresh_token;
    let mut days = 0;
    while let Ok(next) = refresh(&test, &token).await {
        token = next.refresh_token;
        test.hand.advance(Duration::from_hours(6 * 24));
        days += 6;
        assert!(days <= 60);
    }
    assert_eq!(days, 30, "a session ends after 30 days however much it is used");
    let unused = test.sign_in("ada", PASSWORD, None).await.unwrap();
    test.hand.advance(Duration::from_hours(7 * 24));
    assert!(refresh(&test, &unused.refresh_token).await.is_err());
    assert!(test.clinic.sessions.sweep().await.unwrap() > 0);
    assert_eq!(test.clinic.sessions.list(&unused.principal).await.unwrap(), []);
}

#[tokio::test]
async fn signing_out_ends_access_and_refresh_of_that_session_only() {
    let test = Box::new().await;
    let (one, two) = (ada(&test).await, test.sign_in("ada", PASSWORD, None).await.unwrap());
    let sessions = &test.clinic.sessions;
    let listed = sessions.list(&one.principal).await.unwrap();
    assert_eq!(listed.len(), 3); // one more by registering
    assert!(sessions.end(&one.principal, one.principal.session, "sign_out", &here()).await.unwrap());
    assert!(sessions.principal(&one.access_token).is_err());
    assert!(matches!(refresh(&test, &one.refresh_token).await, Err(SignInError::Ended)));
    assert!(sessions.principal(&two.access_token).is_ok());
    let eve = test.somebody("eve", Role::Admin).await;
    assert!(!sessions.end(&eve, two.principal.session, "end_session", &here()).await.unwrap(), "somebody else's");
    assert!(sessions.goes_on(&two.principal));
    assert_eq!(sessions.session_of(&eve, &two.refresh_token), None);
    assert_eq!(sessions.session_of(&two.principal, &two.refresh_token), Some(two.principal.session));
    let test = test.restarted().await;
    assert!(test.clinic.sessions.principal(&one.access_token).is_err());
}

#[tokio::test]
async fn the_session_unused_for_longest_makes_room() {
    let test = Box::new().await;
    let first = ada(&test).await;
    for _ in 0..MOST {
        test.hand.advance(Duration::from_secs(1));
        test.sign_in("ada", PASSWORD, None).await.unwrap();
    }
    assert!(test.clinic.sessions.principal(&first.access_token).is_err());
    assert_eq!(test.clinic.sessions.list(&first.principal).await.unwrap().len(), MOST);
}

#[tokio::test]
async fn the_list_tells_where_and_when() {
    let test = Box::new().await;
    let first = ada(&test).await;
    let next = refresh(&test, &first.refresh_token).await.unwrap();
    test.hand.advance(Duration::from_mins(2));
    test.clinic.sessions.principal(&next.access_token).unwrap();
    let newest = test.clinic.sessions.list(&first.principal).await.unwrap().remove(0);
    assert_eq!((newest.id, newest.address.as_str(), newest.user_agent.as_str()), (first.principal.session, "192.0.2.1", "Firefox/1"));
    assert_eq!(newest.last_seen_at, test.now());
}
