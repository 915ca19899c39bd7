//! DICOMweb client of one destination: QIDO-RS (PS3.18 §10.6) and WADO-RS (§10.4) as far as proof and checks need them.
//!
//! It knows nothing of queues and verdicts: it asks one question and says what came back.

pub(crate) mod item;
pub(crate) mod json;
mod retrieve;
pub(crate) mod xml;

use std::{
    collections::HashSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use relaypacs_domain::{Failure, FailureCode, Identity, Sha256, Uid};
use reqwest::{Response, StatusCode, header};
use rustls::ClientConfig;
use tokio::time::timeout;
use url::Url;

use crate::{
    auth::Authorizer,
    file_hash::FileHash,
    transport::{self, TransportOptions},
};
use item::Item;
use retrieve::{FileBytes, Retrieval};

/// A DICOMweb service and how to talk to it.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) base: Url,
    http: Mutex<reqwest::Client>,
    tls: ClientConfig,
    transport: TransportOptions,
    pub(crate) authorizer: Authorizer,
    /// Longest time without progress.
    pub(crate) stall_timeout: Duration,
}

/// What a retrieval brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retrieved {
    /// The instance, with the SHA-256 of its data set.
    DataSet(Sha256),
    /// The service does not give it out: it has none, or does not offer WADO-RS, or answered something else.
    Nothing,
}

const DICOM_JSON: &str = "application/dicom+json";
const QUERY_ANSWER_MAX: usize = 16 << 20;

impl Service {
    pub(crate) fn new(base: Url, authorizer: Authorizer, tls: ClientConfig, transport: TransportOptions) -> Result<Self, reqwest::Error> {
        let http = Mutex::new(transport::client(tls.clone(), &transport)?);
        Ok(Self { base, http, tls, stall_timeout: transport.stall_timeout, transport, authorizer })
    }

    /// The client with its open connections.
    pub(crate) fn http(&self) -> reqwest::Client {
        self.http.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets all idle connections: after a fault of the line they may be dead without knowing it.
    pub(crate) fn reconnect(&self) {
        if let Ok(client) = transport::client(self.tls.clone(), &self.transport) {
            *self.http.lock().unwrap_or_else(PoisonError::into_inner) = client;
        }
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        self.transport.connect_timeout
    }

    /// Rules of the TLS connections, for the step-by-step check.
    pub(crate) fn tls(&self) -> ClientConfig {
        self.tls.clone()
    }

    /// The service's URL with path segments appended. Segments are names of the standard and UIDs: nothing needs escaping.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        let path = format!("{}/{}", url.path().trim_end_matches('/'), segments.join("/"));
        url.set_path(&path);
        url
    }

    /// Whether QIDO-RS finds the instance. It answers for the UID, not for the bytes.
    pub(crate) async fn find(&self, identity: &Identity) -> Result<bool, Failure> {
        let mut url = match (&identity.study, &identity.series) {
            (Some(study), Some(series)) => self.url(&["studies", study.as_str(), "series", series.as_str(), "instances"]),
            (Some(study), None) => self.url(&["studies", study.as_str(), "instances"]),
            (None, _) => self.url(&["instances"]),
        };
        url.query_pairs_mut().append_pair("SOPInstanceUID", identity.sop_instance.as_str());
        let response = self.get(url, DICOM_JSON).await?;
        match response.status().as_u16() {
            200 => Ok(names(&self.body(response).await?, &identity.sop_instance)),
            204 | 404 => Ok(false),
            status => Err(Failure::new(FailureCode::Http(status), format!("the query was answered {status}"))),
        }
    }

    /// The instances of a series that QIDO-RS finds. A service may list fewer than it has: only being listed says something.
    pub(crate) async fn find_series(&self, study: &Uid, series: &Uid) -> Result<HashSet<Uid>, Failure> {
        let url = self.url(&["studies", study.as_str(), "series", series.as_str(), "instances"]);
        let response = self.get(url, DICOM_JSON).await?;
        match response.status().as_u16() {
            200 => Ok(instances(&self.body(response).await?).filter_map(|item| item.sop_instance).collect()),
            204 | 404 => Ok(HashSet::new()),
            status => Err(Failure::new(FailureCode::Http(status), format!("the query was answered {status}"))),
        }
    }

    /// The instances of a study that QIDO-RS finds in one SOP class, with their series. A service that ignores the filter names others too.
    pub(crate) async fn find_of_class(&self, study: &Uid, class: &Uid) -> Result<Vec<Item>, Failure> {
        let mut url = self.url(&["studies", study.as_str(), "instances"]);
        url.query_pairs_mut().append_pair("SOPClassUID", class.as_str()).append_pair("includefield", "00080016");
        let response = self.get(url, DICOM_JSON).await?;
        match response.status().as_u16() {
            200 => Ok(instances(&self.body(response).await?).filter(|item| item.sop_class.as_ref() == Some(class)).collect()),
            204 | 404 => Ok(Vec::new()),
            status => Err(Failure::new(FailureCode::Http(status), format!("the query was answered {status}"))),
        }
    }

    /// Retrieves the instance as it is stored and hashes its data set while it streams by.
    pub(crate) async fn retrieve(&self, identity: &Identity, most_bytes: u64) -> Result<Retrieved, Failure> {
        let (Some(study), Some(series)) = (&identity.study, &identity.series) else { return Ok(Retrieved::Nothing) };
        let file: Option<FileHash> = self.retrieve_file(study, series, &identity.sop_instance, most_bytes).await?;
        Ok(file.and_then(FileHash::finish).map_or(Retrieved::Nothing, Retrieved::DataSet))
    }

    /// Retrieves the instance as it is stored; `None`: the service does not give it out, or what it gives is longer than `most_bytes`.
    pub(crate) async fn retrieve_file<F: FileBytes>(
        &self,
        study: &Uid,
        series: &Uid,
        sop_instance: &Uid,
        most_bytes: u64,
    ) -> Result<Option<F>, Failure> {
        let url = self.url(&["studies", study.as_str(), "series", series.as_str(), "instances", sop_instance.as_str()]);
        let accept = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";
        let mut response = self.get(url, accept).await?;
        match response.status().as_u16() {
            200 => {}
            status @ (429 | 500..=599) => {
                return Err(Failure::new(FailureCode::Http(status), format!("the retrieval was answered {status}")));
            }
            _ => return Ok(None),
        }
        let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some(mut retrieval) = Retrieval::new(kind, most_bytes) else { return Ok(None) };
        while let Some(piece) = self.chunk(&mut response).await? {
            if retrieval.feed(&piece).is_err() {
                return Ok(None);
            }
        }
        Ok(retrieval.finish())
    }

    /// The cheapest question a DICOMweb service answers: a study that does not exist. Gives the status.
    pub(crate) async fn ping(&self) -> Result<StatusCode, Failure> {
        let mut url = self.url(&["studies"]);
        url.query_pairs_mut().append_pair("StudyInstanceUID", "2.25.1").append_pair("limit", "1");
        Ok(self.get(url, DICOM_JSON).await?.status())
    }

    /// GET with the box's credentials, which are renewed once when they are refused. Ends when the head of the answer is there.
    async fn get(&self, url: Url, accept: &str) -> Result<Response, Failure> {
        let (http, mut renewed) = (self.http(), false);
        loop {
            let authorization = self.authorizer.authorization(&http).await?;
            let mut request = http.get(url.clone()).header(header::ACCEPT, accept);
            if let Some(value) = authorization.header {
                request = request.header(header::AUTHORIZATION, value);
            }
            let response = timeout(self.stall_timeout, request.send()).await.map_err(|_| stalled(self.stall_timeout))?;
            let response = response.map_err(|error| transport::failure(&error))?;
            if response.status() == StatusCode::UNAUTHORIZED && !renewed && self.authorizer.renew(authorization.generation).await {
                renewed = true;
                continue;
            }
            return Ok(response);
        }
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<bytes::Bytes>, Failure> {
        let piece = timeout(self.stall_timeout, response.chunk()).await.map_err(|_| stalled(self.stall_timeout))?;
        piece.map_err(|error| transport::failure(&error))
    }

    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Failure> {
        let mut body = Vec::new();
        while let Some(piece) = self.chunk(&mut response).await? {
            if body.len() + piece.len() > QUERY_ANSWER_MAX {
                return Err(Failure::new(FailureCode::Answer, "the answer to the query is too long"));
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

/// The failure of a request that made no progress for `longest`.
pub(crate) fn stalled(longest: Duration) -> Failure {
    Failure::new(FailureCode::Line, format!("no progress for {}", crate::duration::format(longest)))
}

/// Whether a QIDO-RS answer names the instance (a service that ignores the filter names others too).
fn names(body: &[u8], sop_instance: &Uid) -> bool {
    instances(body).any(|item| item.sop_instance.as_ref() == Some(sop_instance))
}

/// The data sets of a QIDO-RS answer; none if it cannot be read.
fn instances(body: &[u8]) -> impl Iterator<Item = Item> {
    let items = match body.trim_ascii().first() {
        Some(b'<') => std::str::from_utf8(body).ok().and_then(|text| xml::parse(text).ok()),
        _ => json::parse(body).ok(),
    };
    items.unwrap_or_default().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_answer_must_name_the_very_instance() {
        let uid: Uid = "1.2.3".parse().unwrap();
        let check = |body: &str, expected| assert_eq!(names(body.as_bytes(), &uid), expected, "{body}");
        check(r#"[{"00080018":{"vr":"UI","Value":["1.2.3"]}}]"#, true);
        check(r#"[{"00080018":{"vr":"UI","Value":["1.2.4"]}},{"00080018":{"vr":"UI","Value":["1.2.3"]}}]"#, true);
        check(r#"[{"00080018":{"vr":"UI","Value":["1.2.4"]}}]"#, false);
        check("[]", false);
        check("", false);
        check("<html>1.2.3</html>", false);
        check(
            r#"<NativeDicomModel><DicomAttribute tag="00080018" vr="UI"><Value number="1">1.2.3</Value></DicomAttribute></NativeDicomModel>"#,
            true,
        );
    }
}
