//! People: from the set-up code to the last session, over HTTP, every answer held against the contract.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

mod common;

use std::{process::Command, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use common::{PASSWORD, TestBox, ask_as, checked::Checked, from, send};
use relaypacs_domain::Role;
use serde_json::{Value, json};

const REGISTER: &str = "/api/v1/auth/register";
const LOGIN: &str = "/api/v1/auth/login";
const ME: &str = "/api/v1/auth/me";

fn user(name: &str, more: &Value) -> Value {
    let mut body = json!({"username": name, "email": format!("{name}@clinic.example"), "password": PASSWORD});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

fn login(name: &str, password: &str) -> Value {
    json!({"username": name, "password": password})
}

fn access(pair: &Value) -> &str {
    pair["access_token"].as_str().unwrap()
}

/// Asks the path that is its own template.
async fn ask(api: &mut Checked, token: &str, method: &str, path: &str, body: Option<Value>, status: u16) -> Value {
    api.ask(token, method, path, path, body, status).await
}

/// What an authenticator app shows at `at` (seconds since 1970); oathtool is a Debian package.
fn app_shows(secret: &str, at: i64) -> String {
    let out = Command::new("oathtool").args(["--totp", "-b", "--now", &format!("@{at}"), secret]).output().expect("oathtool is installed");
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_set_up_code_to_invited_people() {
    let test_box = TestBox::with_two_destinations().await;
    let mut api = Checked::public(&test_box);
    let public = "/api/v1/system/public";
    assert_eq!(ask(&mut api, "", "GET", public, None, 200).await["setup_required"], true);
    let code = test_box.app.clinic.accounts.issue_setup_code().unwrap().code;
    ask(&mut api, "", "POST", REGISTER, Some(user("eve", &json!({"setup_code": "2222-2222"}))), 403).await;
    ask(&mut api, "", "POST", REGISTER, Some(user("e", &json!({"setup_code": code}))), 422).await;
    let weak = ask(&mut api, "", "POST", REGISTER, Some(user("eve", &json!({"setup_code": code, "password": "weak"}))), 422).await;
    assert_eq!(weak["errors"][0]["pointer"], "/password");
    let pair = ask(&mut api, "", "POST", REGISTER, Some(user("chief", &json!({"setup_code": code}))), 201).await;
    assert_eq!(ask(&mut api, "", "GET", public, None, 200).await["setup_required"], false);
    let chief = access(&pair).to_owned();
    assert_eq!(ask(&mut api, &chief, "GET", ME, None, 200).await["role"], "admin");

    let invites = "/api/v1/users/invites";
    let invite = ask(&mut api, &chief, "POST", invites, Some(json!({"role": "radiologist", "email": "a@b.example"})), 201).await;
    assert!(invite["url"].as_str().unwrap().ends_with(invite["code"].as_str().unwrap()), "{invite}");
    let picture = relaypacs_clinic::totp::png(invite["url"].as_str().unwrap()).unwrap();
    assert_eq!(invite["qr_code"], format!("data:image/png;base64,{}", STANDARD.encode(picture)));
    let open = ask(&mut api, &chief, "GET", invites, None, 200).await;
    assert_eq!((open[0].get("code"), open[0].get("qr_code")), (None, None));
    let pair = ask(&mut api, "", "POST", REGISTER, Some(user("ada", &json!({"invite": invite["code"], "role": "admin"}))), 201).await;
    assert_eq!(ask(&mut api, access(&pair), "GET", ME, None, 200).await["role"], "radiologist", "the invite says which role");
    ask(&mut api, "", "POST", REGISTER, Some(user("eve", &json!({"invite": invite["code"]}))), 403).await;
    let other = ask(&mut api, &chief, "POST", invites, Some(json!({"role": "clinician", "expires_in": 3600})), 201).await;
    let withdraw = format!("{invites}/{}", other["id"].as_str().unwrap());
    let shown = api.ask(&chief, "GET", "/api/v1/users/invites/{id}", &withdraw, None, 200).await;
    assert_eq!((&shown["role"], shown.get("code")), (&json!("clinician"), None));
    api.ask(&chief, "DELETE", "/api/v1/users/invites/{id}", &withdraw, None, 204).await;
    api.ask(&chief, "GET", "/api/v1/users/invites/{id}", &withdraw, None, 404).await;
    api.ask(&chief, "DELETE", "/api/v1/users/invites/{id}", &withdraw, None, 404).await;
    ask(&mut api, &chief, "POST", invites, Some(json!({"role": "clinician", "expires_in": 1})), 422).await;
    test_box.app.buffer.close().await;
}

/// The original let anyone register as admin.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_makes_an_account_without_a_code_an_invite_or_an_admin() {
    let test_box = TestBox::with_two_destinations().await;
    let mut api = Checked::public(&test_box);
    let eve = || Some(user("eve", &json!({"role": "admin"})));
    ask(&mut api, "", "POST", REGISTER, eve(), 401).await;
    ask(&mut api, "rubbish", "POST", REGISTER, eve(), 401).await;
    for role in [Role::Clinician, Role::Radiographer, Role::Radiologist] {
        let token = test_box.sign_in(role).await;
        ask(&mut api, &token, "POST", REGISTER, eve(), 403).await;
    }
    let admin = test_box.sign_in(Role::Admin).await;
    let pair = ask(&mut api, &admin, "POST", REGISTER, Some(user("grace", &json!({"role": "radiographer"}))), 201).await;
    assert_eq!(ask(&mut api, access(&pair), "GET", ME, None, 200).await["role"], "radiographer");
    ask(&mut api, &admin, "POST", REGISTER, Some(user("Grace", &json!({}))), 409).await;
    test_box.app.buffer.close().await;
}

/// On the original a logged-out token still worked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logout_really_ends_the_session() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.sign_in_as("ada", Role::Clinician).await;
    let mut api = Checked::public(&test_box);
    let one = ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 200).await;
    let two = ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 200).await;
    let three = ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 200).await;
    let logout = "/api/v1/auth/logout";
    ask(&mut api, access(&one), "POST", logout, Some(json!({"refresh_token": two["refresh_token"]})), 200).await;
    for ended in [&one, &two] {
        ask(&mut api, access(ended), "GET", ME, None, 401).await;
        ask(&mut api, "", "POST", "/api/v1/auth/refresh", Some(json!({"refresh_token": ended["refresh_token"]})), 401).await;
    }
    ask(&mut api, access(&three), "GET", ME, None, 200).await;
    ask(&mut api, access(&three), "POST", logout, None, 200).await;
    ask(&mut api, access(&three), "POST", logout, None, 401).await;
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refresh_tokens_are_good_once_and_a_copy_ends_the_family() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.sign_in_as("ada", Role::Clinician).await;
    let mut api = Checked::public(&test_box);
    let refresh = |pair: &Value| Some(json!({"refresh_token": pair["refresh_token"]}));
    let first = ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 200).await;
    let path = "/api/v1/auth/refresh";
    let second = ask(&mut api, "", "POST", path, refresh(&first), 200).await;
    test_box.wait(Duration::from_secs(61));
    ask(&mut api, access(&second), "GET", ME, None, 200).await;
    ask(&mut api, "", "POST", path, refresh(&first), 401).await;
    ask(&mut api, "", "POST", path, refresh(&second), 401).await;
    ask(&mut api, access(&second), "GET", ME, None, 401).await;
    ask(&mut api, "", "POST", path, Some(json!({"refresh_token": access(&second)})), 401).await;
    ask(&mut api, "", "POST", path, Some(json!({})), 422).await;
    test_box.app.buffer.close().await;
}

/// A tab that was closed before the answer came.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_named_exchange_whose_answer_was_lost_is_answered_again() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.sign_in_as("ada", Role::Clinician).await;
    let mut api = Checked::public(&test_box);
    let path = "/api/v1/auth/refresh";
    let named = |pair: &Value, attempt: &str| Some(json!({"refresh_token": pair["refresh_token"], "attempt": attempt}));
    let first = ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 200).await;
    for odd in ["", "fifteen-letters", "0123456789abcdef ", "é123456789abcdef", &"x".repeat(65)] {
        ask(&mut api, "", "POST", path, named(&first, odd), 422).await;
    }
    ask(&mut api, "", "POST", path, named(&first, "0123456789abcdef"), 200).await;
    test_box.wait(Duration::from_hours(1));
    let again = ask(&mut api, "", "POST", path, named(&first, "0123456789abcdef"), 200).await;
    ask(&mut api, access(&again), "GET", ME, None, 200).await;
    ask(&mut api, "", "POST", path, named(&first, "0123456789abcdee"), 401).await;
    ask(&mut api, access(&again), "GET", ME, None, 401).await;
    test_box.app.buffer.close().await;
}

/// On the original TOTP was never asked at login.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_factor_is_asked_for_before_anything_is_granted() {
    let test_box = TestBox::with_two_destinations().await;
    let ada = test_box.sign_in_as("ada", Role::Clinician).await;
    let mut api = Checked::public(&test_box);
    let (enable, disable) = ("/api/v1/totp/enable", "/api/v1/totp/disable");
    let offer = ask(&mut api, &ada, "POST", enable, None, 200).await;
    assert!(offer["qr_code"].as_str().unwrap().starts_with("data:image/png;base64,iVBOR"), "{offer}");
    let secret = offer["secret"].as_str().unwrap();
    ask(&mut api, &ada, "POST", enable, Some(json!({"code": "000000"})), 403).await;
    let code = app_shows(secret, test_box.now_s());
    let on = ask(&mut api, &ada, "POST", enable, Some(json!({"code": code})), 200).await;
    assert_eq!((&on["enabled"], on["recovery_codes"].as_array().map(Vec::len)), (&json!(true), Some(10)));
    ask(&mut api, &ada, "POST", enable, None, 409).await;

    let asked = send(&test_box.public(), from("203.0.113.9"), "POST", LOGIN, Some(login("ada", PASSWORD)), &[]).await;
    assert_eq!((asked.status, asked.headers["x-totp-required"].to_str().unwrap()), (403, "true"));
    assert_eq!((asked.json().get("access_token"), &asked.json()["code"]), (None, &json!("totp_required")));
    let with = |code: &str| Some(json!({"username": "ada", "password": PASSWORD, "totp_code": code}));
    ask(&mut api, "", "POST", LOGIN, with(&code), 401).await; // used to turn it on
    test_box.wait(Duration::from_secs(30));
    ask(&mut api, "", "POST", LOGIN, with(&app_shows(secret, test_box.now_s())), 200).await;
    ask(&mut api, "", "POST", LOGIN, with(on["recovery_codes"][0].as_str().unwrap()), 200).await;
    ask(&mut api, "", "POST", LOGIN, with(on["recovery_codes"][0].as_str().unwrap()), 401).await;
    ask(&mut api, &ada, "POST", disable, Some(json!({"code": "000000"})), 403).await;
    ask(&mut api, &ada, "POST", disable, Some(json!({"code": on["recovery_codes"][1]})), 200).await;
    ask(&mut api, &ada, "POST", disable, Some(json!({"code": "000000"})), 409).await;
    ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 200).await;
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_original_client_s_names_do_the_same() {
    let test_box = TestBox::with_two_destinations().await;
    let ada = test_box.sign_in_as("ada", Role::Clinician).await;
    let mut api = Checked::public(&test_box);
    let offer = ask(&mut api, &ada, "POST", "/api/v1/auth/2fa/setup", None, 200).await;
    let secret = offer["secret"].as_str().unwrap();
    let body = |code: String, secret: &str| Some(json!({"code": code, "secret": secret}));
    let enable = "/api/v1/auth/2fa/enable";
    let code = app_shows(secret, test_box.now_s());
    ask(&mut api, &ada, "POST", enable, body(code.clone(), "JBSWY3DPEHPK3PXP"), 403).await;
    ask(&mut api, &ada, "POST", enable, body(code, secret), 200).await;
    test_box.wait(Duration::from_secs(30));
    let code = app_shows(secret, test_box.now_s());
    ask(&mut api, &ada, "POST", "/api/v1/auth/2fa/disable", Some(json!({"code": code})), 200).await;
    test_box.app.buffer.close().await;
}

/// The original gave no `Retry-After`; and locking must not tell which accounts exist.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_lock_with_one_answer_for_all_names() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.sign_in_as("ada", Role::Clinician).await;
    let public = test_box.public();
    let mut answers = Vec::new();
    for name in ["ada", "nobody"] {
        let mut told = Vec::new();
        for attempt in 0..6 {
            let password = if attempt == 5 { PASSWORD } else { "Wrong-Horse-77" };
            let answer = send(&public, from("203.0.113.9"), "POST", LOGIN, Some(login(name, password)), &[]).await;
            let mut body = answer.json();
            body.as_object_mut().unwrap().remove("trace_id");
            told.push((answer.status, answer.headers.get("retry-after").cloned(), body));
        }
        let statuses: Vec<u16> = told.iter().map(|one| one.0).collect();
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429], "{name}");
        assert!(told[5].1.as_ref().unwrap().to_str().unwrap().parse::<u32>().unwrap() > 0);
        answers.push(told);
    }
    assert_eq!(answers[0], answers[1]);
    let elsewhere = send(&public, from("198.51.100.1"), "POST", LOGIN, Some(login("ada", PASSWORD)), &[]).await;
    assert_eq!(elsewhere.status, 200, "the owner at another address");
    let admin = test_box.sign_in(Role::Admin).await;
    let users = ask_as(&public, &admin, "GET", "/api/v1/users", None).await.json();
    let ada = users.as_array().unwrap().iter().find(|user| user["username"] == "ada").unwrap();
    test_box.app.buffer.close().await;
    assert!(ada["locked"].is_boolean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_s_own_account_and_sessions() {
    let test_box = TestBox::with_two_destinations().await;
    test_box.sign_in_as("ada", Role::Clinician).await;
    let mut api = Checked::public(&test_box);
    let here = access(&ask(&mut api, "", "POST", LOGIN, Some(login("Ada", PASSWORD)), 200).await).to_owned();
    let there = access(&ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 200).await).to_owned();
    let change = json!({"full_name": "Ada Lovelace", "preferences": {"theme": "dark", "notify": {"email": true}}});
    let me = ask(&mut api, &here, "PATCH", ME, Some(change), 200).await;
    assert_eq!(
        (&me["full_name"], &me["preferences"]["theme"], &me["preferences"]["notify"]["email"]),
        (&json!("Ada Lovelace"), &json!("dark"), &json!(true))
    );
    let zone = |zone: Value| Some(json!({"preferences": {"time_zone": zone}}));
    assert_eq!(ask(&mut api, &here, "PATCH", ME, zone(json!("Europe/Lisbon")), 200).await["preferences"]["time_zone"], "Europe/Lisbon");
    let me = ask(&mut api, &here, "PATCH", ME, zone(Value::Null), 200).await;
    assert_eq!((me["preferences"].get("time_zone"), &me["preferences"]["theme"]), (None, &json!("dark")));
    let wrong = ask(&mut api, &here, "PATCH", ME, Some(json!({"preferences": {"theme": "pink"}})), 422).await;
    assert_eq!(wrong["errors"][0]["pointer"], "/preferences/theme");
    ask(&mut api, &here, "PATCH", ME, Some(json!({"email": "nonsense"})), 422).await;

    let sessions = ask(&mut api, &here, "GET", "/api/v1/auth/sessions", None, 200).await;
    assert_eq!(sessions.as_array().unwrap().iter().filter(|session| session["current"] == true).count(), 1, "{sessions}");
    let first = format!("/api/v1/auth/sessions/{}", sessions[0]["id"].as_str().unwrap());
    assert_eq!(api.ask(&here, "GET", "/api/v1/auth/sessions/{id}", &first, None, 200).await, sessions[0]);
    let password = "/api/v1/auth/change-password";
    let body = |current: &str, new: &str| Some(json!({"current_password": current, "new_password": new}));
    let wrong = ask(&mut api, &here, "POST", password, body("Wrong-Horse-77", "Another-Horse-8"), 403).await;
    assert_eq!(wrong["errors"][0]["pointer"], "/current_password");
    let weak = ask(&mut api, &here, "POST", password, body(PASSWORD, "weak"), 422).await;
    assert_eq!(weak["errors"][0]["pointer"], "/new_password");
    ask(&mut api, &here, "POST", password, body(PASSWORD, "Another-Horse-8"), 204).await;
    ask(&mut api, &there, "GET", ME, None, 401).await;
    ask(&mut api, &here, "GET", ME, None, 200).await;
    let export = ask(&mut api, &here, "GET", "/api/v1/auth/me/export", None, 200).await;
    assert_eq!(export["account"]["username"], "ada");
    assert!(export["audit"].as_array().unwrap().iter().any(|entry| entry["action"] == "change_password"), "{export}");
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn admins_manage_accounts_and_one_always_stays() {
    let test_box = TestBox::with_two_destinations().await;
    let chief = test_box.sign_in(Role::Admin).await;
    let mut api = Checked::public(&test_box);
    let (users, one) = ("/api/v1/users", "/api/v1/users/{id}");
    let made = ask(&mut api, &chief, "POST", users, Some(user("ada", &json!({"role": "clinician"}))), 201).await;
    let path = format!("{users}/{}", made["id"].as_str().unwrap());
    assert_eq!(ask(&mut api, &chief, "GET", users, None, 200).await.as_array().map(Vec::len), Some(2));
    assert_eq!(api.ask(&chief, "GET", one, &path, None, 200).await, made);
    let ada = access(&ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 200).await).to_owned();
    ask(&mut api, &ada, "GET", users, None, 403).await;
    api.ask(&chief, "PATCH", one, &path, Some(json!({"role": "admin"})), 200).await;
    ask(&mut api, &ada, "GET", users, None, 200).await; // at once, with the token of before
    api.ask(&chief, "PATCH", one, &path, Some(json!({"role": "emperor"})), 422).await;
    api.ask(&chief, "PATCH", one, &path, Some(json!({"locked": true})), 422).await;
    api.ask(&chief, "PATCH", one, &path, Some(json!({"locked": false, "totp_reset": true})), 200).await;
    api.ask(&chief, "PATCH", one, &path, Some(json!({"is_active": false})), 200).await;
    ask(&mut api, &ada, "GET", ME, None, 401).await;
    let off = ask(&mut api, "", "POST", LOGIN, Some(login("ada", PASSWORD)), 403).await;
    assert_eq!(off["code"], "account_disabled");
    let me = ask(&mut api, &chief, "GET", ME, None, 200).await;
    let own = format!("{users}/{}", me["id"].as_str().unwrap());
    for body in [json!({"is_active": false}), json!({"role": "clinician"})] {
        api.ask(&chief, "PATCH", one, &own, Some(body), 409).await;
    }
    api.ask(&chief, "DELETE", one, &own, None, 409).await;
    api.ask(&chief, "DELETE", one, &path, None, 204).await;
    api.ask(&chief, "GET", one, &path, None, 404).await;
    api.ask(&chief, "GET", one, &format!("{users}/nonsense"), None, 422).await;

    let audit = "/api/v1/audit";
    let page = api.ask(&chief, "GET", audit, &format!("{audit}?limit=2"), None, 200).await;
    assert_eq!(page["entries"][0]["action"], "delete_account", "{page}");
    let next = api.ask(&chief, "GET", audit, &format!("{audit}?limit=500&cursor={}", page["next_cursor"]), None, 200).await;
    assert_eq!(next["entries"].as_array().unwrap().last().unwrap()["seq"], 1);
    let few = api.ask(&chief, "GET", audit, &format!("{audit}?action=sign_in&actor=ada&from=2020-01-01"), None, 200).await;
    assert_eq!(few["entries"].as_array().map(Vec::len), Some(1), "{few}");
    api.ask(&chief, "GET", audit, &format!("{audit}?limit=0"), None, 422).await;
    api.ask(&chief, "GET", audit, &format!("{audit}?patient=x"), None, 400).await;
    let export = ask(&mut api, &chief, "GET", "/api/v1/audit/export", None, 200).await;
    assert_eq!(export.as_array().unwrap().last().unwrap()["action"], "export_audit");
    test_box.app.buffer.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn anybody_can_check_tokens_with_the_published_keys() {
    let test_box = TestBox::with_two_destinations().await;
    let mut api = Checked::public(&test_box);
    let before = ask(&mut api, "", "GET", "/api/v1/auth/jwks.json", None, 200).await;
    let token = test_box.sign_in(Role::Clinician).await;
    assert_eq!(before["keys"][0]["alg"], "RS256");
    let tokens = test_box.app.clinic.tokens.clone();
    let kid = tokio::task::spawn_blocking(move || tokens.rotate(false).unwrap()).await.unwrap();
    let after = ask(&mut api, "", "GET", "/api/v1/auth/jwks.json", None, 200).await;
    assert_eq!((after["keys"].as_array().map(Vec::len), &after["keys"][1]["kid"]), (Some(2), &json!(kid)));
    ask(&mut api, &token, "GET", ME, None, 200).await;
    test_box.app.buffer.close().await;
}
