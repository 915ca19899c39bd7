//! Load over DICOM and HTTP, and two bare receivers that mark what the machine can do.

use std::{
    collections::BTreeMap,
    error::Error,
    fs::{self, OpenOptions},
    net::{TcpListener, ToSocketAddrs},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use clap::{Args, Parser, Subcommand, ValueEnum};
use relaypacs_hil_tests::{
    blast::{self, Asking, Keep, Plan, Request, Sending},
    wire::{Priority, Proposal, Writing},
};
use serde_json::Value;

/// Fast C-STORE and HTTP client, and two bare receivers that mark what the machine can do.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send every Part-10 file of a folder; prints one JSON line.
    Send(Send),
    /// Write salted copies, for senders that cannot salt.
    Salt {
        /// Folder to read.
        from: PathBuf,
        /// Folder to write.
        to: PathBuf,
        /// What the new UIDs depend on.
        #[arg(long, default_value_t = 1)]
        salt: u64,
    },
    /// Ask over HTTP what a plan says; prints one JSON line.
    Ask(Ask),
    /// Receiver that throws all away: the ceiling of sender and loopback.
    Null {
        /// Port on 127.0.0.1.
        port: u16,
    },
    /// Receiver that appends to one file per association and syncs before each answer: what the disk allows.
    Spool {
        /// Port on 127.0.0.1.
        port: u16,
        /// Folder for the files.
        dir: PathBuf,
    },
}

#[derive(Args)]
struct Send {
    /// HOST:PORT.
    peer: String,
    /// Folder or file.
    path: PathBuf,
    /// Called AE title.
    #[arg(long, default_value = "ANY-SCP")]
    aec: String,
    /// Calling AE title.
    #[arg(long, default_value = "BLAST")]
    aet: String,
    /// Associations side by side.
    #[arg(long, default_value_t = 1)]
    assoc: usize,
    /// New UIDs derived from this, so that nothing is a duplicate of an earlier run (0 = as in the files).
    #[arg(long, default_value_t = 0)]
    salt: u64,
    /// Go on with new salts for this many seconds.
    #[arg(long, default_value_t = 0.0)]
    seconds: f64,
    /// Most instances a second in all (0 = as fast as answered).
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
    /// In a timed run: end as soon as this file exists.
    #[arg(long)]
    stop: Option<PathBuf>,
    /// No TCP_NODELAY, PDU header and data written apart: behaves as most modalities do.
    #[arg(long, conflicts_with = "merged")]
    nagle: bool,
    /// Command and first data in one PDU, as some toolkits send.
    #[arg(long)]
    merged: bool,
    /// Own maximum PDU length.
    #[arg(long, default_value_t = 131_072)]
    pdu: u32,
    /// Priority of the C-STORE requests.
    #[arg(long, value_enum, default_value = "medium")]
    priority: Urgency,
    /// After a broken association try again for this many seconds and send the unanswered instance again.
    #[arg(long, default_value_t = 0.0)]
    reconnect: f64,
    /// Append {"sop","cls","sha256","bytes","status","t"} per instance; status "none" = sent, never answered.
    #[arg(long)]
    acks: Option<PathBuf>,
}

#[derive(Args)]
struct Ask {
    /// HOST:PORT.
    peer: String,
    /// JSON lines `{"connection": 0, "head": "GET / HTTP/1.1…", "file": "…", "from": 0, "bytes": 0}`; without a file there is no body.
    plan: PathBuf,
    /// Ask it all again and again for this many seconds.
    #[arg(long, default_value_t = 0.0)]
    seconds: f64,
    /// Requests a second in all (0 = as fast as answered).
    #[arg(long, default_value_t = 0.0)]
    rate: f64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Urgency {
    Low,
    Medium,
    High,
}

fn main() -> Result<(), Box<dyn Error>> {
    match Cli::parse().command {
        Command::Send(args) => send(args),
        Command::Salt { from, to, salt } => Ok(blast::write_salted(&from, &to, salt)?),
        Command::Ask(args) => ask(args),
        Command::Null { port } => Ok(blast::listen(&TcpListener::bind(("127.0.0.1", port))?, &Keep::Nothing)?),
        Command::Spool { port, dir } => Ok(blast::listen(&TcpListener::bind(("127.0.0.1", port))?, &Keep::Synced(dir))?),
    }
}

fn send(a: Send) -> Result<(), Box<dyn Error>> {
    let objects = blast::load(&a.path, a.salt)?;
    let mut proposal = Proposal::for_objects(&a.aec, &a.aet, &objects);
    if proposal.contexts.len() > 128 {
        return Err("more than 128 pairs of class and syntax".into());
    }
    proposal.max_pdu = a.pdu;
    proposal.writing = match (a.nagle, a.merged) {
        (true, _) => Writing::Nagle,
        (_, true) => Writing::Merged,
        _ => Writing::Fast,
    };
    let report = Sending::run(Plan {
        peer: a.peer.to_socket_addrs()?.next().ok_or("no such host")?,
        proposal,
        objects,
        associations: a.assoc,
        priority: match a.priority {
            Urgency::Low => Priority::Low,
            Urgency::Medium => Priority::Medium,
            Urgency::High => Priority::High,
        },
        duration: Duration::from_secs_f64(a.seconds),
        stop: a.stop,
        rate: a.rate,
        reconnect: Duration::from_secs_f64(a.reconnect),
        salt: a.salt,
        acks: a.acks.map(|f| OpenOptions::new().create(true).append(true).open(f)).transpose()?,
    });
    println!("{}", report.json());
    Ok(())
}

fn ask(a: Ask) -> Result<(), Box<dyn Error>> {
    let mut files = BTreeMap::<String, Arc<[u8]>>::new();
    let mut connections = BTreeMap::<u64, Vec<Request>>::new();
    for line in fs::read_to_string(&a.plan)?.lines() {
        let line: Value = serde_json::from_str(line)?;
        let number = |name: &str| line[name].as_u64().unwrap_or_default();
        let body = match line["file"].as_str() {
            None => None,
            Some(path) => {
                let bytes = match files.get(path) {
                    Some(bytes) => bytes.clone(),
                    None => files.entry(path.to_owned()).or_insert(fs::read(path)?.into()).clone(),
                };
                let (from, len) = (number("from") as usize, number("bytes") as usize);
                bytes.get(from..from + len).ok_or("the file is shorter")?;
                Some((bytes, from..from + len))
            }
        };
        let head = line["head"].as_str().ok_or("a line without a head")?.as_bytes().to_vec();
        connections.entry(number("connection")).or_default().push(Request { head, body });
    }
    let answers = Asking {
        peer: a.peer.to_socket_addrs()?.next().ok_or("no such host")?,
        connections: connections.into_values().collect(),
        duration: Duration::from_secs_f64(a.seconds),
        rate: a.rate,
    }
    .run();
    println!("{}", answers.json());
    Ok(())
}
