//! The box under test: the built binary on a data directory of its own, started, stopped, killed, asked.

use std::{
    fmt::Write as _,
    fs,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Output},
    time::Duration,
};

use serde_json::Value;

use crate::{
    place::{Folder, built, free_port},
    process::{Process, run},
    wait,
    web::Web,
};

/// How long the box may take to become ready, replay included.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How long a queue may take to run empty when nothing is in the way.
pub const DRAINS_WITHIN: Duration = Duration::from_secs(240);

/// What a box is started with. Loopback only, free ports, quick retries, a study complete after a second.
pub struct Setup {
    folder: PathBuf,
    dicom: String,
    buffer: String,
    rest: String,
    enclosure: Option<Enclosure>,
    https_port: u16,
}

/// A mount of the box's own: its data directory is a file system that only it sees.
#[derive(Debug, Clone)]
struct Enclosure {
    /// What `mount` is told, the mount point excepted.
    mount: String,
}

impl Setup {
    /// A box that lives in `folder`.
    pub fn new(folder: &Folder) -> Self {
        Self {
            folder: folder.path().into(),
            dicom: String::new(),
            buffer: String::new(),
            rest: String::new(),
            enclosure: None,
            https_port: 0,
        }
    }

    /// Lines for `[dicom]`.
    #[must_use]
    pub fn dicom(mut self, lines: &str) -> Self {
        self.dicom += lines;
        self.dicom += "\n";
        self
    }

    /// Lines for `[buffer]`.
    #[must_use]
    pub fn buffer(mut self, lines: &str) -> Self {
        self.buffer += lines;
        self.buffer += "\n";
        self
    }

    /// Further sections.
    #[must_use]
    pub fn section(mut self, lines: &str) -> Self {
        self.rest += lines;
        self.rest += "\n";
        self
    }

    /// A STOW-RS destination. `lines`: more of its keys.
    #[must_use]
    pub fn stow(self, name: &str, url: &str, lines: &str) -> Self {
        let retry = r#"retry = { first = "200ms", max = "2s", horizon = "7d" }"#;
        let retry = if lines.contains("retry") { "" } else { retry };
        self.section(&format!("[[destination]]\nname = \"{name}\"\nkind = \"stow\"\nurl = \"{url}\"\n{retry}\n{lines}"))
    }

    /// HTTPS on `port` as well, with a certificate of the box's own authority.
    #[must_use]
    pub fn https(mut self, port: u16) -> Self {
        self.https_port = port;
        self
    }

    /// The data directory becomes a file system of its own, mounted as `mount OPTIONS DIR` would, in a mount namespace of the box (needs root).
    #[must_use]
    pub fn on_mount(mut self, options: &str) -> Self {
        self.enclosure = Some(Enclosure { mount: options.into() });
        self
    }

    /// Writes the configuration and starts the box.
    pub fn start(self) -> Appliance {
        let (dicom_port, http_port) = (free_port(), free_port());
        let idle = if self.dicom.contains("study_idle") { "" } else { "study_idle = \"1s\"\n" };
        let mut text = format!(
            "[dicom]\nbind = \"127.0.0.1\"\nport = {dicom_port}\ntls_port = 0\n{idle}{}\n\
             [http]\nbind = \"127.0.0.1\"\nport = {}\nplain_port = {http_port}\n\n",
            self.dicom, self.https_port
        );
        let _ = write!(text, "[buffer]\n{}\n{}", self.buffer, self.rest);
        let config = self.folder.join("relaypacs.toml");
        fs::write(&config, text).expect("the test's folder");
        let data_dir = self.folder.join("data");
        fs::create_dir_all(&data_dir).expect("the test's folder");
        let mut appliance = Appliance {
            folder: self.folder,
            config,
            data_dir,
            dicom_port,
            http_port,
            enclosure: self.enclosure,
            process: None,
            web: Web::new(http_port),
        };
        appliance.start();
        appliance
    }
}

/// A box.
pub struct Appliance {
    folder: PathBuf,
    config: PathBuf,
    data_dir: PathBuf,
    dicom_port: u16,
    http_port: u16,
    enclosure: Option<Enclosure>,
    process: Option<Process>,
    web: Web,
}

impl Appliance {
    /// Starts it (again) and waits until it says that it is ready.
    pub fn start(&mut self) {
        let mut process = self.spawn();
        process.until("is ready", READY_WITHIN, || self.ready().then_some(()));
        self.process = Some(process);
    }

    /// Starts it without waiting.
    fn spawn(&self) -> Process {
        let serve =
            [self.text(&built("relaypacs")), "--config".into(), self.text(&self.config), "--data-dir".into(), self.text(&self.data_dir)];
        let mut command = match &self.enclosure {
            None => Command::new(&serve[0]),
            Some(enclosure) => {
                let mut command = Command::new("unshare");
                let script = format!("mount {} \"$0\" && exec \"$@\"", enclosure.mount);
                command.args(["--mount", "--", "sh", "-c", &script]).arg(&self.data_dir).arg(&serve[0]);
                command
            }
        };
        command.args(&serve[1..]).arg("serve").current_dir(&self.folder);
        Process::start("relaypacs", &command, &self.folder.join("relaypacs.log"))
    }

    fn text(&self, path: &Path) -> String {
        path.to_str().expect("paths of tests are text").into()
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("the box runs")
    }

    /// Whether `/readyz` answers 200.
    pub fn ready(&self) -> bool {
        self.web.try_get("/readyz").is_some_and(|a| a.status == 200)
    }

    /// Its process, for memory figures.
    pub fn running(&self) -> &Process {
        self.process()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("the box runs").kill();
    }

    /// SIGTERM, and waits for the end.
    pub fn stop(&mut self) -> ExitStatus {
        self.process.take().expect("the box runs").terminate()
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|p| p.ended().is_some())
    }

    /// Where modalities connect.
    pub fn dicom(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.dicom_port).into()
    }

    /// Its plain HTTP port.
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// Its admin socket, where everything may be asked without an account.
    pub fn admin(&self) -> Web {
        Web::over_socket(&self.data_dir().join("admin.sock"))
    }

    /// Its HTTP entrance.
    pub fn web(&self) -> &Web {
        &self.web
    }

    /// Its configuration file.
    pub fn config(&self) -> &Path {
        &self.config
    }

    /// Its data directory as the test sees it (through the box's own mounts where it has them).
    pub fn data_dir(&self) -> PathBuf {
        match (&self.enclosure, &self.process) {
            (Some(_), Some(process)) => PathBuf::from(format!("/proc/{}/root{}", process.pid(), self.data_dir.display())),
            _ => self.data_dir.clone(),
        }
    }

    /// What it wrote to its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("relaypacs.log")).unwrap_or_default()
    }

    /// A command of the command line.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(built("relaypacs"));
        command.arg("--config").arg(&self.config).arg("--data-dir").arg(self.data_dir()).args(arguments).current_dir(&self.folder);
        command
    }

    /// Runs a command, which must succeed; gives what it printed.
    pub fn cli(&self, arguments: &[&str]) -> String {
        run(&mut self.command(arguments))
    }

    /// Runs a command to whatever end.
    pub fn try_cli(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs a command with `--json`.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let text = self.cli(&[&["--json"], arguments].concat());
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("relaypacs {arguments:?} --json printed no JSON ({e}): {text}"))
    }

    /// `/api/v1/system`.
    pub fn system(&self) -> Value {
        self.admin().get("/api/v1/system").json()
    }

    /// All studies in the buffer.
    pub fn studies(&self) -> Vec<Value> {
        self.pages("/api/v1/studies?limit=200", "studies")
    }

    /// A study's ledger.
    pub fn ledger(&self, study: &str) -> Vec<Value> {
        self.pages(&format!("/api/v1/studies/{study}/ledger?limit=200"), "entries")
    }

    fn pages(&self, path: &str, key: &str) -> Vec<Value> {
        let (mut all, mut next, admin) = (vec![], path.to_string(), self.admin());
        loop {
            let page = admin.get(&next).json();
            all.extend(page[key].as_array().unwrap_or_else(|| panic!("{next} has no {key}: {page}")).iter().cloned());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{path}&cursor={cursor}"),
                None => return all,
            }
        }
    }

    /// Instances that wait or are held.
    pub fn queued(&self) -> u64 {
        let queue = &self.system()["queue"];
        number(&queue["instances"]).max(number(&queue["held"]))
    }

    /// Waits until the catalogue knows of `instances` instances, each proven at each of its destinations. (It follows the acks at a small distance.)
    pub fn delivered(&self, instances: usize) {
        let done = |study: &Value| {
            let deliveries = study["deliveries"].as_array().map_or(&[][..], Vec::as_slice);
            !deliveries.is_empty() && deliveries.iter().all(|d| d["state"] == "delivered")
        };
        let mut last = vec![];
        wait::until_or(DRAINS_WITHIN, || {
            last = self.studies();
            let known: u64 = last.iter().map(|s| number(&s["instances"])).sum();
            (known == instances as u64 && last.iter().all(done)).then_some(())
        })
        .unwrap_or_else(|| panic!("not within {DRAINS_WITHIN:?}: {instances} instances delivered; the box has {last:#?}"));
    }

    /// Waits until nothing of what the catalogue knows waits or is held.
    pub fn drained(&self) {
        wait::until("everything is delivered", DRAINS_WITHIN, || {
            let system = self.admin().try_get("/api/v1/system")?.json();
            (number(&system["queue"]["instances"]) == 0 && number(&system["queue"]["held"]) == 0).then_some(())
        });
    }

    /// A metric's samples added up; 0 when there is none. `label`: only samples that have this text in them.
    pub fn metric(&self, name: &str, label: &str) -> f64 {
        let text = self.web.get("/metrics").text();
        let samples = text.lines().filter(|l| !l.starts_with('#') && l.contains(label));
        samples
            .filter_map(|l| {
                let rest = l.strip_prefix(name)?;
                if !rest.starts_with(['{', ' ']) {
                    return None;
                }
                rest.rsplit(' ').next()?.parse::<f64>().ok()
            })
            .sum()
    }
}

/// A JSON number, 0 when absent.
pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}
