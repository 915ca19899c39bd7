//! What the tests of several modules share.

#[path = "../tests/common/data.rs"]
mod data;
#[allow(dead_code, reason = "the tests of the whole crate use the rest")]
#[path = "../tests/common/sink.rs"]
pub(crate) mod sink;

use std::{collections::HashMap, sync::Arc};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use relaypacs_domain::{Identity, ObjectId, Sha256};
use sha2::Digest as _;

pub(crate) use data::{SOP_CLASS, TRANSFER_SYNTAX, data_set};

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

pub(crate) fn identity(study: &str, series: &str, instance: &str) -> Identity {
    Identity {
        sop_class: SOP_CLASS.parse().unwrap(),
        sop_instance: instance.parse().unwrap(),
        transfer_syntax: TRANSFER_SYNTAX.parse().unwrap(),
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
