//! Who may make, change and delete accounts, and what of it stays.

use relaypacs_domain::Role;

use super::*;
use crate::testing::{Box, PASSWORD, operator};

fn nobody() -> Origin {
    Origin { address: Some("192.0.2.1".parse().unwrap()), user_agent: None }
}

#[tokio::test]
async fn the_set_up_code_makes_one_admin_and_then_there_are_none() {
    let test = Box::new().await;
    let accounts = &test.clinic.accounts;
    assert!(accounts.setup_required());
    let code = accounts.issue_setup_code().unwrap().code;
    let other = accounts.issue_setup_code().unwrap().code;
    let with = |code: &str| Grant::SetupCode(code.to_lowercase().replace('-', ""));
    let wrong = accounts.register(Box::new_account("eve"), with("AAAA-AAAA"), &nobody()).await;
    assert!(matches!(wrong, Err(AccountError::Code)), "{wrong:?}");
    let new = NewAccount { role: Some(Role::Clinician), ..Box::new_account("ada") };
    assert_eq!(accounts.register(new, with(&code), &nobody()).await.unwrap().role, Role::Admin);
    assert!(!accounts.setup_required());
    for code in [&code, &other] {
        let again = accounts.register(Box::new_account("eve"), with(code), &nobody()).await;
        assert!(matches!(again, Err(AccountError::Code)), "{again:?}");
    }
    assert!(matches!(accounts.issue_setup_code(), Err(AccountError::SetUp)));
}

#[tokio::test]
async fn a_set_up_code_is_over_after_ten_minutes() {
    let test = Box::new().await;
    let code = test.clinic.accounts.issue_setup_code().unwrap().code;
    test.hand.advance(std::time::Duration::from_secs(601));
    let late = test.clinic.accounts.register(Box::new_account("ada"), Grant::SetupCode(code), &nobody()).await;
    assert!(matches!(late, Err(AccountError::Code)), "{late:?}");
}

#[tokio::test]
async fn two_at_once_with_set_up_codes_make_one_admin() {
    let test = Box::new().await;
    let accounts = &test.clinic.accounts;
    let (one, two) = (accounts.issue_setup_code().unwrap().code, accounts.issue_setup_code().unwrap().code);
    let from = nobody();
    let (first, second) = tokio::join!(
        accounts.register(Box::new_account("ada"), Grant::SetupCode(one), &from),
        accounts.register(Box::new_account("eve"), Grant::SetupCode(two), &from),
    );
    assert_eq!(u8::from(first.is_ok()) + u8::from(second.is_ok()), 1, "{first:?} {second:?}");
}

#[tokio::test]
async fn an_invite_makes_one_account_of_its_role() {
    let test = Box::new().await;
    let accounts = &test.clinic.accounts;
    let admin = test.somebody("chief", Role::Admin).await;
    let new = NewInvite { role: Role::Radiologist, email: None, good_for: None };
    let (invite, code) = accounts.invite(&admin, new.clone(), &nobody()).await.unwrap();
    assert_eq!(accounts.invites().await.unwrap(), [invite]);
    let asked = NewAccount { role: Some(Role::Admin), ..Box::new_account("ada") };
    assert_eq!(accounts.register(asked, Grant::Invite(code.clone()), &nobody()).await.unwrap().role, Role::Radiologist);
    assert_eq!(accounts.invites().await.unwrap(), []);
    let again = accounts.register(Box::new_account("eve"), Grant::Invite(code), &nobody()).await;
    assert!(matches!(again, Err(AccountError::Code)), "{again:?}");

    let (withdrawn, code) = accounts.invite(&admin, new.clone(), &nobody()).await.unwrap();
    accounts.withdraw_invite(&admin, withdrawn.id, &nobody()).await.unwrap();
    assert!(matches!(accounts.withdraw_invite(&admin, withdrawn.id, &nobody()).await, Err(AccountError::NoInvite)));
    assert!(accounts.register(Box::new_account("eve"), Grant::Invite(code), &nobody()).await.is_err());
    let short = NewInvite { good_for: Some(std::time::Duration::from_mins(5)), ..new };
    let (_, code) = accounts.invite(&admin, short, &nobody()).await.unwrap();
    test.hand.advance(std::time::Duration::from_mins(5));
    assert!(accounts.register(Box::new_account("eve"), Grant::Invite(code), &nobody()).await.is_err());
}

#[tokio::test]
async fn guessing_codes_is_locked_out() {
    let test = Box::new().await;
    let code = test.clinic.accounts.issue_setup_code().unwrap().code;
    let check = async |code: &str| test.clinic.accounts.register(Box::new_account("eve"), Grant::SetupCode(code.into()), &nobody()).await;
    for _ in 0..5 {
        assert!(matches!(check("AAAA-AAAA").await, Err(AccountError::Code)));
    }
    assert!(matches!(check(&code).await, Err(AccountError::Locked { .. })));
}

#[tokio::test]
async fn fields_are_checked_and_names_are_taken_for_good() {
    let test = Box::new().await;
    let admin = || Grant::Admin(operator());
    let check = async |new: NewAccount, wanted: &str| {
        let refused = test.clinic.accounts.register(new, admin(), &nobody()).await.expect_err(wanted);
        let field = match &refused {
            AccountError::Field { field, .. } => field,
            AccountError::Password(_) => "password",
            AccountError::NameTaken => "taken",
            other => panic!("{other:?}"),
        };
        assert_eq!(field, wanted);
    };
    for username in ["ad", "a b", "äda", "../etc", "operator", "PANEL", &"a".repeat(51), ""] {
        check(Box::new_account(username), "username").await;
    }
    for email in ["ada", "@host", "ada@", "a b@host", "<ada@host>", "ada@host,eve@host", "a@b@c"] {
        check(NewAccount { email: email.into(), ..Box::new_account("ada") }, "email").await;
    }
    check(NewAccount { full_name: Some("a\nb".into()), ..Box::new_account("ada") }, "full_name").await;
    check(NewAccount { password: "weak".into(), ..Box::new_account("ada") }, "password").await;
    let ada = test.somebody("ada", Role::Clinician).await;
    check(Box::new_account("ADA"), "taken").await;
    test.clinic.accounts.delete("operator", ada.user, &nobody()).await.unwrap();
    check(Box::new_account("Ada"), "taken").await;
}

#[tokio::test]
async fn deleting_leaves_the_name_and_nothing_of_the_person() {
    let test = Box::new().await;
    let ada = test.somebody("ada", Role::Clinician).await;
    let accounts = &test.clinic.accounts;
    accounts.delete("operator", ada.user, &nobody()).await.unwrap();
    assert!(matches!(accounts.find(ada.user).await, Err(AccountError::Unknown)));
    assert!(!test.clinic.sessions.goes_on(&ada));
    assert!(test.sign_in("ada", PASSWORD, None).await.is_err());
    assert_eq!((accounts.username(ada.user).as_deref(), accounts.role(ada.user)), (Some("ada"), None));
    let row = test.clinic.store.read_blocking(|transaction| row::read(transaction, ada.user)).unwrap().unwrap();
    assert_eq!((row.email, row.full_name, row.password), (String::new(), String::new(), String::new()));
}

#[tokio::test]
async fn an_admin_always_stays() {
    let test = Box::new().await;
    let accounts = &test.clinic.accounts;
    let (one, two) = (test.somebody("one", Role::Admin).await.user, test.somebody("two", Role::Admin).await.user);
    let change = async |user, change| accounts.change("operator", user, change, &nobody()).await;
    change(one, Change { is_active: Some(false), ..Change::default() }).await.unwrap();
    for attempt in [Change { is_active: Some(false), ..Change::default() }, Change { role: Some(Role::Clinician), ..Change::default() }] {
        assert!(matches!(change(two, attempt).await, Err(AccountError::LastAdmin)));
    }
    assert!(matches!(accounts.delete("operator", two, &nobody()).await, Err(AccountError::LastAdmin)));
    change(one, Change { is_active: Some(true), ..Change::default() }).await.unwrap();
    change(two, Change { role: Some(Role::Clinician), ..Change::default() }).await.unwrap();
    assert_eq!(accounts.users_with(&[Role::Admin]), [one]);
}

#[tokio::test]
async fn switching_off_and_another_role_count_at_once() {
    let test = Box::new().await;
    let accounts = &test.clinic.accounts;
    test.somebody("chief", Role::Admin).await;
    let signed_in = {
        test.somebody("ada", Role::Clinician).await;
        test.sign_in("ada", PASSWORD, None).await.unwrap()
    };
    let ada = signed_in.principal.user;
    let ended = test.clinic.sessions.ended(signed_in.principal.session);
    accounts.change("chief", ada, Change { role: Some(Role::Radiologist), ..Change::default() }, &nobody()).await.unwrap();
    assert_eq!(test.clinic.sessions.principal(&signed_in.access_token).unwrap().role, Role::Radiologist);
    assert!(!ended.is_cancelled());
    accounts.change("chief", ada, Change { is_active: Some(false), ..Change::default() }, &nobody()).await.unwrap();
    assert!(test.clinic.sessions.principal(&signed_in.access_token).is_err());
    assert!(ended.is_cancelled());
    let refused = test.sign_in("ada", PASSWORD, None).await;
    assert!(matches!(refused, Err(crate::sessions::SignInError::Disabled)), "{refused:?}");
    let wrong = test.sign_in("ada", "Wrong-Horse-77", None).await;
    assert!(matches!(wrong, Err(crate::sessions::SignInError::Wrong)), "only the owner learns that it is off: {wrong:?}");
}

#[tokio::test]
async fn another_password_needs_the_current_one_and_ends_the_other_sessions() {
    let test = Box::new().await;
    let accounts = &test.clinic.accounts;
    let here = test.somebody("ada", Role::Clinician).await;
    let there = test.sign_in("ada", PASSWORD, None).await.unwrap();
    let change = async |current: &str, new: &str| accounts.change_password(&here, current, new, &nobody()).await;
    assert!(matches!(change("Wrong-Horse-77", "Another-Horse-8").await, Err(AccountError::WrongPassword)));
    assert!(matches!(change(PASSWORD, "weak").await, Err(AccountError::Password(_))));
    assert!(matches!(change(PASSWORD, PASSWORD).await, Err(AccountError::Field { .. })));
    change(PASSWORD, "Another-Horse-8").await.unwrap();
    assert!(test.clinic.sessions.goes_on(&here) && !test.clinic.sessions.goes_on(&there.principal));
    assert!(test.clinic.sessions.refresh(&there.refresh_token, None, &nobody()).await.is_err());
    assert!(test.sign_in("ada", PASSWORD, None).await.is_err());
    assert!(test.sign_in("ada", "Another-Horse-8", None).await.is_ok());
}

#[tokio::test]
async fn preferences_are_kept_and_checked() {
    let test = Box::new().await;
    let ada = test.somebody("ada", Role::Clinician).await;
    let set = async |preferences: Preferences| {
        let change = Change { preferences: Some(preferences), ..Change::default() };
        test.clinic.accounts.change("ada", ada.user, change, &nobody()).await
    };
    let notify = Notify { types: vec!["report_ready".into(), "study_held".into()], ..Notify::default() };
    let good = Preferences { theme: "dark".into(), time_zone: Some("Europe/Lisbon".into()), notify, ..Preferences::default() };
    assert_eq!(set(good.clone()).await.unwrap().preferences, good);
    for wrong in [
        Preferences { theme: "pink".into(), ..good.clone() },
        Preferences { language: "en\"".into(), ..good.clone() },
        Preferences { time_zone: Some("Mars/Base".into()), ..good.clone() },
        Preferences { default_service_level: "soon".into(), ..good.clone() },
        Preferences { density: "wide".into(), ..good.clone() },
        Preferences { notify: Notify { types: vec!["report_ready".into(), "report_redy".into()], ..Notify::default() }, ..good.clone() },
    ] {
        assert!(matches!(set(wrong).await, Err(AccountError::Field { .. })));
    }
    let odd = Preferences { language: "english please".into(), ..good.clone() };
    let Err(AccountError::Field { field, rule }) = set(odd).await else { panic!("taken") };
    assert_eq!(field, "preferences/language");
    assert_eq!(rule, "a language is a tag of BCP 47, such as en or pt-BR, of at most 35 characters, not \"english please\"");
    let test = test.restarted().await;
    assert_eq!(test.clinic.accounts.find(ada.user).await.unwrap().preferences, good);
}

#[tokio::test]
async fn every_change_is_in_the_audit_trail() {
    let test = Box::new().await;
    let accounts = &test.clinic.accounts;
    test.somebody("chief", Role::Admin).await;
    let ada = test.somebody("ada", Role::Clinician).await;
    accounts.change("chief", ada.user, Change { role: Some(Role::Admin), ..Change::default() }, &nobody()).await.unwrap();
    accounts.change_password(&ada, PASSWORD, "Another-Horse-8", &nobody()).await.unwrap();
    accounts.delete("chief", ada.user, &nobody()).await.unwrap();
    let trail = test.clinic.audit.export(1, 100).await.unwrap();
    let told: Vec<_> = trail.iter().map(|entry| format!("{} {} {}", entry.actor, entry.action, entry.object)).collect();
    let expected = [
        "operator create_account user chief as admin",
        "chief sign_in user chief",
        "operator create_account user ada as clinician",
        "ada sign_in user ada",
        "chief change_account user ada: role=admin",
        "ada change_password user ada",
        "chief delete_account user ada",
    ];
    assert_eq!(told, expected);
    assert_eq!(trail.last().unwrap().address, nobody().address);
    assert_eq!(test.clinic.audit.verify().await.unwrap().faults, []);
}

#[tokio::test]
async fn who_is_no_admin_makes_no_account() {
    let test = Box::new().await;
    for role in [Role::Clinician, Role::Radiographer, Role::Radiologist] {
        let somebody = test.somebody(&format!("the-{role}"), role).await;
        let refused = test.clinic.accounts.register(Box::new_account("eve"), Grant::Admin(somebody), &nobody()).await;
        assert!(matches!(refused, Err(AccountError::Code)), "{role}: {refused:?}");
    }
    assert!(test.clinic.accounts.find_by_name("eve").await.is_err());
}

#[tokio::test]
async fn of_many_set_up_codes_the_newest_are_good() {
    let test = Box::new().await;
    let codes: Vec<String> = (0..40).map(|_| test.clinic.accounts.issue_setup_code().unwrap().code).collect();
    let first = test.clinic.accounts.register(Box::new_account("ada"), Grant::SetupCode(codes[0].clone()), &nobody()).await;
    assert!(matches!(first, Err(AccountError::Code)), "{first:?}");
    let newest = test.clinic.accounts.register(Box::new_account("ada"), Grant::SetupCode(codes[39].clone()), &nobody()).await;
    assert_eq!(newest.unwrap().role, Role::Admin);
}

/// What ends up in a log by `{:?}` tells no secret.
#[tokio::test]
async fn no_secret_is_shown_for_debugging() {
    let test = Box::new().await;
    let code = test.clinic.accounts.issue_setup_code().unwrap();
    let who = test.somebody("ada", Role::Clinician).await;
    let offer = test.clinic.totp.offer(&who).await.unwrap();
    let signed_in = test.sign_in("ada", PASSWORD, None).await.unwrap();
    let password = Password::new(PASSWORD, "ada").unwrap();
    let shown = format!("{code:?} {offer:?} {signed_in:?} {password:?} {:?}", test.clinic.accounts.secrets);
    for secret in [code.code.as_str(), &offer.secret, &signed_in.access_token, &signed_in.refresh_token, PASSWORD] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("ada") && shown.contains("expires_at"), "{shown}");
}
