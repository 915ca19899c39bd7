//! The demo's places: a folder, loopback ports, and the configuration of its box.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use relaypacs_domain::AeTitle;

use crate::{
    cli::{Exit, Fault},
    config::{Config, Dicom},
};

/// AE title of the demo's scanner.
pub(super) const CALLING_AE: &str = "DEMO_CT";
/// Name of the demo's destination.
pub(super) const DESTINATION: &str = "demo-pacs";

/// Everything that is fixed before anything runs.
pub(super) struct Setup {
    /// The box's configuration.
    pub(super) config: Config,
    /// Where the receiver listens.
    pub(super) receiver: TcpListener,
    /// Its base URL.
    pub(super) receiver_url: String,
}

impl Setup {
    /// Finds free ports and writes the configuration. `settings`: `--set`.
    pub(super) fn new(directory: &Path, settings: &[String]) -> Result<Self, Fault> {
        let no_port = |error: io::Error| Fault::failed(format!("no free port on 127.0.0.1: {error}"));
        let receiver = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(no_port)?;
        let receiver_url = format!("http://{}/rs", receiver.local_addr().map_err(no_port)?);
        let (dicom, http) = (free_port(11112).map_err(no_port)?, free_port(8080).map_err(no_port)?);
        let text = format!(
            "[site]\nname = \"demo\"\n\
             [dicom]\nbind = \"127.0.0.1\"\nport = {dicom}\ntls_port = 0\n\
             [http]\nbind = \"127.0.0.1\"\nport = 0\nplain_port = {http}\n\
             [log]\nlevel = \"warn\"\n\
             [[destination]]\nname = \"{DESTINATION}\"\nkind = \"stow\"\nurl = \"{receiver_url}\"\n"
        );
        let name = directory.join("(the demo's own configuration)");
        let config = Config::from_text(&name, &text, settings).map_err(|problems| Fault::new(Exit::Configuration, problems.to_string()))?;
        Ok(Self { config, receiver, receiver_url })
    }
}

/// The box's AE title.
pub(super) fn called_ae() -> AeTitle {
    Dicom::default().ae_title
}

/// The port, or any free one when it is taken.
fn free_port(wanted: u16) -> io::Result<u16> {
    let bind = |port: u16| TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    bind(wanted).or_else(|_| bind(0))?.local_addr().map(|address| address.port())
}
