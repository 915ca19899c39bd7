//! Fast C-STORE sender (and two bare receivers that mark what the machine can do).
//!
//!   blast send HOST:PORT PATH [options]    send every Part-10 file of a folder; prints one JSON line
//!      --assoc N        associations side by side (1)         --aec / --aet    called / calling AE title (ANY-SCP, BLAST)
//!      --salt K         new UIDs derived from K, so that nothing is a duplicate of an earlier run (0 = as in the files)
//!      --seconds S      go on with new salts for S seconds     --rate N         at most N instances/s in all
//!      --stop FILE      in a timed run: end as soon as this file exists
//!      --nagle          no TCP_NODELAY, PDU header and data written apart: behaves as most modalities do
//!      --merged         command and data in one PDU (as some toolkits send)   --pdu N   own maximum length (131072)
//!      --reconnect S    after a broken association try again for S seconds and send the unanswered instance again
//!      --acks FILE      appends {"sop","cls","sha256","bytes","status","t"} per instance; status "none" = sent, never answered
//!   blast salt DIR OUT --salt K            writes salted copies (for senders that cannot salt)
//!   blast null PORT                        receiver that throws all away: the ceiling of sender and loopback
//!   blast spool PORT DIR                   receiver that appends to one file per association and fdatasyncs before each answer
use relaypacs_hil_tests::part10::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

#[derive(Clone)]
struct Object {
    syntax: String,
    class: String,
    instance: String,
    file: Vec<u8>,
    body: usize,
    sha: String,
}

fn load(path: &Path) -> Fail<Object> {
    let file = fs::read(path)?;
    match meta(&file) {
        Some(Ok(m)) => Ok(Object { syntax: m.syntax, class: m.class, instance: m.instance, body: m.body, sha: String::new(), file }),
        _ => Err(format!("{}: not a DICOM Part-10 file", path.display()).into()),
    }
}

/// A UID of the same length that depends on the old one and on the salt. Too short ones stay (they would collide).
fn salted_uid(old: &str, salt: u64) -> Option<String> {
    if old.len() < 20 {
        return None;
    }
    let mut digits = String::new();
    for byte in Sha256::digest(format!("{old}/{salt}")) {
        digits += &byte.to_string();
    }
    digits.truncate(old.len() - 5);
    Some(format!("2.25.{}{}", &(digits[..1].parse::<u8>().unwrap() % 9 + 1), &digits[1..]))
}

/// Rewrites SOP instance, study and series UIDs in place; lengths stay.
fn salt(o: &mut Object, k: u64) {
    if k == 0 {
        return;
    }
    let body = o.body;
    let limit = o.file.len().min(body + (8 << 20));
    let places = uids(&o.file[body..limit], &o.syntax);
    for (tag, at, length) in places {
        let old = text(&o.file[body + at..body + at + length]);
        if let Some(new) = salted_uid(&old, k) {
            o.file[body + at..body + at + new.len()].copy_from_slice(new.as_bytes());
            if tag == (8, 0x18) {
                o.instance = new;
            }
        }
    }
    if let Some(Ok(m)) = meta(&o.file) {
        let (at, length) = m.instance_at;
        if o.instance.len() <= length {
            o.file[at..at + o.instance.len()].copy_from_slice(o.instance.as_bytes());
        }
    }
}

fn files(path: &str) -> Fail<Vec<PathBuf>> {
    if fs::metadata(path)?.is_file() {
        return Ok(vec![path.into()]);
    }
    let mut all: Vec<PathBuf> = fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
    all.retain(|p| p.extension().map_or(true, |e| e != "jsonl"));
    all.sort();
    Ok(all)
}

// ---- PDUs (PS3.8 §9.3)
fn item(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0], &(value.len() as u16).to_be_bytes()[..], value].concat()
}
fn pdu(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, 0], &(value.len() as u32).to_be_bytes()[..], value].concat()
}
fn title(s: &str) -> Vec<u8> {
    format!("{s:16.16}").into_bytes()
}
fn padded(s: &str) -> Vec<u8> {
    let mut v = s.as_bytes().to_vec();
    if v.len() % 2 == 1 {
        v.push(0)
    }
    v
}
fn user_info(max: u32) -> Vec<u8> {
    item(0x50, &[item(0x51, &max.to_be_bytes()), item(0x52, b"2.25.99887766"), item(0x55, b"BLAST")].concat())
}
fn element(out: &mut Vec<u8>, el: u16, value: &[u8]) {
    out.extend([0, 0]);
    out.extend(el.to_le_bytes());
    out.extend((value.len() as u32).to_le_bytes());
    out.extend(value)
}
fn command(elements: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = vec![];
    for (el, value) in elements {
        element(&mut body, *el, value);
    }
    let mut out = vec![];
    element(&mut out, 0, &(body.len() as u32).to_le_bytes());
    [out, body].concat()
}
fn read_pdu(s: &mut impl Read) -> Fail<(u8, Vec<u8>)> {
    let mut head = [0; 6];
    s.read_exact(&mut head)?;
    let length = u32::from_be_bytes(head[2..6].try_into()?) as usize;
    if length > 16 << 20 {
        return Err("PDU too long".into());
    }
    let mut value = vec![0; length];
    s.read_exact(&mut value)?;
    Ok((head[0], value))
}
fn sub_items(b: &[u8]) -> Vec<(u8, &[u8])> {
    let (mut i, mut out) = (0, vec![]);
    while i + 4 <= b.len() {
        let n = u16::from_be_bytes([b[i + 2], b[i + 3]]) as usize;
        if i + 4 + n > b.len() {
            break;
        }
        out.push((b[i], &b[i + 4..i + 4 + n]));
        i += 4 + n
    }
    out
}
fn command_values(b: &[u8]) -> HashMap<u16, &[u8]> {
    let (mut i, mut out) = (0, HashMap::new());
    while i + 8 <= b.len() {
        let n = u32::from_le_bytes(b[i + 4..i + 8].try_into().unwrap()) as usize;
        if i + 8 + n > b.len() {
            break;
        }
        out.insert(u16::from_le_bytes([b[i + 2], b[i + 3]]), &b[i + 8..i + 8 + n]);
        i += 8 + n
    }
    out
}
fn u16_of(v: Option<&&[u8]>) -> u16 {
    v.filter(|v| v.len() >= 2).map_or(0xFFFF, |v| u16::from_le_bytes([v[0], v[1]]))
}

// ---- sending
struct Plan {
    host: String,
    aec: String,
    aet: String,
    own_pdu: u32,
    nagle: bool,
    merged: bool,
    objects: Vec<Object>,
    contexts: Vec<(String, String)>,
    next: AtomicUsize,
    salt: u64,
    until: Option<Instant>,
    rate: f64,
    started: Instant,
    reconnect: Duration,
    stop: Option<String>,
    acks: Option<Mutex<File>>,
}
impl Plan {
    /// The next instance to send; in a timed run later rounds are salted anew.
    fn take(&self) -> Option<std::borrow::Cow<'_, Object>> {
        let i = self.next.fetch_add(1, Relaxed);
        if self.rate > 0.0 {
            let due = self.started + Duration::from_secs_f64(i as f64 / self.rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        match self.until {
            None => self.objects.get(i).map(std::borrow::Cow::Borrowed),
            Some(end) if Instant::now() >= end || self.stop.as_ref().is_some_and(|f| Path::new(f).exists()) => None,
            Some(_) if i < self.objects.len() => Some(std::borrow::Cow::Borrowed(&self.objects[i])),
            Some(_) => {
                let mut o = self.objects[i % self.objects.len()].clone();
                salt(&mut o, self.salt.wrapping_mul(1_000_003).wrapping_add((i / self.objects.len()) as u64));
                o.sha = sha256_hex(&o.file[o.body..]);
                Some(std::borrow::Cow::Owned(o))
            }
        }
    }
    fn note(&self, o: &Object, status: &str) {
        if let Some(f) = &self.acks {
            let t = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
            let line = format!(
                "{{\"sop\":\"{}\",\"cls\":\"{}\",\"sha256\":\"{}\",\"bytes\":{},\"status\":\"{status}\",\"t\":{t:.3}}}\n",
                o.instance,
                o.class,
                o.sha,
                o.file.len() - o.body
            );
            f.lock().unwrap().write_all(line.as_bytes()).expect("acks file");
        }
    }
}
#[derive(Default)]
struct Tally {
    latency_ms: Vec<f64>,
    status: BTreeMap<String, usize>,
    bytes: usize,
    reconnects: usize,
    error: String,
}
struct Link {
    socket: TcpStream,
    fragment: usize,
    accepted: Vec<u8>,
}

fn associate(p: &Plan) -> Fail<Link> {
    let mut socket = TcpStream::connect(&p.host)?;
    socket.set_nodelay(!p.nagle)?;
    socket.set_read_timeout(Some(Duration::from_secs(120)))?;
    let mut rq = [&[0, 1, 0, 0][..], &title(&p.aec), &title(&p.aet), &[0; 32], &item(0x10, b"1.2.840.10008.3.1.1.1")].concat();
    for (i, (class, syntax)) in p.contexts.iter().enumerate() {
        rq.extend(item(0x20, &[&[(2 * i + 1) as u8, 0, 0, 0][..], &item(0x30, class.as_bytes()), &item(0x40, syntax.as_bytes())].concat()));
    }
    rq.extend(user_info(p.own_pdu));
    socket.write_all(&pdu(1, &rq))?;
    let (kind, ac) = read_pdu(&mut socket)?;
    if kind != 2 {
        return Err(format!("association refused: PDU {kind} {:?}", &ac[..ac.len().min(4)]).into());
    }
    let (mut max, mut accepted) = (16384usize, vec![]);
    for (kind, value) in sub_items(&ac[68..]) {
        if kind == 0x21 && value[2] == 0 {
            accepted.push(value[0]);
        }
        if kind == 0x50 {
            for (k, v) in sub_items(value) {
                if k == 0x51 {
                    max = u32::from_be_bytes(v.try_into()?) as usize
                }
            }
        }
    }
    if max == 0 || max > 1 << 20 {
        max = 1 << 20;
    }
    Ok(Link { socket, fragment: (max - 6) & !1, accepted })
}

/// Sends one instance and waits for its answer; gives the status.
fn store(p: &Plan, link: &mut Link, o: &Object, id: u16) -> Fail<u16> {
    let pc =
        (2 * p.contexts.iter().position(|c| c.0 == o.class && c.1 == o.syntax).expect("context of every object was proposed") + 1) as u8;
    if !link.accepted.contains(&pc) {
        return Ok(0x0122);
    }
    let rq = command(&[
        (2, padded(&o.class)),
        (0x100, vec![1, 0]),
        (0x110, id.to_le_bytes().into()),
        (0x700, vec![0, 0]),
        (0x800, vec![0, 0]),
        (0x1000, padded(&o.instance)),
    ]);
    let data = &o.file[o.body..];
    let head = |n: usize, flag: u8| [&[4, 0][..], &(n as u32 + 6).to_be_bytes(), &(n as u32 + 2).to_be_bytes(), &[pc, flag]].concat();
    let parts = data.chunks(link.fragment).count();
    let mut buffer = Vec::with_capacity(2 << 20);
    if p.merged {
        let first = &data[..data.len().min(link.fragment.saturating_sub(rq.len() + 6) & !1)];
        let total = rq.len() + 6 + first.len() + 6;
        buffer.extend([4, 0]);
        buffer.extend((total as u32).to_be_bytes());
        buffer.extend(&head(rq.len(), 3)[6..]);
        buffer.extend(&rq);
        buffer.extend(&head(first.len(), if first.len() == data.len() { 2 } else { 0 })[6..]);
        buffer.extend(first);
        let rest = &data[first.len()..];
        let parts = rest.chunks(link.fragment).count();
        for (i, d) in rest.chunks(link.fragment).enumerate() {
            buffer.extend(head(d.len(), if i + 1 == parts { 2 } else { 0 }));
            buffer.extend(d);
            if buffer.len() > 1 << 20 {
                link.socket.write_all(&buffer)?;
                buffer.clear();
            }
        }
        link.socket.write_all(&buffer)?;
    } else if p.nagle {
        link.socket.write_all(&head(rq.len(), 3))?;
        link.socket.write_all(&rq)?;
        for (i, d) in data.chunks(link.fragment).enumerate() {
            link.socket.write_all(&head(d.len(), if i + 1 == parts { 2 } else { 0 }))?;
            link.socket.write_all(d)?;
        }
    } else {
        buffer.extend(head(rq.len(), 3));
        buffer.extend(&rq);
        for (i, d) in data.chunks(link.fragment).enumerate() {
            buffer.extend(head(d.len(), if i + 1 == parts { 2 } else { 0 }));
            buffer.extend(d);
            if buffer.len() > 1 << 20 {
                link.socket.write_all(&buffer)?;
                buffer.clear();
            }
        }
        link.socket.write_all(&buffer)?;
    }
    let (kind, r) = read_pdu(&mut link.socket)?;
    if kind != 4 {
        return Err(format!("PDU {kind} {:?} instead of C-STORE-RSP", &r[..r.len().min(4)]).into());
    }
    let rsp = command_values(r.get(6..).unwrap_or_default());
    if u16_of(rsp.get(&0x120)) != id {
        return Err("answer to another message id".into());
    }
    Ok(u16_of(rsp.get(&0x900)))
}

fn send_all(p: &Plan) -> Tally {
    let (mut t, mut link, mut id) = (Tally::default(), None, 0u16);
    'next: while let Some(o) = p.take() {
        let mut give_up = Instant::now() + p.reconnect;
        loop {
            if link.is_none() {
                match associate(p) {
                    Ok(l) => link = Some(l),
                    Err(_) if Instant::now() < give_up => {
                        thread::sleep(Duration::from_millis(50));
                        continue;
                    }
                    Err(e) => {
                        t.error = e.to_string();
                        break 'next;
                    }
                }
            }
            id = id.wrapping_add(1).max(1);
            let begin = Instant::now();
            match store(p, link.as_mut().unwrap(), &o, id) {
                Ok(status) => {
                    let status = format!("{status:04X}");
                    p.note(&o, &status);
                    *t.status.entry(status).or_default() += 1;
                    t.latency_ms.push(begin.elapsed().as_secs_f64() * 1e3);
                    t.bytes += o.file.len() - o.body;
                    break;
                }
                Err(e) => {
                    p.note(&o, "none");
                    *t.status.entry("none".into()).or_default() += 1;
                    t.error = e.to_string();
                    t.reconnects += 1;
                    link = None;
                    if p.reconnect.is_zero() {
                        break 'next;
                    }
                    give_up = Instant::now() + p.reconnect;
                }
            }
        }
    }
    if let Some(mut l) = link {
        if l.socket.write_all(&pdu(5, &[0; 4])).is_ok() {
            let _ = read_pdu(&mut l.socket);
        }
    }
    t
}

fn cpu_s() -> f64 {
    let s = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    s.rsplit(')').next().unwrap_or("").split_whitespace().skip(11).take(2).filter_map(|x| x.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn send(a: &[String]) -> Fail<()> {
    let k: u64 = option(a, "--salt", "0").parse()?;
    let acks = a
        .contains(&"--acks".to_string())
        .then(|| OpenOptions::new().create(true).append(true).open(option(a, "--acks", "")))
        .transpose()?;
    let mut objects = vec![];
    for f in files(&a[1])? {
        let mut o = load(&f)?;
        salt(&mut o, k);
        if acks.is_some() {
            o.sha = sha256_hex(&o.file[o.body..]);
        }
        objects.push(o);
    }
    let mut contexts: Vec<(String, String)> = vec![];
    for o in &objects {
        let c = (o.class.clone(), o.syntax.clone());
        if !contexts.contains(&c) {
            contexts.push(c)
        }
    }
    if contexts.len() > 128 {
        return Err("more than 128 class and syntax pairs".into());
    }
    let seconds: f64 = option(a, "--seconds", "0").parse()?;
    let started = Instant::now();
    let plan = Arc::new(Plan {
        host: a[0].clone(),
        aec: option(a, "--aec", "ANY-SCP"),
        aet: option(a, "--aet", "BLAST"),
        own_pdu: option(a, "--pdu", "131072").parse()?,
        nagle: a.contains(&"--nagle".into()),
        merged: a.contains(&"--merged".into()),
        objects,
        contexts,
        next: AtomicUsize::new(0),
        salt: k,
        until: (seconds > 0.0).then(|| started + Duration::from_secs_f64(seconds)),
        rate: option(a, "--rate", "0").parse()?,
        started,
        reconnect: Duration::from_secs_f64(option(a, "--reconnect", "0").parse()?),
        acks: acks.map(Mutex::new),
        stop: Some(option(a, "--stop", "")).filter(|f| !f.is_empty()),
    });
    let cpu = cpu_s();
    let threads: Vec<_> = (0..option(a, "--assoc", "1").parse::<usize>()?)
        .map(|_| {
            let p = plan.clone();
            thread::spawn(move || send_all(&p))
        })
        .collect();
    let mut all = Tally::default();
    for t in threads {
        let t = t.join().expect("sender thread");
        all.latency_ms.extend(t.latency_ms);
        all.bytes += t.bytes;
        all.reconnects += t.reconnects;
        for (s, n) in t.status {
            *all.status.entry(s).or_default() += n;
        }
        if !t.error.is_empty() {
            all.error = t.error;
        }
    }
    let s = started.elapsed().as_secs_f64();
    all.latency_ms.sort_by(f64::total_cmp);
    let n = all.latency_ms.len();
    let q = |p: f64| if n == 0 { 0.0 } else { all.latency_ms[((n - 1) as f64 * p) as usize] };
    let status: Vec<String> = all.status.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
    println!(
        "{{\"n\":{n},\"bytes\":{},\"s\":{s:.4},\"inst_s\":{:.2},\"mb_s\":{:.2},\"p50_ms\":{:.3},\"p95_ms\":{:.3},\"p99_ms\":{:.3},\"max_ms\":{:.3},\"sender_cpu_s\":{:.2},\"reconnects\":{},\"status\":{{{}}},\"error\":\"{}\"}}",
        all.bytes,
        n as f64 / s,
        all.bytes as f64 / 1e6 / s,
        q(0.5),
        q(0.95),
        q(0.99),
        q(1.0),
        cpu_s() - cpu,
        all.reconnects,
        status.join(","),
        json(&all.error)
    );
    Ok(())
}

fn salt_copies(a: &[String]) -> Fail<()> {
    let k = option(a, "--salt", "1").parse()?;
    fs::create_dir_all(&a[1])?;
    for f in files(&a[0])? {
        let mut o = load(&f)?;
        salt(&mut o, k);
        fs::write(Path::new(&a[1]).join(f.file_name().unwrap()), &o.file)?;
    }
    Ok(())
}

// ---- receiving: accepts everything with the first transfer syntax, keeps nothing of the object in memory
fn receive(mut socket: TcpStream, mut log: Option<File>) -> Fail<()> {
    socket.set_nodelay(true)?;
    let mut from = BufReader::with_capacity(256 << 10, socket.try_clone()?);
    let (kind, rq) = read_pdu(&mut from)?;
    if kind != 1 || rq.len() < 68 {
        return Err("no A-ASSOCIATE-RQ".into());
    }
    let mut ac = rq[..68].to_vec();
    for (kind, value) in sub_items(&rq[68..]) {
        if kind == 0x10 {
            ac.extend(item(0x10, value));
        }
        if kind == 0x20 {
            if let Some((_, ts)) = sub_items(&value[4..]).into_iter().find(|s| s.0 == 0x40) {
                ac.extend(item(0x21, &[&[value[0], 0, 0, 0][..], &item(0x40, ts)].concat()));
            }
        }
    }
    ac.extend(user_info(131072));
    socket.write_all(&pdu(2, &ac))?;
    let (mut buffer, mut rq, mut rsp) = (vec![0u8; 256 << 10], vec![], vec![]);
    loop {
        let mut head = [0; 6];
        if from.read_exact(&mut head).is_err() {
            return Ok(());
        }
        let mut left = u32::from_be_bytes(head[2..6].try_into()?) as usize;
        if head[0] != 4 {
            if head[0] == 5 {
                socket.write_all(&pdu(6, &[0; 4]))?;
            }
            return Ok(());
        }
        while left > 0 {
            let mut pdv = [0; 6];
            from.read_exact(&mut pdv)?;
            let mut n = u32::from_be_bytes(pdv[..4].try_into()?) as usize - 2;
            left -= 6 + n;
            let (pc, flag) = (pdv[4], pdv[5]);
            if flag & 1 == 1 {
                let at = rq.len();
                rq.resize(at + n, 0);
                from.read_exact(&mut rq[at..])?;
                if flag & 2 == 0 {
                    continue;
                }
                let v = command_values(&rq);
                let echo = u16_of(v.get(&0x100)) == 0x30;
                let mut answer = vec![
                    (2, v.get(&2).unwrap_or(&&[][..]).to_vec()),
                    (0x100, vec![if echo { 0x30 } else { 1 }, 0x80]),
                    (0x120, v.get(&0x110).unwrap_or(&&[0, 0][..]).to_vec()),
                    (0x800, vec![1, 1]),
                    (0x900, vec![0, 0]),
                ];
                if let Some(i) = v.get(&0x1000) {
                    answer.push((0x1000, i.to_vec()));
                }
                rsp = command(&answer);
                rq.clear();
                if !echo {
                    continue;
                }
            } else {
                while n > 0 {
                    let want = n.min(buffer.len());
                    let got = from.read(&mut buffer[..want])?;
                    if got == 0 {
                        return Err("closed inside an object".into());
                    }
                    n -= got;
                    if let Some(f) = &mut log {
                        f.write_all(&buffer[..got])?;
                    }
                }
                if flag & 2 == 0 {
                    continue;
                }
                if let Some(f) = &log {
                    f.sync_data()?;
                }
            }
            let length = rsp.len() as u32;
            socket.write_all(&[&[4, 0][..], &(length + 6).to_be_bytes(), &(length + 2).to_be_bytes(), &[pc, 3], &rsp].concat())?;
        }
    }
}

fn listen(port: &str, dir: Option<String>) -> Fail<()> {
    for (n, socket) in TcpListener::bind(format!("127.0.0.1:{port}"))?.incoming().enumerate() {
        let log = dir.as_ref().map(|d| OpenOptions::new().create(true).append(true).open(format!("{d}/association{n}.log"))).transpose()?;
        let socket = socket?;
        thread::spawn(move || {
            if let Err(e) = receive(socket, log) {
                eprintln!("association {n}: {e}")
            }
        });
    }
    Ok(())
}

fn main() -> Fail<()> {
    let a: Vec<String> = std::env::args().skip(1).collect();
    match (a.first().map(String::as_str), a.len()) {
        (Some("send"), 3..) => send(&a[1..]),
        (Some("salt"), 3..) => salt_copies(&a[1..]),
        (Some("null"), 2..) => listen(&a[1], None),
        (Some("spool"), 3..) => listen(&a[1], Some(a[2].clone())),
        _ => {
            print!(
                "{}",
                include_str!("blast.rs")
                    .lines()
                    .take_while(|l| l.starts_with("//!"))
                    .map(|l| format!("{}\n", l[3..].trim_start_matches(' ')))
                    .collect::<String>()
            );
            Ok(())
        }
    }
}
