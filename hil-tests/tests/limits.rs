//! Limits of how often somebody may ask, on the running box: whoever asks too often is told when to come back, and nobody else notices.

use std::net::{IpAddr, Ipv4Addr};

use relaypacs_hil_tests::{
    appliance::Setup,
    data::{Kind, study},
    place::Folder,
    uploads::{PASSWORD, Upload, UploadFile, add_user, sign_in},
    web::{Answer, Web},
};
use serde_json::{Value, json};

/// As many at once as the contract says by default, and no more for so long that no machine is too slow for the test.
const LIMITS: &str = "[limits]\nlogin = \"5/h\"\nchunk = \"20/h\"";

fn login(web: &Web, name: &str) -> Answer {
    let body = json!({"username": name, "password": PASSWORD}).to_string();
    web.try_ask("POST", "/api/v1/auth/login", &[("content-type", "application/json")], body).expect("an answer")
}

/// Asks until that is one too many: how often it was not, and the seconds after which to come back.
fn until_refused(mut ask: impl FnMut() -> Answer) -> (usize, u64) {
    for taken in 0..100 {
        let answer = ask();
        if answer.status != 429 {
            assert_eq!(answer.status, 200, "{}", answer.text());
            continue;
        }
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
        let problem = answer.json();
        assert_eq!(header("content-type").as_deref(), Some("application/problem+json"));
        assert_eq!(problem["status"], 429, "{problem}");
        assert!(header("ratelimit").is_some_and(|left| left.contains(";r=0;")), "{:?}", answer.headers);
        return (taken, header("retry-after").expect("it says when to come back").parse().expect("in seconds"));
    }
    panic!("there is no limit");
}

#[test]
fn one_too_many_is_told_when_to_come_back_and_others_do_not_notice() {
    let folder = Folder::new();
    let appliance = Setup::new(&folder).section(LIMITS).start();
    ["ada", "bob"].into_iter().for_each(|name| add_user(&appliance, name, "clinician"));
    let (here, there) = (appliance.web(), Web::new(appliance.http_port()).asked_from(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))));
    let (ada, bob) = (sign_in(here, "ada"), sign_in(here, "bob"));

    // Sign-in is counted by address.
    let (taken, wait) = until_refused(|| login(here, "ada"));
    assert_eq!(taken, 3, "two had signed in before");
    assert!((1..=720).contains(&wait), "one more each twelve minutes, not after {wait} s");
    assert_eq!(login(&there, "ada").status, 200, "from another address");

    // Chunks are counted by user, whatever the upload.
    let files: Vec<UploadFile> =
        study(Kind::Ct, 1, 2, 1).enumerate().map(|(n, image)| UploadFile::of(format!("f{n}"), &image.side(64).object())).collect();
    let nothing = Value::Null;
    let (first, second) = (Upload::begin(here, &ada, &files, &nothing), Upload::begin(here, &ada, &files, &nothing));
    let put = |upload: &Upload, file: &UploadFile| {
        upload.ask("PUT", &format!("/chunk?chunk_index=0&file_id={}", file.id), file.bytes.clone()).expect("an answer")
    };
    assert_eq!((put(&first, &files[0]).status, put(&first, &files[1]).status), (200, 200));
    let (taken, wait) = until_refused(|| put(&second, &files[0]));
    assert_eq!(taken, 18);
    assert!((1..=180).contains(&wait), "one more each three minutes, not after {wait} s");
    assert_eq!(put(&first, &files[0]).status, 429);

    // Everything else of hers goes on, and bob's chunks from the same address.
    let completed = first.ask("POST", "/complete", "").expect("an answer");
    assert_eq!((completed.status, &completed.json()["status"]), (200, &json!("success")), "{}", completed.text());
    let mut others = Upload::begin(here, &bob, &files, &nothing);
    assert!(files.iter().all(|file| others.send(file, 0, &file.bytes)));
    let me = here.try_ask("GET", "/api/v1/auth/me", &[("authorization", &format!("Bearer {ada}"))], "").expect("an answer");
    assert_eq!((me.status, &me.json()["username"]), (200, &json!("ada")));
}
