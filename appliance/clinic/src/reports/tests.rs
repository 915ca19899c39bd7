use std::time::Duration;

use relaypacs_domain::{ManualClock, ServiceLevel, Timestamp, Uid};
use uuid::Uuid;

use super::*;
use crate::live::{Listener, LiveKind, Told};

pub(crate) const OWNER: Viewer = Viewer { user: UserId(Uuid::from_u128(11)), role: Role::Clinician };
const OTHER: Viewer = Viewer { user: UserId(Uuid::from_u128(12)), role: Role::Clinician };
pub(crate) const RADIOGRAPHER: Viewer = Viewer { user: UserId(Uuid::from_u128(13)), role: Role::Radiographer };
pub(crate) const RADIOLOGIST: Viewer = Viewer { user: UserId(Uuid::from_u128(14)), role: Role::Radiologist };
pub(crate) const ADMIN: Viewer = Viewer { user: UserId(Uuid::from_u128(15)), role: Role::Admin };
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_400_000_000);

pub(crate) struct Bench {
    _dir: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) buffer: Buffer,
    live: Live,
    notifications: Notifications,
    pub(crate) reports: Reports,
    pub(crate) hand: Arc<ManualClock>,
    users: Arc<UsersWith>,
}

pub(crate) async fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let hand = Arc::new(ManualClock::default());
    hand.set_wall(NOW);
    let clock = Clock::manual(hand.clone());
    let store = Store::open(dir.path()).unwrap();
    let live = Live::new(clock.clone());
    let notifications =
        Notifications::open(store.clone(), live.clone(), crate::notifications::VapidKey::open(dir.path()).unwrap()).unwrap();
    let users_with: Arc<UsersWith> = Arc::new(|roles: &[Role]| {
        let everybody = [OWNER, OTHER, RADIOGRAPHER, RADIOLOGIST, ADMIN];
        everybody.iter().filter(|viewer| roles.contains(&viewer.role)).map(|viewer| viewer.user).collect()
    });
    let options = relaypacs_buffer::Options {
        dir: dir.path().join("buffer"),
        max_bytes: Some(64 << 20),
        reserve_bytes: Some(0),
        segment_bytes: 1 << 20,
        retention: Duration::ZERO,
        history: Duration::from_hours(24),
    };
    std::fs::create_dir(&options.dir).unwrap();
    let (buffer, _) = Buffer::open(options, clock.clone()).unwrap();
    let parts = Parts {
        store: store.clone(),
        buffer: buffer.clone(),
        clock,
        live: live.clone(),
        notifications: notifications.clone(),
        users_with,
        letterhead: pdf::Letterhead::default(),
        zone: TimeZone::UTC,
    };
    let users = parts.users_with.clone();
    let reports = Reports::open(parts).unwrap();
    Bench { _dir: dir, store, buffer, live, notifications, reports, hand, users }
}

impl Bench {
    /// What following the buffer's events needs.
    pub(crate) fn parts(&self) -> crate::events::Parts {
        let neighbours = crate::uploads::Neighbours {
            live: self.live.clone(),
            notifications: self.notifications.clone(),
            reports: self.reports.clone(),
        };
        let clock = Clock::manual(self.hand.clone());
        let options = crate::uploads::UploadOptions::default();
        crate::events::Parts {
            uploads: crate::uploads::Uploads::new(self.store.clone(), self.buffer.clone(), clock, options, neighbours),
            store: self.store.clone(),
            buffer: self.buffer.clone(),
            clock: Clock::manual(self.hand.clone()),
            live: self.live.clone(),
            notifications: self.notifications.clone(),
            reports: self.reports.clone(),
            users_with: self.users.clone(),
        }
    }

    pub(crate) async fn assign(&self, study: &str, upload: Option<u128>, user: Option<UserId>) -> ReportId {
        self.hand.advance(Duration::from_millis(1));
        let at = Clock::manual(self.hand.clone()).now();
        let new = NewReport {
            upload: upload.map(|id| UploadId(Uuid::from_u128(id))),
            study: study.parse().unwrap(),
            user,
            patient_name: Some("DOE^JANE".into()),
            modality: "CT".into(),
            study_description: Some("Chest".into()),
            service_level: ServiceLevel::Stat,
            at,
        };
        self.store.write(move |transaction| assign_in(transaction, &new)).await.unwrap()
    }

    async fn delivered(&self, study: &str) {
        let study: Uid = study.parse().unwrap();
        self.store.write(move |transaction| delivered_in(transaction, &study, NOW)).await.unwrap();
    }

    async fn set(&self, id: ReportId, status: ReportStatus) -> Result<Report, ReportError> {
        self.hand.advance(Duration::from_millis(1));
        self.reports.change(RADIOLOGIST, id, ReportChange { status: Some(status), ..ReportChange::default() }).await
    }

    async fn seen(&self, viewer: Viewer, status: Option<ReportStatus>) -> (Vec<ReportId>, u64) {
        let page = self.reports.list(viewer, status, 50, 0).await.unwrap();
        (page.reports.iter().map(|(report, _)| report.id).collect(), page.total)
    }

    pub(crate) async fn told(&self, viewer: Viewer) -> Vec<&'static str> {
        let page = self.notifications.list(viewer.user, false, 50, 0).await.unwrap();
        page.notifications.iter().map(|notification| notification.kind.as_str()).collect()
    }
}

#[tokio::test]
async fn each_role_sees_its_reports() {
    let bench = bench().await;
    let upload = bench.assign("1.2.3", Some(1), Some(OWNER.user)).await;
    let modality = bench.assign("1.2.4", None, None).await;
    let own = bench.assign("1.2.5", Some(2), Some(RADIOGRAPHER.user)).await;
    let check = async |viewer, expected: &[ReportId]| {
        let (seen, total) = bench.seen(viewer, None).await;
        assert_eq!((seen.as_slice(), total), (expected, expected.len() as u64), "{viewer:?}");
        for id in [upload, modality, own] {
            assert_eq!(bench.reports.report(viewer, id).await.is_ok(), expected.contains(&id), "{viewer:?}");
        }
    };
    check(OWNER, &[upload]).await;
    check(OTHER, &[]).await;
    check(RADIOGRAPHER, &[own, modality]).await;
    check(RADIOLOGIST, &[own, modality, upload]).await;
    check(ADMIN, &[own, modality, upload]).await;
    assert!(matches!(bench.reports.of_upload(OTHER, UploadId(Uuid::from_u128(1))).await, Err(ReportError::NotFound)));
    assert_eq!(bench.reports.of_upload(OWNER, UploadId(Uuid::from_u128(1))).await.unwrap().0.id, upload);
}

#[tokio::test]
async fn a_report_is_made_once_and_waits_for_reading_when_delivered() {
    let bench = bench().await;
    let id = bench.assign("1.2.3", Some(1), Some(OWNER.user)).await;
    assert_eq!(bench.assign("1.2.3", Some(1), Some(OWNER.user)).await, id);
    let again = bench.assign("1.2.3", Some(2), Some(OTHER.user)).await;
    assert_ne!(again, id, "another upload of the study has its own");
    bench.delivered("1.2.3").await;
    bench.delivered("1.2.3").await;
    for (viewer, id) in [(OWNER, id), (OTHER, again)] {
        assert_eq!(bench.reports.report(viewer, id).await.unwrap().0.status, ReportStatus::Pending);
    }
}

#[tokio::test]
async fn it_is_written_read_and_amended() {
    let bench = bench().await;
    let id = bench.assign("1.2.3", Some(1), Some(OWNER.user)).await;
    assert!(matches!(bench.set(id, ReportStatus::Ready).await, Err(ReportError::Transition { .. })));
    bench.set(id, ReportStatus::Pending).await.unwrap();
    assert!(matches!(bench.set(id, ReportStatus::Ready).await, Err(ReportError::Empty)));
    let written =
        ReportChange { status: Some(ReportStatus::Ready), radiologist_name: Some(" Dr. Roe ".into()), text: Some("No finding.\n".into()) };
    let ready = bench.reports.change(RADIOLOGIST, id, written).await.unwrap();
    assert_eq!((ready.radiologist_name.as_deref(), ready.text.as_deref()), (Some("Dr. Roe"), Some("No finding.")));
    let edit = ReportChange { text: Some("Other".into()), ..ReportChange::default() };
    assert!(matches!(bench.reports.change(RADIOLOGIST, id, edit.clone()).await, Err(ReportError::Ready)));
    bench.reports.mark_read(OWNER, id).await.unwrap();
    assert!(bench.reports.report(OWNER, id).await.unwrap().1);
    let unread = async |viewer| bench.reports.list(viewer, None, 50, 0).await.unwrap().unread;
    assert_eq!((unread(OWNER).await, unread(ADMIN).await), (Unread([0; 4]), Unread([0, 0, 1, 0])));
    let amended = ReportChange { status: Some(ReportStatus::Pending), ..edit };
    bench.reports.change(RADIOLOGIST, id, amended).await.unwrap();
    assert!(!bench.reports.report(OWNER, id).await.unwrap().1, "it is not what was read");
    assert_eq!(unread(OWNER).await, Unread([0, 1, 0, 0]));
    assert_eq!(bench.seen(OWNER, Some(ReportStatus::Ready)).await.1, 0);
    bench.set(id, ReportStatus::Ready).await.unwrap();
    let too_long = ReportChange { text: Some("x".repeat(50_001)), ..ReportChange::default() };
    assert!(matches!(bench.reports.change(RADIOLOGIST, id, too_long).await, Err(ReportError::TooLong { .. })));
    assert!(matches!(bench.reports.mark_read(OTHER, id).await, Err(ReportError::NotFound)));
}

#[tokio::test]
async fn news_are_told_once_to_those_whom_they_concern() {
    let bench = bench().await;
    let kinds = &[LiveKind::Report, LiveKind::Notification];
    let listener = Listener { user: OWNER.user, role: OWNER.role, kinds };
    let mut follower = bench.live.follow(listener, None);
    let id = bench.assign("1.2.3", Some(1), Some(OWNER.user)).await;
    bench.assign("1.2.4", None, None).await;
    assert_eq!(bench.reports.tell_news().await.unwrap(), 2);
    assert_eq!(bench.reports.tell_news().await.unwrap(), 0, "once");
    assert_eq!(bench.told(OWNER).await, ["report_assigned"]);
    assert_eq!(bench.told(OTHER).await, [""; 0]);
    assert_eq!(bench.told(RADIOGRAPHER).await, ["report_assigned"]);
    assert_eq!(bench.told(RADIOLOGIST).await, ["report_assigned", "report_assigned"]);
    let Some(Told::Event { kind: LiveKind::Report, json, .. }) = follower.next().await else { panic!("not told") };
    let body: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((body["id"].as_str(), body["status"].as_str()), (Some(id.to_string().as_str()), Some("assigned")));
    let Some(Told::Event { kind: LiveKind::Notification, .. }) = follower.next().await else { panic!("not notified") };
    bench.set(id, ReportStatus::AdditionalDataRequired).await.unwrap();
    bench.set(id, ReportStatus::Pending).await.unwrap();
    bench.hand.advance(Duration::from_millis(1));
    let text = ReportChange { status: Some(ReportStatus::Ready), text: Some("Fine".into()), ..ReportChange::default() };
    bench.reports.change(RADIOLOGIST, id, text).await.unwrap();
    bench.reports.tell_news().await.unwrap();
    assert_eq!(bench.told(OWNER).await, ["report_ready", "additional_data_required", "report_assigned"]);
    assert_eq!(bench.told(RADIOLOGIST).await.len(), 2, "who did it knows");
}

#[tokio::test]
async fn pages_of_both_scopes_are_one_list() {
    let bench = bench().await;
    let mut made = Vec::new();
    for n in 0..20_u128 {
        let upload = (n % 3 == 0).then_some(n + 1);
        let id = bench.assign(&format!("1.2.{n}"), upload, upload.map(|_| OWNER.user)).await;
        if n % 4 == 0 {
            bench.set(id, ReportStatus::Pending).await.unwrap();
        }
        made.insert(0, id);
    }
    let mut seen = Vec::new();
    for page in 0..4 {
        let page = bench.reports.list(ADMIN, None, 6, page * 6).await.unwrap();
        assert_eq!((page.total, page.unread), (20, Unread([15, 5, 0, 0])));
        seen.extend(page.reports.into_iter().map(|(report, _)| report.id));
    }
    assert_eq!(seen, made);
    assert_eq!(bench.seen(ADMIN, Some(ReportStatus::Pending)).await.1, 5);
}
