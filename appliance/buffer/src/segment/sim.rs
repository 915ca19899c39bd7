//! A disk in memory that breaks as real ones do: errors at operation n, short writes, syncs that fail or lie, and power that goes away with
//! any part of what was not synced. It carries log and catalogue alike (tests only).
//!
//! What is modelled: a write may be lost, kept or torn at any byte until its file was synced; creating, renaming and removing is lost from
//! some point on until the folder was synced; a failed sync has lost some of the writes for good although reading still shows them, and the
//! next sync says yes.

use std::{
    collections::BTreeMap,
    io::{self, IoSlice},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::disk::{Disk, DiskFile, Space};

/// A simulated folder. Clones are the same folder; folders of one disk fail together.
#[derive(Debug, Clone)]
pub(crate) struct SimDisk {
    disk: Arc<Mutex<State>>,
    folder: &'static str,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing works any more; see [`SimDisk::after_power_loss`].
    PowerOff,
    /// The operation fails and changes nothing.
    Eio,
    /// A write or creation finds no room; other operations work.
    Enospc,
    /// A write takes half of the bytes; other operations work.
    ShortWrite,
    /// A sync fails and some of the writes are lost; other operations work.
    FailSync,
    /// A sync says yes and does nothing; other operations work.
    LyingSync,
}

/// When it goes wrong: at changing operation `at` (from 1), and for good if `lasting`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) fault: Fault,
    pub(crate) at: u64,
    pub(crate) lasting: bool,
}

#[derive(Debug, Default)]
struct State {
    files: Vec<SimFile>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// The names after each change since the folder was synced.
    unsynced_names: Vec<BTreeMap<String, usize>>,
    operations: u64,
    plan: Option<Plan>,
    bad_reads: Vec<(String, std::ops::Range<u64>)>,
    room: u64,
    random: u64,
}

#[derive(Debug, Clone, Default)]
struct SimFile {
    /// What reading shows.
    live: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    SetLen(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Write,
    Create,
    Sync,
    Other,
}

/// Decides what power loss leaves.
#[derive(Debug, Clone)]
pub(crate) enum Chooser {
    /// Every combination of lost, kept, front half and back half, one after the other.
    Every { path: Vec<(u64, u64)>, at: usize },
    /// Any combination, torn at any byte.
    Random(u64),
}

impl Chooser {
    pub(crate) fn every() -> Self {
        Self::Every { path: Vec::new(), at: 0 }
    }

    /// Goes on to the next combination; `false`: there is none.
    pub(crate) fn next(&mut self) -> bool {
        let Self::Every { path, at } = self else { return true };
        *at = 0;
        while let Some((choice, options)) = path.pop() {
            if choice + 1 < options {
                path.push((choice + 1, options));
                return true;
            }
        }
        false
    }

    fn pick(&mut self, options: u64) -> u64 {
        match self {
            Self::Every { path, at } => {
                if *at == path.len() {
                    path.push((0, options));
                }
                *at += 1;
                path[*at - 1].0
            }
            Self::Random(state) => random(state) % options,
        }
    }

    fn cut(&mut self, len: usize) -> usize {
        match self {
            Self::Every { .. } => len / 2,
            Self::Random(state) => (random(state) % (len as u64 + 1)) as usize,
        }
    }
}

/// SplitMix64.
pub(crate) fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl SimDisk {
    pub(crate) fn new() -> Self {
        let state = State { room: 1 << 30, random: 1, ..State::default() };
        Self { disk: Arc::new(Mutex::new(state)), folder: "" }
    }

    /// Another folder on the same disk.
    pub(crate) fn folder(&self, folder: &'static str) -> Self {
        Self { disk: self.disk.clone(), folder }
    }

    /// Lets something go wrong from now on.
    pub(crate) fn plan(&self, plan: Option<Plan>) {
        let mut state = self.state();
        state.operations = 0;
        state.plan = plan;
    }

    /// Changing operations since the last plan.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }

    /// These bytes of a file cannot be read.
    pub(crate) fn make_unreadable(&self, name: &str, bytes: std::ops::Range<u64>) {
        self.state().bad_reads.push((self.path(name), bytes));
    }

    /// How much room the disk has.
    pub(crate) fn set_room(&self, room: u64) {
        self.state().room = room;
    }

    /// A file's bytes.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.state();
        state.files[state.names[&self.path(name)]].live.clone()
    }

    /// Changes a file behind everybody's back, durably.
    pub(crate) fn tamper(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let file = state.names[&self.path(name)];
        let file = &mut state.files[file];
        change(&mut file.live);
        file.durable.clone_from(&file.live);
        file.unsynced.clear();
    }

    /// A copy of the disk as it stands, everything durable.
    pub(crate) fn copy(&self) -> Self {
        let state = self.state();
        let durable = |file: &SimFile| SimFile { live: file.live.clone(), durable: file.live.clone(), unsynced: Vec::new() };
        let copy = State {
            files: state.files.iter().map(durable).collect(),
            names: state.names.clone(),
            durable_names: state.names.clone(),
            room: state.room,
            random: state.random,
            ..State::default()
        };
        Self { disk: Arc::new(Mutex::new(copy)), folder: self.folder }
    }

    /// What the disk holds when the power comes back.
    pub(crate) fn after_power_loss(&self, choose: &mut Chooser) -> Self {
        let state = self.state();
        let survived = choose.pick(state.unsynced_names.len() as u64 + 1) as usize;
        let names = survived.checked_sub(1).map_or(&state.durable_names, |last| &state.unsynced_names[last]).clone();
        let files = state.files.iter().map(|file| {
            let mut bytes = file.durable.clone();
            for change in &file.unsynced {
                apply_part(&mut bytes, change, choose);
            }
            SimFile { live: bytes.clone(), durable: bytes, unsynced: Vec::new() }
        });
        let after = State {
            files: files.collect(),
            durable_names: names.clone(),
            names,
            room: state.room,
            random: state.random,
            ..State::default()
        };
        Self { disk: Arc::new(Mutex::new(after)), folder: self.folder }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    fn change_names(&self, change: impl FnOnce(&mut BTreeMap<String, usize>)) {
        let mut state = self.state();
        change(&mut state.names);
        let names = state.names.clone();
        state.unsynced_names.push(names);
    }
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::SetLen(len) => bytes.resize(*len as usize, 0),
        Change::Write(offset, written) => {
            let end = *offset as usize + written.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset as usize..end].copy_from_slice(written);
        }
    }
}

fn apply_part(bytes: &mut Vec<u8>, change: &Change, choose: &mut Chooser) {
    match change {
        Change::SetLen(_) => {
            if choose.pick(2) == 1 {
                apply(bytes, change);
            }
        }
        Change::Write(offset, written) => match choose.pick(4) {
            0 => {}
            1 => apply(bytes, change),
            2 => apply(bytes, &Change::Write(*offset, written[..choose.cut(written.len())].to_vec())),
            _ => {
                let cut = choose.cut(written.len());
                apply(bytes, &Change::Write(offset + cut as u64, written[cut..].to_vec()));
            }
        },
    }
}

impl State {
    /// Counts an operation; answers the fault that hits it.
    fn operate(&mut self, operation: Operation) -> io::Result<Option<Fault>> {
        self.operations += 1;
        let Some(plan) = self.plan else { return Ok(None) };
        let hit = if plan.lasting || plan.fault == Fault::PowerOff { self.operations >= plan.at } else { self.operations == plan.at };
        if !hit {
            return Ok(None);
        }
        let fails = match plan.fault {
            Fault::PowerOff | Fault::Eio => true,
            Fault::Enospc => matches!(operation, Operation::Write | Operation::Create),
            Fault::ShortWrite | Fault::FailSync | Fault::LyingSync => false,
        };
        let code = if plan.fault == Fault::Enospc { rustix::io::Errno::NOSPC } else { rustix::io::Errno::IO };
        if fails { Err(code.into()) } else { Ok(Some(plan.fault)) }
    }
}

impl Disk for SimDisk {
    fn create(&self, name: &str, len: u64) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(name);
        let mut state = self.state();
        state.operate(Operation::Create)?;
        if state.names.contains_key(&path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = SimFile { live: vec![0; len as usize], durable: Vec::new(), unsynced: vec![Change::SetLen(len)] };
        state.files.push(file);
        let index = state.files.len() - 1;
        drop(state);
        self.change_names(|names| {
            names.insert(path.clone(), index);
        });
        Ok(Arc::new(Open { disk: self.clone(), path, index }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let path = self.path(name);
        let index = self.state().names.get(&path).copied().ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::new(Open { disk: self.clone(), path, index }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let folder = self.path("");
        Ok(self.state().names.keys().filter_map(|path| path.strip_prefix(&folder)).map(ToString::to_string).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.state().operate(Operation::Other)?;
        let (from, to) = (self.path(from), self.path(to));
        let file = self.state().names.get(&from).copied().ok_or(io::ErrorKind::NotFound)?;
        self.change_names(|names| {
            names.remove(&from);
            names.insert(to, file);
        });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().operate(Operation::Other)?;
        let path = self.path(name);
        if !self.state().names.contains_key(&path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change_names(|names| {
            names.remove(&path);
        });
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.state();
        match state.operate(Operation::Sync)? {
            Some(Fault::FailSync) => return Err(rustix::io::Errno::IO.into()),
            Some(Fault::LyingSync) => return Ok(()),
            _ => {}
        }
        state.durable_names = state.names.clone();
        state.unsynced_names.clear();
        Ok(())
    }

    fn space(&self) -> io::Result<Space> {
        let state = self.state();
        let taken: usize = state.names.values().map(|file| state.files[*file].live.len()).sum();
        Ok(Space { total: state.room, free: state.room.saturating_sub(taken as u64) })
    }
}

#[derive(Debug)]
struct Open {
    disk: SimDisk,
    path: String,
    index: usize,
}

impl DiskFile for Open {
    fn write_at(&self, slices: &[IoSlice<'_>], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        let fault = state.operate(Operation::Write)?;
        let mut bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).collect();
        if fault == Some(Fault::ShortWrite) && bytes.len() > 1 {
            bytes.truncate(bytes.len() / 2);
        }
        let written = bytes.len();
        let change = Change::Write(offset, bytes);
        apply(&mut state.files[self.index].live, &change);
        state.files[self.index].unsynced.push(change);
        Ok(written)
    }

    fn read_at(&self, into: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        let wanted = offset..offset + into.len() as u64;
        let bad =
            |(path, bytes): &(String, std::ops::Range<u64>)| *path == self.path && bytes.start < wanted.end && wanted.start < bytes.end;
        if state.bad_reads.iter().any(bad) {
            return Err(rustix::io::Errno::IO.into());
        }
        let live = &state.files[self.index].live;
        let from = (offset as usize).min(live.len());
        let read = into.len().min(live.len() - from);
        into[..read].copy_from_slice(&live[from..from + read]);
        Ok(read)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.state().files[self.index].live.len() as u64)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operate(Operation::Other)?;
        let change = Change::SetLen(len);
        apply(&mut state.files[self.index].live, &change);
        state.files[self.index].unsynced.push(change);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let fault = state.operate(Operation::Sync)?;
        if fault == Some(Fault::LyingSync) {
            return Ok(());
        }
        let mut luck = state.random;
        let file = &mut state.files[self.index];
        for change in std::mem::take(&mut file.unsynced) {
            if fault != Some(Fault::FailSync) || random(&mut luck).is_multiple_of(2) {
                apply(&mut file.durable, &change);
            }
        }
        state.random = luck;
        if fault == Some(Fault::FailSync) { Err(rustix::io::Errno::IO.into()) } else { Ok(()) }
    }
}
