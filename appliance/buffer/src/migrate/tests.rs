use relaypacs_domain::Clock;

use super::*;
use crate::catalogue::Catalogue;

const ADDED: TableDefinition<'static, u64, u64> = TableDefinition::new("added");
const FAILS: &[Migration] =
    &[Migration { to: Format { schema: 2, min_reader: 1 }, up: |_| Err(CatalogueError::Closing), down: |_| Ok(()) }];
const STEPS: &[Migration] = &[
    Migration { to: Format { schema: 2, min_reader: 1 }, up: add, down: take_away },
    Migration { to: Format { schema: 3, min_reader: 2 }, up: |_| Ok(()), down: |_| Ok(()) },
];

fn add(write: &WriteTransaction) -> Result<(), CatalogueError> {
    let mut table = write.open_table(ADDED).map_err(|error| CatalogueError::Storage(error.to_string()))?;
    table.insert(1, 2).map_err(|error| CatalogueError::Storage(error.to_string()))?;
    Ok(())
}

fn take_away(write: &WriteTransaction) -> Result<(), CatalogueError> {
    write.delete_table(ADDED).map(drop).map_err(|error| CatalogueError::Storage(error.to_string()))
}

fn new_buffer() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap();
    dir
}

fn open(dir: &Path) -> Result<(), OpenError> {
    let disk = RealDisk::new(dir);
    let file = |name| RedbFile::open_or_create(&disk, name).unwrap();
    Catalogue::open(file(CATALOGUE), file(HISTORY), Clock::default()).map(drop)
}

fn database(path: &Path) -> Database {
    Database::open(path).unwrap()
}

#[test]
fn steps_lead_up_and_down_and_leave_a_copy() {
    let dir = new_buffer();
    let path = dir.path().join(CATALOGUE);
    let up = migrate_file(dir.path(), CATALOGUE, STEPS, 2).unwrap();
    assert_eq!((up.from, up.to), (1, 2));
    assert_eq!(format(&database(&path)).unwrap(), Some(Format { schema: 2, min_reader: 1 }));
    let copy = up.copy.unwrap();
    assert_eq!(copy, dir.path().join("catalogue.redb.schema-1"));
    assert_eq!(format(&database(&copy)).unwrap(), Some(SCHEMA));
    assert!(database(&copy).begin_read().unwrap().open_table(ADDED).is_err());
    assert!(database(&path).begin_read().unwrap().open_table(ADDED).is_ok());
    // This program (schema 1) still opens it, since the step only expanded.
    open(dir.path()).unwrap();
    assert_eq!(migrate_file(dir.path(), CATALOGUE, STEPS, 2).unwrap().copy, None);
    let down = migrate_file(dir.path(), CATALOGUE, STEPS, 1).unwrap();
    assert_eq!((down.from, down.to), (2, 1));
    assert!(database(&path).begin_read().unwrap().open_table(ADDED).is_err());
    open(dir.path()).unwrap();
}

#[test]
fn a_newer_file_is_refused_with_what_it_asks_for() {
    let dir = new_buffer();
    migrate_file(dir.path(), CATALOGUE, STEPS, 3).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, OpenError::Newer { min_reader: 2, .. }), "{error}");
    assert!(error.to_string().contains("newer release"), "{error}");
    // Nor does a program without the steps touch it.
    assert!(matches!(migrate(dir.path(), 1), Err(OpenError::Newer { .. })));
}

#[test]
fn a_step_that_fails_changes_nothing() {
    let dir = new_buffer();
    assert!(migrate_file(dir.path(), CATALOGUE, FAILS, 2).is_err());
    assert_eq!(format(&database(&dir.path().join(CATALOGUE))).unwrap(), Some(SCHEMA));
    open(dir.path()).unwrap();
}

#[test]
fn only_known_schemas_are_gone_to() {
    let dir = new_buffer();
    assert!(migrate(dir.path(), 1).unwrap().iter().all(|file| file.copy.is_none()));
    assert!(matches!(migrate(dir.path(), 2), Err(OpenError::UnknownSchema { asked: 2, .. })));
    assert!(matches!(migrate(dir.path(), 0), Err(OpenError::UnknownSchema { asked: 0, .. })));
    let empty = tempfile::tempdir().unwrap();
    assert!(matches!(migrate(empty.path(), 1), Err(OpenError::Io { .. })));
}
