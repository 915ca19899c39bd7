//! Records gathered for one write.
//!
//! Headers and small payloads lie one after the other in a scratch buffer, runs of objects stay in the buffers they came in; a group is
//! written as alternating slices of both.

use std::{
    io::{self, IoSlice},
    ops::Range,
};

use super::{
    disk::{DiskFile, write_all_at},
    queue::Run,
    record::{HEADER, Header, Seed},
};

/// Records that will lie one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Group {
    len: u32,
    scratch: Vec<u8>,
    runs: Vec<Run>,
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Scratch(Range<usize>),
    Run(usize),
}

impl Group {
    /// Bytes that it will take.
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Adds a record whose payload is a run.
    pub(crate) fn add_run(&mut self, header: &Header, seed: Seed, run: Run) {
        self.add_scratch(&header.encode(seed));
        self.pieces.push(Piece::Run(self.runs.len()));
        self.runs.push(run);
        self.pad(header);
    }

    /// Adds a record whose payload is small.
    pub(crate) fn add(&mut self, header: &Header, seed: Seed, payload: &[u8]) {
        self.add_scratch(&header.encode(seed));
        self.add_scratch(payload);
        self.pad(header);
    }

    /// Writes all of it at `offset` of `file`, after which it is empty whatever came of it.
    pub(crate) fn write(&mut self, file: &dyn DiskFile, offset: u32) -> io::Result<()> {
        let slice = |piece: &Piece| match piece {
            Piece::Scratch(range) => self.scratch[range.clone()].as_ref(),
            Piece::Run(index) => self.runs[*index].buffer.bytes.as_slice(),
        };
        let mut slices: Vec<_> = self.pieces.iter().map(|piece| IoSlice::new(slice(piece))).collect();
        let written = write_all_at(file, &mut slices, u64::from(offset));
        self.len = 0;
        self.scratch.clear();
        self.runs.clear();
        self.pieces.clear();
        written
    }

    fn pad(&mut self, header: &Header) {
        let padding = (header.record_len() - HEADER - header.len) as usize;
        self.add_scratch(&[0; 8][..padding]);
        self.len += header.record_len();
    }

    fn add_scratch(&mut self, bytes: &[u8]) {
        let start = self.scratch.len();
        self.scratch.extend_from_slice(bytes);
        let end = self.scratch.len();
        match self.pieces.last_mut() {
            Some(Piece::Scratch(range)) if range.end == start => range.end = end,
            _ if start == end => {}
            _ => self.pieces.push(Piece::Scratch(start..end)),
        }
    }
}
