use std::sync::Arc;

use futures_util::FutureExt;
use relaypacs_domain::{Clock, ManualClock, Role};

use super::*;
use crate::live::{Listener, Told};

struct Bench {
    _dir: tempfile::TempDir,
    notifications: Notifications,
    live: Live,
}

async fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let live = Live::new(Clock::manual(Arc::new(ManualClock::default())));
    let notifications = Notifications::open(Store::open(dir.path()).unwrap(), live.clone(), VapidKey::open(dir.path()).unwrap()).unwrap();
    Bench { _dir: dir, notifications, live }
}

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn new(n: i64) -> NewNotification {
    NewNotification {
        kind: NotificationKind::ReportReady,
        title: format!("{n}"),
        message: "a\nb".into(),
        upload: None,
        report: None,
        study: Some("1.2.3".parse().unwrap()),
        at: Timestamp::from_millis(1_795_400_000_000 + n),
    }
}

fn titles(page: &NotificationPage) -> Vec<&str> {
    page.notifications.iter().map(|notification| notification.title.as_str()).collect()
}

#[tokio::test]
async fn they_are_read_unread_and_deleted_by_whom_they_are_for() {
    let Bench { _dir, notifications, .. } = bench().await;
    for n in 1..=3 {
        notifications.add(vec![user(1), user(2)], new(n)).await.unwrap();
    }
    let page = notifications.list(user(1), false, 50, 0).await.unwrap();
    assert_eq!((titles(&page), page.unread_count, page.total), (vec!["3", "2", "1"], 3, 3));
    let second = page.notifications[1].id;
    assert!(notifications.mark(user(1), second, true).await.unwrap().is_read);
    let unread = notifications.list(user(1), true, 50, 0).await.unwrap();
    assert_eq!((titles(&unread), unread.unread_count, unread.total), (vec!["3", "1"], 2, 2));
    assert!(notifications.list(user(1), false, 50, 0).await.unwrap().notifications[1].is_read);
    assert!(matches!(notifications.mark(user(2), second, true).await, Err(NotificationError::NotFound)), "it is another's");
    assert!(matches!(notifications.delete(user(2), second).await, Err(NotificationError::NotFound)));
    assert!(!notifications.mark(user(1), second, false).await.unwrap().is_read);
    assert_eq!(notifications.unread_count(user(1)).await.unwrap(), 3);
    assert_eq!(notifications.mark_all_read(user(1)).await.unwrap(), 3);
    notifications.delete(user(1), second).await.unwrap();
    let left = notifications.list(user(1), false, 1, 1).await.unwrap();
    assert_eq!((titles(&left), left.unread_count, left.total), (vec!["1"], 0, 2));
    assert_eq!(notifications.unread_count(user(2)).await.unwrap(), 3);
}

#[tokio::test]
async fn open_pages_are_told_at_once() {
    let Bench { _dir, notifications, live } = bench().await;
    let kinds = &[LiveKind::Notification, LiveKind::UnreadCount];
    let listener = Listener { user: user(1), role: Role::Clinician, kinds };
    let mut follower = live.follow(listener, None);
    notifications.add(vec![user(2)], new(1)).await.unwrap();
    assert!(follower.next().now_or_never().is_none(), "another's");
    notifications.add(vec![user(1)], new(2)).await.unwrap();
    let Some(Told::Event { kind: LiveKind::Notification, json, .. }) = follower.next().await else { panic!("no notification") };
    let body: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&body["title"], &body["type"], &body["message"]), (&json!("2"), &json!("report_ready"), &json!("a b")));
    let Some(Told::Event { kind: LiveKind::UnreadCount, json, .. }) = follower.next().await else { panic!("no count") };
    assert_eq!(&*json, r#"{"count":1}"#);
}

#[tokio::test]
async fn the_oldest_go_beyond_a_thousand() {
    let Bench { _dir, notifications, .. } = bench().await;
    notifications
        .store
        .write(|transaction| (0..1010).try_for_each(|n| Notifications::add_in(transaction, &[user(1)], &new(n)).map(drop)))
        .await
        .unwrap();
    let page = notifications.list(user(1), false, 200, 900).await.unwrap();
    assert_eq!((page.total, page.unread_count), (1000, 1000));
    assert_eq!(titles(&page).last(), Some(&"10"));
}

#[test]
fn names_and_kinds_are_each_other_s_inverse() {
    for kind in NotificationKind::ALL {
        assert_eq!(kind.as_str().parse(), Ok(kind));
        assert_eq!(serde_json::to_value(kind).unwrap(), json!(kind.as_str()));
    }
}
