use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
    mpsc,
};

use super::*;

#[test]
fn a_round_that_panics_is_counted_and_the_upkeep_goes_on_with_a_new_one() {
    let (upkeep, restarts, made) = (Upkeep::default(), Counter::default(), Arc::new(AtomicU32::new(0)));
    let (told, done) = mpsc::channel();
    let making = made.clone();
    let make = move || {
        let (nth, told) = (making.fetch_add(1, Ordering::SeqCst), told.clone());
        let mut rounds = 0;
        Ok(move || {
            rounds += 1;
            assert!(nth >= 2 || rounds < 2, "as planned");
            let _ = told.send((nth, rounds)); // nobody listens any more at the end
            true
        })
    };
    let thread = upkeep.start(make, restarts.clone()).unwrap();
    let mut seen = Vec::new();
    while seen.last() != Some(&(2, 3)) {
        seen.push(done.recv_timeout(Duration::from_mins(1)).unwrap());
    }
    upkeep.stop();
    thread.join().unwrap();
    assert_eq!(seen, [(0, 1), (1, 1), (2, 1), (2, 2), (2, 3)]);
    assert_eq!((restarts.get(), made.load(Ordering::SeqCst)), (2, 3));
}
