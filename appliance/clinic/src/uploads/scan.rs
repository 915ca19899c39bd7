//! What a file is, found while its bytes pass by: where its data set begins, who it is, and the digest of the data set.
//!
//! Memory is bounded ([`relaypacs_dicom::MAX_META`] until the data set has begun, the header scanner's bounds after that).

use relaypacs_dicom::{DicomStart, FileStart, HeaderScanner, MAX_META, file_start};
use relaypacs_domain::{HeaderFacts, Identity};
use sha2::{Digest, Sha256};

/// A file whose bytes pass by in order.
pub(super) struct FileScan {
    stage: Stage,
    /// Of all bytes, where somebody said what it must be.
    whole: Option<Sha256>,
}

enum Stage {
    /// What it is cannot be said yet; looked at again when there are so many bytes.
    Start(Vec<u8>, usize),
    DataSet(Box<DataSet>),
    Zip,
    Other(&'static str),
}

struct DataSet {
    start: DicomStart,
    digest: Sha256,
    scanner: HeaderScanner,
    /// Looks for encapsulated pixels where nobody named the transfer syntax: the last bytes that passed, and whether some were found.
    unnamed: Option<(Vec<u8>, bool)>,
}

/// What a file turned out to be.
#[derive(Debug, Clone)]
pub(super) enum Found {
    /// An instance.
    Instance(Box<Instance>),
    /// The index of a medium (DICOMDIR).
    Directory,
    /// An archive.
    Zip,
    /// No DICOM, and why.
    NotDicom(&'static str),
    /// DICOM that cannot be taken, and why.
    Unusable(String),
}

/// An instance in a file.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    /// Bytes of the file before the data set.
    pub(super) offset: u64,
    pub(super) identity: Identity,
    pub(super) facts: HeaderFacts,
    /// Of the data set.
    pub(super) sha256: relaypacs_domain::Sha256,
}

/// What a file turned out to be, with the digest of all its bytes if that was wanted.
#[derive(Debug, Clone)]
pub(super) struct Scanned {
    pub(super) found: Found,
    pub(super) whole: Option<[u8; 32]>,
}

/// Media Storage Directory Storage.
const DIRECTORY: &str = "1.2.840.10008.1.3.10";
/// Bytes with which it is first tried to say what a file is.
const FIRST_LOOK: usize = 1024;
/// (7FE0,0010) OB or OW of undefined length in explicit VR little endian: encapsulated pixels.
const ENCAPSULATED: [&[u8; 12]; 2] = [b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF", b"\xE0\x7F\x10\x00OW\0\0\xFF\xFF\xFF\xFF"];

impl FileScan {
    /// `whole`: the digest of all bytes is wanted as well.
    pub(super) fn new(whole: bool) -> Self {
        Self { stage: Stage::Start(Vec::new(), FIRST_LOOK), whole: whole.then(Sha256::new) }
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if let Some(whole) = &mut self.whole {
            whole.update(bytes);
        }
        match &mut self.stage {
            Stage::Start(seen, look_at) => {
                seen.extend_from_slice(&bytes[..bytes.len().min(MAX_META as usize)]);
                if seen.len() >= *look_at {
                    *look_at = seen.len() * 2;
                    // What did not fit above is not lost: a start is clear, or given up, by then.
                    let kept = bytes.len().min(MAX_META as usize);
                    self.look(false);
                    if let Stage::DataSet(data_set) = &mut self.stage {
                        data_set.feed(&bytes[kept..]);
                    }
                }
            }
            Stage::DataSet(data_set) => data_set.feed(bytes),
            Stage::Zip | Stage::Other(_) => {}
        }
    }

    /// Bytes before the data set, once that has begun. `Err`: there will be none.
    pub(super) fn data_set_offset(&self) -> Result<Option<u64>, ()> {
        match &self.stage {
            Stage::Start(..) => Ok(None),
            Stage::DataSet(data_set) => Ok(Some(data_set.start.data_set_offset)),
            Stage::Zip | Stage::Other(_) => Err(()),
        }
    }

    /// Tries to say what it is. `ended`: nothing more comes.
    pub(super) fn look(&mut self, ended: bool) {
        let Stage::Start(seen, _) = &mut self.stage else { return };
        match file_start(seen, ended) {
            FileStart::Unclear => {}
            FileStart::Zip => self.stage = Stage::Zip,
            FileStart::Other(why) => self.stage = Stage::Other(why),
            FileStart::Dicom(start) => {
                let seen = std::mem::take(seen);
                let offset = start.data_set_offset as usize;
                let mut data_set = Box::new(DataSet {
                    scanner: HeaderScanner::to_the_end(&start.transfer_syntax),
                    unnamed: (!start.named).then(|| (Vec::new(), false)),
                    start,
                    digest: Sha256::new(),
                });
                data_set.feed(&seen[offset.min(seen.len())..]);
                self.stage = Stage::DataSet(data_set);
            }
        }
    }

    /// All bytes have passed.
    pub(super) fn finish(mut self) -> Scanned {
        self.look(true);
        let whole = self.whole.map(|digest| digest.finalize().into());
        let found = match self.stage {
            Stage::Start(..) => Found::NotDicom("it has neither DICM nor a data set"),
            Stage::Zip => Found::Zip,
            Stage::Other(why) => Found::NotDicom(why),
            Stage::DataSet(data_set) => data_set.finish(),
        };
        Scanned { found, whole }
    }
}

impl DataSet {
    fn feed(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
        self.scanner.feed(bytes);
        if let Some((tail, found)) = &mut self.unnamed
            && !*found
        {
            let around = [&tail[..], &bytes[..bytes.len().min(11)]].concat();
            let holds = |bytes: &[u8]| bytes.windows(12).any(|window| ENCAPSULATED.iter().any(|pattern| window == pattern.as_slice()));
            *found = holds(&around) || holds(bytes);
            let all = [&tail[..], bytes].concat();
            *tail = all[all.len().saturating_sub(11)..].to_vec();
        }
    }

    fn finish(self) -> Found {
        let Self { start, digest, scanner, unnamed } = self;
        let breaks_off = scanner.breaks_off();
        let (facts, _) = scanner.finish();
        let sop_class = facts.sop_class_uid.clone().or(start.sop_class);
        if sop_class.as_ref().is_some_and(|class| class.as_str() == DIRECTORY) {
            return Found::Directory;
        }
        let (Some(sop_class), Some(sop_instance)) = (sop_class, facts.sop_instance_uid.clone().or(start.sop_instance)) else {
            return if start.named {
                Found::Unusable("neither its file meta group nor its data set names class and instance".into())
            } else {
                Found::NotDicom("it has neither DICM nor a data set that names an instance")
            };
        };
        if unnamed.is_some_and(|(_, found)| found) {
            return Found::Unusable("its pixels are compressed, but no file meta group names the transfer syntax".into());
        }
        if facts.study_instance_uid.is_none() {
            return Found::Unusable("its data set has no readable Study Instance UID (0020,000D)".into());
        }
        if breaks_off {
            return Found::Unusable("its data set ends inside a value: the file is cut off".into());
        }
        let identity = Identity {
            sop_class,
            sop_instance,
            transfer_syntax: start.transfer_syntax,
            study: facts.study_instance_uid.clone(),
            series: facts.series_instance_uid.clone(),
        };
        let sha256 = relaypacs_domain::Sha256(digest.finalize().into());
        Found::Instance(Box::new(Instance { offset: start.data_set_offset, identity, facts, sha256 }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::uploads::tests::files::{element, file, small_file};

    fn scan(bytes: &[u8], piece: usize) -> Scanned {
        let mut scan = FileScan::new(true);
        bytes.chunks(piece).for_each(|piece| scan.feed(piece));
        scan.finish()
    }

    #[test]
    fn a_file_is_known_however_its_bytes_come() {
        let bytes = small_file(1, 3000);
        for piece in [1, 7, 131, 1024, 100_000] {
            let Scanned { found: Found::Instance(found), whole } = scan(&bytes, piece) else { panic!("in pieces of {piece}") };
            assert_eq!(found.identity.sop_instance.as_str(), "1.2.3.1");
            assert_eq!(found.sha256.0[..], Sha256::digest(&bytes[found.offset as usize..])[..]);
            assert_eq!(whole, Some(Sha256::digest(&bytes).into()));
        }
    }

    #[test]
    fn what_cannot_be_taken_says_why() {
        let whole = small_file(1, 3000);
        let check = |bytes: &[u8], says: &str| match scan(bytes, 500).found {
            Found::Unusable(why) => assert!(why.contains(says), "{why}"),
            Found::NotDicom(why) => assert!(why.contains(says), "{why}"),
            other => panic!("{says}: {other:?}"),
        };
        check(&whole[..whole.len() - 10], "cut off");
        check(b"%PDF-1.7", "neither DICM");
        check(&[], "neither DICM");
        let without_study = file("1.2.840.10008.1.2.1", &[element(0x0008_0016, b"UI", b"1.2\0"), element(0x0008_0018, b"UI", b"1.3\0")]);
        check(&without_study, "Study Instance UID");
        let offset = whole.len() - 3000 - 12;
        let mut compressed = whole[338.min(offset)..offset].to_vec();
        if let Found::Instance(found) = scan(&whole, 500).found {
            compressed = whole[found.offset as usize..offset].to_vec();
        }
        compressed.extend_from_slice(ENCAPSULATED[0]);
        compressed.extend_from_slice(&[0xFE, 0xFF, 0, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        for piece in [1, 5, 5000] {
            match scan(&compressed, piece).found {
                Found::Unusable(why) => assert!(why.contains("compressed"), "{why}"),
                other => panic!("{other:?}"),
            }
        }
        assert!(matches!(scan(b"PK\x03\x04 and so on", 3).found, Found::Zip));
    }
}
