//! The programs that the box talks to, each in a folder of its own on free loopback ports.

use std::{
    collections::BTreeMap,
    fs,
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    ledger::{Entry, arrivals},
    part10::Object,
    place::{Folder, built, free_port},
    process::Process,
    wait,
    web::Web,
};

/// How long a peer may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);

/// The STOW-RS receiver of this crate.
pub struct StowSink {
    folder: PathBuf,
    port: u16,
    arguments: Vec<String>,
    process: Option<Process>,
}

impl StowSink {
    /// Starts one. `arguments`: flavour, faults …
    pub fn start(folder: &Folder, name: &str, arguments: &[&str]) -> Self {
        let mut sink = Self::stopped(folder, name, arguments);
        sink.switch_on();
        sink
    }

    /// Starts one that keeps the files and gives them out by WADO-RS.
    pub fn keeping(folder: &Folder, name: &str, arguments: &[&str]) -> Self {
        let kept = folder.join(&format!("{name}-files"));
        let kept = kept.to_str().expect("paths of tests are text");
        Self::start(folder, name, &[arguments, &["--keep", kept]].concat())
    }

    /// One that does not run yet: its port refuses connections.
    pub fn stopped(folder: &Folder, name: &str, arguments: &[&str]) -> Self {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("the test's folder");
        Self { folder, port: free_port(), arguments: arguments.iter().map(|a| (*a).to_string()).collect(), process: None }
    }

    /// Starts it where it was told to be. Records of an earlier run stay.
    pub fn switch_on(&mut self) {
        let mut command = Command::new(built("stow_sink"));
        command.args(["--port", &self.port.to_string()]).arg("--records").arg(self.records()).args(&self.arguments);
        let mut process = Process::start("stow_sink", &command, &self.folder.join("log"));
        process.until("listens", LISTENS_WITHIN, || listens(self.port));
        self.process = Some(process);
    }

    /// Ends it.
    pub fn switch_off(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// The destination URL, as dcm4chee has it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/dcm4chee-arc/aets/DCM4CHEE/rs", self.port)
    }

    /// Where OAuth2 tokens come from.
    pub fn token_url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    /// The records file.
    pub fn records(&self) -> PathBuf {
        self.folder.join("records.jsonl")
    }

    /// UIDs and hashes of all that reached it, in order.
    pub fn arrivals(&self) -> Vec<Entry> {
        arrivals(&self.records())
    }

    /// The record lines of one kind (`instance`, `request`).
    pub fn recorded(&self, kind: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.records()).unwrap_or_default();
        let complete = text.rfind('\n').map_or("", |i| &text[..=i]);
        complete.lines().map(|l| serde_json::from_str::<Value>(l).expect("stow_sink writes JSON")).filter(|l| l["kind"] == kind).collect()
    }

    /// Adds a fault while it runs.
    pub fn fault(&self, spec: &str) {
        Web::new(self.port).post(&format!("/_control?fault={}", spec.replace(',', "%2C")), "");
    }

    /// Ends all faults.
    pub fn heal(&self) {
        Web::new(self.port).delete("/_control");
    }
}

/// A real Orthanc with DICOMweb, as Debian has it.
pub struct Orthanc {
    /// Its REST entrance.
    pub web: Web,
    dicom_port: u16,
    http_port: u16,
    _process: Process,
}

impl Orthanc {
    /// Starts one. `modalities`: where it may send, as `{"name": ["AET", "host", port]}`.
    pub fn start(folder: &Folder, name: &str, modalities: &Value) -> Self {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).expect("the test's folder");
        let (dicom_port, http_port) = (free_port(), free_port());
        let config = json!({
            "Name": name, "StorageDirectory": folder.join("db"), "IndexDirectory": folder.join("db"), "HttpPort": http_port, "DicomPort": dicom_port,
            "DicomAet": "ORTHANC", "RemoteAccessAllowed": false, "AuthenticationEnabled": false, "DicomCheckCalledAet": false, "DicomAlwaysAllowStore": true,
            "UnknownSopClassAccepted": true, "OverwriteInstances": false, "DicomModalities": modalities, "HttpBindAddresses": ["127.0.0.1"],
            "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"], "DicomWeb": { "Enable": true, "Root": "/dicom-web/" },
        });
        let file = folder.join("orthanc.json");
        fs::write(&file, config.to_string()).expect("the test's folder");
        let mut command = Command::new("/usr/sbin/Orthanc");
        command.arg(&file).current_dir(&folder);
        let mut process = Process::start("Orthanc", &command, &folder.join("log"));
        let web = Web::new(http_port);
        process.until("answers", LISTENS_WITHIN, || {
            listens(dicom_port)?;
            web.try_get("/system").filter(|a| a.status == 200).map(drop)
        });
        Self { web, dicom_port, http_port, _process: process }
    }

    /// The destination URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/dicom-web", self.http_port)
    }

    /// Its HTTP port.
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// Where it takes C-STORE.
    pub fn dicom_port(&self) -> u16 {
        self.dicom_port
    }

    /// Puts a file into it; gives Orthanc's id of the instance.
    pub fn import(&self, path: &Path) -> String {
        let answer = self.web.post("/instances", fs::read(path).expect("a test file")).json();
        answer["ID"].as_str().expect("Orthanc names what it stored").to_string()
    }

    /// Sends instances from it to a modality it knows; waits for the end.
    pub fn send(&self, modality: &str, ids: &[String]) {
        let answer =
            self.web.post(&format!("/modalities/{modality}/store"), json!({ "Resources": ids, "Synchronous": true }).to_string()).json();
        assert_eq!(answer["FailedInstancesCount"], 0, "{answer}");
    }

    /// SOP Instance UID and SHA-256 of the data set of each file it gives back.
    pub fn holds(&self) -> BTreeMap<String, String> {
        let ids = self.web.get("/instances").json();
        let ids = ids.as_array().expect("a list");
        ids.iter()
            .map(|id| {
                let file = self.web.get(&format!("/instances/{}/file", id.as_str().expect("an id"))).body;
                let object = Object::new(file).expect("Orthanc gives Part-10 files");
                (object.meta.instance.clone(), object.sha256())
            })
            .collect()
    }
}

/// A Prometheus that scrapes one box every second.
pub struct Prometheus {
    /// Its HTTP API.
    pub web: Web,
    _process: Process,
}

impl Prometheus {
    /// Starts one.
    pub fn start(folder: &Folder, target_port: u16) -> Self {
        let folder = folder.join("prometheus");
        fs::create_dir_all(&folder).expect("the test's folder");
        let config = format!(
            "global:\n  scrape_interval: 1s\nscrape_configs:\n  - job_name: relaypacs\n    static_configs:\n      - targets: ['127.0.0.1:{target_port}']\n"
        );
        fs::write(folder.join("prometheus.yml"), config).expect("the test's folder");
        let port = free_port();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", folder.join("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", folder.join("data").display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .current_dir(&folder);
        let mut process = Process::start("prometheus", &command, &folder.join("log"));
        let web = Web::new(port);
        process.until("is ready", LISTENS_WITHIN, || web.try_get("/-/ready").filter(|a| a.status == 200).map(drop));
        Self { web, _process: process }
    }

    /// The value of an instant query, once there is one.
    pub fn value(&self, query: &str) -> f64 {
        wait::until(&format!("Prometheus knows {query}"), Duration::from_secs(30), || {
            let answer = self.web.try_get(&format!("/api/v1/query?query={query}"))?.json();
            answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
        })
    }
}

fn listens(port: u16) -> Option<()> {
    TcpStream::connect(("127.0.0.1", port)).ok().map(drop)
}
