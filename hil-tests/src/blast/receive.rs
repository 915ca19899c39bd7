//! Two receivers that accept everything with the first transfer syntax offered and keep nothing of an object in memory: one throws it away (the
//! ceiling of sender and loopback), one appends it to a file and syncs before it answers (what the disk allows, without any catalogue).

use std::{
    fs::{File, OpenOptions},
    io::{self, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    thread,
};

use crate::wire::{command, command_values, item, items, number, pdu, read_pdu, user_information};

/// What the receiver does with data sets.
#[derive(Debug, Clone)]
pub enum Keep {
    /// Throws them away.
    Nothing,
    /// Appends them to a file per association in this folder, with `fdatasync` before each answer.
    Synced(PathBuf),
}

/// Serves for ever.
pub fn listen(listener: &TcpListener, keep: &Keep) -> io::Result<()> {
    for (n, socket) in listener.incoming().enumerate() {
        let socket = socket?;
        let log = match keep {
            Keep::Nothing => None,
            Keep::Synced(dir) => Some(OpenOptions::new().create(true).append(true).open(dir.join(format!("association{n}.log")))?),
        };
        thread::spawn(move || {
            if let Err(e) = receive(socket, log) {
                eprintln!("association {n}: {e}");
            }
        });
    }
    Ok(())
}

fn receive(mut socket: TcpStream, mut log: Option<File>) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut from = BufReader::with_capacity(256 << 10, socket.try_clone()?);
    let (kind, rq) = read_pdu(&mut from)?;
    if kind != 1 || rq.len() < 68 {
        return Err(io::Error::other("no A-ASSOCIATE-RQ"));
    }
    socket.write_all(&pdu(2, &accept(&rq)))?;
    let mut exchange = Exchange { buffer: vec![0; 256 << 10], request: vec![], response: vec![] };
    loop {
        let mut head = [0; 6];
        if from.read_exact(&mut head).is_err() {
            return Ok(());
        }
        if head[0] != 4 {
            if head[0] == 5 {
                socket.write_all(&pdu(6, &[0; 4]))?;
            }
            return Ok(());
        }
        let mut left = u32::from_be_bytes([head[2], head[3], head[4], head[5]]) as usize;
        while left > 0 {
            left -= exchange.pdv(&mut from, &mut socket, log.as_mut())?;
        }
    }
}

/// The A-ASSOCIATE-AC: every context with its first transfer syntax.
fn accept(rq: &[u8]) -> Vec<u8> {
    let mut ac = rq[..68].to_vec();
    for (kind, value) in items(&rq[68..]) {
        if kind == 0x10 {
            ac.extend(item(0x10, value));
        }
        if kind == 0x20
            && value.len() >= 4
            && let Some((_, syntax)) = items(&value[4..]).into_iter().find(|s| s.0 == 0x40)
        {
            ac.extend(item(0x21, &[&[value[0], 0, 0, 0][..], &item(0x40, syntax)].concat()));
        }
    }
    ac.extend(user_information(131_072));
    ac
}

struct Exchange {
    buffer: Vec<u8>,
    request: Vec<u8>,
    response: Vec<u8>,
}

impl Exchange {
    /// Takes one PDV, answers when it ended a message; gives its length with its header.
    fn pdv(&mut self, from: &mut impl Read, to: &mut TcpStream, log: Option<&mut File>) -> io::Result<usize> {
        let mut head = [0; 6];
        from.read_exact(&mut head)?;
        let length = u32::from_be_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let (n, context, flags) = (length.saturating_sub(2), head[4], head[5]);
        let ready = if flags & 1 == 1 { self.command(from, n, flags & 2 != 0)? } else { self.data(from, n, flags & 2 != 0, log)? };
        if ready {
            let length = self.response.len() as u32;
            to.write_all(&[&[4, 0][..], &(length + 6).to_be_bytes(), &(length + 2).to_be_bytes(), &[context, 3], &self.response].concat())?;
        }
        Ok(6 + n)
    }

    fn command(&mut self, from: &mut impl Read, n: usize, last: bool) -> io::Result<bool> {
        let at = self.request.len();
        self.request.resize(at + n, 0);
        from.read_exact(&mut self.request[at..])?;
        if !last {
            return Ok(false);
        }
        let values = command_values(&self.request);
        let echo = number(&values, 0x0100) == 0x0030;
        let of = |tag: u16, default: &[u8]| values.get(&tag).copied().unwrap_or(default).to_vec();
        let mut answer = vec![
            (0x0002, of(2, &[])),
            (0x0100, vec![if echo { 0x30 } else { 1 }, 0x80]),
            (0x0120, of(0x0110, &[0, 0])),
            (0x0800, vec![1, 1]),
            (0x0900, vec![0, 0]),
        ];
        if let Some(instance) = values.get(&0x1000) {
            answer.push((0x1000, instance.to_vec()));
        }
        self.response = command(&answer);
        self.request.clear();
        Ok(echo)
    }

    fn data(&mut self, from: &mut impl Read, mut n: usize, last: bool, mut log: Option<&mut File>) -> io::Result<bool> {
        while n > 0 {
            let most = n.min(self.buffer.len());
            let got = from.read(&mut self.buffer[..most])?;
            if got == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            n -= got;
            if let Some(log) = &mut log {
                log.write_all(&self.buffer[..got])?;
            }
        }
        if last && let Some(log) = log {
            log.sync_data()?;
        }
        Ok(last)
    }
}
