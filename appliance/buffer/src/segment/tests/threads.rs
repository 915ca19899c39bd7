//! The committer's real threads and several senders, with power loss and errors at any operation. How they interleave is up to the machine;
//! what was promised holds in any case.

use std::{sync::Mutex, thread};

use super::{
    super::{
        committer,
        sim::{Chooser, Fault, Plan},
    },
    *,
};

const SENDERS: u64 = 4;
const OBJECTS: u64 = 12;

/// Everybody sends until the end; answers what was acknowledged.
fn store_from_many(disk: &SimDisk) -> Promised {
    let Ok(recovered) = Recovered::start(disk, SEGMENT, &Promised::default()) else { return Promised::default() };
    let Rig { log, index, flight, committer, pool, .. } = Rig::on(recovered);
    let (queue, committer) = (committer.queue().clone(), Mutex::new(committer));
    let mut acked = Promised::default();
    thread::scope(|scope| {
        let threads = [(); 2].map(|()| scope.spawn(|| committer::run(&committer, &flight, &log)));
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| {
                scope.spawn({
                    let (queue, pool) = (&queue, &pool);
                    move || send(sender, queue, pool)
                })
            })
            .collect();
        for commit in senders.into_iter().flat_map(|sender| sender.join().unwrap()) {
            acked.commits.insert(commit.object, commit);
        }
        queue.close();
        for thread in threads {
            thread.join().unwrap();
        }
    });
    let heard = index.drain();
    assert!(heard.is_sorted_by_key(|indexed| indexed.position), "in log order");
    assert_eq!(heard.len(), acked.commits.len(), "the senders and the catalogue hear the same");
    acked
}

/// One object after the other, each when the one before was answered.
fn send(sender: u64, queue: &Queue, pool: &Pool) -> Vec<Commit> {
    let mut acked = Vec::new();
    for object in (0..OBJECTS).map(|number| 1 + sender * OBJECTS + number) {
        let (bytes, (ticket, answer)) = (content(object, (object * 173 % 1000) as usize), oneshot::channel());
        let mut buffer = pool.take_now();
        buffer.bytes.clear();
        buffer.bytes.extend_from_slice(&bytes);
        let last = Some(Run { crc: crc32c::crc32c(&bytes), buffer, _handover: Handover::last() });
        let commit = commit(object, bytes.len());
        assert!(queue.push(Request::Commit { last, commit: Box::new(commit.clone()), ticket }));
        if answer.blocking_recv().expect("every ticket is answered").is_ok() {
            acked.push(commit);
        }
    }
    acked
}

fn strike(fault: Fault) {
    let mut at = 1;
    loop {
        let disk = SimDisk::new();
        disk.plan(Some(Plan { fault, at, lasting: fault == Fault::PowerOff }));
        let acked = store_from_many(&disk);
        let struck = disk.operations() >= at;
        disk.plan(None);
        for seed in 0..4 {
            let after = disk.after_power_loss(&mut Chooser::Random(at * 10 + seed));
            let recovered = Recovered::start(&after, SEGMENT, &Promised::default()).unwrap();
            recovered.keeps(&acked).unwrap_or_else(|why| panic!("{fault:?} at {at}: {why}"));
        }
        if !struck {
            assert_eq!(acked.commits.len() as u64, SENDERS * OBJECTS);
            break;
        }
        at += 1;
    }
    assert!(at > 30, "{fault:?} struck only {at} times");
}

#[test]
fn threads_keep_what_they_promised_without_power() {
    strike(Fault::PowerOff);
}

#[test]
fn threads_keep_what_they_promised_when_the_disk_fails() {
    strike(Fault::Eio);
    strike(Fault::FailSync);
}
