//! Modalities as they come: other people's C-STORE senders, unmodified, started as their manuals say.

use std::{net::SocketAddr, path::Path, process::Command};

use crate::{
    data::Sample,
    place::{installed, python},
    process::run,
};

/// The box's AE title in all tests.
pub const CALLED: &str = "RELAYPACS";

/// A program that sends files by C-STORE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// DCMTK.
    Storescu,
    /// DCMTK.
    Dcmsend,
    /// Python's pynetdicom.
    Pynetdicom,
    /// dicom-rs.
    DicomRs,
}

impl Sender {
    /// Sends files; panics when the sender reports a failure.
    pub fn send(self, to: SocketAddr, samples: &[Sample]) {
        let paths = samples.iter().map(|s| s.path.as_path());
        run(&mut self.command(to, paths));
    }

    /// The command line.
    pub fn command<'a>(self, to: SocketAddr, files: impl Iterator<Item = &'a Path>) -> Command {
        let (host, port) = (to.ip().to_string(), to.port().to_string());
        let mut command = match self {
            Self::Storescu => {
                let mut c = Command::new("storescu");
                c.args(["-R", "-aec", CALLED, "-aet", "STORESCU", &host, &port]);
                c
            }
            Self::Dcmsend => {
                let mut c = Command::new("dcmsend");
                c.args(["-aec", CALLED, "-aet", "DCMSEND", &host, &port]);
                c
            }
            Self::Pynetdicom => {
                let mut c = python("senders/pynetdicom_store.py");
                c.args(["--called", CALLED, &host, &port]);
                c
            }
            Self::DicomRs => {
                let mut c = Command::new(installed("tools/bin/dicom-storescu"));
                c.args(["--called-ae-title", CALLED, "--fail-first", &to.to_string()]);
                c
            }
        };
        // DCMTK's own environment switch; senders are tested as they come.
        command.env_remove("TCP_NODELAY").args(files);
        command
    }
}
