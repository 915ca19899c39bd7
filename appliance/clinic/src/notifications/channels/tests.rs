use std::sync::Mutex;

use relaypacs_domain::{ManualClock, Timestamp};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use uuid::Uuid;

use super::*;
use crate::{Store, live::Live, notifications::NewNotification};

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

/// A receiver that answers each request with the next of these statuses and keeps what it was sent.
async fn receiver(statuses: Vec<u16>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let keep = kept.clone();
    tokio::spawn(async move {
        for status in statuses {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            loop {
                let mut piece = [0; 4096];
                let n = stream.read(&mut piece).await.unwrap();
                request.extend_from_slice(&piece[..n]);
                let text = String::from_utf8_lossy(&request).into_owned();
                let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                if n == 0 || body.len() >= length.unwrap().parse::<usize>().unwrap() {
                    break;
                }
            }
            keep.lock().unwrap().push(String::from_utf8_lossy(&request).into_owned());
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (format!("http://{address}"), kept)
}

pub(super) struct Bench {
    dir: tempfile::TempDir,
    pub(super) hand: Arc<ManualClock>,
    notifications: Notifications,
    key: VapidKey,
}

pub(super) fn bench() -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let hand = Arc::new(ManualClock::default());
    hand.set_wall(Timestamp::from_millis(1_795_400_000_000));
    let key = VapidKey::open(dir.path()).unwrap();
    let live = Live::new(Clock::manual(hand.clone()));
    let notifications = Notifications::open(Store::open(dir.path()).unwrap(), live, key.clone()).unwrap();
    Bench { dir, hand, notifications, key }
}

impl Bench {
    pub(super) fn channels(&self, options: ChannelOptions, recipient: Recipient) -> Channels {
        let find = move |_| -> BoxFuture<'static, Option<Recipient>> {
            let recipient = recipient.clone();
            Box::pin(async move { Some(recipient) })
        };
        Channels::new(options, self.key.clone(), Clock::manual(self.hand.clone()), Arc::new(find)).unwrap()
    }

    pub(super) async fn tell(&self) {
        let new = NewNotification {
            kind: NotificationKind::ReportReady,
            title: "Report ready".into(),
            message: "The report on DOE JANE can be read.".into(),
            upload: None,
            report: None,
            study: Some("1.2.3".parse().unwrap()),
            at: Timestamp::from_millis(1_795_400_000_000),
        };
        self.notifications.add(vec![user(1), user(2)], new).await.unwrap();
    }

    pub(super) async fn send_all(&self, channels: &Channels) -> usize {
        let mut sent = 0;
        loop {
            match self.notifications.send_due(channels).await.unwrap() {
                0 => return sent,
                n => sent += n,
            }
        }
    }
}

/// A browser's public key: any point of the curve.
fn browser() -> Vec<u8> {
    use ring::{agreement, rand::SystemRandom};
    let private = agreement::EphemeralPrivateKey::generate(&agreement::ECDH_P256, &SystemRandom::new()).unwrap();
    private.compute_public_key().unwrap().as_ref().to_vec()
}

fn subscription(endpoint: &str) -> Subscription {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    Subscription::new(endpoint, &URL_SAFE_NO_PAD.encode(browser()), &URL_SAFE_NO_PAD.encode([7; 16])).unwrap()
}

#[tokio::test]
async fn a_webhook_is_called_once_for_all_and_again_after_a_failure_under_the_same_id() {
    let bench = bench();
    let (url, kept) = receiver(vec![500, 200]).await;
    let secret_file = bench.dir.path().join("secret");
    std::fs::write(&secret_file, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    let webhook = Some(WebhookOptions { url, secret_file, types: Vec::new() });
    let channels = bench.channels(ChannelOptions { webhook, ..ChannelOptions::default() }, Recipient::default());
    bench.tell().await;
    bench.send_all(&channels).await;
    assert_eq!(kept.lock().unwrap().len(), 1, "two people, one call, and no second before its time");
    bench.hand.advance(Duration::from_secs(5));
    assert_eq!(bench.send_all(&channels).await, 1);
    assert_eq!(bench.send_all(&channels).await, 0);
    let calls = kept.lock().unwrap().clone();
    let header = |call: &str, name: &str| call.lines().find(|line| line.starts_with(name)).map(str::to_owned);
    assert_eq!(header(&calls[0], "webhook-id"), header(&calls[1], "webhook-id"));
    assert!(header(&calls[0], "webhook-signature: v1,").is_some());
    assert!(calls.iter().all(|call| call.contains("report_ready") && call.contains("1.2.3") && !call.contains("DOE")));
}

#[tokio::test]
async fn a_letter_is_given_up_after_a_day() {
    let bench = bench();
    let secret_file = bench.dir.path().join("secret");
    std::fs::write(&secret_file, "0123456789abcdef0123456789").unwrap();
    // Nobody listens there.
    let webhook = Some(WebhookOptions { url: "http://127.0.0.1:9".into(), secret_file, types: Vec::new() });
    let channels = bench.channels(ChannelOptions { webhook, ..ChannelOptions::default() }, Recipient::default());
    bench.tell().await;
    let mut tries = bench.send_all(&channels).await - 2; // two people's letters, who want nothing
    for _ in 0..20 {
        bench.hand.advance(Duration::from_hours(17));
        tries += bench.send_all(&channels).await;
    }
    assert_eq!(tries, 7);
}

#[tokio::test]
async fn a_push_is_encrypted_signed_and_names_nobody() {
    let bench = bench();
    let (url, kept) = receiver(vec![201, 410]).await;
    bench.notifications.subscribe(user(1), subscription(&format!("{url}/abc"))).await.unwrap();
    let options = ChannelOptions { push_private: true, push_contact: "mailto:it@clinic.example".into(), ..ChannelOptions::default() };
    let channels = bench.channels(options, Recipient { wants_push: true, ..Recipient::default() });
    bench.tell().await;
    bench.send_all(&channels).await;
    {
        let calls = kept.lock().unwrap();
        let call = calls[0].to_ascii_lowercase();
        assert!(call.starts_with("post /abc") && call.contains("content-encoding: aes128gcm") && call.contains("ttl: "));
        assert!(call.contains("authorization: vapid t=") && !call.contains("doe") && !call.contains("report_ready"));
    }
    bench.tell().await;
    bench.send_all(&channels).await;
    bench.tell().await;
    bench.send_all(&channels).await;
    assert_eq!(kept.lock().unwrap().len(), 2, "a subscription that is gone is forgotten");
}

#[tokio::test]
async fn nobody_reaches_into_the_clinic_through_a_subscription() {
    let bench = bench();
    let (url, kept) = receiver(vec![201]).await;
    let channels = bench.channels(ChannelOptions::default(), Recipient { wants_push: true, ..Recipient::default() });
    for endpoint in
        [url.as_str(), "https://127.0.0.1:1/x", "https://10.0.0.7/x", "https://[::1]/x", "https://localhost/x", "https://[fe80::1]/x"]
    {
        bench.notifications.subscribe(user(1), subscription(endpoint)).await.unwrap();
        bench.tell().await;
        bench.send_all(&channels).await;
    }
    assert!(kept.lock().unwrap().is_empty());
    assert!(!client::is_public("100.64.0.1".parse().unwrap()) && client::is_public("9.9.9.9".parse().unwrap()));
    assert!(!client::is_public("::ffff:192.168.0.1".parse().unwrap()) && client::is_public("2a00::1".parse().unwrap()));
}

#[tokio::test]
async fn people_get_only_what_they_want() {
    let bench = bench();
    let (url, kept) = receiver(vec![201]).await;
    bench.notifications.subscribe(user(1), subscription(&url)).await.unwrap();
    let options = ChannelOptions { push_private: true, ..ChannelOptions::default() };
    for recipient in [
        Recipient { wants_push: false, ..Recipient::default() },
        Recipient { wants_push: true, types: vec!["disk_low".into()], ..Recipient::default() },
    ] {
        let channels = bench.channels(options.clone(), recipient);
        bench.tell().await;
        bench.send_all(&channels).await;
    }
    assert!(kept.lock().unwrap().is_empty());
}

#[test]
fn subscriptions_that_make_no_sense_are_refused() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let (key, auth) = (URL_SAFE_NO_PAD.encode(browser()), URL_SAFE_NO_PAD.encode([7; 16]));
    let check = |endpoint: &str, key: &str, auth: &str, expected: &str| match Subscription::new(endpoint, key, auth) {
        Err(PushError::Field { field, .. }) => assert_eq!(field, expected),
        other => panic!("{other:?}"),
    };
    check("no url", &key, &auth, "endpoint");
    check("file:///etc/passwd", &key, &auth, "endpoint");
    check("https://user:pw@push.example/", &key, &auth, "endpoint");
    check(&format!("https://push.example/{}", "x".repeat(2048)), &key, &auth, "endpoint");
    check("https://push.example/", "AAAA", &auth, "keys/p256dh");
    check("https://push.example/", &key, "AAAA", "keys/auth");
}

#[test]
fn the_key_stays_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let made = VapidKey::open(dir.path()).unwrap().public();
    assert_eq!(VapidKey::open(dir.path()).unwrap().public(), made);
    assert_eq!(made.len(), 87);
}
