//! Stopping: no new association, objects in flight end, the rest is aborted.

#![allow(clippy::expect_used, reason = "a failed test fails")]

mod common;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use common::*;
use tokio::sync::Semaphore;

fn half(id: u16, instance: &str) -> (Vec<u8>, Vec<u8>) {
    let data = data_set(CT, instance, 30_000);
    let first = [pdu(4, &pdv(1, COMMAND_LAST, &store_rq(id, CT, instance))), pdu(4, &pdv(1, DATA_MORE, &data[..10_000]))].concat();
    (first, pdu(4, &pdv(1, DATA_LAST, &data[10_000..])))
}

#[tokio::test]
async fn without_objects_in_flight_it_ends_at_once() {
    let scp = Scp::start().await;
    let mut idle = Wire::associate(scp.address, &Rq::default()).await;
    let _unassociated = Wire::connect(scp.address).await;
    scp.stop.cancel();
    idle.expect_abort(0).await;
    within(scp.task).await.expect("an orderly end");
}

#[tokio::test]
async fn an_object_in_flight_ends_while_others_are_turned_away() {
    let scp = Scp::start().await;
    let mut busy = Wire::associate(scp.address, &Rq::default()).await;
    let mut idle = Wire::associate(scp.address, &Rq::default()).await;
    let (first, rest) = half(1, "1.2.3");
    busy.send(&first).await;
    scp.written(10_000).await;
    scp.stop.cancel();
    idle.expect_abort(0).await;
    let mut new = Wire::connect(scp.address).await;
    new.send(&Rq::default().bytes()).await;
    assert_eq!(new.pdu().await, Some((3, vec![0, 2, 3, 1])));
    busy.send(&rest).await;
    assert_eq!(short(&busy.answer().await.1, 0x900), Some(0));
    busy.expect_abort(0).await;
    within(scp.task).await.expect("an orderly end");
    assert_eq!(scp.memory.stored.lock().expect("no panic").len(), 1);
}

#[tokio::test]
async fn a_commit_in_flight_ends_and_is_answered() {
    let scp = Scp::start().await;
    let gate = Arc::new(Semaphore::new(0));
    *scp.memory.commit_gate.lock().expect("no panic") = Some(gate.clone());
    let mut busy = Wire::associate(scp.address, &Rq::default()).await;
    let (first, rest) = half(1, "1.2.3");
    busy.send(&[first, rest].concat()).await;
    scp.written(30_000).await;
    scp.stop.cancel();
    gate.add_permits(1);
    assert_eq!(short(&busy.answer().await.1, 0x900), Some(0));
    busy.expect_abort(0).await;
    within(scp.task).await.expect("an orderly end");
}

#[tokio::test]
async fn what_does_not_end_within_the_drain_is_aborted_and_gone() {
    let scp = Scp::draining(options(), Duration::from_millis(50)).await;
    let mut stuck = Wire::associate(scp.address, &Rq::default()).await;
    stuck.send(&half(1, "1.2.3").0).await;
    scp.written(10_000).await;
    // One more that hangs in its commit.
    *scp.memory.commit_gate.lock().expect("no panic") = Some(Arc::new(Semaphore::new(0)));
    let mut committing = Wire::associate(scp.address, &Rq::default()).await;
    let (first, rest) = half(1, "1.2.4");
    committing.send(&[first, rest].concat()).await;
    scp.written(40_000).await;
    scp.stop.cancel();
    stuck.expect_abort(0).await;
    committing.expect_abort(0).await;
    within(scp.task).await.expect("an orderly end");
    assert_eq!(scp.memory.in_flight.load(Ordering::SeqCst), 0);
    assert!(scp.memory.stored.lock().expect("no panic").is_empty());
    assert_eq!(scp.memory.ended.borrow().len(), 2);
}
