//! Requests to the machine: files with fixed names in a folder at which the image's root helper looks. Without the folder none can be made.

use std::{
    io,
    path::{Path, PathBuf},
};

/// The folder, if there is one.
pub(super) struct Requests(Option<PathBuf>);

/// What is asked of the machine, as file names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    Reboot,
    ShutDown,
    Rollback,
    Support,
    Update,
    AcknowledgeUpdate,
    FactoryReset,
    Network,
}

impl Request {
    const fn file(self) -> &'static str {
        match self {
            Self::Reboot => "reboot",
            Self::ShutDown => "shut-down",
            Self::Rollback => "rollback",
            Self::Support => "support-bundle",
            Self::Update => "update",
            Self::AcknowledgeUpdate => "acknowledge-update",
            Self::FactoryReset => "factory-reset",
            Self::Network => "network-request.json",
        }
    }
}

impl Requests {
    /// An empty path: none.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(Some(folder).filter(|folder| !folder.as_os_str().is_empty()))
    }

    /// The folder.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.0.as_deref()
    }

    /// Whether requests can be made.
    pub(super) const fn are_possible(&self) -> bool {
        self.0.is_some()
    }

    /// Leaves a request: written aside, synced, renamed, so that the helper never sees half of it.
    pub(super) async fn leave(&self, request: Request, contents: Vec<u8>) -> io::Result<()> {
        let Some(folder) = self.0.clone() else { return Err(io::Error::new(io::ErrorKind::NotFound, "panel.requests names no folder")) };
        let leave = move || {
            let (part, whole) = (folder.join(format!(".{}.part", request.file())), folder.join(request.file()));
            let mut file = std::fs::File::create(&part)?;
            io::Write::write_all(&mut file, &contents)?;
            file.sync_all()?;
            std::fs::rename(&part, &whole)?;
            std::fs::File::open(&folder)?.sync_all()
        };
        tokio::task::spawn_blocking(leave).await.map_err(io::Error::other)?
    }
}
