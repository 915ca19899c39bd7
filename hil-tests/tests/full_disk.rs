//! A disk that is full, too small, or turns read-only: senders get the refusals of the standard, forwarding goes on, room comes back by itself, nothing is lost.
//!
//! Real file systems of the box's own (a tmpfs, an ext4 in a file), mounted where only it sees them; these need root, as CI has it.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Command,
    time::Duration,
};

use relaypacs_hil_tests::{
    appliance::{Appliance, Setup},
    data::{Image, Kind},
    ledger::{Ack, all_reach},
    part10::Object,
    peers::StowSink,
    place::Folder,
    process::run,
    senders::CALLED,
    wait,
    wire::{Association, Priority, Proposal, Refusal},
};

const WITHIN: Duration = Duration::from_secs(120);

/// How a sender was refused.
#[derive(Debug, PartialEq, Eq)]
enum Full {
    /// C-STORE status A700.
    OutOfResources,
    /// A-ASSOCIATE-RJ transient, provider (presentation), temporary congestion.
    Transient,
}

/// A sender that stores one CT image after the other and writes down what it was promised.
struct Modality {
    next: u32,
    promised: Vec<Ack>,
}

impl Modality {
    fn new() -> Self {
        Self { next: 1, promised: vec![] }
    }

    fn image(&mut self) -> Object {
        self.next += 1;
        Image::new(Kind::Ct, u64::from(self.next / 20)).at(1, self.next).object()
    }

    /// Stores until refused; panics on any other answer.
    fn until_full(&mut self, appliance: &Appliance) -> Full {
        let first = self.image();
        let proposal = Proposal::for_objects(CALLED, "CT1", [&first]);
        let mut association = match Association::open(appliance.dicom(), &proposal) {
            Ok(association) => association,
            Err(Refusal::Rejected { result: 2, source: 3, reason: 1 }) => return Full::Transient,
            Err(other) => panic!("{other}"),
        };
        let mut object = first;
        loop {
            let stored = association.store(&object, Priority::Medium).expect("an answer, full or not");
            match stored.status {
                0 => self.promised.push(Ack { entry: (object.meta.instance.clone(), object.sha256()), status: "0000".into() }),
                0xA700 => {
                    assert!(!stored.comment.is_empty(), "an Error Comment says why");
                    return Full::OutOfResources;
                }
                other => panic!("{other:04X} {}", stored.comment),
            }
            assert!(self.promised.len() < 3_000, "the disk never fills");
            object = self.image();
        }
    }

    /// Stores one image, if the box takes it.
    fn store_one(&mut self, appliance: &Appliance) -> bool {
        let object = self.image();
        let Ok(mut association) = Association::open(appliance.dicom(), &Proposal::for_objects(CALLED, "CT1", [&object])) else {
            return false;
        };
        let taken = association.store(&object, Priority::Medium).is_ok_and(|s| s.status == 0);
        if taken {
            self.promised.push(Ack { entry: (object.meta.instance.clone(), object.sha256()), status: "0000".into() });
        }
        taken
    }
}

/// Fills the box while its PACS is away, brings the PACS back, and expects that receiving goes on by itself.
fn fills_and_recovers(setup: impl FnOnce(Setup) -> Setup) {
    let folder = Folder::new();
    let mut sink = StowSink::stopped(&folder, "pacs", &[]);
    let appliance = setup(Setup::new(&folder)).stow("pacs", &sink.url(), "").start();
    let mut modality = Modality::new();
    let refusal = modality.until_full(&appliance);
    println!("full after {} images: {refusal:?}", modality.promised.len());
    assert!(modality.promised.len() >= 20, "some room there is");
    wait::for_true("a full box says so to monitoring", WITHIN, || !appliance.ready());
    let alerts = appliance.system()["alerts"].to_string();
    assert!(alerts.contains("E32"), "and to people: {alerts}");
    sink.switch_on();
    wait::for_true("the box receives again by itself", WITHIN, || modality.store_one(&appliance));
    wait::for_true("and says so", WITHIN, || appliance.ready());
    let ledger = all_reach(&sink, &modality.promised);
    println!("{ledger}");
    ledger.assert_holds();
}

#[test]
fn the_buffers_share_is_full() {
    fills_and_recovers(|setup| setup.buffer("max_bytes = \"96MiB\"\nsegment_bytes = \"8MiB\"\nretention = \"24h\""));
}

/// These mount file systems.
mod needs_root {
    use super::*;

    #[test]
    fn a_small_file_system_is_full() {
        fills_and_recovers(|setup| setup.buffer("segment_bytes = \"8MiB\"").on_mount("-t tmpfs -o size=128m tmpfs"));
    }

    #[test]
    fn somebody_else_fills_the_file_system() {
        let folder = Folder::new();
        let sink = StowSink::start(&folder, "pacs", &[]);
        let appliance = Setup::new(&folder)
            .buffer("segment_bytes = \"8MiB\"\nmax_bytes = \"100MiB\"\nreserve_bytes = \"8MiB\"\nretention = \"1s\"")
            .on_mount("-t tmpfs -o size=160m tmpfs")
            .stow("pacs", &sink.url(), "")
            .start();
        let mut modality = Modality::new();
        for _ in 0..10 {
            assert!(modality.store_one(&appliance));
        }
        let hog = appliance.data_dir().join("hog");
        fill(&hog);
        let refusal = modality.until_full(&appliance);
        println!("refused with {refusal:?} after {} images", modality.promised.len());
        fs::remove_file(&hog).expect("the hog can go");
        wait::for_true("the box receives again by itself", WITHIN, || modality.store_one(&appliance));
        all_reach(&sink, &modality.promised).assert_holds();
    }

    /// Writes a file until the file system is full.
    fn fill(path: &std::path::Path) {
        use std::io::Write as _;
        let mut file = File::create(path).expect("a file beside the box's");
        let block = vec![0xAA; 1 << 20];
        while file.write_all(&block).is_ok() {}
    }

    /// An ext4 in a file that turns read-only on its first error, as disks that fail do.
    struct Ext4 {
        image: PathBuf,
        device: String,
    }

    impl Ext4 {
        fn make(folder: &Folder) -> Self {
            let image = folder.join("disk.img");
            File::create(&image).and_then(|f| f.set_len(256 << 20)).expect("a sparse file");
            run(Command::new("mkfs.ext4").args(["-q", "-F", "-e", "remount-ro"]).arg(&image));
            let device = run(Command::new("losetup").args(["--find", "--show"]).arg(&image));
            Self { image, device: device.trim().into() }
        }

        /// As a machine does when it boots: replays the journal, clears the error. 1 means that there was something to mend.
        fn mend(&self) {
            let status = Command::new("fsck.ext4").args(["-p", "-f"]).arg(&self.device).status().expect("fsck runs");
            assert!(matches!(status.code(), Some(0 | 1)), "fsck ended with {status}");
        }

        /// Makes the kernel believe in an error of the file system: it turns read-only at once, with files open.
        fn fail(&self) {
            let name = self.device.trim_start_matches("/dev/");
            fs::write(format!("/sys/fs/ext4/{name}/trigger_fs_error"), "1").expect("root may trigger an error");
        }
    }

    impl Drop for Ext4 {
        fn drop(&mut self) {
            let _ = Command::new("losetup").args(["--detach", &self.device]).status();
            let _ = fs::remove_file(&self.image);
        }
    }

    #[test]
    fn a_disk_that_turns_read_only_loses_nothing() {
        let folder = Folder::new();
        let disk = Ext4::make(&folder);
        let mut sink = StowSink::stopped(&folder, "pacs", &[]);
        let mut appliance =
            Setup::new(&folder).buffer("segment_bytes = \"8MiB\"").on_mount(&disk.device).stow("pacs", &sink.url(), "").start();
        let mut modality = Modality::new();
        for _ in 0..20 {
            assert!(modality.store_one(&appliance));
        }
        disk.fail();
        // What is refused now was never promised; what is promised must still be there.
        wait::for_true("a refusal", WITHIN, || !modality.store_one(&appliance));
        println!("refused after {} images", modality.promised.len());
        wait::for_true("monitoring hears of it", WITHIN, || !appliance.ready());
        assert!(!appliance.has_ended(), "the box goes on");
        appliance.kill();
        disk.mend();
        sink.switch_on();
        appliance.start();
        all_reach(&sink, &modality.promised).assert_holds();
        appliance.stop();
    }
}
