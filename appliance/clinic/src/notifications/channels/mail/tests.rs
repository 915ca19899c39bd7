//! Letters arrive at a mail server (a small one that speaks RFC 5321, a letter a connection), protected and signed in as configured.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::notifications::channels::{ChannelOptions, Recipient, tests::bench};

const PASSWORD: &str = "mail-secret-7";

/// What the server was told in one connection.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Heard {
    is_protected: bool,
    signed_in: String,
    to: String,
    letter: String,
}

/// How the server is.
#[derive(Clone)]
struct Manner {
    /// TLS from the first byte.
    wrapped: bool,
    /// Offers STARTTLS.
    starts_tls: bool,
    /// What it says of the recipient.
    recipient: &'static str,
    /// What it says of a sign-in.
    sign_in: &'static str,
}

const OPEN: Manner = Manner { wrapped: false, starts_tls: false, recipient: "250 ok", sign_in: "235 welcome" };

trait Line: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

/// A mail server with a certificate for 127.0.0.1.
struct Server {
    port: u16,
    heard: Arc<Mutex<Vec<Heard>>>,
    dir: tempfile::TempDir,
}

impl Server {
    async fn start(manner: Manner) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let acceptor = acceptor(&dir.path().join("ca.pem"));
        std::fs::write(dir.path().join("password"), format!("{PASSWORD}\n")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hearing = heard.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that trusts this server not, or wants what it has not, just goes.
                let _ = talk(Box::new(stream), &acceptor, &manner, &hearing).await;
            }
        });
        Self { port, heard, dir }
    }

    fn options(&self, security: MailSecurity) -> MailOptions {
        MailOptions {
            host: "127.0.0.1".into(),
            port: self.port,
            security,
            user: String::new(),
            password_file: None,
            from: "RelayPACS <relaypacs@clinic.example>".into(),
            ca_file: Some(self.dir.path().join("ca.pem")),
            first_retry: Duration::from_secs(5),
        }
    }

    fn signing_in(&self, security: MailSecurity) -> MailOptions {
        MailOptions { user: "box".into(), password_file: Some(self.dir.path().join("password")), ..self.options(security) }
    }

    fn letters(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().iter().filter(|heard| !heard.letter.is_empty()).cloned().collect()
    }
}

fn acceptor(ca_file: &Path) -> TlsAcceptor {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(ca_file, issuer.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".into()]).unwrap().signed_by(&key, &issuer).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    TlsAcceptor::from(Arc::new(builder.with_single_cert(vec![leaf.der().clone()], key).unwrap()))
}

async fn talk(plain: Box<dyn Line>, acceptor: &TlsAcceptor, manner: &Manner, all: &Mutex<Vec<Heard>>) -> std::io::Result<()> {
    let mut heard = Heard { is_protected: manner.wrapped, ..Heard::default() };
    let nth = {
        let mut all = all.lock().unwrap();
        all.push(heard.clone());
        all.len() - 1
    };
    let line: Box<dyn Line> = if manner.wrapped { Box::new(acceptor.accept(plain).await?) } else { plain };
    let mut line = BufReader::new(line);
    line.write_all(b"220 mail.example ready\r\n").await?;
    loop {
        let mut command = String::new();
        if line.read_line(&mut command).await? == 0 {
            return Ok(());
        }
        let command = command.trim_end();
        let answer = match command.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" if manner.starts_tls && !heard.is_protected => "250-mail.example\r\n250 STARTTLS",
            "EHLO" => "250-mail.example\r\n250 AUTH PLAIN",
            "STARTTLS" => {
                line.write_all(b"220 go on\r\n").await?;
                line = BufReader::new(Box::new(acceptor.accept(line.into_inner()).await?));
                heard.is_protected = true;
                continue;
            }
            "AUTH" => {
                let typed = STANDARD.decode(command.trim_start_matches("AUTH PLAIN ")).unwrap();
                heard.signed_in = String::from_utf8(typed).unwrap();
                manner.sign_in
            }
            "RCPT" => {
                heard.to = command.trim_start_matches("RCPT TO:").to_owned();
                manner.recipient
            }
            "DATA" => {
                line.write_all(b"354 go on\r\n").await?;
                while !heard.letter.ends_with("\r\n.\r\n") && line.read_line(&mut heard.letter).await? > 0 {}
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        // Kept before it is answered: the client may look at once.
        all.lock().unwrap()[nth].clone_from(&heard);
        line.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}

async fn sent(options: MailOptions, to: &str) -> Sent {
    Mailer::new(options, "St. Elsewhere").unwrap().send(to, NotificationKind::ReportReady).await
}

#[tokio::test]
async fn a_letter_arrives_over_a_line_that_is_as_protected_as_configured() {
    let both = Manner { starts_tls: true, ..OPEN };
    for (security, manner) in
        [(MailSecurity::StartTls, both), (MailSecurity::Tls, Manner { wrapped: true, ..OPEN }), (MailSecurity::None, OPEN)]
    {
        let server = Server::start(manner).await;
        assert_eq!(sent(server.signing_in(security), "ada@clinic.example").await, Sent::Done, "{security:?}");
        let letter = server.letters().remove(0);
        assert_eq!((letter.is_protected, letter.to.as_str()), (security != MailSecurity::None, "<ada@clinic.example>"));
        assert_eq!(letter.signed_in, format!("\0box\0{PASSWORD}"), "the password is the file's first line");
        for part in ["From: RelayPACS <relaypacs@clinic.example>", "Subject: St. Elsewhere: Report ready", "A report can be read."] {
            assert!(letter.letter.contains(part), "{part}: {}", letter.letter);
        }
    }
}

#[tokio::test]
async fn nothing_is_sent_over_a_line_that_is_less_protected_than_configured() {
    let unprotected = Server::start(OPEN).await;
    let wrapped = Server::start(Manner { wrapped: true, ..OPEN }).await;
    let starting = Server::start(Manner { starts_tls: true, ..OPEN }).await;
    let untrusted = |options| MailOptions { ca_file: None, ..options };
    for (server, options) in [
        (&unprotected, unprotected.signing_in(MailSecurity::StartTls)),
        (&wrapped, untrusted(wrapped.signing_in(MailSecurity::Tls))),
        (&starting, untrusted(starting.signing_in(MailSecurity::StartTls))),
    ] {
        let security = options.security;
        assert!(matches!(sent(options, "ada@clinic.example").await, Sent::Later(None, _)), "{security:?}");
        assert!(server.heard.lock().unwrap().iter().all(|heard| heard.letter.is_empty() && heard.signed_in.is_empty()));
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again_and_all_else_is() {
    let never = Server::start(Manner { recipient: "550 no such mailbox", ..OPEN }).await;
    assert!(matches!(sent(never.options(MailSecurity::None), "ada@clinic.example").await, Sent::Never(_)));
    assert!(matches!(sent(never.options(MailSecurity::None), "no address").await, Sent::Never(_)));
    let later = Server::start(Manner { recipient: "451 try later", ..OPEN }).await;
    assert!(matches!(sent(later.options(MailSecurity::None), "ada@clinic.example").await, Sent::Later(None, _)));
    // The letter is good; the password is mended by an admin.
    let unknown = Server::start(Manner { sign_in: "535 wrong password", ..OPEN }).await;
    assert!(matches!(sent(unknown.signing_in(MailSecurity::None), "ada@clinic.example").await, Sent::Later(None, _)));
    let nobody = MailOptions { port: 1, ..later.options(MailSecurity::None) };
    assert!(matches!(sent(nobody, "ada@clinic.example").await, Sent::Later(None, _)));
}

#[tokio::test]
async fn a_letter_is_tried_again_when_that_is_configured_and_then_when_all_are() {
    let later = Server::start(Manner { recipient: "451 try later", ..OPEN }).await;
    let bench = bench();
    let mail = MailOptions { first_retry: Duration::from_millis(300), ..later.options(MailSecurity::None) };
    let recipient = Recipient { email: "ada@clinic.example".into(), wants_email: true, ..Recipient::default() };
    let channels = bench.channels(ChannelOptions { mail: Some(mail), ..ChannelOptions::default() }, recipient);
    bench.tell().await; // of two people, who want it by one way, and of a webhook that is not there
    assert_eq!(bench.send_all(&channels).await, 5);
    for (pause, tried) in [(299, 0), (1, 2), (59_999, 0), (1, 2)] {
        bench.hand.advance(Duration::from_millis(pause));
        assert_eq!(bench.send_all(&channels).await, tried, "after {pause} ms");
    }
}

#[tokio::test]
async fn who_wants_mail_gets_it_without_a_patient_s_name() {
    let server = Server::start(OPEN).await;
    let bench = bench();
    let options = ChannelOptions { mail: Some(server.options(MailSecurity::None)), ..ChannelOptions::default() };
    let recipient = Recipient { email: "ada@clinic.example".into(), wants_email: true, ..Recipient::default() };
    let channels = bench.channels(options, recipient);
    bench.tell().await; // of two people
    bench.send_all(&channels).await;
    let letters = server.letters();
    assert_eq!(letters.len(), 2);
    for letter in letters {
        assert!(letter.letter.contains("Subject: RelayPACS: Report ready") && !letter.letter.contains("DOE"), "{}", letter.letter);
    }
    assert_eq!(bench.send_all(&channels).await, 0, "once each");
}

#[test]
fn settings_that_cannot_work_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let rubbish = dir.path().join("rubbish.pem");
    std::fs::write(&rubbish, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let missing = dir.path().join("missing");
    let good = || MailOptions {
        host: "mail.example".into(),
        port: 587,
        security: MailSecurity::StartTls,
        user: String::new(),
        password_file: None,
        from: "relaypacs@clinic.example".into(),
        ca_file: None,
        first_retry: Duration::from_secs(5),
    };
    let check = |options: MailOptions, expected: &str| match Mailer::new(options, "") {
        Err(error) => assert_eq!(error.field, expected, "{error}"),
        Ok(_) => panic!("{expected} is wrong"),
    };
    assert!(Mailer::new(good(), "").is_ok());
    check(MailOptions { from: "nobody".into(), ..good() }, "mail.from");
    check(MailOptions { ca_file: Some(missing.clone()), ..good() }, "mail.ca_file");
    check(MailOptions { ca_file: Some(rubbish), ..good() }, "mail.ca_file");
    check(MailOptions { user: "box".into(), ..good() }, "mail.password_file");
    check(MailOptions { user: "box".into(), password_file: Some(missing), ..good() }, "mail.password_file");
}
