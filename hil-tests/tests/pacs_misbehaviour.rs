//! What archives really answer (dcm4chee, Orthanc, Google, Azure, AWS, broken ones), on the whole box: each instance gets the verdict it deserves.
//!
//! Every case is one box, one receiver that misbehaves in one way, ten instances of two studies. dcm4chee itself is not here: the receiver plays it.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    blast::{Plan, Sending},
    data::{Kind, study},
    ledger::{Ack, compare},
    part10::{Object, STUDY},
    peers::StowSink,
    place::Folder,
    senders::CALLED,
    wait,
    wire::{Priority, Proposal},
};

const WITHIN: Duration = Duration::from_secs(120);

struct Scene {
    _folder: Folder,
    sink: StowSink,
    appliance: Appliance,
    objects: Vec<Object>,
}

/// A box whose only PACS is started with `arguments`, after ten instances were stored in it. `keys`: more of the destination's.
fn scene_with(arguments: &[&str], keys: impl FnOnce(&Folder, &StowSink) -> String) -> Scene {
    let folder = Folder::new();
    let sink = StowSink::start(&folder, "pacs", arguments);
    let keys = keys(&folder, &sink);
    scene_on(folder, sink, &keys)
}

/// A box whose only PACS is `sink`.
fn scene_on(folder: Folder, sink: StowSink, keys: &str) -> Scene {
    let appliance = Setup::new(&folder).stow("pacs", &sink.url(), keys).start();
    let objects: Vec<Object> = study(Kind::Mr, 1, 7, 2).chain(study(Kind::Mr, 2, 3, 1)).map(|i| i.object()).collect();
    let scene = Scene { _folder: folder, sink, appliance, objects };
    scene.store(&scene.objects);
    scene
}

fn scene(arguments: &[&str]) -> Scene {
    scene_with(arguments, |_, _| "stall_timeout = \"2s\"".into())
}

impl Scene {
    fn store(&self, objects: &[Object]) {
        let report = Sending::run(Plan {
            peer: self.appliance.dicom(),
            proposal: Proposal::for_objects(CALLED, "MR1", objects),
            objects: objects.to_vec(),
            associations: 1,
            priority: Priority::Medium,
            duration: Duration::ZERO,
            stop: None,
            rate: 0.0,
            reconnect: Duration::ZERO,
            salt: 0,
            acks: None,
        });
        assert_eq!(report.status.get("0000"), Some(&objects.len()), "{report:?}");
    }

    /// All is proven, and the PACS really has it.
    fn all_arrive(&self) {
        self.appliance.delivered(self.objects.len());
        let promised: Vec<Ack> =
            self.objects.iter().map(|o| Ack { entry: (o.meta.instance.clone(), o.sha256()), status: "0000".into() }).collect();
        let ledger = compare(&promised, &self.sink.arrivals());
        ledger.assert_holds();
        assert_eq!(ledger.arrived, self.objects.len());
    }

    /// The deliveries of every instance.
    fn deliveries(&self) -> Vec<serde_json::Value> {
        let studies: std::collections::BTreeSet<String> = self.objects.iter().filter_map(|o| o.uid(STUDY)).collect();
        studies
            .iter()
            .flat_map(|s| self.appliance.ledger(s))
            .flat_map(|e| e["deliveries"].as_array().cloned().unwrap_or_default())
            .collect()
    }

    fn count(&self, state: &str) -> usize {
        self.deliveries().iter().filter(|d| d["state"] == state).count()
    }

    fn eventually(&self, state: &str, n: usize) {
        wait::for_true(&format!("{n} deliveries are {state}"), WITHIN, || self.count(state) == n);
    }
}

/// Cases that end well: whatever happens on the way, everything arrives and is proven.
macro_rules! arrives {
    ($($name:ident: $arguments:expr;)*) => { $(
        #[test]
        fn $name() {
            scene(&$arguments).all_arrive();
        }
    )* };
}

arrives! {
    dcm4chee: [];
    orthanc: ["--flavour", "orthanc"];
    orthanc_of_debian: ["--flavour", "orthanc17"];
    google: ["--flavour", "google"];
    azure: ["--flavour", "microsoft"];
    aws: ["--flavour", "aws"];
    some_refused_for_now: ["--fault", "fail:A700,every=3,times=3"];
    some_refused_for_now_by_debians_orthanc: ["--flavour", "orthanc17", "--fault", "fail:0110,every=3,times=3"];
    in_neither_list: ["--fault", "unlisted,every=4,times=3"];
    stored_but_in_neither_list: ["--fault", "stored-unlisted,every=4,times=3"];
    two_hundred_and_nothing_stored: ["--fault", "empty,times=2"];
    a_log_in_page: ["--fault", "html,times=2"];
    an_answer_without_a_body: ["--fault", "no-body,times=2"];
    an_answer_cut_in_half: ["--fault", "cut-answer,times=2"];
    a_reset_instead_of_an_answer: ["--fault", "reset-answer,times=2"];
    a_reset_in_the_body: ["--fault", "reset-after:60000,times=3"];
    a_crash_after_some_parts: ["--fault", "crash-after:2,times=2"];
    busy: ["--fault", "status:503,times=2,retry-after=1"];
    too_many_requests: ["--fault", "status:429,times=2,retry-after=1"];
    a_bad_gateway: ["--fault", "status:502,times=2"];
    a_body_limit: ["--fault", "limit:80000"];
    a_body_limit_that_closes_early: ["--fault", "early:413,times=2"];
    a_stall_before_reading: ["--fault", "stall-read:4,times=1"];
    a_stall_before_answering: ["--fault", "stall:4,times=1"];
}

#[test]
fn refused_for_good_is_held_with_the_reason_and_leaves_when_asked() {
    let scene = scene(&["--fault", "fail:C122,every=5,sticky"]);
    scene.eventually("held", 2);
    scene.eventually("delivered", 8);
    let held: Vec<_> = scene.deliveries().into_iter().filter(|d| d["state"] == "held").collect();
    assert!(held.iter().all(|d| d["answer"].as_str().is_some_and(|a| a.to_uppercase().contains("C122"))), "{held:?}");
    assert_eq!(scene.appliance.system()["queue"]["held"], 2);
    scene.sink.heal();
    for study in scene.objects.iter().filter_map(|o| o.uid(STUDY)) {
        scene.appliance.cli(&["retry", &study]);
    }
    scene.all_arrive();
}

/// `verify = "qido"` and `"retrieve"`: what the PACS says it stored must be there.
#[test]
fn a_pacs_that_says_stored_and_has_not_is_found_out() {
    for verify in ["qido", "retrieve"] {
        let folder = Folder::new();
        let sink = StowSink::keeping(&folder, "pacs", &["--fault", "listed-not-stored,every=5,sticky"]);
        let retry = r#"retry = { first = "200ms", max = "2s", horizon = "6s" }"#;
        let scene = scene_on(folder, sink, &format!("verify = \"{verify}\"\n{retry}"));
        scene.eventually("delivered", 8);
        scene.eventually("held", 2);
        let deliveries = scene.deliveries();
        let (held, proven): (Vec<_>, Vec<_>) = deliveries.iter().partition(|d| d["state"] == "held");
        assert!(held.iter().all(|d| d["answer"].as_str().is_some_and(|a| a.starts_with("not-verified: "))), "{verify}: {held:?}");
        assert!(proven.iter().all(|d| d["proof"] == verify), "{verify}: {proven:?}");
        let studies = scene.appliance.studies();
        assert!(studies.iter().any(|s| s["deliveries"].to_string().contains("not_verified")), "{verify}: {studies:?}");
        scene.sink.heal();
        scene.appliance.cli(&["retry", "--held"]);
        scene.all_arrive();
    }
}

#[test]
fn larger_than_the_pacs_takes_is_held_and_the_rest_leaves() {
    let scene = scene(&["--fault", "limit:30000"]);
    scene.eventually("held", 10);
    scene.sink.heal();
    scene.appliance.cli(&["retry", "--held"]);
    scene.all_arrive();
}

/// It tries one instance after 30 s: the four cases wait side by side.
#[test]
fn a_destination_that_refuses_us_is_paused_and_resumes_by_itself_when_it_takes_us() {
    thread::scope(|scope| {
        for status in ["401", "403", "404", "415"] {
            scope.spawn(move || {
                let scene = scene(&["--fault", &format!("status:{status}")]);
                wait::for_true(&format!("paused after {status}"), WITHIN, || {
                    scene.appliance.admin().get("/api/v1/destinations").json()[0]["paused"] == true
                });
                assert_eq!(scene.count("held"), 0, "{status} concerns the destination, not the instances");
                wait::for_true("all still wait", WITHIN, || scene.appliance.queued() == 10);
                scene.sink.heal();
                scene.all_arrive();
            });
        }
    });
}

#[test]
fn basic_authentication() {
    scene_with(&["--auth", "basic:box:secret"], |folder, _| {
        let file = folder.join("password");
        fs::write(&file, "secret\n").expect("the test's folder");
        format!("auth = {{ kind = \"basic\", user = \"box\", password_file = \"{}\" }}", file.display())
    })
    .all_arrive();
}

#[test]
fn oauth2_with_tokens_that_end_soon() {
    let scene = scene_with(&["--auth", "bearer", "--token-ttl", "1"], |folder, sink| {
        let file = folder.join("client-secret");
        fs::write(&file, "secret\n").expect("the test's folder");
        let (url, file) = (sink.token_url(), file.display());
        format!("auth = {{ kind = \"oauth2\", token_url = \"{url}\", client_id = \"box\", client_secret_file = \"{file}\" }}")
    });
    scene.all_arrive();
    let delivered = Instant::now();
    wait::for_true("the token has ended", WITHIN, || delivered.elapsed() > Duration::from_secs(1));
    let later: Vec<Object> = study(Kind::Mr, 3, 2, 1).map(|i| i.object()).collect();
    scene.store(&later);
    scene.appliance.delivered(12);
    assert_eq!(scene.sink.arrivals().len(), 12);
}

#[test]
fn two_versions_under_one_uid_are_never_confused() {
    let scene = scene(&[]);
    scene.all_arrive();
    let mut other = scene.objects[0].clone();
    let last = other.file.len() - 1;
    other.file[last] ^= 1;
    scene.store(std::slice::from_ref(&other));
    // The PACS keeps the old bytes and says 200: that proves nothing for the new ones.
    scene.eventually("held", 1);
    let held: Vec<_> = scene.deliveries().into_iter().filter(|d| d["state"] == "held").collect();
    println!("{held:?}");
    let studies = scene.appliance.studies();
    assert!(studies.iter().any(|s| s["deliveries"].to_string().contains("other_version_at_pacs")), "{studies:?}");
}
