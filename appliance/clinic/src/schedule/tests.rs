use std::sync::atomic::{AtomicU32, Ordering};

use relaypacs_domain::ManualClock;
use tempfile::TempDir;

use super::*;

/// 2026-11-23T07:50:00Z.
const START: i64 = 1_795_420_200_000;
const HOUR: Duration = Duration::from_hours(1);

struct Box {
    schedule: Schedule,
    hand: Arc<ManualClock>,
    store: Store,
    stop: CancellationToken,
    _dir: TempDir,
}

fn a_box() -> Box {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let hand = Arc::new(ManualClock::default());
    hand.set_wall(Timestamp::from_millis(START));
    let schedule = Schedule::new(store.clone(), Clock::manual(hand.clone()), TimeZone::UTC);
    Box { schedule, hand, store, stop: CancellationToken::new(), _dir: dir }
}

impl Box {
    fn run(&self) -> tokio::task::JoinHandle<()> {
        let (schedule, stop) = (self.schedule.clone(), self.stop.clone());
        tokio::spawn(async move { schedule.run(stop).await })
    }
    fn status(&self) -> JobStatus {
        self.schedule.status().remove(0)
    }
    /// Waits until a job's standing is as asked.
    async fn until(&self, holds: impl Fn(&JobStatus) -> bool) -> JobStatus {
        let mut changes = self.schedule.changes();
        for _ in 0..1000 {
            let status = self.status();
            if holds(&status) {
                return status;
            }
            changes.changed().await.unwrap();
        }
        panic!("it never came to that: {:?}", self.status());
    }
    fn now(&self) -> Timestamp {
        self.schedule.0.clock.now()
    }
}

fn counting(runs: &Arc<AtomicU32>) -> impl Fn() -> std::future::Ready<Outcome> + Send + Sync + 'static + use<> {
    let runs = runs.clone();
    move || std::future::ready(Ok(format!("run {}", runs.fetch_add(1, Ordering::SeqCst) + 1)))
}

#[tokio::test(start_paused = true)]
async fn a_job_runs_at_its_times_and_says_how_it_went() {
    let (b, runs) = (a_box(), Arc::new(AtomicU32::new(0)));
    b.schedule.add(Job::new("sync", "*/5 * * * *", counting(&runs)).unwrap());
    let before = b.status();
    assert_eq!((before.last_run, before.next_run), (None, Some(Timestamp::from_millis(START + 300_000))));
    let task = b.run();
    for nth in 1..=3_u32 {
        b.hand.advance(Duration::from_mins(5));
        let status = b.until(|status| !status.running && status.result == Some(format!("ok: run {nth}"))).await;
        assert_eq!(status.last_run, Some(b.now()));
        assert_eq!(status.next_run, Some(Timestamp::from_millis(b.now().as_millis() + 300_000)));
    }
    b.stop.cancel();
    task.await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn after_a_long_sleep_or_a_jump_it_runs_once() {
    let (b, runs) = (a_box(), Arc::new(AtomicU32::new(0)));
    b.schedule.add(Job::new("sync", "*/5 * * * *", counting(&runs)).unwrap());
    let task = b.run();
    b.hand.advance(HOUR * 24 * 30);
    b.until(|status| status.result.as_deref() == Some("ok: run 1")).await;
    // Back to where the clock was: the times that were run for come again, and are not run for again at once.
    b.hand.set_wall(Timestamp::from_millis(b.now().as_millis() - 3_600_000));
    for _ in 0..20 {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    b.hand.advance(HOUR + Duration::from_mins(5));
    b.until(|status| status.result.as_deref() == Some("ok: run 2")).await;
    b.stop.cancel();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn it_never_runs_beside_itself_and_is_cut_off_when_it_hangs() {
    let (b, inside) = (a_box(), Arc::new(AtomicU32::new(0)));
    let counter = inside.clone();
    let work = move || {
        let counter = counter.clone();
        async move {
            assert_eq!(counter.fetch_add(1, Ordering::SeqCst), 0, "it runs beside itself");
            let _out = Leaves(counter);
            std::future::pending::<Outcome>().await
        }
    };
    struct Leaves(Arc<AtomicU32>);
    impl Drop for Leaves {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    b.schedule.add(Job::new("hangs", "* * * * *", work).unwrap().at_most(Duration::from_mins(10)));
    let task = b.run();
    for _ in 0..2 {
        b.hand.advance(Duration::from_mins(10));
        b.until(|status| status.running).await;
        let status = b.until(|status| !status.running).await;
        assert_eq!(status.result.as_deref(), Some("failed: it took longer than 600 s and was cut off"));
    }
    b.stop.cancel();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_and_the_job_goes_on() {
    let b = a_box();
    let runs = Arc::new(AtomicU32::new(0));
    let counter = runs.clone();
    let work = move || {
        let nth = counter.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(nth > 0, "as planned");
            Ok("done".into())
        }
    };
    b.schedule.add(Job::new("breaks", "* * * * *", work).unwrap());
    let task = b.run();
    b.hand.advance(Duration::from_mins(1));
    b.until(|status| status.result.as_deref() == Some("failed: it broke off")).await;
    b.hand.advance(Duration::from_mins(1));
    b.until(|status| status.result.as_deref() == Some("ok: done")).await;
    b.stop.cancel();
    task.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_it_did_survives_a_restart_and_a_night_that_was_missed_is_made_up_for_once() {
    let (b, runs) = (a_box(), Arc::new(AtomicU32::new(0)));
    let job = || Job::new("clean-up", "0 2 * * *", counting(&runs)).unwrap();
    b.schedule.add(job());
    let task = b.run();
    b.hand.advance(HOUR * 24);
    let first = b.until(|status| status.result.as_deref() == Some("ok: run 1")).await;
    b.stop.cancel();
    task.await.unwrap();

    b.hand.advance(HOUR * 24 * 3);
    let again = Box {
        schedule: Schedule::new(b.store.clone(), Clock::manual(b.hand.clone()), TimeZone::UTC),
        hand: b.hand.clone(),
        store: b.store.clone(),
        stop: CancellationToken::new(),
        _dir: tempfile::tempdir().unwrap(),
    };
    again.schedule.add(job());
    assert_eq!((again.status().last_run, again.status().result), (first.last_run, first.result));
    let task = again.run();
    let made_up = again.until(|status| status.result.as_deref() == Some("ok: run 2")).await;
    assert_eq!(made_up.next_run, job().plan.next(again.now(), None, &TimeZone::UTC));
    again.stop.cancel();
    task.await.unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 2);
}
