//! E-mail by SMTP (RFC 5321), TLS as configured. A mail says that there is something to read and nothing of what.

use std::{path::PathBuf, time::Duration};

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
    },
};

use super::{ChannelError, Sent};
use crate::notifications::NotificationKind;

const TIMEOUT: Duration = Duration::from_secs(30);

/// How the line to the mail server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MailSecurity {
    /// TLS after a greeting (port 587); without it nothing is sent.
    #[default]
    StartTls,
    /// TLS from the start (port 465).
    Tls,
    /// Nothing: for a relay in the same house (port 25).
    None,
}

/// The mail server.
#[derive(Debug, Clone)]
pub struct MailOptions {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the line is protected.
    pub security: MailSecurity,
    /// As whom to sign in; empty: nobody.
    pub user: String,
    /// The file with the password.
    pub password_file: Option<PathBuf>,
    /// Who sends: `RelayPACS <relaypacs@clinic.example>`.
    pub from: String,
    /// The authorities to trust beside those built in, PEM.
    pub ca_file: Option<PathBuf>,
    /// Pause before a letter that was not taken is tried the second time; later pauses are those of all ways.
    pub first_retry: Duration,
}

/// Sends mail.
pub(super) struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    site: String,
    pub(super) first_retry: Duration,
}

impl Mailer {
    pub(super) fn new(options: MailOptions, site: &str) -> Result<Self, ChannelError> {
        let fault = |field, reason: String| ChannelError { field, reason };
        let from: Mailbox = options.from.parse().map_err(|error| fault("mail.from", format!("{error}")))?;
        let tls = || {
            let mut parameters = TlsParameters::builder(options.host.clone());
            if let Some(file) = &options.ca_file {
                let pem = std::fs::read(file).map_err(|error| fault("mail.ca_file", format!("{}: {error}", file.display())))?;
                let certificate = Certificate::from_pem(&pem).map_err(|error| fault("mail.ca_file", error.to_string()))?;
                parameters = parameters.add_root_certificate(certificate);
            }
            parameters.build_rustls().map_err(|error| fault("mail.ca_file", error.to_string()))
        };
        let tls = match options.security {
            MailSecurity::StartTls => Tls::Required(tls()?),
            MailSecurity::Tls => Tls::Wrapper(tls()?),
            MailSecurity::None => Tls::None,
        };
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(options.host.as_str());
        let mut builder = builder.port(options.port).tls(tls).timeout(Some(TIMEOUT));
        if !options.user.is_empty() {
            let file = options.password_file.ok_or_else(|| fault("mail.password_file", "a user needs a password".into()))?;
            let read = std::fs::read_to_string(&file);
            let password = read.map_err(|error| fault("mail.password_file", format!("{}: {error}", file.display())))?;
            builder = builder.credentials(Credentials::new(options.user, password.trim_end_matches(['\r', '\n']).to_owned()));
        }
        let site = if site.is_empty() { "RelayPACS".to_owned() } else { site.to_owned() };
        Ok(Self { transport: builder.build(), from, site, first_retry: options.first_retry })
    }

    pub(super) async fn send(&self, to: &str, kind: NotificationKind) -> Sent {
        let (title, text) = kind.outside();
        let Ok(to) = to.parse() else { return Sent::Never("the address cannot be read".into()) };
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(format!("{}: {title}", self.site))
            .header(ContentType::TEXT_PLAIN)
            .body(format!("{text}\n\nSign in to RelayPACS at {} to see it.\n", self.site));
        let message = match message {
            Ok(message) => message,
            Err(error) => return Sent::Never(error.to_string()),
        };
        match self.transport.send(message).await {
            Ok(_) => Sent::Done,
            Err(error) if error.is_permanent() && !is_of_sign_in(&error) => Sent::Never("the mail server refuses it for good".into()),
            Err(error) => Sent::Later(None, error.to_string()),
        }
    }
}

/// Whether it is the box that is refused (530, 534, 535, 538 of RFC 4954), which an admin can mend, and not the letter.
fn is_of_sign_in(error: &lettre::transport::smtp::Error) -> bool {
    error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538))
}

#[cfg(test)]
mod tests;
