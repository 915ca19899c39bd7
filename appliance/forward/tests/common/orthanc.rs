//! A real Orthanc with the DICOMweb plug-in, in a folder of its own.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::json;
use tempfile::TempDir;

use super::closed_port;

/// A running Orthanc; ends when dropped.
pub(crate) struct Orthanc {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Orthanc {
    /// Starts one and waits until it answers.
    pub(crate) async fn start(client: &reqwest::Client) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, dicom_port) = (closed_port(), closed_port());
        let config = json!({
            "Name": "forward", "StorageDirectory": folder.path().join("db"), "IndexDirectory": folder.path().join("db"),
            "HttpPort": port, "DicomPort": dicom_port, "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
            "HttpBindAddresses": ["127.0.0.1"], "DicomAet": "ORTHANC", "UnknownSopClassAccepted": true,
            "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"], "DicomWeb": { "Enable": true, "Root": "/dicom-web/" },
        });
        let file = folder.path().join("orthanc.json");
        fs::write(&file, config.to_string()).unwrap();
        let started = Command::new("/usr/sbin/Orthanc").arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let process = started.expect("install orthanc and orthanc-dicomweb: this test needs the real peer");
        let orthanc = Self { process, port, _folder: folder };
        for _ in 0..1200 {
            if client.get(orthanc.rest("/system")).send().await.is_ok() {
                return orthanc;
            }
            tokio::time::sleep(Duration::from_millis(50)).await; // a process of others gives no other sign
        }
        panic!("Orthanc does not answer");
    }

    /// The destination URL.
    pub(crate) fn url(&self) -> String {
        self.rest("/dicom-web")
    }

    /// A URL of its own REST API.
    pub(crate) fn rest(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Orthanc {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
