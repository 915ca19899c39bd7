//! `relaypacs serve`: runs the box in the foreground until SIGTERM or SIGINT.

use std::io::{self, IsTerminal};

use relaypacs_buffer::OpenError;
use relaypacs_clinic::Clinic;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Arguments, Exit, Fault, Output, check};
use crate::{
    appliance::{Appliance, StartError},
    data_dir, logs,
};

pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let config = arguments.load()?;
    let log = logs::start(&config.log.level, config.log.format).map_err(Fault::failed)?;
    for note in check::notes(&config) {
        tracing::info!("{note}");
    }
    let directory = data_dir::for_daemon(arguments.data_dir.as_deref());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fault::failed(format!("the async runtime cannot start: {error}")))?;
    let _inside = runtime.enter();
    let appliance = Appliance::open(config, &directory, log).map_err(|error| cannot_start(&error))?;
    let stop = CancellationToken::new();
    runtime.block_on(async {
        let signals = wait_for_signals(stop.clone())?;
        tokio::spawn(signals);
        let clinic = appliance.clinic().clone();
        let output = arguments.output();
        appliance.run(stop, move |_| show_setup_code(output, &clinic)).await;
        Ok(())
    })
}

/// Shows the code that makes the first admin, on a terminal only: standard output may be the journal, which is a log.
fn show_setup_code(output: Output, clinic: &Clinic) {
    if !io::stdout().is_terminal() || !clinic.accounts.setup_required() {
        return;
    }
    if let Ok(code) = clinic.accounts.issue_setup_code() {
        // A terminal that went away needs no code.
        let _ =
            output.line(format_args!("Set-up code for the first admin: {} (10 minutes; `relaypacs setup-code` gives another)", code.code));
    }
}

/// Cancels `stop` at the first SIGTERM or SIGINT; a second one ends the process at once (nothing acknowledged is lost by that).
pub(crate) fn wait_for_signals(stop: CancellationToken) -> Result<impl Future<Output = ()> + Send + 'static, Fault> {
    let unusable = |error: io::Error| Fault::failed(format!("signals cannot be caught: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(unusable)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unusable)?;
    Ok(async move {
        for nth in 0..2 {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if nth == 0 {
                stop.cancel();
            }
        }
        tracing::warn!("told to stop a second time: ending at once");
        std::process::exit(i32::from(Exit::Failed.code()));
    })
}

/// Why the box cannot start, with what to do.
pub(crate) fn cannot_start(error: &StartError) -> Fault {
    let denied = |kind: io::ErrorKind| if kind == io::ErrorKind::PermissionDenied { Exit::NotAllowed } else { Exit::Failed };
    let said = error.to_string();
    match error {
        StartError::Directory { source, .. } => {
            Fault::new(denied(source.kind()), said).hint("name another one with --data-dir, or run as root or relaypacs")
        }
        StartError::Listen(listen) => match listen.source.kind() {
            io::ErrorKind::AddrInUse => Fault::failed(said)
                .hint(format!("another program has it (`ss -ltnp` names it); stop that or set another port with --set {}=", listen.what)),
            io::ErrorKind::AddrNotAvailable => {
                let section = listen.what.split('.').next().unwrap_or_default();
                Fault::failed(said).hint(format!("this machine has no such address (`ip addr` lists them); mend {section}.bind"))
            }
            io::ErrorKind::PermissionDenied => {
                Fault::new(Exit::NotAllowed, said).hint("ports below 1024 need root or CAP_NET_BIND_SERVICE")
            }
            _ => Fault::failed(said),
        },
        StartError::Tls(_) => Fault::failed(said).hint("check the files in tls/ of the data directory"),
        StartError::Destination(_) | StartError::Telemetry(_) => {
            Fault::new(Exit::Configuration, said).hint("mend it; `relaypacs check` says when it is good")
        }
        StartError::Clinic(_) => {
            Fault::failed(said).hint("check the disk and who owns the data directory, above all clinic.redb and keys in it")
        }
        StartError::Buffer(open) => match open {
            OpenError::Locked(_) => Fault::new(Exit::TryLater, said).hint("stop that one first, or name another --data-dir"),
            OpenError::Io { source, .. } => Fault::new(denied(source.kind()), said).hint("check the disk and who owns the data directory"),
            OpenError::Newer { .. } | OpenError::UnknownSchema { .. } | OpenError::Catalogue(_) => Fault::failed(said),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::listeners::ListenError;

    #[test]
    fn why_it_cannot_start_is_said_with_what_to_do() {
        let io = |kind| io::Error::from(kind);
        let listen = |kind| StartError::Listen(ListenError { what: "dicom.port", address: "0.0.0.0:104".into(), source: io(kind) });
        let directory = |kind| StartError::Directory { path: PathBuf::from("/data"), source: io(kind) };
        let check = |error: StartError, exit: Exit, says: &str| {
            let said = format!("{:?}", cannot_start(&error));
            assert!(said.contains(&format!("exit: {exit:?}")) && said.contains(says), "{said}");
        };
        check(directory(io::ErrorKind::PermissionDenied), Exit::NotAllowed, "--data-dir");
        check(directory(io::ErrorKind::ReadOnlyFilesystem), Exit::Failed, "/data");
        check(listen(io::ErrorKind::AddrInUse), Exit::Failed, "--set dicom.port=");
        check(listen(io::ErrorKind::PermissionDenied), Exit::NotAllowed, "CAP_NET_BIND_SERVICE");
        check(listen(io::ErrorKind::AddrNotAvailable), Exit::Failed, "dicom.bind");
        check(StartError::Buffer(OpenError::Locked("process 7".into())), Exit::TryLater, "stop that one first");
        let denied = OpenError::Io { what: "open", path: PathBuf::from("/data/log"), source: io(io::ErrorKind::PermissionDenied) };
        check(StartError::Buffer(denied), Exit::NotAllowed, "who owns");
    }
}
