//! Archives that are not what they seem.

use super::{files::element, *};

/// What becomes of archives, by file and entry.
async fn judged(options: UploadOptions, archives: &[(&str, &[u8])]) -> Vec<(String, Option<String>, FileStatus, String)> {
    let rig = Rig::with(options).await;
    let upload = rig.send_all(archives).await;
    let outcome = rig.complete(upload).await;
    let told = |file: FileOutcome| (file.id, file.entry, file.status, file.error.unwrap_or_default());
    outcome.files.into_iter().map(told).collect()
}

/// An end record (APPNOTE 4.3.16).
fn end(entries: u16, length: u32, offset: u32) -> Vec<u8> {
    let mut record = b"PK\x05\x06\0\0\0\0".to_vec();
    record.extend_from_slice(&entries.to_le_bytes());
    record.extend_from_slice(&entries.to_le_bytes());
    record.extend_from_slice(&length.to_le_bytes());
    record.extend_from_slice(&offset.to_le_bytes());
    record.extend_from_slice(&[0, 0]);
    record
}

/// The table of an archive, and where it begins.
fn table(zip: &[u8]) -> (usize, usize) {
    let at = |at: usize| u32::from_le_bytes(zip[zip.len() - 22 + at..][..4].try_into().unwrap()) as usize;
    (at(16), at(12))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_has_one_end_and_one_table() {
    let image = small_file(1, 100);
    let good = zip_of(&[("a.dcm", &image)]);
    let (offset, length) = table(&good);
    // Behind a good archive another end, which is looked at first and leads nowhere.
    let two_ends = [good.clone(), end(1, good.len() as u32, 0)].concat();
    let far = [good.clone(), b"xxxx".to_vec(), end(1, 4, good.len() as u32)].concat();
    // The end in its old form sends to one of ZIP64, whose counts nobody has bounded.
    let zip64_end = [
        b"PK\x06\x06".as_slice(),
        &44_u64.to_le_bytes(),
        &[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &(offset as u64).to_le_bytes(),
        &(offset as u64).to_le_bytes(),
        &(length as u64).to_le_bytes(),
        &(offset as u64).to_le_bytes(),
        b"PK\x06\x07\0\0\0\0",
        &((offset + length) as u64).to_le_bytes(),
        &1_u32.to_le_bytes(),
    ]
    .concat();
    let zip64 = [&good[..offset + length], &zip64_end, &end(1, length as u32, u32::MAX)].concat();
    let moved = [b"junk".to_vec(), good.clone()].concat();
    let within = zip_of(&[("a.dcm", &image), ("PK\x05\x06.dcm", &image)]);
    let cases: [(&str, &[u8]); 6] =
        [("good", &good), ("two", &two_ends), ("far", &far), ("zip64", &zip64), ("moved", &moved), ("within", &within)];
    let told = judged(UploadOptions::default(), &cases).await;
    for (id, _, status, why) in &told {
        let expected = if id == "good" { FileStatus::Success } else { FileStatus::Failed };
        // What does not begin like an archive is none.
        let is_none = id == "moved" && *status == FileStatus::NotDicom;
        assert!(*status == expected || is_none, "{id}: {status:?} {why}");
    }
    assert_eq!(told.len(), cases.len(), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_archives_of_an_upload_share_its_limits() {
    let image = |number| file("1.2.840.10008.1.2.1", &[data_set(1, number, 0), element(0x7FE1_0010, b"OB", &vec![0; 1 << 20])]);
    let archives: Vec<Vec<u8>> = (0..8).map(|number| zip_of(&[("a.dcm", &image(number))])).collect();
    let names: Vec<String> = (0..8).map(|number| format!("z{number}")).collect();
    let named: Vec<(&str, &[u8])> = names.iter().zip(&archives).map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let small = UploadOptions { max_bytes: 5 << 20, ..UploadOptions::default() };
    let told = judged(small, &named).await;
    let taken = told.iter().filter(|file| file.2 == FileStatus::Success).count();
    assert!((1..=4).contains(&taken), "{taken} MiB of 5: {told:?}");
    let few = UploadOptions { max_files: 8, ..UploadOptions::default() };
    let two = zip_of(&[("a.dcm", &image(1)), ("b.dcm", &image(2)), ("c.dcm", &image(3))]);
    let told = judged(few, &[("x", &two), ("y", &two), ("z", &two)]).await;
    assert_eq!(told.iter().filter(|file| file.3.contains("more than 8 entries")).count(), 1, "{told:?}");
}
