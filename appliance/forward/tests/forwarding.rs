//! The forwarder over a real buffer, against real receivers.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests end at once when their own machinery fails")]

mod common;

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use common::{Relay, closed_port, orthanc::Orthanc, sha256, sink::Sink, tls::Authority};
use relaypacs_domain::{Clock, DeliveryState, EventKind, FailureCode, HeldReason, ManualClock, ProofKind, ServiceLevel};
use relaypacs_forward::{AuthConfig, AuthKind, DestinationConfig, PausedBy, State};

fn stow(name: &str, url: &str) -> DestinationConfig {
    DestinationConfig::stow(name.parse().unwrap(), url)
}

fn set(shas: Vec<String>) -> BTreeSet<String> {
    shas.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_reaches_a_receiver_and_a_folder_and_the_ledger_says_how() {
    let sink = Sink::start(&[]);
    let target = tempfile::tempdir().unwrap();
    let folder = DestinationConfig::folder("archive".parse().unwrap(), target.path());
    let mut relay = Relay::open(vec![stow("pacs", &sink.url()), folder]).await;
    relay.run();
    let shas = relay.store_study("1.2.3", 30, 50_000, ServiceLevel::Routine).await;
    relay.until_delivered("1.2.3").await;
    assert_eq!(set(sink.stored()), set(shas.clone()));
    for number in 1..=30 {
        let file = target.path().join(format!("1.2.3/1.2.3.1/1.2.3.1.{number}.dcm"));
        let meta = relaypacs_dicom::read_file_meta(&mut std::fs::File::open(&file).unwrap()).unwrap();
        let data = std::fs::read(file).unwrap().split_off(meta.data_set_offset as usize);
        assert_eq!(sha256(&data), shas[number - 1]);
    }
    let states = relay.states("1.2.3");
    assert_eq!(states.len(), 60);
    for (name, state) in states {
        let DeliveryState::Delivered(proof) = state else { panic!("{name}: {state:?}") };
        assert_eq!(proof.kind, if name == "pacs" { ProofKind::Stow } else { ProofKind::File });
    }
    let health = relay.forwarder.destinations();
    assert!(health.iter().all(|h| h.state == State::Up && h.last_delivery.is_some() && h.paused.is_none()), "{health:?}");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_down_harms_no_other_and_gets_everything_when_it_comes() {
    let (sink, port) = (Sink::start(&[]), closed_port());
    let url = format!("http://127.0.0.1:{port}/dcm4chee-arc/aets/DCM4CHEE/rs");
    let mut relay = Relay::open(vec![stow("up", &sink.url()), stow("down", &url)]).await;
    relay.run();
    let shas = relay.store_study("1.2.3", 20, 20_000, ServiceLevel::Routine).await;
    relay
        .until("delivered to the one that is up", |b| {
            b.states("1.2.3").iter().filter(|(name, state)| name == "up" && matches!(state, DeliveryState::Delivered(_))).count() == 20
        })
        .await;
    relay.until("known to be down", |b| b.events().contains(&EventKind::DestinationDown { destination: "down".parse().unwrap() })).await;
    let health = relay.forwarder.destinations();
    assert_eq!((health[0].state, health[1].state), (State::Up, State::Down));
    assert_eq!(health[1].last_error.as_ref().unwrap().code, FailureCode::Connect);
    let late = Sink::start_on(port, &[]);
    relay.until_delivered("1.2.3").await;
    assert_eq!(set(late.stored()), set(shas));
    assert!(relay.events().contains(&EventKind::DestinationUp { destination: "down".parse().unwrap() }));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_an_outage_and_two_restarts_a_stat_study_leaves_first() {
    let port = closed_port();
    let url = format!("http://127.0.0.1:{port}/dcm4chee-arc/aets/DCM4CHEE/rs");
    let down = |b: &Relay| b.forwarder.destinations()[0].state == State::Down;
    let mut relay = Relay::open(vec![stow("pacs", &url)]).await;
    relay.run();
    relay.store_study("1.2.1", 60, 5_000, ServiceLevel::Routine).await;
    relay.until("known to be down", down).await;
    let mut relay = relay.restart().await;
    relay.run();
    relay.store_study("1.2.2", 60, 5_000, ServiceLevel::Emergency).await;
    let mut relay = relay.restart().await;
    relay.run();
    relay.until("known to be down again", down).await;
    relay.store_study("1.2.9", 3, 5_000, ServiceLevel::Stat).await;
    let sink = Sink::start_on(port, &[]);
    for study in ["1.2.9", "1.2.2", "1.2.1"] {
        relay.until_delivered(study).await;
    }
    let order: Vec<String> = sink.records("instance").iter().map(|record| record["study"].as_str().unwrap().to_string()).collect();
    assert_eq!(order.len(), 123, "nothing twice");
    assert_eq!(order[0], "1.2.9", "the very first instance after the outage is of the stat study");
    assert!(order[..20].iter().filter(|study| *study == "1.2.9").count() == 3, "{order:?}");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_pauses_the_destination_and_a_person_lifts_it() {
    let sink = Sink::start(&["--fault", "early:403"]);
    let mut relay = Relay::open(vec![stow("pacs", &sink.url())]).await;
    relay.run();
    relay.store_study("1.2.3", 10, 1_000, ServiceLevel::Routine).await;
    relay.until("paused", |b| matches!(b.forwarder.destinations()[0].paused.as_ref().map(|p| &p.by), Some(PausedBy::Box { .. }))).await;
    let health = &relay.forwarder.destinations()[0];
    assert_eq!((health.state, health.last_error.as_ref().unwrap().code), (State::Down, FailureCode::Http(403)));
    assert_eq!(sink.stored().len(), 0);
    sink.clear();
    assert!(relay.forwarder.resume(&"pacs".parse().unwrap()).await.unwrap());
    relay.until_delivered("1.2.3").await;
    assert_eq!(relay.forwarder.destinations()[0].paused, None);
    assert!(!relay.forwarder.resume(&"unknown".parse().unwrap()).await.unwrap());
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_that_alone_is_refused_is_held_and_the_others_flow() {
    let sink = Sink::start(&["--fault", "early:403,study=1.2.3"]);
    let pacs = || "pacs".parse().unwrap();
    let mut relay = Relay::open(vec![stow("pacs", &sink.url())]).await;
    relay.run();
    relay.store_study("1.2.3", 3, 1_000, ServiceLevel::Stat).await;
    relay.until("paused", |b| matches!(b.forwarder.destinations()[0].paused.as_ref().map(|p| &p.by), Some(PausedBy::Box { .. }))).await;
    relay.store_study("1.2.4", 3, 1_000, ServiceLevel::Routine).await;
    // as after half a minute: one instance is tried, of the other study though the refused one is more urgent and older
    assert!(relay.forwarder.resume(&pacs()).await.unwrap());
    relay.until_delivered("1.2.4").await;
    let held =
        |state: &DeliveryState| matches!(state, DeliveryState::Held(HeldReason::Refused, Some(why)) if why.code == FailureCode::Http(403));
    relay.until("held", |b| b.states("1.2.3").iter().all(|(_, state)| held(state))).await;
    let health = &relay.forwarder.destinations()[0];
    assert_eq!((health.state, &health.paused), (State::Up, &None), "{health:?}");
    relay.store_study("1.2.5", 3, 1_000, ServiceLevel::Routine).await;
    relay.until_delivered("1.2.5").await;
    sink.clear();
    assert_eq!(relay.buffer.retry(&"1.2.3".parse().unwrap(), None).await.unwrap(), 3);
    relay.until_delivered("1.2.3").await;
    // refused as a whole after all: paused, nothing is held
    sink.fault("early:403");
    relay.store_study("1.2.3.9", 3, 1_000, ServiceLevel::Routine).await;
    relay.until("paused again", |b| b.forwarder.destinations()[0].paused.is_some()).await;
    assert!(relay.states("1.2.3.9").iter().all(|(_, state)| matches!(state, DeliveryState::Queued | DeliveryState::Retrying(_))));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_or_certificate_keeps_one_destination_down_until_it_is_there() {
    let (sink, other, authority) = (Sink::start(&["--auth", "basic:box:geheim"]), Sink::start(&[]), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let (password, ca) = (folder.path().join("password"), folder.path().join("ca.pem"));
    let front = authority.front(other.port, false).await;
    let auth =
        AuthConfig { kind: AuthKind::Basic, user: Some("box".into()), password_file: Some(password.clone()), ..AuthConfig::default() };
    let secured = DestinationConfig { auth, ..stow("secured", &sink.url()) };
    let tls =
        DestinationConfig { ca_file: Some(ca.clone()), ..stow("tls", &format!("https://127.0.0.1:{front}/dcm4chee-arc/aets/DCM4CHEE/rs")) };
    let mut relay = Relay::open(vec![secured, tls, stow("plain", &other.url())]).await;
    for (number, file) in [&password, &ca].into_iter().enumerate() {
        let health = &relay.forwarder.destinations()[number];
        let why = health.last_error.as_ref().unwrap();
        assert_eq!((health.state, why.code), (State::Down, FailureCode::Configuration), "before anything was tried");
        assert!(why.detail.contains(file.to_str().unwrap()), "{why:?}");
        let echo = relay.forwarder.echo(&health.name).await.unwrap();
        assert_eq!(echo.failed_step().map(|step| step.step), Some(["auth", "tls"][number]));
    }
    relay.run();
    relay.store_study("1.2.3", 4, 1_000, ServiceLevel::Routine).await;
    let delivered = |b: &Relay, to: &str| {
        b.states("1.2.3").iter().filter(|(name, state)| name == to && matches!(state, DeliveryState::Delivered(_))).count()
    };
    relay.until("the third has it", |b| delivered(b, "plain") == 4).await;
    std::fs::write(&password, "geheim").unwrap();
    relay.until("the first has it", |b| delivered(b, "secured") == 4).await;
    assert_eq!(delivered(&relay, "tls"), 0);
    std::fs::copy(authority.ca_file(), &ca).unwrap();
    relay.until_delivered("1.2.3").await;
    assert!(relay.forwarder.destinations().iter().all(|health| health.state == State::Up));
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_pause_lasts_over_restarts_until_it_is_lifted() {
    let sink = Sink::start(&[]);
    let target = tempfile::tempdir().unwrap();
    let folder = DestinationConfig::folder("archive".parse().unwrap(), target.path());
    let relay = Relay::open(vec![stow("pacs", &sink.url()), folder]).await;
    assert!(relay.forwarder.pause(&"pacs".parse().unwrap()).await.unwrap());
    let mut relay = relay.restart().await;
    relay.run();
    relay.store_study("1.2.3", 5, 1_000, ServiceLevel::Stat).await;
    relay
        .until("delivered to the folder", |b| {
            b.states("1.2.3").iter().filter(|(name, state)| name == "archive" && matches!(state, DeliveryState::Delivered(_))).count() == 5
        })
        .await;
    assert_eq!(sink.requests(), 0);
    assert_eq!(relay.forwarder.destinations()[0].paused.as_ref().unwrap().by, PausedBy::Operator);
    assert!(relay.forwarder.resume(&"pacs".parse().unwrap()).await.unwrap());
    relay.until_delivered("1.2.3").await;
    let mut relay = relay.restart().await;
    assert_eq!(relay.forwarder.destinations()[0].paused, None, "what was lifted stays lifted");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_versions_of_one_uid_are_kept_apart() {
    let sink = Sink::keeping(&[]);
    let target = tempfile::tempdir().unwrap();
    let folder = DestinationConfig::folder("archive".parse().unwrap(), target.path());
    let mut relay = Relay::open(vec![stow("pacs", &sink.url()), folder]).await;
    relay.store("1.2.3", 1, b"first version", ServiceLevel::Routine).await;
    let (_, second) = relay.store("1.2.3", 1, b"other version", ServiceLevel::Routine).await;
    relay.run();
    relay
        .until("both settled", |b| {
            let done = |state: &DeliveryState| matches!(state, DeliveryState::Delivered(_) | DeliveryState::Held(..));
            let states = b.states("1.2.3");
            states.len() == 4 && states.iter().all(|(_, state)| done(state))
        })
        .await;
    let held: Vec<_> = relay
        .states("1.2.3")
        .into_iter()
        .filter(|(_, state)| matches!(state, DeliveryState::Held(HeldReason::OtherVersionAtPacs, _)))
        .collect();
    assert_eq!(held.len(), 1, "the receiver keeps the first silently: {:?}", relay.states("1.2.3"));
    assert_eq!(held[0].0, "pacs");
    let hex = &sha256(&second)[..8];
    assert!(target.path().join("1.2.3/1.2.3.1/1.2.3.1.1.dcm").exists());
    assert!(target.path().join(format!("1.2.3/1.2.3.1/1.2.3.1.1.{hex}.dcm")).exists());
    assert!(sink.records("request").iter().all(|request| request["parts"] == 1), "never both in one request");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destination_that_is_away_beyond_the_horizon_has_its_work_held_and_gets_it_when_asked() {
    let (hand, port) = (Arc::new(ManualClock::default()), closed_port());
    let url = format!("http://127.0.0.1:{port}/dcm4chee-arc/aets/DCM4CHEE/rs");
    let mut relay = Relay::open_at(Clock::manual(hand.clone()), vec![stow("pacs", &url)]).await;
    relay.run();
    relay.store_study("1.2.3", 20, 1_000, ServiceLevel::Routine).await;
    relay.until("known to be down", |b| b.forwarder.destinations()[0].state == State::Down).await;
    hand.advance(Duration::from_hours(6 * 24));
    relay.store_study("1.2.4", 5, 1_000, ServiceLevel::Stat).await;
    hand.advance(Duration::from_hours(2 * 24));
    let held = |state: &DeliveryState| matches!(state, DeliveryState::Held(HeldReason::RetryHorizon, _));
    relay.until("held", |b| b.states("1.2.3").iter().all(|(_, state)| held(state))).await;
    assert!(!relay.states("1.2.4").iter().any(|(_, state)| held(state)), "the younger study waits on");
    // however many younger and more urgent studies wait
    for number in 0..40 {
        relay.store(&format!("1.2.8.{number}"), 1, b"young", ServiceLevel::Stat).await;
    }
    relay.store("1.2.7", 1, b"becomes old", ServiceLevel::Routine).await;
    hand.advance(Duration::from_hours(6 * 24));
    for number in 40..80 {
        relay.store(&format!("1.2.8.{number}"), 1, b"young", ServiceLevel::Stat).await;
    }
    hand.advance(Duration::from_hours(2 * 24));
    relay.until("held behind urgent ones", |b| b.states("1.2.7").iter().all(|(_, state)| held(state))).await;
    assert!(!relay.states("1.2.8.41").iter().any(|(_, state)| held(state)));
    let _sink = Sink::start_on(port, &[]);
    relay.until_delivered("1.2.8.41").await;
    relay.until_delivered("1.2.8.79").await;
    assert_eq!(relay.states("1.2.3").iter().filter(|(_, state)| held(state)).count(), 20, "what is held is not sent by itself");
    assert_eq!(relay.buffer.retry(&"1.2.3".parse().unwrap(), None).await.unwrap(), 20);
    relay.until_delivered("1.2.3").await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_study_that_trickles_in_is_not_sent_one_by_one() {
    let sink = Sink::start(&[]);
    let mut relay = Relay::open(vec![stow("pacs", &sink.url())]).await;
    relay.run();
    relay.store_study("1.2.3", 200, 2_000, ServiceLevel::Routine).await;
    relay.until_delivered("1.2.3").await;
    let requests = sink.requests();
    assert!(requests <= 60, "{requests} requests for 200 instances");
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orthanc_gives_back_what_came_in() {
    let client = plain_client();
    let orthanc = Orthanc::start(&client).await;
    let mut relay = Relay::open(vec![stow("orthanc", &orthanc.url())]).await;
    let echo = relay.forwarder.echo(&"orthanc".parse().unwrap()).await.unwrap();
    assert!(echo.ok(), "{echo:?}");
    relay.run();
    let shas = relay.store_study("1.2.826.0.1.3680043.9.7.1", 25, 40_000, ServiceLevel::Routine).await;
    relay.until_delivered("1.2.826.0.1.3680043.9.7.1").await;
    let ids: Vec<String> = client.get(orthanc.rest("/instances")).send().await.unwrap().json().await.unwrap();
    let mut back = BTreeSet::new();
    for id in ids {
        let file = client.get(orthanc.rest(&format!("/instances/{id}/file"))).send().await.unwrap().bytes().await.unwrap();
        let meta = relaypacs_dicom::read_file_meta(&mut file.as_ref()).unwrap();
        back.insert(sha256(&file[meta.data_set_offset as usize..]));
    }
    assert_eq!(back, set(shas));
    // a later version: Orthanc keeps the old one; the box finds out by retrieving it
    relay.store("1.2.826.0.1.3680043.9.7.1", 1, b"other bytes", ServiceLevel::Stat).await;
    relay
        .until("held", |b| {
            b.states("1.2.826.0.1.3680043.9.7.1")
                .iter()
                .any(|(_, state)| matches!(state, DeliveryState::Held(HeldReason::OtherVersionAtPacs, _)))
        })
        .await;
    relay.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_with_an_own_authority_and_a_client_certificate() {
    let (sink, authority) = (Sink::start(&[]), Authority::new());
    let (cert_file, key_file) = authority.leaf("box");
    let own_ca = |port: u16| DestinationConfig {
        ca_file: Some(authority.ca_file()),
        ..stow("pacs", &format!("https://127.0.0.1:{port}/dcm4chee-arc/aets/DCM4CHEE/rs"))
    };
    let certificate =
        AuthConfig { kind: AuthKind::Certificate, cert_file: Some(cert_file), key_file: Some(key_file), ..AuthConfig::default() };
    let (plain, mutual) = (authority.front(sink.port, false).await, authority.front(sink.port, true).await);

    for (number, config) in [own_ca(plain), DestinationConfig { auth: certificate, ..own_ca(mutual) }].into_iter().enumerate() {
        let mut relay = Relay::open(vec![config]).await;
        let echo = relay.forwarder.echo(&"pacs".parse().unwrap()).await.unwrap();
        assert_eq!(
            echo.steps.iter().map(|s| (s.step, s.ok)).collect::<Vec<_>>(),
            [("dns", true), ("tcp", true), ("tls", true), ("auth", true), ("service", true)]
        );
        relay.run();
        let study = format!("1.2.{number}");
        relay.store_study(&study, 5, 100_000, ServiceLevel::Routine).await;
        relay.until_delivered(&study).await;
        relay.stop().await;
    }
    // an authority that is not trusted, and a client without the certificate that is asked for
    let stranger = DestinationConfig { ca_file: Some(Authority::new().ca_file_kept()), ..own_ca(plain) };
    for (config, failing) in [(stranger, &["tls"][..]), (own_ca(mutual), &["tls", "auth", "service"][..])] {
        let mut relay = Relay::open(vec![config]).await;
        let echo = relay.forwarder.echo(&"pacs".parse().unwrap()).await.unwrap();
        assert!(failing.contains(&echo.failed_step().unwrap().step), "{echo:?}");
        relay.run();
        relay.store_study("1.2.9", 1, 10, ServiceLevel::Routine).await;
        relay.until("down", |b| b.forwarder.destinations()[0].state == State::Down).await;
        relay.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn echo_names_the_first_failing_step() {
    let sink = Sink::start(&["--auth", "basic:box:geheim"]);
    let check = async |url: String, failing: &str| {
        let config = DestinationConfig { connect_timeout: Duration::from_millis(500), ..stow("pacs", &url) };
        let relay = Relay::open(vec![config]).await;
        let echo = relay.forwarder.echo(&"pacs".parse().unwrap()).await.unwrap();
        assert_eq!(echo.failed_step().map(|step| step.step), Some(failing), "{echo:?}");
        assert!(relay.forwarder.echo(&"other".parse().unwrap()).await.is_none());
    };
    check("http://no-such-host.invalid".into(), "dns").await;
    check(format!("http://127.0.0.1:{}", closed_port()), "tcp").await;
    check(format!("https://127.0.0.1:{}", sink.port), "tls").await;
    check(sink.url(), "auth").await;
    let open = Sink::start(&["--fault", "qido:404"]);
    check(open.url(), "service").await;
}

fn plain_client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder().tls_backend_preconfigured(tls).timeout(Duration::from_secs(30)).build().unwrap()
}
