//! The first release's file comes up, goes back down, and outlives whatever interrupts that.

use std::path::Path;

use relaypacs_domain::Role;

use super::{
    steps::{Account1, SecondFactor1},
    *,
};
use crate::{
    accounts::Origin,
    testing::{Box, PASSWORD},
};

/// Puts the first release's files into a data directory.
fn first_release(dir: &Path) {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/schema-1");
    let keys = crate::keys::folder(dir).unwrap();
    fs::copy(fixture.join(FILE), dir.join(FILE)).unwrap();
    fs::copy(fixture.join("secrets.key"), keys.join("secrets.key")).unwrap();
}

fn format_of(path: &Path) -> Option<Format> {
    format(&open_file(path).unwrap()).unwrap()
}

/// Every row of every account, as the first release reads it.
fn as_first_release(path: &Path) -> Vec<Account1> {
    use redb::ReadableTable;
    const ACCOUNTS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("account");
    let database = open_file(path).unwrap();
    let read = database.begin_read().unwrap();
    let table = read.open_table(ACCOUNTS).unwrap();
    table.iter().unwrap().map(|row| decode("account", row.unwrap().1.value()).unwrap()).collect()
}

#[tokio::test]
async fn the_first_release_s_file_is_brought_up_at_start_and_everybody_signs_in() {
    let test = Box::over(first_release).await;
    assert!(test.sign_in("chief", PASSWORD, None).await.is_ok());
    assert!(test.sign_in("ada", PASSWORD, None).await.is_err(), "the second factor stays on");
    assert!(test.sign_in("ada", PASSWORD, Some("VN3X-KVSC-Z85G-BRVB")).await.is_ok());
    assert!(test.sign_in("gone", PASSWORD, None).await.is_err());
    let chief = test.clinic.accounts.find_by_name("chief").await.unwrap();
    assert_eq!((chief.role, chief.password_changed_at), (Role::Admin, chief.created_at));
    assert_eq!(test.clinic.audit.verify().await.unwrap().faults, []);
    let copy = test.dir.path().join("clinic.redb.schema-1");
    assert_eq!(format_of(&copy), Some(FIRST));
}

#[tokio::test]
async fn it_goes_down_again_without_loss_and_up_once_more() {
    let dir = tempfile::tempdir().unwrap();
    first_release(dir.path());
    let path = dir.path().join(FILE);
    let before = as_first_release(&path);
    assert_eq!(before.len(), 3);
    let up = migrate(dir.path(), 2).unwrap().unwrap();
    assert_eq!((up.from, up.to, up.copy.is_some()), (1, 2, true));
    assert_eq!(format_of(&path), Some(Format { schema: 2, min_reader: 1 }));
    // The step only expanded: the release before reads the file as it is, after a rollback without migrating down.
    assert_eq!(as_first_release(&path), before);
    assert_eq!(migrate(dir.path(), 2).unwrap().unwrap().copy, None);
    let down = migrate(dir.path(), 1).unwrap().unwrap();
    assert_eq!((down.from, down.to), (2, 1));
    assert_eq!((format_of(&path), as_first_release(&path)), (Some(FIRST), before));
    migrate(dir.path(), 2).unwrap();
    let test = Box::over(|to| {
        fs::copy(&path, to.join(FILE)).unwrap();
        fs::create_dir(to.join("keys")).unwrap();
    })
    .await;
    assert!(test.sign_in("chief", PASSWORD, None).await.is_ok());
}

#[tokio::test]
async fn a_new_file_is_marked_and_a_newer_release_s_is_refused_unless_it_allows() {
    let test = Box::new().await;
    let who = test.somebody("ada", Role::Clinician).await;
    test.clinic.accounts.reset_password("ada", who.user, "Another-Horse-8", &Origin::default()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    test.clinic.store.quietly(|| fs::copy(test.dir.path().join(FILE), &path).unwrap());
    assert_eq!(format_of(&path), Some(Format { schema: NEWEST, min_reader: 1 }));
    let marked = |format: Format| {
        let database = open_file(&path).unwrap();
        let write = database.begin_write().unwrap();
        mark(&write, format).unwrap();
        write.commit().unwrap();
    };
    marked(Format { schema: NEWEST + 1, min_reader: NEWEST });
    prepare(dir.path()).unwrap();
    assert_eq!(format_of(&path).unwrap().schema, NEWEST + 1, "not claimed to be older than it is");
    assert!(matches!(migrate(dir.path(), 1), Err(MigrateError::Newer { .. })));
    marked(Format { schema: NEWEST + 1, min_reader: NEWEST + 1 });
    let refused = prepare(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("newer release"), "{refused}");
}

#[test]
fn what_is_not_there_is_not_migrated() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(migrate(dir.path(), 1).unwrap(), None);
    assert!(matches!(migrate(dir.path(), 0), Err(MigrateError::Unknown(0))));
    assert!(matches!(migrate(dir.path(), NEWEST + 1), Err(MigrateError::Unknown(_))));
    assert!(!dir.path().join(FILE).exists());
}

/// A step that fails leaves the file as it was.
#[test]
fn a_row_that_cannot_be_read_stops_the_step_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    first_release(dir.path());
    let path = dir.path().join(FILE);
    {
        const ACCOUNTS: TableDefinition<'static, u128, &[u8]> = TableDefinition::new("account");
        let database = open_file(&path).unwrap();
        let write = database.begin_write().unwrap();
        write.open_table(ACCOUNTS).unwrap().insert(u128::MAX, [0xff; 3].as_slice()).unwrap();
        write.commit().unwrap();
    }
    assert!(matches!(migrate(dir.path(), 2), Err(MigrateError::Store(StoreError::Row { .. }))));
    assert_eq!(format_of(&path), Some(FIRST));
}

#[test]
fn rows_of_the_step_are_those_of_the_first_release() {
    let row = Account1 {
        username: "ada".into(),
        email: String::new(),
        full_name: String::new(),
        role: Role::Admin,
        is_active: true,
        is_deleted: false,
        password: String::new(),
        preferences: "{}".into(),
        created_at: relaypacs_domain::Timestamp::from_millis(1),
        second_factor: SecondFactor1 { secret: None, offered: None, last_step: 0, recovery: Vec::new() },
    };
    assert_eq!(encode("account", &row).unwrap(), [3, b'a', b'd', b'a', 0, 0, 3, 1, 0, 0, 2, b'{', b'}', 2, 0, 0, 0, 0]);
}
