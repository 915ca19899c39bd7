//! The threads that keep the log and carry it into the catalogue.

use std::{
    fs::File,
    io,
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
};

use tracing::error;

use crate::{
    Metrics,
    catalogue::Catalogue,
    entry::LogPosition,
    indexer::{Indexer, Reopen},
    segment::{
        LogHandle,
        committer::{self, Committer},
        flight::Flight,
    },
};

/// One writes while the other one syncs.
const LOG_THREADS: usize = 2;

/// Ends the process when a thread panics without which nothing is kept: whoever waits for it would wait for ever, and nothing it shared may
/// be trusted. That is a kill, which loses nothing that was acknowledged; the service manager starts the box again.
struct EndOnPanic;

impl Drop for EndOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            error!("a thread that keeps the log panicked: the process ends and recovers from the disk");
            std::process::abort();
        }
    }
}

/// Starts them. They end when the log's queue is closed and all is written, told and applied; the last one gives `lock` back.
pub(crate) fn start(
    handle: &LogHandle,
    catalogue: &Catalogue,
    metrics: &Metrics,
    reopen: Reopen,
    applied: LogPosition,
    lock: Option<File>,
) -> io::Result<Vec<JoinHandle<()>>> {
    let LogHandle { log, queue, index, .. } = handle;
    let (catalogue, metrics) = (catalogue.clone(), metrics.clone());
    let flight = Arc::new(Flight::new(log.clone(), queue.clone(), index.clone(), metrics.clone()));
    let committer = Arc::new(Mutex::new(Committer::new(log.clone(), queue.clone(), flight.clone(), metrics.clone())));
    let indexer = Indexer { log: log.clone(), queue: index.clone(), catalogue, reopen, metrics, applied };
    let lock = Arc::new(lock); // nobody else may open the folder before all are done with it
    let mut threads = Vec::new();
    for number in 0..LOG_THREADS {
        let (committer, flight, log, index, lock) = (committer.clone(), flight.clone(), log.clone(), index.clone(), lock.clone());
        threads.push(named(format!("relaypacs-log-{number}"), move || {
            committer::run(&committer, &flight, &log);
            index.close(); // all is told by now, whichever thread ends first
            drop(lock);
        })?);
    }
    threads.push(named("relaypacs-index".into(), move || {
        indexer.run();
        drop(lock);
    })?);
    Ok(threads)
}

fn named(name: String, work: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name).spawn(move || {
        let _guard = EndOnPanic;
        work();
    })
}
