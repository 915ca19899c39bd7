//! Power goes away after operation n for n = 1, 2, …, and every kind of error hits operation n.

use super::{
    super::sim::{Chooser, Fault, Plan},
    *,
};

/// Starts tried for one crash.
const MOST_VARIANTS: usize = 60;

/// Acts until the plan has struck; answers what had been acknowledged.
fn promised_under(disk: &SimDisk, sabotage: Sabotage, pace: Pace) -> Promised {
    let Ok(rig) = Rig::new(disk) else { return Promised::default() };
    let mut rig = rig.paced(pace);
    rig.flight.sabotage(sabotage);
    rig.act_all(&acts());
    rig.settle();
    rig.acked
}

/// Cuts the power after every operation; answers the first promise that is broken.
fn cut_everywhere(sabotage: Sabotage, pace: Pace) -> Result<u64, String> {
    let mut starts = 0;
    for at in 1.. {
        let disk = SimDisk::new();
        disk.plan(Some(Plan { fault: Fault::PowerOff, at, lasting: true }));
        let acked = promised_under(&disk, sabotage, pace);
        if disk.operations() < at {
            return Ok(starts);
        }
        let mut every = Chooser::every();
        let mut random = Chooser::Random(at);
        for variant in 0..MOST_VARIANTS {
            let choose = if variant % 3 == 2 { &mut random } else { &mut every };
            let after = disk.after_power_loss(choose);
            starts += 1;
            let recovered = Recovered::start(&after, SEGMENT, &Promised::default()).map_err(|error| error.to_string())?;
            recovered.keeps(&acked).map_err(|why| format!("power off at {at}, variant {variant}: {why}"))?;
            go_on(&after, recovered, pace, (at, variant))?;
            if variant % 3 != 2 && !every.next() {
                break;
            }
        }
    }
    Ok(starts)
}

/// The log that was found is written again, and loses power again.
fn go_on(disk: &SimDisk, recovered: Recovered, pace: Pace, (at, variant): (u64, usize)) -> Result<(), String> {
    disk.plan(Some(Plan { fault: Fault::PowerOff, at: 1 + (at + variant as u64) % 12, lasting: true }));
    let mut rig = Rig::on(recovered).paced(pace);
    rig.act_all(&[Act::Store(vec![(21, 150)]), Act::Big(22, 2100), Act::Store(vec![(23, 20), (24, 700)])]);
    let after = disk.after_power_loss(&mut Chooser::Random(at * 1000 + variant as u64));
    let again = Recovered::start(&after, SEGMENT, &Promised::default()).map_err(|error| error.to_string())?;
    again.keeps(&rig.acked).map_err(|why| format!("power off at {at}, variant {variant}, then again: {why}"))
}

#[test]
fn whatever_power_loss_leaves_every_ack_holds() {
    for pace in PACES {
        let starts = cut_everywhere(Sabotage::None, pace).unwrap_or_else(|why| panic!("{pace:?}: {why}"));
        assert!(starts > 500, "only {starts} starts");
    }
}

#[test]
fn an_early_ack_is_caught() {
    for pace in PACES {
        let why = cut_everywhere(Sabotage::SkipSync, pace).unwrap_err();
        assert!(why.contains("acknowledged and is lost"), "{pace:?}: {why}");
    }
}

#[test]
fn an_ack_for_what_was_written_during_the_sync_is_caught() {
    let why = cut_everywhere(Sabotage::TrustLateWrites, Pace::Overlapping(Works::AtFirst)).unwrap_err();
    assert!(why.contains("acknowledged and is lost"), "{why}");
}

#[test]
fn errors_at_any_operation_break_no_promise() {
    let faults = [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::FailSync];
    for (pace, fault) in PACES.into_iter().flat_map(|pace| faults.map(|fault| (pace, fault))) {
        for lasting in [false, true] {
            let mut at = 1;
            while fail_at(Plan { fault, at, lasting }, pace) {
                at += 1;
            }
            assert!(at > 10, "{fault:?} struck nothing");
        }
    }
}

/// `false`: there were fewer operations.
fn fail_at(plan: Plan, pace: Pace) -> bool {
    let disk = SimDisk::new();
    disk.plan(Some(plan));
    let acked = promised_under(&disk, Sabotage::None, pace);
    if disk.operations() < plan.at {
        return false;
    }
    disk.plan(None);
    let context = |what| format!("{plan:?}, {pace:?}, {what}");
    let killed = Recovered::start(&disk.copy(), SEGMENT, &Promised::default()).unwrap();
    killed.keeps(&acked).map_err(|why| context(format!("killed: {why}"))).unwrap();
    for seed in 0..3 {
        let after = disk.after_power_loss(&mut Chooser::Random(plan.at * 10 + seed));
        let recovered = Recovered::start(&after, SEGMENT, &Promised::default()).unwrap();
        recovered.keeps(&acked).map_err(|why| context(format!("without power: {why}"))).unwrap();
    }
    true
}

#[test]
fn after_one_error_the_log_goes_on_in_a_new_segment() {
    for fault in [Fault::Eio, Fault::FailSync] {
        let disk = SimDisk::new();
        let mut rig = Rig::new(&disk).unwrap();
        rig.act(&Act::Store(vec![(1, 10)]));
        let before = rig.acked.commits[&ObjectId(1)].extents[0];
        disk.plan(Some(Plan { fault, at: if fault == Fault::Eio { 1 } else { 2 }, lasting: false }));
        rig.act(&Act::Store(vec![(2, 10)]));
        rig.act(&Act::Store(vec![(3, 10)]));
        assert!(!rig.acked.commits.contains_key(&ObjectId(2)), "{fault:?}");
        let after = rig.acked.commits[&ObjectId(3)].extents[0];
        assert!(after.segment != before.segment && after.epoch > before.epoch, "{fault:?}");
    }
}

#[test]
fn an_object_whose_first_bytes_were_refused_is_refused() {
    let disk = SimDisk::new();
    let mut rig = Rig::new(&disk).unwrap();
    rig.act(&Act::Store(vec![(1, 10)]));
    disk.plan(Some(Plan { fault: Fault::Eio, at: 1, lasting: false }));
    rig.act(&Act::Big(2, 2500));
    assert_eq!(rig.acked.commits.keys().copied().collect::<Vec<_>>(), [ObjectId(1)]);
}

#[test]
fn a_lying_disk_loses_what_it_lied_about_but_nothing_is_altered() {
    for (at, pace) in (1..60).flat_map(|at| PACES.map(|pace| (at, pace))) {
        let disk = SimDisk::new();
        disk.plan(Some(Plan { fault: Fault::LyingSync, at, lasting: at % 2 == 0 }));
        promised_under(&disk, Sabotage::None, pace);
        for seed in 0..20 {
            let after = disk.after_power_loss(&mut Chooser::Random(at * 100 + seed));
            let Ok(recovered) = Recovered::start(&after, SEGMENT, &Promised::default()) else { continue };
            for commit in recovered.says.commits.values() {
                let reported = recovered.damage.iter().any(|region| region.hits_any(&commit.extents));
                let read = recovered.read(commit);
                assert!(
                    read.is_ok() || reported || read == Err("its segment is gone".into()),
                    "lied at {at}, {pace:?}: {commit:?}: {read:?}"
                );
            }
        }
    }
}
