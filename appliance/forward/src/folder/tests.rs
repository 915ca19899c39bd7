use std::{collections::BTreeMap, fs, time::Duration};

use super::*;
use crate::{
    backoff::RetryConfig,
    testing::{Memory, part},
};

fn item(part: Part, later_version: bool) -> Item {
    Item { part, attempts: 0, last_failure: None, pending_for: Duration::ZERO, later_version, other_versions: later_version }
}

async fn deliver(folder: &Folder, items: Vec<Item>, contents: Memory) -> Outcome {
    let contents: Arc<dyn Contents> = Arc::new(contents);
    let backoff = Backoff::new(RetryConfig::default()).unwrap();
    folder.deliver(&"f".parse().unwrap(), items, &contents, &backoff, &Clock::system(), &Metrics::default()).await
}

/// All files below a folder with their data sets.
fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(directory) = todo.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                todo.push(path);
            } else {
                let mut file = fs::File::open(&path).unwrap();
                let meta = relaypacs_dicom::read_file_meta(&mut file).unwrap();
                let data = fs::read(&path).unwrap().split_off(meta.data_set_offset as usize);
                found.insert(path.strip_prefix(root).unwrap().display().to_string(), data);
            }
        }
    }
    found
}

fn names(root: &Path) -> Vec<String> {
    files(root).into_keys().collect()
}

fn proven(outcome: &Outcome) -> usize {
    outcome.verdicts.iter().filter(|(_, verdict)| matches!(verdict, Verdict::Proven(proof) if proof.kind == ProofKind::File)).count()
}

#[tokio::test]
async fn instances_are_laid_out_and_proven() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::new(root.path().join("new"));
    fs::create_dir(root.path().join("new")).unwrap();
    let mut lost = part(3, b"three");
    lost.identity.study = None;
    let items = vec![item(part(1, b"one"), false), item(part(2, &vec![5; 600_000]), false), item(lost, false)];
    let contents = Memory::default().with(1, b"one").with(2, &vec![5; 600_000]).with(3, b"three");
    let outcome = deliver(&folder, items.clone(), contents.clone()).await;
    assert_eq!((proven(&outcome), outcome.signal), (3, Signal::Proof));
    let found = files(&root.path().join("new"));
    assert_eq!(found["1.2.1/1.2.1.1/1.2.1.1.1.dcm"], b"one");
    assert_eq!(found["1.2.1/1.2.1.1/1.2.1.1.2.dcm"], vec![5; 600_000]);
    assert_eq!(found["unparsed/1.2.1.1.3.dcm"], b"three");
    assert_eq!(found.len(), 3, "no temporary file is left");
    // again: proven by what is there, nothing written twice
    assert_eq!(proven(&deliver(&folder, items, contents).await), 3);
    assert_eq!(files(&root.path().join("new")).len(), 3);
}

#[tokio::test]
async fn other_bytes_under_the_name_are_never_overwritten() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::new(root.path().to_path_buf());
    let other = Part { object: relaypacs_domain::ObjectId(9), ..part(1, b"other bytes") };
    let other = Part { identity: part(1, b"").identity, ..other };
    let contents = Memory::default().with(1, b"one").with(9, b"other bytes");
    deliver(&folder, vec![item(part(1, b"one"), false)], contents.clone()).await;
    let hex = &other.sha256.to_string()[..8];
    for later in [false, true] {
        assert_eq!(proven(&deliver(&folder, vec![item(other.clone(), later)], contents.clone()).await), 1);
        let found = files(root.path());
        assert_eq!(found["1.2.1/1.2.1.1/1.2.1.1.1.dcm"], b"one");
        assert_eq!(found[&format!("1.2.1/1.2.1.1/1.2.1.1.1.{hex}.dcm")], b"other bytes");
        assert_eq!(found.len(), 2);
    }
}

#[tokio::test]
async fn a_half_written_file_of_an_earlier_life_is_written_anew() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::new(root.path().to_path_buf());
    let directory = root.path().join("1.2.1/1.2.1.1");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(".1.2.1.1.1.1.part"), b"half of something longer than the file").unwrap();
    assert_eq!(proven(&deliver(&folder, vec![item(part(1, b"one"), false)], Memory::default().with(1, b"one")).await), 1);
    assert_eq!(names(root.path()), ["1.2.1/1.2.1.1/1.2.1.1.1.dcm"]);
}

#[tokio::test]
async fn what_cannot_be_read_is_held_and_the_others_arrive() {
    let root = tempfile::tempdir().unwrap();
    let folder = Folder::new(root.path().to_path_buf());
    let items = vec![item(part(1, b"lost"), false), item(part(2, b"two"), false)];
    let outcome = deliver(&folder, items, Memory::default().with(2, b"two")).await;
    assert!(matches!(&outcome.verdicts[0].1, Verdict::Hold(HeldReason::Unreadable, _)));
    assert_eq!(proven(&outcome), 1);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_stops_the_batch() {
    let root = tempfile::tempdir().unwrap();
    let in_the_way = root.path().join("file");
    fs::write(&in_the_way, b"").unwrap();
    let folder = Folder::new(in_the_way);
    let items = vec![item(part(1, b"one"), false), item(part(2, b"two"), false)];
    let outcome = deliver(&folder, items, Memory::default().with(1, b"one").with(2, b"two")).await;
    assert_eq!(outcome.signal, Signal::Failed);
    let [(_, Verdict::Retry { failure, .. })] = outcome.verdicts.as_slice() else { panic!("{outcome:?}") };
    assert_eq!(failure.code, FailureCode::Io);
    assert!(folder.write_test().await.is_err());
    assert!(Folder::new(root.path().to_path_buf()).write_test().await.is_ok());
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "the test left nothing");
}

#[tokio::test]
async fn a_folder_that_is_missing_is_not_made_since_it_may_be_a_mount() {
    let root = tempfile::tempdir().unwrap();
    let mount = root.path().join("mount");
    let folder = Folder::new(mount.clone());
    let (items, contents) = (vec![item(part(1, b"one"), false)], Memory::default().with(1, b"one"));
    let check_missing = async |when: &str| {
        let outcome = deliver(&folder, items.clone(), contents.clone()).await;
        let [(_, Verdict::Retry { failure, .. })] = outcome.verdicts.as_slice() else { panic!("{when}: {outcome:?}") };
        assert!(failure.detail.contains("does not exist: mount it"), "{when}: {failure:?}");
        assert_eq!((outcome.signal, folder.write_test().await.err()), (Signal::Failed, Some(failure.clone())), "{when}");
        assert!(!mount.exists(), "{when}");
    };
    check_missing("never there").await;
    fs::create_dir(&mount).unwrap();
    assert_eq!(proven(&deliver(&folder, items.clone(), contents.clone()).await), 1);
    // it goes away with all that is known to be in it: noticed at the next attempt, or the one after
    fs::remove_dir_all(&mount).unwrap();
    let outcome = deliver(&folder, items.clone(), contents.clone()).await;
    assert_eq!((proven(&outcome), outcome.signal), (0, Signal::Failed));
    check_missing("gone").await;
    fs::create_dir(&mount).unwrap();
    assert_eq!(proven(&deliver(&folder, items.clone(), contents.clone()).await), 1, "all of it is made anew");
}
