//! Every row of the answer table and every rule against the real receiver process.

use std::fs;

use relaypacs_domain::{Clock, Identity};

use super::*;
use crate::{
    auth::Authorizer,
    backoff::RetryConfig,
    config::Auth,
    limiter::Limiter,
    testing::{Memory, data_set, identity, sha256, sink::Sink},
    transport::{self, TransportOptions},
};

const STUDY: &str = "1.2.826.1";
const SERIES: &str = "1.2.826.1.1";

/// One destination and the instances it is sent.
struct Bench {
    name: DestinationName,
    service: Service,
    backoff: Backoff,
    size: BatchSize,
    metrics: Metrics,
    contents: Memory,
    verify: Verify,
}

impl Bench {
    fn new(url: &str) -> Self {
        Self::with(url, Auth::None, Duration::from_secs(20))
    }

    fn with(url: &str, auth: Auth, stall_timeout: Duration) -> Self {
        let options = TransportOptions { connections: 4, connect_timeout: Duration::from_secs(5), stall_timeout };
        let service = Service::new(url.parse().unwrap(), Authorizer::new(auth), transport::no_tls().unwrap(), options);
        Self {
            name: "pacs".parse().unwrap(),
            service: service.unwrap(),
            backoff: Backoff::new(RetryConfig::default()).unwrap(),
            size: BatchSize::new(64 << 20),
            metrics: Metrics::default(),
            contents: Memory::default(),
            verify: Verify::None,
        }
    }

    fn verifying(url: &str, verify: Verify) -> Self {
        Self { verify, ..Self::new(url) }
    }

    fn destination(&self) -> StowDestination<'_> {
        let Self { name, service, backoff, size, metrics, verify, .. } = self;
        StowDestination { name, service, backoff, size, metrics, verify: *verify }
    }

    /// `count` instances of one series with `payload` bytes each.
    fn instances(&mut self, count: u64, payload: usize) -> Vec<Item> {
        (1..=count).map(|n| self.instance(n, &format!("{SERIES}.{n}"), &vec![n as u8; payload])).collect()
    }

    fn instance(&mut self, object: u64, sop: &str, payload: &[u8]) -> Item {
        let data = data_set(STUDY, SERIES, sop, payload);
        self.contents = std::mem::take(&mut self.contents).with(object, &data);
        let identity: Identity = identity(STUDY, SERIES, sop);
        let part = Part { object: ObjectId(object), identity, bytes: data.len() as u64, sha256: sha256(&data) };
        Item { part, attempts: 0, last_failure: None, pending_for: Duration::ZERO, later_version: false, other_versions: false }
    }

    async fn deliver(&self, items: &[Item]) -> Outcome {
        let to = self.destination();
        let sending = Sending { contents: Arc::new(self.contents.clone()), limit: None, clock: Clock::system() };
        let mut outcome = to.deliver(items.to_vec(), Some(STUDY.parse().unwrap()), &sending).await;
        outcome.verdicts.sort_by_key(|(object, _)| *object);
        outcome
    }
}

/// What the next attempt knows of the last one.
fn after(items: &[Item], outcome: &Outcome) -> Vec<Item> {
    let failed = |item: &Item| {
        outcome.verdicts.iter().find_map(|(object, verdict)| match verdict {
            Verdict::Retry { failure, .. } if *object == item.part.object => Some(failure.code),
            _ => None,
        })
    };
    let again = |item: &Item| failed(item).map(|code| Item { attempts: item.attempts + 1, last_failure: Some(code), ..item.clone() });
    items.iter().filter_map(again).collect()
}

/// Verdicts in few words: `stow`, `qido`, `retrieve`, `retry:<code>`, `held:<reason>:<code>`.
fn words(outcome: &Outcome) -> Vec<String> {
    let word = |verdict: &Verdict| match verdict {
        Verdict::Proven(proof) => format!("{:?}", proof.kind).to_lowercase(),
        Verdict::Retry { failure, .. } => format!("retry:{}", failure.code.name()),
        Verdict::Hold(reason, failure) => format!("held:{}:{}", reason.as_str(), failure.code.name()),
    };
    outcome.verdicts.iter().map(|(_, verdict)| word(verdict)).collect()
}

/// Three instances to a receiver with these arguments: the verdicts, the signal, and how many requests it took.
async fn check(arguments: &[&str], expected: [&str; 3], signal: Signal, requests: usize) {
    let sink = Sink::start(arguments);
    let mut bench = Bench::new(&sink.url());
    let items = bench.instances(3, 1000);
    let outcome = bench.deliver(&items).await;
    assert_eq!((words(&outcome), outcome.signal), (expected.map(String::from).to_vec(), signal), "{arguments:?}: {outcome:?}");
    assert_eq!(sink.requests(), requests, "{arguments:?}");
}

const FLAVOURS: [&str; 6] = ["dcm4chee", "orthanc", "orthanc17", "google", "microsoft", "aws"];

#[tokio::test]
async fn every_receiver_takes_our_requests_as_they_must_be() {
    for flavour in FLAVOURS {
        let sink = Sink::start(&["--flavour", flavour]);
        let mut bench = Bench::new(&sink.url());
        let items = [bench.instances(3, 100_000), vec![bench.instance(4, "1.2.826.1.1.4", b"odd")]].concat();
        let outcome = bench.deliver(&items).await;
        assert_eq!(words(&outcome), ["stow"; 4], "{flavour}");
        let shas: Vec<String> = items.iter().map(|item| item.part.sha256.to_string()).collect();
        assert_eq!(sink.stored(), shas, "{flavour}: not a byte is altered");
        let [request] = &sink.records("request")[..] else { panic!("one request") };
        assert_eq!(request["chunked"], false);
        assert_eq!(request["content_length"], request["bytes"]);
        assert_eq!(request["accept"], "application/dicom+json");
        assert!(request["path"].as_str().unwrap().ends_with(&format!("/studies/{STUDY}")));
        assert!(request["type"].as_str().unwrap().starts_with("multipart/related; type=\"application/dicom\"; boundary="));
        assert!(sink.records("instance").iter().all(|part| part["part_type"] == "application/dicom"));
    }
}

#[tokio::test]
async fn rule_1_and_2_each_instance_is_judged_by_its_own_entry() {
    for flavour in FLAVOURS {
        let args = |fault| ["--flavour", flavour, "--fault", fault].map(String::from);
        for (fault, word) in [
            ("fail:A700,times=1", "retry:dicom-A700"),
            ("fail:0110,times=1", "retry:dicom-0110"),
            ("fail:0124,times=1", "retry:dicom-0124"),
            ("fail:C122,times=1", "held:refused:dicom-C122"),
            ("fail:A900,times=1", "held:refused:dicom-A900"),
            ("fail:0122,times=1", "held:refused:dicom-0122"),
        ] {
            let args = args(fault);
            check(&args.each_ref().map(String::as_str), [word, "stow", "stow"], Signal::Proof, 1).await;
        }
    }
}

#[tokio::test]
async fn rule_1_a_status_alone_proves_nothing() {
    check(&["--fault", "fail:A700"], ["retry:dicom-A700"; 3], Signal::Failed, 1).await;
    check(&["--fault", "fail:C000"], ["held:refused:dicom-C000"; 3], Signal::Judged, 1).await;
    // 200 with empty lists: sent alone twice in vain, then the rest waits
    check(&["--fault", "empty"], ["retry:not-named"; 3], Signal::Failed, 3).await;
    check(&["--fault", "html"], ["retry:answer"; 3], Signal::Failed, 3).await;
}

#[tokio::test]
async fn rule_3_named_in_neither_is_sent_alone_then_asked_for() {
    check(&["--fault", "unlisted,times=1"], ["stow"; 3], Signal::Proof, 2).await;
    check(&["--fault", "unlisted,times=1,sticky"], ["retry:not-named", "stow", "stow"], Signal::Proof, 2).await;
    check(&["--fault", "stored-unlisted,times=1,sticky"], ["qido", "stow", "stow"], Signal::Proof, 2).await;
    check(&["--fault", "empty,times=1"], ["stow"; 3], Signal::Proof, 4).await;
    check(&["--fault", "html,times=1"], ["stow"; 3], Signal::Proof, 4).await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_asked_for_before_anything_is_sent_again() {
    check(&["--fault", "no-body,times=1"], ["qido"; 3], Signal::Proof, 1).await;
    check(&["--fault", "cut-answer,times=1"], ["qido"; 3], Signal::Proof, 1).await;
    check(&["--fault", "no-body,times=1", "--fault", "qido:404"], ["stow"; 3], Signal::Proof, 4).await;
}

#[tokio::test]
async fn rule_4_what_concerns_the_destination_stops_it_and_keeps_everything() {
    for status in ["401", "403", "404", "415"] {
        let word = format!("retry:http-{status}");
        for way in ["early", "status"] {
            check(&["--fault", &format!("{way}:{status}")], [word.as_str(); 3], Signal::Refused, 1).await;
        }
    }
    let busy = Signal::Busy(Duration::from_secs(7));
    check(&["--fault", "status:503,retry-after=7"], ["retry:http-503"; 3], busy, 1).await;
    check(&["--fault", "early:429,retry-after=7"], ["retry:http-429"; 3], busy, 1).await;
    check(&["--fault", "status:503"], ["retry:http-503"; 3], Signal::Busy(Duration::from_secs(5)), 1).await;
    check(&["--fault", "status:500"], ["retry:http-500"; 3], Signal::Failed, 1).await;
}

#[tokio::test]
async fn rule_4_early_answers_to_large_requests_are_read() {
    for (fault, word, signal) in
        [("early:401", "retry:http-401", Signal::Refused), ("early:503", "retry:http-503", Signal::Busy(Duration::from_secs(5)))]
    {
        let sink = Sink::start(&["--fault", fault]);
        let mut bench = Bench::new(&sink.url());
        let items = bench.instances(3, 8 << 20);
        let outcome = bench.deliver(&items).await;
        assert_eq!((words(&outcome), outcome.signal), (vec![word.to_string(); 3], signal), "{fault}: {outcome:?}");
    }
}

#[tokio::test]
async fn rule_4_too_large_is_split_and_one_that_is_too_large_alone_is_held() {
    for payload in [20_000usize, 2_000_000] {
        let sink = Sink::start(&["--fault", &format!("limit:{}", payload * 2)]);
        let mut bench = Bench::new(&sink.url());
        let mut items = bench.instances(5, payload);
        items.push(bench.instance(6, "1.2.826.1.1.6", &vec![6; payload * 3]));
        let outcome = bench.deliver(&items).await;
        let expected = ["stow", "stow", "stow", "stow", "stow", "held:too_large:http-413"];
        assert_eq!(words(&outcome), expected, "{outcome:?}");
        assert_eq!(sink.stored().len(), 5);
    }
}

#[tokio::test]
async fn an_unknown_outcome_is_asked_for_at_the_next_attempt() {
    for fault in ["reset-answer,times=1", "stall:3,times=1"] {
        let sink = Sink::start(&["--fault", fault]);
        let mut bench = Bench::with(&sink.url(), Auth::None, Duration::from_millis(700));
        let items = bench.instances(6, 1000);
        let outcome = bench.deliver(&items).await;
        assert_eq!((words(&outcome), outcome.signal), (vec!["retry:line".to_string(); 6], Signal::Failed), "{fault}: {outcome:?}");
        let outcome = bench.deliver(&after(&items, &outcome)).await;
        assert_eq!(words(&outcome), ["qido"; 6], "{fault}");
        assert_eq!(sink.records("instance").len(), 6, "{fault}: nothing is sent twice");
    }
}

#[tokio::test]
async fn a_request_that_breaks_halves_the_next_and_what_arrived_is_not_sent_again() {
    let sink = Sink::start(&["--fault", "crash-after:2,times=1"]);
    let mut bench = Bench::new(&sink.url());
    let items = bench.instances(4, 200_000);
    let outcome = bench.deliver(&items).await;
    assert_eq!(words(&outcome), ["retry:http-500"; 4]);
    assert!(bench.size.current() < 500_000, "{}", bench.size.current());
    let outcome = bench.deliver(&after(&items, &outcome)).await;
    assert_eq!(words(&outcome), ["qido", "qido", "stow", "stow"]);
    assert_eq!(sink.stored().len(), 4);

    let sink = Sink::start(&["--fault", "reset-after:300000,times=1"]);
    let mut bench = Bench::new(&sink.url());
    let items = bench.instances(4, 200_000);
    let outcome = bench.deliver(&items).await;
    assert_eq!((words(&outcome), outcome.signal), (vec!["retry:line".to_string(); 4], Signal::Failed));
    let outcome = bench.deliver(&after(&items, &outcome)).await;
    assert_eq!(words(&outcome), ["qido", "stow", "stow", "stow"]);
}

#[tokio::test]
async fn nobody_at_home_is_told_apart_and_nothing_is_claimed_sent() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut bench = Bench::new(&format!("http://127.0.0.1:{port}"));
    let items = bench.instances(2, 10);
    let outcome = bench.deliver(&items).await;
    assert_eq!((words(&outcome), outcome.signal), (vec!["retry:connect".to_string(); 2], Signal::Unreachable));
    let [(_, Verdict::Retry { after, .. }), _] = outcome.verdicts.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(*after, Duration::ZERO, "the breaker waits, not each instance");
}

#[tokio::test]
async fn a_study_that_differs_from_the_url_is_refused_for_good() {
    for (flavour, word) in [("dcm4chee", "held:refused:dicom-C409"), ("orthanc", "retry:dicom-0110"), ("orthanc17", "retry:dicom-0110")] {
        let sink = Sink::start(&["--flavour", flavour]);
        let mut bench = Bench::new(&sink.url());
        let mut items = bench.instances(2, 10);
        let other = data_set("9.9", SERIES, "1.2.826.1.1.1", b"x");
        bench.contents = bench.contents.with(1, &other);
        items[0].part.bytes = other.len() as u64;
        assert_eq!(words(&bench.deliver(&items).await), [word, "stow"], "{flavour}");
    }
}

#[tokio::test]
async fn a_duplicate_is_compared_where_the_receiver_refuses_it() {
    for (flavour, again, other) in [
        ("dcm4chee", "stow", "stow"), // old bytes kept silently: rule 1 is all there is without a known older version
        ("orthanc", "stow", "stow"),
        ("google", "stow", "held:other_version_at_pacs:other-bytes"),
        ("microsoft", "retrieve", "held:other_version_at_pacs:other-bytes"),
    ] {
        let sink = Sink::keeping(&["--flavour", flavour]);
        let mut bench = Bench::new(&sink.url());
        let items = bench.instances(1, 1000);
        assert_eq!(words(&bench.deliver(&items).await), ["stow"]);
        assert_eq!(words(&bench.deliver(&items).await), [again], "{flavour}");
        let changed = bench.instance(2, "1.2.826.1.1.1", b"other bytes");
        assert_eq!(words(&bench.deliver(&[changed]).await), [other], "{flavour}");
    }
    let sink = Sink::start(&["--flavour", "microsoft"]); // without WADO-RS it cannot be compared
    let mut bench = Bench::new(&sink.url());
    let items = bench.instances(1, 1000);
    bench.deliver(&items).await;
    assert_eq!(words(&bench.deliver(&items).await), ["held:refused:dicom-B00E"]);
}

#[tokio::test]
async fn a_later_version_is_proven_by_its_bytes_only() {
    let later = |bench: &mut Bench, payload: &[u8]| Item {
        later_version: true,
        other_versions: true,
        ..bench.instance(2, "1.2.826.1.1.1", payload)
    };
    // the receiver lists it as stored but keeps the old one
    let sink = Sink::keeping(&[]);
    let mut bench = Bench::new(&sink.url());
    let items = bench.instances(1, 1000);
    bench.deliver(&items).await;
    let version = later(&mut bench, b"other bytes");
    assert_eq!(words(&bench.deliver(std::slice::from_ref(&version)).await), ["held:other_version_at_pacs:other-bytes"]);
    // the receiver never had the old one
    let sink = Sink::keeping(&[]);
    let mut bench = Bench::new(&sink.url());
    let version = later(&mut bench, b"other bytes");
    assert_eq!(words(&bench.deliver(std::slice::from_ref(&version)).await), ["retrieve"]);
    // an unknown outcome is not settled by a query for the UID
    let sink = Sink::keeping(&["--fault", "reset-answer,skip=1,times=1"]);
    let mut bench = Bench::new(&sink.url());
    let items = bench.instances(1, 1000);
    bench.deliver(&items).await;
    let version = [later(&mut bench, b"other bytes")];
    let outcome = bench.deliver(&version).await;
    assert_eq!(words(&outcome), ["retry:line"]);
    assert_eq!(words(&bench.deliver(&after(&version, &outcome)).await), ["held:other_version_at_pacs:other-bytes"]);
    // no retrieval, no proof
    let sink = Sink::start(&[]);
    let mut bench = Bench::new(&sink.url());
    let version = later(&mut bench, b"other bytes");
    assert_eq!(words(&bench.deliver(&[version]).await), ["held:other_version_at_pacs:other-bytes"]);
}

#[tokio::test]
async fn an_older_version_that_is_retried_is_not_proven_by_its_uid() {
    let older = |bench: &mut Bench, last: FailureCode| Item {
        other_versions: true,
        attempts: 1,
        last_failure: Some(last),
        ..bench.instance(2, "1.2.826.1.1.1", b"older bytes")
    };
    // the younger one was sent meanwhile: neither a query for the UID nor a place in the answer's list is about the older one
    for last in [FailureCode::Line, FailureCode::Dicom(0xA700)] {
        let sink = Sink::keeping(&[]);
        let mut bench = Bench::new(&sink.url());
        let younger = bench.instances(1, 1000);
        bench.deliver(&younger).await;
        let version = older(&mut bench, last);
        assert_eq!(words(&bench.deliver(&[version]).await), ["held:other_version_at_pacs:other-bytes"], "{last:?}");
    }
    // it had arrived at its first attempt
    let sink = Sink::keeping(&["--fault", "reset-answer,times=1"]);
    let mut bench = Bench::new(&sink.url());
    let first = [Item { other_versions: true, ..bench.instance(1, "1.2.826.1.1.1", b"older bytes") }];
    let outcome = bench.deliver(&first).await;
    assert_eq!(words(&outcome), ["retry:line"]);
    assert_eq!(words(&bench.deliver(&after(&first, &outcome)).await), ["retrieve"]);
    assert_eq!(sink.requests(), 1, "not sent twice");
    // at its first attempt no younger one can have been sent: even without WADO-RS it is proven as any other
    let sink = Sink::start(&[]);
    let mut bench = Bench::new(&sink.url());
    let first = [Item { other_versions: true, ..bench.instance(1, "1.2.826.1.1.1", b"older bytes") }];
    assert_eq!(words(&bench.deliver(&first).await), ["stow"]);
    // without WADO-RS a retried one is held, never taken for the other
    let version = older(&mut bench, FailureCode::Line);
    assert_eq!(words(&bench.deliver(&[version]).await), ["held:other_version_at_pacs:other-bytes"]);
}

#[test]
fn what_the_box_cannot_read_now_does_not_make_the_destination_look_down() {
    let verdict = |code| (ObjectId(1), Verdict::Retry { failure: Failure::new(code, "x"), after: Duration::ZERO });
    assert!(!service_fails(&vec![verdict(FailureCode::Unreadable); 10]));
    assert!(service_fails(&vec![verdict(FailureCode::NotNamed); 3]));
}

#[tokio::test]
async fn what_the_disk_lost_is_held_and_the_others_leave() {
    let sink = Sink::start(&[]);
    let mut bench = Bench::new(&sink.url());
    let mut items = bench.instances(3, 500_000);
    items[1].part.object = ObjectId(77); // not in memory
    let outcome = bench.deliver(&items).await;
    assert_eq!(words(&outcome), ["stow", "stow", "held:unreadable:unreadable"], "{outcome:?}");
}

#[tokio::test]
async fn credentials_are_fetched_shown_and_renewed() {
    let folder = tempfile::tempdir().unwrap();
    let secret = |name: &str, text: &str| {
        let file = folder.path().join(name);
        fs::write(&file, text).unwrap();
        file
    };
    let sink = Sink::start(&["--auth", "bearer", "--token-ttl", "300"]);
    let oauth2 = Auth::Oauth2 {
        token_url: format!("http://127.0.0.1:{}/token", sink.port).parse().unwrap(),
        client_id: "box".into(),
        client_secret_file: secret("client", "geheim"),
        scope: Some("store".into()),
    };
    let mut bench = Bench::with(&sink.url(), oauth2, Duration::from_secs(20));
    let items = bench.instances(2, 1000);
    assert_eq!(words(&bench.deliver(&items).await), ["stow"; 2]);
    sink.fault("early:401,times=1"); // as if the token had been withdrawn
    assert_eq!(words(&bench.deliver(&items).await), ["stow"; 2], "renewed once");
    sink.fault("fail:0124,times=1");
    assert_eq!(words(&bench.deliver(&items).await), ["stow"; 2], "renewed once for one instance");
    sink.fault("early:401");
    let outcome = bench.deliver(&items).await;
    assert_eq!((words(&outcome), outcome.signal), (vec!["retry:http-401".to_string(); 2], Signal::Refused));

    let wrong = Auth::Bearer { token_file: secret("token", "stolen") };
    let mut bench = Bench::with(&sink.url(), wrong, Duration::from_secs(20));
    let items = bench.instances(1, 1000);
    assert_eq!(bench.deliver(&items).await.signal, Signal::Refused);

    let sink = Sink::start(&["--auth", "basic:box:geheim"]);
    let basic = Auth::Basic { user: "box".into(), password_file: secret("password", "geheim\n") };
    let mut bench = Bench::with(&sink.url(), basic, Duration::from_secs(20));
    let items = bench.instances(1, 1000);
    assert_eq!(words(&bench.deliver(&items).await), ["stow"]);
    assert!(!format!("{:?}", bench.service).contains("geheim"));
}

#[tokio::test]
async fn beyond_the_horizon_it_is_held() {
    let sink = Sink::start(&["--fault", "fail:A700"]);
    let mut bench = Bench::new(&sink.url());
    let mut items = bench.instances(2, 10);
    items[0].pending_for = Duration::from_hours(192);
    assert_eq!(words(&bench.deliver(&items).await), ["held:retry_horizon:dicom-A700", "retry:dicom-A700"]);
}

#[tokio::test]
async fn one_odd_instance_does_not_make_the_destination_look_down() {
    for (fault, signal) in
        [("fail:0110", Signal::Judged), ("unlisted", Signal::Judged), ("fail:A700", Signal::Failed), ("html", Signal::Failed)]
    {
        let sink = Sink::start(&["--fault", fault]);
        let mut bench = Bench::new(&sink.url());
        let items = bench.instances(1, 10);
        assert_eq!(bench.deliver(&items).await.signal, signal, "{fault}");
    }
}

#[tokio::test]
async fn a_suspect_goes_alone_and_harms_no_other() {
    let sink = Sink::start(&[]);
    let mut bench = Bench::new(&sink.url());
    let mut items = bench.instances(4, 10);
    items[2].last_failure = Some(FailureCode::NotNamed);
    assert_eq!(words(&bench.deliver(&items).await), ["stow"; 4]);
    let parts: Vec<_> = sink.records("request").iter().map(|request| request["parts"].as_u64().unwrap()).collect();
    assert_eq!(parts, [3, 1]);
}

#[tokio::test]
async fn a_limited_line_is_not_taken_for_a_stall() {
    let sink = Sink::start(&[]);
    let mut bench = Bench::with(&sink.url(), Auth::None, Duration::from_millis(300));
    let items = bench.instances(2, 100_000);
    let limiter = Arc::new(Limiter::new(200_000.0));
    let sending = Sending {
        contents: Arc::new(bench.contents.clone()),
        limit: Some((limiter, crate::limiter::Lane::Ordinary)),
        clock: Clock::system(),
    };
    let outcome = bench.destination().deliver(items, Some(STUDY.parse().unwrap()), &sending).await;
    assert_eq!(words(&outcome), ["stow"; 2]);
}

#[tokio::test]
async fn rule_7_what_is_named_as_stored_counts_when_it_is_found_there() {
    for (verify, word) in [(Verify::Qido, "qido"), (Verify::Retrieve, "retrieve")] {
        for flavour in FLAVOURS {
            let sink = Sink::keeping(&["--flavour", flavour]);
            let mut bench = Bench::verifying(&sink.url(), verify);
            let items = bench.instances(7, 1000);
            let outcome = bench.deliver(&items).await;
            assert_eq!((words(&outcome), outcome.signal), (vec![word.to_string(); 7], Signal::Proof), "{flavour}: {outcome:?}");
            let (_, Verdict::Proven(proof)) = &outcome.verdicts[0] else { panic!("{outcome:?}") };
            assert!(proof.detail.starts_with("named in ReferencedSOPSequence, HTTP 200, and "), "{}", proof.detail);
            assert_eq!(sink.requests(), 1);
        }
    }
}

#[tokio::test]
async fn rule_7_a_receiver_that_says_stored_and_has_not_is_noticed() {
    for verify in [Verify::Qido, Verify::Retrieve] {
        // it threw two of seven away: they are tried again, and arrive once it does its work
        let sink = Sink::keeping(&["--fault", "listed-not-stored,times=2"]);
        let mut bench = Bench::verifying(&sink.url(), verify);
        let items = bench.instances(7, 1000);
        let outcome = bench.deliver(&items).await;
        let failed = words(&outcome).into_iter().filter(|word| word == "retry:not-verified").count();
        assert_eq!((failed, outcome.signal), (2, Signal::Proof), "{verify:?}: {outcome:?}");
        let outcome = bench.deliver(&after(&items, &outcome)).await;
        assert_eq!((words(&outcome).len(), outcome.signal), (2, Signal::Proof), "{verify:?}: {outcome:?}");
        assert!(outcome.verdicts.iter().all(|(_, verdict)| matches!(verdict, Verdict::Proven(_))), "{outcome:?}");
        assert_eq!(sink.stored().len(), 7);
        // it throws everything away: its service fails, whatever it says; without verification nobody would notice
        sink.fault("listed-not-stored");
        let item = bench.instance(9, "1.2.826.1.1.9", b"nine");
        let outcome = bench.deliver(std::slice::from_ref(&item)).await;
        assert_eq!((words(&outcome), outcome.signal), (vec!["retry:not-verified".to_string()], Signal::Failed));
        let overdue = Item { pending_for: Duration::from_hours(192), ..item };
        assert_eq!(words(&bench.deliver(&[overdue]).await), ["held:not_verified:not-verified"]);
    }
}

#[tokio::test]
async fn rule_7_bytes_that_come_back_changed_are_held_at_once() {
    // the receiver keeps the old bytes silently and lists the new ones
    let sink = Sink::keeping(&[]);
    let mut bench = Bench::verifying(&sink.url(), Verify::Retrieve);
    let items = bench.instances(1, 1000);
    assert_eq!(words(&bench.deliver(&items).await), ["retrieve"]);
    let changed = bench.instance(2, "1.2.826.1.1.1", b"other bytes");
    assert_eq!(words(&bench.deliver(&[changed]).await), ["held:not_verified:other-bytes"]);
}

#[tokio::test]
async fn rule_7_a_receiver_that_cannot_be_asked_is_asked_again_before_anything_is_sent_again() {
    let sink = Sink::start(&["--fault", "qido:500"]);
    let mut bench = Bench::verifying(&sink.url(), Verify::Qido);
    let items = bench.instances(3, 1000);
    let outcome = bench.deliver(&items).await;
    assert_eq!(words(&outcome), ["retry:http-500"; 3]);
    sink.clear();
    assert_eq!(words(&bench.deliver(&after(&items, &outcome)).await), ["qido"; 3]);
    assert_eq!(sink.requests(), 1, "not sent twice");
}
