//! What the tests of several modules share.

#[path = "../tests/common/sink.rs"]
pub(crate) mod sink;

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use relaypacs_domain::{Identity, ObjectId, Sha256};
use sha2::Digest as _;

use crate::content::{ContentError, Contents, Part, Pieces};

/// Data sets in memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(Arc<HashMap<ObjectId, Bytes>>);

impl Memory {
    pub(crate) fn with(self, object: u64, data: &[u8]) -> Self {
        let mut all = HashMap::clone(&self.0);
        all.insert(ObjectId(object), Bytes::copy_from_slice(data));
        Self(Arc::new(all))
    }
}

impl Contents for Memory {
    fn open(&self, object: ObjectId) -> Pieces {
        match self.0.get(&object).cloned() {
            Some(data) => {
                let pieces: Vec<_> = data.chunks(64 << 10).map(|piece| Ok(data.slice_ref(piece))).collect();
                stream::iter(pieces).boxed()
            }
            None => stream::once(async { Err(ContentError::Lost("no such object".into())) }).boxed(),
        }
    }
}

/// A small data set (explicit little endian) of a study, series and instance, with some bytes of payload.
pub(crate) fn data_set(study: &str, series: &str, instance: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut short = |group: u16, element: u16, vr: &[u8; 2], value: &str| {
        let mut value = value.as_bytes().to_vec();
        if value.len() % 2 == 1 {
            value.push(0);
        }
        out.extend_from_slice(&group.to_le_bytes());
        out.extend_from_slice(&element.to_le_bytes());
        out.extend_from_slice(vr);
        out.extend_from_slice(&(value.len() as u16).to_le_bytes());
        out.extend_from_slice(&value);
    };
    short(0x0008, 0x0016, b"UI", SOP_CLASS);
    short(0x0008, 0x0018, b"UI", instance);
    short(0x0008, 0x0060, b"CS", "OT");
    short(0x0010, 0x0010, b"PN", "TEST^FORWARD");
    short(0x0010, 0x0020, b"LO", "T1");
    short(0x0020, 0x000D, b"UI", study);
    short(0x0020, 0x000E, b"UI", series);
    // private, so that the payload means nothing to anybody
    short(0x0029, 0x0010, b"LO", "RELAYPACS TEST");
    out.extend_from_slice(&[0x29, 0x00, 0x01, 0x10, b'O', b'B', 0, 0]);
    let even = payload.len() + payload.len() % 2;
    out.extend_from_slice(&(even as u32).to_le_bytes());
    out.extend_from_slice(payload);
    out.resize(out.len() + even - payload.len(), 0);
    out
}

/// Secondary Capture.
pub(crate) const SOP_CLASS: &str = "1.2.840.10008.5.1.4.1.1.7";

pub(crate) fn identity(study: &str, series: &str, instance: &str) -> Identity {
    Identity {
        sop_class: SOP_CLASS.parse().unwrap(),
        sop_instance: instance.parse().unwrap(),
        transfer_syntax: "1.2.840.10008.1.2.1".parse().unwrap(),
        study: Some(study.parse().unwrap()),
        series: Some(series.parse().unwrap()),
    }
}

pub(crate) fn sha256(data: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(data).into())
}

/// A part with the given data set.
pub(crate) fn part(object: u64, data: &[u8]) -> Part {
    Part {
        object: ObjectId(object),
        identity: identity("1.2.1", "1.2.1.1", &format!("1.2.1.1.{object}")),
        bytes: data.len() as u64,
        sha256: sha256(data),
    }
}
