//! A STOW-RS receiver for tests: answers as real archives do, fails on demand, writes down what it got. Streams; its memory does not grow with the object.
//!
//! Records are one JSON line per instance `{"t","kind":"instance","req","part_type","sop","study","series","cls","ts","sha256","bytes","result","code"}` and
//! one per request `{"t","kind":"request","req","begun","type","path","status","parts","bytes","content_length","chunked","accept","fault"}`. `sha256` is of the data
//! set after the file meta group. `result` is [`Fate`]'s name.
//!
//! Over HTTP, beside `…/studies[/UID]`: QIDO-RS instances, WADO-RS of kept files, `POST …/token` (OAuth2 client credentials), and `/_control`:
//! GET shows counts and faults, `POST ?fault=SPEC` adds one, DELETE clears them.

mod answer;
mod fault;
mod http;
mod multipart;
mod query;
mod store;

use std::{
    collections::HashMap,
    error::Error,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::SystemTime,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::ValueEnum;
use serde_json::{Value, json};

use self::{
    fault::Faults,
    http::{Line, Request, read_request, reply, small_window},
};

/// How the receiver is to behave.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// Port on 127.0.0.1 (0 = a free one). The first line on stdout is {"port":N}.
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Append a JSON line for each instance and each request.
    #[arg(long)]
    pub records: Option<PathBuf>,
    /// Whose answers to give.
    #[arg(long, value_enum, default_value = "dcm4chee")]
    pub flavour: Flavour,
    /// The only application entity in URLs with /aets/.
    #[arg(long, default_value = "DCM4CHEE")]
    pub aet: String,
    /// A fault from the start; may be repeated. SPEC = NAME[:VALUE][,every=N][,skip=N][,times=N][,retry-after=S][,sticky].
    #[arg(long = "fault", value_name = "SPEC")]
    pub faults: Vec<String>,
    /// `bearer` (tokens from POST …/token) or `basic:USER:PASSWORD`.
    #[arg(long, default_value = "")]
    pub auth: String,
    /// Seconds that a token is valid.
    #[arg(long, default_value_t = 300)]
    pub token_ttl: u64,
    /// Keep the files here and serve them by WADO-RS.
    #[arg(long)]
    pub keep: Option<PathBuf>,
}

/// The archives whose answers are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Flavour {
    /// dcm4chee-arc 5: 202 for some, 409 for none, items C409 and C499, exact Accept.
    Dcm4chee,
    /// Orthanc's DICOMweb plug-in 1.24.
    Orthanc,
    /// The plug-in 1.7 of Debian 12: 409 or 400 although others were stored; 200 with nothing stored for odd requests.
    Orthanc17,
    /// Google Cloud Healthcare: identical again is fine, other bytes under the same UID are a conflict.
    Google,
    /// Azure Health Data Services: every duplicate is item 45070.
    #[value(alias = "azure")]
    Microsoft,
    /// AWS HealthImaging: at most 1 GB a request; a second version is kept beside the first.
    Aws,
}

/// What became of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stored,
    /// The same bytes again.
    Duplicate,
    /// Same UID, other bytes: the old ones stay, silently.
    Ignored,
    Failed,
    /// Not stored, in no list.
    Unlisted,
    /// Stored, in no list.
    StoredUnlisted,
    /// Listed as stored, thrown away.
    ListedNotStored,
    NotDicom,
    /// A quirk of the flavour swallowed it.
    Dropped,
}

impl Fate {
    fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Duplicate => "duplicate",
            Self::Ignored => "ignored",
            Self::Failed => "failed",
            Self::Unlisted => "unlisted",
            Self::StoredUnlisted => "stored-unlisted",
            Self::ListedNotStored => "listed-not-stored",
            Self::NotDicom => "not-dicom",
            Self::Dropped => "dropped",
        }
    }
}

/// Bytes kept under a SOP Instance UID.
#[derive(Clone)]
struct Version {
    sha256: String,
    study: String,
    series: String,
    class: String,
    file: Option<PathBuf>,
}

/// All that connections share.
struct Sink {
    options: Options,
    port: u16,
    records: Option<Mutex<File>>,
    faults: Mutex<Faults>,
    stored: Mutex<HashMap<String, Vec<Version>>>,
    requests: AtomicU64,
    instances: AtomicU64,
    bytes: AtomicU64,
    /// One connection at a time passes the slow line.
    line: Mutex<()>,
    /// For names that must not meet.
    counter: AtomicU64,
}

/// Serves for ever on 127.0.0.1.
pub fn run(options: Options) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", options.port))?;
    let port = listener.local_addr()?.port();
    if let Some(dir) = &options.keep {
        fs::create_dir_all(dir)?;
    }
    let records = options.records.as_ref().map(|f| OpenOptions::new().create(true).append(true).open(f)).transpose()?;
    let faults = Mutex::new(Faults::parse(&options.faults)?);
    let sink = Arc::new(Sink {
        options,
        port,
        records: records.map(Mutex::new),
        faults,
        stored: Mutex::default(),
        requests: AtomicU64::new(0),
        instances: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        line: Mutex::new(()),
        counter: AtomicU64::new(1),
    });
    println!("{}", json!({ "port": port }));
    for socket in listener.incoming() {
        let (sink, socket) = (sink.clone(), socket?);
        thread::spawn(move || match serve(&sink, socket) {
            Err(e) if e.kind() != io::ErrorKind::ConnectionReset => eprintln!("connection: {e}"),
            Ok(()) | Err(_) => {}
        });
    }
    Ok(())
}

/// Serves one connection.
fn serve(sink: &Arc<Sink>, socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    if sink.standing("slow").is_some() {
        small_window(&socket);
    }
    let mut stream = BufReader::with_capacity(256 << 10, Line::new(socket, sink.clone()));
    while let Some(request) = read_request(&mut stream)? {
        let stow = request.path.split_once("/studies").map(|(_, rest)| rest.trim_matches('/').to_string());
        let queried = request.path.contains("/instances") || request.path.ends_with("/studies");
        match (request.method.as_str(), stow) {
            _ if request.path == "/_control" => query::control(sink, &stream, &request)?,
            ("POST", Some(study)) if !study.contains('/') => {
                if !store::store(sink, &mut stream, &request, Some(study.as_str()).filter(|u| !u.is_empty()))? {
                    return Ok(());
                }
            }
            ("POST", _) if request.path.ends_with("/token") => query::token(sink, &mut stream, &request)?,
            ("GET", _) if queried => query::query(sink, &stream, &request)?,
            _ => reply(&stream, 404, "text/plain", b"not here", "", true)?,
        }
    }
    Ok(())
}

impl Sink {
    /// A fault that lasts (`slow`, `limit`, `qido`).
    fn standing(&self, name: &str) -> Option<fault::Fault> {
        lock(&self.faults).standing(name)
    }

    fn is(&self, flavour: Flavour) -> bool {
        self.options.flavour == flavour
    }

    /// The next of a row of numbers.
    fn number(&self) -> u64 {
        self.counter.fetch_add(1, Relaxed)
    }

    fn base(&self, request: &Request) -> String {
        let end = ["/studies", "/series", "/instances"].iter().filter_map(|w| request.path.find(w)).min().unwrap_or(request.path.len());
        format!("http://127.0.0.1:{}{}", self.port, &request.path[..end])
    }

    fn record(&self, mut line: Value) {
        let Some(file) = &self.records else { return };
        line["t"] = json!(now());
        writeln!(lock(file), "{line}").expect("the records file takes every line: without it the run is worthless");
    }

    fn authorised(&self, request: &Request) -> bool {
        let given = request.header("authorization");
        match self.options.auth.split_once(':') {
            None if self.options.auth.is_empty() => true,
            Some(("basic", pair)) => given == format!("Basic {}", STANDARD.encode(pair)),
            _ => given.strip_prefix("Bearer t-").and_then(|t| t.parse::<f64>().ok()).is_some_and(|until| until > now()),
        }
    }
}

/// Nothing panics while it holds one of these locks, but a connection that died must not take the others along.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
