//! Doors for the fuzz targets in `fuzz/`, which cannot reach private rooms. Compiled under `cfg(fuzzing)` only, which cargo-fuzz sets.

use super::{
    message::{AfterCommand, AwaitingCommand},
    negotiation::{acceptance, negotiate},
    pdu::{Fragment, Part, PduReader, Piece},
    request::Request,
};

/// What a reader gave, with the pieces of a fragment joined.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Fragment(u8, Part, Vec<u8>, bool),
    Other(String),
    Violation(String),
}

/// Reads what a peer sends on an established association, once in reads of `read` bytes into a buffer of `buffer` bytes and once whole.
/// Both must give the same; command sets in it are read too.
pub fn association(bytes: &[u8], read: usize, buffer: usize) {
    let whole = read_all(bytes, usize::MAX, bytes.len().max(1));
    assert_eq!(read_all(bytes, read.max(1), buffer), whole);
    let mut state = AwaitingCommand::default();
    for seen in &whole {
        let Seen::Fragment(context, part, bytes, last) = seen else { return };
        match state.handle(&Fragment { context: *context, part: *part, bytes, last: *last }) {
            Ok(AfterCommand::More(more)) => state = more,
            Ok(AfterCommand::Complete { .. }) | Err(_) => state = AwaitingCommand::default(),
        }
    }
}

fn read_all(mut bytes: &[u8], read: usize, buffer: usize) -> Vec<Seen> {
    let mut reader = PduReader::new(buffer, 1 << 20);
    let mut all = Vec::new();
    loop {
        loop {
            match reader.next() {
                Ok(None) => break,
                Ok(Some(Piece::Fragment(fragment))) => join(&mut all, &fragment),
                Ok(Some(other)) => all.push(Seen::Other(format!("{other:?}"))),
                Err(violation) => {
                    all.push(Seen::Violation(format!("{violation:?}")));
                    return all;
                }
            }
        }
        let space = reader.space();
        assert!(!space.is_empty(), "no room, and nothing to take");
        let count = space.len().min(read).min(bytes.len());
        if count == 0 {
            return all;
        }
        space[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        reader.filled(count);
    }
}

/// Where a PDV ends inside a message says nothing, so pieces up to the last flag count as one.
fn join(all: &mut Vec<Seen>, fragment: &Fragment<'_>) {
    match all.last_mut() {
        Some(Seen::Fragment(context, part, bytes, last)) if (*context, *part, *last) == (fragment.context, fragment.part, false) => {
            bytes.extend_from_slice(fragment.bytes);
            *last = fragment.last;
        }
        _ => all.push(Seen::Fragment(fragment.context, fragment.part, fragment.bytes.to_vec(), fragment.last)),
    }
}

/// Reads an A-ASSOCIATE-RQ without its header and answers it.
pub fn request(body: &[u8]) {
    let Ok(request) = Request::read(body) else { return };
    let _ = (request.max_pdu(), request.implementation());
    if let Ok((contexts, results)) = negotiate(&request.rq.presentation_contexts) {
        let _ = acceptance(&request, &contexts, results, 1 << 18);
    }
}
