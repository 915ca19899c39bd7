//! Load: C-STORE or HTTP as fast as a receiver answers, and two bare receivers that show what sender, loopback and disk allow.

mod ask;
mod receive;
mod send;

pub use ask::{Answers, Asking, Request};
pub use receive::{Keep, listen};
pub use send::{Plan, Report, Sending};

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::part10::Object;

/// The Part-10 files of a folder in order of name (or the one file).
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.into()]);
    }
    let mut all = fs::read_dir(path)?.map(|e| e.map(|e| e.path())).collect::<io::Result<Vec<_>>>()?;
    all.retain(|p| p.is_file() && p.extension().is_none_or(|e| e != "jsonl"));
    all.sort();
    Ok(all)
}

/// Reads and salts files.
pub fn load(path: &Path, salt: u64) -> io::Result<Vec<Object>> {
    files(path)?
        .into_iter()
        .map(|f| {
            let mut object = Object::new(fs::read(&f)?).ok_or_else(|| io::Error::other(format!("{}: not a Part-10 file", f.display())))?;
            object.salt(salt);
            Ok(object)
        })
        .collect()
}

/// Writes salted copies, for senders that cannot salt.
pub fn write_salted(from: &Path, to: &Path, salt: u64) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for (path, object) in files(from)?.into_iter().zip(load(from, salt)?) {
        fs::write(to.join(path.file_name().unwrap_or_default()), object.file)?;
    }
    Ok(())
}
