//! `kill -9` at random moments while four associations send and while the buffer drains: nothing acknowledged is lost, nothing is altered.
//!
//! 20 kills; `HIL_KILLS=200` for a campaign, `HIL_SEED` for the same moments again. SIGKILL proves the order of acknowledging and writing, not fsync
//! (the page cache survives): power loss is the buffer's own tests'.

use std::{
    fs::{self, File},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    blast::{Plan, Sending},
    data::{Kind, study},
    ledger::{acks, all_reach},
    part10::Object,
    peers::StowSink,
    place::{Folder, campaign},
    senders::CALLED,
    wire::{Priority, Proposal},
};

/// How long the sender may try to reconnect: longer than any restart.
const RECONNECT: Duration = Duration::from_secs(90);
/// A run ends by itself after this time, whatever happens.
const LIMIT: Duration = Duration::from_secs(3600);
const KILLS_WHILE_DRAINING: u32 = 3;

/// Kills and starts again; gives how long the box took to be ready.
fn kill_some_time_later(appliance: &mut Appliance, random: &mut StdRng) -> Duration {
    sleep(Duration::from_millis(random.random_range(200..2_000)));
    assert!(!appliance.has_ended(), "the box ended by itself:\n{}", appliance.log());
    appliance.kill();
    let begin = Instant::now();
    appliance.start();
    begin.elapsed()
}

fn chaos(kills: u64, faults: &[&str]) {
    let seed = campaign("HIL_SEED", rand::random_range(1..1_000_000));
    let mut random = StdRng::seed_from_u64(seed);
    let folder = Folder::new();
    let arguments: Vec<&str> = faults.iter().flat_map(|f| ["--fault", f]).collect();
    let sink = StowSink::start(&folder, "pacs", &arguments);
    // Small segments and short retention: reuse, compaction and release are part of what is killed. One image of each study stays for 90 s of
    // running all the same: there is room for those, a full box would not be ready.
    let mut appliance = Setup::new(&folder)
        .buffer("segment_bytes = \"16MiB\"\nmax_bytes = \"4GiB\"\nretention = \"1s\"")
        .stow("pacs", &sink.url(), "")
        .start();
    let (acks_file, stop) = (folder.join("acks.jsonl"), folder.join("stop"));
    let objects: Vec<Object> = study(Kind::Ct, seed, 6, 2).chain(study(Kind::Mr, seed, 16, 4)).map(|i| i.object()).collect();
    let plan = Plan {
        peer: appliance.dicom(),
        proposal: Proposal::for_objects(CALLED, "CHAOS", &objects),
        objects,
        associations: 4,
        priority: Priority::Medium,
        duration: LIMIT,
        stop: Some(stop.clone()),
        rate: 120.0,
        reconnect: RECONNECT,
        salt: seed,
        acks: Some(File::create(&acks_file).expect("the test's folder")),
    };
    let sender = thread::spawn(move || Sending::run(plan));
    let mut ready_after: Vec<Duration> = (0..kills).map(|_| kill_some_time_later(&mut appliance, &mut random)).collect();
    fs::write(&stop, "").expect("the test's folder");
    let report = sender.join().expect("the sender ends when told");
    ready_after.extend((0..KILLS_WHILE_DRAINING).map(|_| kill_some_time_later(&mut appliance, &mut random)));
    ready_after.sort();
    println!("ready again after {:?} (median), {:?} (longest)", ready_after[ready_after.len() / 2], ready_after[ready_after.len() - 1]);
    let ledger = all_reach(&sink, &acks(&acks_file));
    println!(
        "seed {seed}, {kills} kills while sending and {KILLS_WHILE_DRAINING} while draining, {} broken associations; {ledger}",
        report.reconnects
    );
    ledger.assert_holds();
    appliance.drained();
    appliance.stop();
    let verified = appliance.json(&["verify"]);
    println!("verify: {verified}");
}

#[test]
fn kills_under_load() {
    chaos(campaign("HIL_KILLS", 20), &[]);
}

#[test]
fn kills_while_the_pacs_misbehaves() {
    chaos(
        campaign("HIL_KILLS", 20) / 4,
        &["fail:A700,every=17", "reset-after:300000,every=11", "status:503,every=13,retry-after=1", "cut-answer,every=19"],
    );
}
