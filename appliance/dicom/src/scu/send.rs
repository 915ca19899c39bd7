//! C-STORE of Part-10 files, streamed: memory does not grow with their size.

use std::{
    io::SeekFrom,
    path::{Path, PathBuf},
};

use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
    task::spawn_blocking,
};

use super::{
    ScuError, ScuOptions, SendOutcome,
    association::{Associated, Proposal, connect, resolve},
};
use crate::{
    dimse::command::store_request,
    part10::{FileMeta, read_file_meta},
};

/// Presentation contexts of one association (PS3.8 §9.3.2.2: odd ids up to 255).
const MAX_CONTEXTS: usize = 128;

/// A file that can be sent.
struct Planned {
    path: PathBuf,
    meta: FileMeta,
    /// Size of the data set.
    bytes: u64,
    /// Position in [`Plan::proposals`].
    proposal: usize,
}

/// What to send, and with which presentation contexts.
#[derive(Default)]
struct Plan {
    files: Vec<Planned>,
    unreadable: Vec<(PathBuf, String)>,
    /// Each SOP class and transfer syntax once, in order of appearance.
    proposals: Vec<Proposal>,
}

/// Sends Part-10 files in the transfer syntax they have, byte for byte, over one association, or several one after the other where they
/// need more than 128 presentation contexts. `progress` hears of each file once; files that cannot be read come first. A receiver that
/// ends the association inside a file is called again for the next one.
///
/// `Err`: the receiver cannot be reached (any more), or refuses; what `progress` has not heard of was not sent.
pub async fn send(options: &ScuOptions, files: &[PathBuf], mut progress: impl FnMut(&SendOutcome) + Send) -> Result<(), ScuError> {
    let files = files.to_vec();
    let plan = spawn_blocking(move || Plan::of(files)).await.map_err(|error| ScuError::at("store", error.to_string()))?;
    for (file, why) in plan.unreadable {
        progress(&SendOutcome { file, sop_instance: None, bytes: 0, result: Err(why) });
    }
    for (number, proposals) in plan.proposals.chunks(MAX_CONTEXTS).enumerate() {
        let first = number * MAX_CONTEXTS;
        let files = plan.files.iter().filter(|file| (first..first + proposals.len()).contains(&file.proposal));
        send_over_one(options, proposals, files.map(|file| (file, file.proposal - first)), &mut progress).await?;
    }
    Ok(())
}

/// Sends files with their positions in `proposals`.
async fn send_over_one<'a>(
    options: &ScuOptions,
    proposals: &[Proposal],
    files: impl Iterator<Item = (&'a Planned, usize)>,
    progress: &mut (impl FnMut(&SendOutcome) + Send),
) -> Result<(), ScuError> {
    let mut open: Option<Associated> = None;
    for (file, position) in files {
        let mut associated = if let Some(associated) = open.take() {
            associated
        } else {
            let stream = connect(options, &resolve(options).await?).await?;
            Associated::request(stream, options, proposals).await?
        };
        let result = match associated.context(position) {
            None => {
                open = Some(associated);
                Err(format!(
                    "the receiver does not accept SOP class {} in transfer syntax {}",
                    file.meta.sop_class, file.meta.transfer_syntax
                ))
            }
            Some(context) => match store(&mut associated, context, file).await {
                Ok(status) => {
                    open = Some(associated);
                    Ok(status)
                }
                Err(error) => {
                    associated.abort().await; // half a data set has gone: there is no other way out
                    Err(error.to_string())
                }
            },
        };
        progress(&SendOutcome { file: file.path.clone(), sop_instance: Some(file.meta.sop_instance.clone()), bytes: file.bytes, result });
    }
    if let Some(associated) = open {
        associated.release().await;
    }
    Ok(())
}

/// One C-STORE; gives its status.
async fn store(associated: &mut Associated, context: u8, file: &Planned) -> Result<u16, ScuError> {
    let fail = |error: std::io::Error| ScuError::at("store", format!("the file cannot be read: {error}"));
    let mut data = File::open(&file.path).await.map_err(fail)?;
    data.seek(SeekFrom::Start(file.meta.data_set_offset)).await.map_err(fail)?;
    let message_id = associated.next_message_id();
    associated.put_command(context, &store_request(message_id, &file.meta.sop_class, &file.meta.sop_instance));
    let mut left = file.bytes;
    loop {
        let part = left.min(associated.room() as u64);
        left -= part;
        let fragment = associated.put_data(context, left == 0, part as usize);
        data.read_exact(fragment).await.map_err(fail)?;
        associated.write("store").await?;
        if left == 0 {
            break;
        }
    }
    Ok(associated.answer("store", message_id).await?.status.unwrap_or_default())
}

impl Plan {
    fn of(paths: Vec<PathBuf>) -> Self {
        let mut plan = Self::default();
        for path in paths {
            match inspect(&path) {
                Ok((meta, bytes)) => {
                    let proposal = (meta.sop_class.clone(), meta.transfer_syntax.clone());
                    let position = plan.proposals.iter().position(|known| *known == proposal).unwrap_or_else(|| {
                        plan.proposals.push(proposal);
                        plan.proposals.len() - 1
                    });
                    plan.files.push(Planned { path, meta, bytes, proposal: position });
                }
                Err(why) => plan.unreadable.push((path, why)),
            }
        }
        plan
    }
}

fn inspect(path: &Path) -> Result<(FileMeta, u64), String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let size = file.metadata().map_err(|error| error.to_string())?.len();
    let meta = read_file_meta(&mut std::io::BufReader::with_capacity(1024, file)).map_err(|error| error.to_string())?;
    let bytes = size.saturating_sub(meta.data_set_offset);
    Ok((meta, bytes))
}
