//! `clinic.redb`: one durable commit a change, grouped when many come at once.
//!
//! A change is a function over a write transaction. It may run more than once (when another change of its group failed), so it has no side
//! effects but its writes; what it returns is only given out once everything it wrote survives power loss. Questions run on a snapshot.
//! redb refuses everything after its first I/O error: the file is then opened anew.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock, mpsc},
    thread,
};

use redb::{Database, ReadTransaction, ReadableDatabase, WriteTransaction, backends::FileBackend};
use tokio::sync::oneshot;

use crate::StoreError;

/// The file's name in the data directory.
pub const FILE: &str = "clinic.redb";
/// Changes waiting at once; further ones wait for room.
const QUEUE: usize = 256;
/// Changes in one commit.
const GROUP: usize = 64;
/// Memory for pages, in bytes.
const CACHE: usize = 8 << 20;

/// The store. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    writer: Arc<Writer>,
}

/// The thread that writes.
struct Writer {
    /// There until the end.
    changes: Option<mpsc::SyncSender<Box<dyn Change>>>,
    thread: Option<thread::JoinHandle<()>>,
}

struct Shared {
    path: PathBuf,
    database: RwLock<Option<Arc<Database>>>,
    /// Held while a commit writes the file, and while the file is copied.
    quiet: Mutex<()>,
}

/// A change on its way: run in a transaction, then told how it ended.
trait Change: Send {
    /// Runs it; `false`: it refused, and nothing it wrote may stay.
    fn run(&mut self, transaction: &WriteTransaction) -> bool;
    /// The transaction is durable (`None`) or could not be made so.
    fn ended(self: Box<Self>, failed: Option<StoreError>);
}

struct Asked<F, T, E> {
    change: F,
    outcome: Option<Result<T, E>>,
    answer: Answer<Result<T, E>>,
}

/// Who waits: a task or a thread.
enum Answer<R> {
    Task(oneshot::Sender<R>),
    Thread(mpsc::SyncSender<R>),
}

impl<R> Answer<R> {
    /// Nobody waits any more: the change stands all the same.
    fn send(self, outcome: R) {
        match self {
            Self::Task(task) => drop(task.send(outcome)),
            Self::Thread(thread) => drop(thread.send(outcome)),
        }
    }
}

impl<F, T, E> Change for Asked<F, T, E>
where
    F: Fn(&WriteTransaction) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run(&mut self, transaction: &WriteTransaction) -> bool {
        let outcome = (self.change)(transaction);
        let took = outcome.is_ok();
        self.outcome = Some(outcome);
        took
    }

    fn ended(self: Box<Self>, failed: Option<StoreError>) {
        let outcome = match (failed, self.outcome) {
            // A refusal stands, whatever became of the transaction: it wrote nothing.
            (_, Some(Err(refused))) => Err(refused),
            (Some(error), _) => Err(error.into()),
            (None, Some(done)) => done,
            (None, None) => Err(StoreError::Closing.into()),
        };
        self.answer.send(outcome);
    }
}

impl Writer {
    fn changes(&self) -> Result<&mpsc::SyncSender<Box<dyn Change>>, StoreError> {
        self.changes.as_ref().ok_or(StoreError::Closing)
    }
}

/// The last handle waits until its changes are durable and the file is let go of, so that it can be opened again at once.
impl Drop for Writer {
    fn drop(&mut self) {
        self.changes = None;
        match self.thread.take() {
            // A change may hold the last handle itself.
            Some(thread) if thread.thread().id() != thread::current().id() => drop(thread.join()),
            _ => {}
        }
    }
}

impl Store {
    /// Opens (or makes, mode 0600) the store in the data directory. Blocking.
    pub fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let shared = Arc::new(Shared { path: data_dir.join(FILE), database: RwLock::new(None), quiet: Mutex::default() });
        shared.database()?;
        let (changes, waiting) = mpsc::sync_channel(QUEUE);
        let writing = shared.clone();
        let thread = thread::Builder::new()
            .name("clinic-store".into())
            .spawn(move || write_all(&writing, &waiting))
            .map_err(|error| StoreError::Failed(error.to_string()))?;
        Ok(Self { shared, writer: Arc::new(Writer { changes: Some(changes), thread: Some(thread) }) })
    }

    /// Makes a change durable, then gives what it returned. A change that returns an error leaves nothing behind.
    pub async fn write<T, E>(&self, change: impl Fn(&WriteTransaction) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, told) = oneshot::channel();
        let asked: Box<dyn Change> = Box::new(Asked { change, outcome: None, answer: Answer::Task(answer) });
        let mut waiting = Some(asked);
        while let Some(change) = waiting.take() {
            match self.writer.changes()?.try_send(change) {
                Ok(()) => {}
                Err(mpsc::TrySendError::Disconnected(_)) => return Err(StoreError::Closing.into()),
                Err(mpsc::TrySendError::Full(back)) => {
                    waiting = Some(back);
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
            }
        }
        told.await.unwrap_or_else(|_| Err(StoreError::Closing.into()))
    }

    /// As [`Store::write`], on this thread. For starting up.
    pub fn write_blocking<T, E>(&self, change: impl Fn(&WriteTransaction) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, told) = mpsc::sync_channel(1);
        let asked: Box<dyn Change> = Box::new(Asked { change, outcome: None, answer: Answer::Thread(answer) });
        self.writer.changes()?.send(asked).map_err(|_| StoreError::Closing)?;
        told.recv().unwrap_or_else(|_| Err(StoreError::Closing.into()))
    }

    /// Answers a question on a snapshot, off the async workers.
    pub async fn read<T, E>(&self, question: impl FnOnce(&ReadTransaction) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let store = self.clone();
        let asked = tokio::task::spawn_blocking(move || store.read_blocking(question));
        asked.await.unwrap_or_else(|_| Err(StoreError::Failed("a question did not end".into()).into()))
    }

    /// Runs `work` while nothing is written: every commit before it is in the file, whole. Changes wait meanwhile. Blocking.
    pub(crate) fn quietly<T>(&self, work: impl FnOnce() -> T) -> T {
        let _quiet = self.shared.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    /// As [`Store::read`], on this thread. For short questions: the file is small and mostly in memory.
    pub fn read_blocking<T, E: From<StoreError>>(&self, question: impl FnOnce(&ReadTransaction) -> Result<T, E>) -> Result<T, E> {
        let transaction = self.shared.database()?.begin_read().map_err(StoreError::failed)?;
        question(&transaction)
    }
}

impl Shared {
    fn database(&self) -> Result<Arc<Database>, StoreError> {
        if let Some(open) = &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            return Ok(open.clone());
        }
        let mut slot = self.database.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = &*slot {
            return Ok(open.clone());
        }
        Ok(slot.insert(Arc::new(open_file(&self.path)?)).clone())
    }

    /// After a fault of the file: the next caller opens it anew.
    fn forget(&self) {
        *self.database.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Opens the file, or makes it, mode 0600.
pub(crate) fn open_file(path: &Path) -> Result<Database, StoreError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(|error| StoreError::Failed(format!("{}: {error}", path.display())))?;
    let backend = FileBackend::new(file).map_err(StoreError::failed)?;
    Database::builder().set_cache_size(CACHE).create_with_backend(backend).map_err(StoreError::failed)
}

fn write_all(shared: &Shared, waiting: &mpsc::Receiver<Box<dyn Change>>) {
    while let Ok(first) = waiting.recv() {
        let mut group = vec![first];
        group.extend(waiting.try_iter().take(GROUP - 1));
        match commit_or_fail(shared, &mut group) {
            Ok(true) => group.into_iter().for_each(|change| change.ended(None)),
            // One refused: each by itself, so that it takes nothing of the others with it.
            Ok(false) if group.len() > 1 => group.into_iter().for_each(|change| alone(shared, change)),
            Ok(false) => group.into_iter().for_each(|change| change.ended(None)),
            Err(error) => {
                shared.forget();
                group.into_iter().for_each(|change| change.ended(Some(error.clone())));
            }
        }
    }
}

fn alone(shared: &Shared, change: Box<dyn Change>) {
    let mut group = vec![change];
    let failed = commit_or_fail(shared, &mut group).err();
    if failed.is_some() {
        shared.forget();
    }
    group.into_iter().for_each(|change| change.ended(failed.clone()));
}

/// As [`commit`]. A change that panics fails, and those of its group; without this thread nothing would ever be kept again.
fn commit_or_fail(shared: &Shared, group: &mut [Box<dyn Change>]) -> Result<bool, StoreError> {
    let committed = catch_unwind(AssertUnwindSafe(|| commit(shared, group)));
    committed.unwrap_or_else(|_| Err(StoreError::Failed("a change broke off".into())))
}

/// Runs all changes in one transaction and makes it durable; `Ok(false)`: one refused, nothing was written.
fn commit(shared: &Shared, group: &mut [Box<dyn Change>]) -> Result<bool, StoreError> {
    let _writing = shared.quiet.lock().unwrap_or_else(PoisonError::into_inner);
    let transaction = shared.database()?.begin_write().map_err(StoreError::failed)?;
    for change in group {
        if !change.run(&transaction) {
            transaction.abort().map_err(StoreError::failed)?;
            return Ok(false);
        }
    }
    transaction.commit().map_err(StoreError::failed)?;
    Ok(true)
}

/// Encodes a row.
pub(crate) fn encode<T: serde::Serialize>(table: &'static str, row: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_stdvec(row).map_err(|error| StoreError::Row { table, error: error.to_string() })
}

/// Decodes a row.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(table: &'static str, bytes: &[u8]) -> Result<T, StoreError> {
    postcard::from_bytes(bytes).map_err(|error| StoreError::Row { table, error: error.to_string() })
}

#[cfg(test)]
mod tests {
    use redb::{ReadableTable, ReadableTableMetadata, TableDefinition};

    use super::*;

    const TABLE: TableDefinition<'static, u64, u64> = TableDefinition::new("test");

    #[derive(Debug, thiserror::Error)]
    enum Refused {
        #[error("odd")]
        Odd,
        #[error(transparent)]
        Store(#[from] StoreError),
    }

    fn set(key: u64) -> impl Fn(&WriteTransaction) -> Result<u64, Refused> + Send + 'static {
        move |transaction| {
            let mut table = transaction.open_table(TABLE).map_err(StoreError::failed)?;
            table.insert(key, key).map_err(StoreError::failed)?;
            if key % 2 == 1 { Err(Refused::Odd) } else { Ok(key) }
        }
    }

    #[tokio::test]
    async fn a_refused_change_leaves_nothing_and_takes_nobody_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let asked: Vec<_> = (0..100)
            .map(|key| {
                tokio::spawn({
                    let store = store.clone();
                    async move { store.write(set(key)).await }
                })
            })
            .collect();
        for (key, asked) in (0..).zip(asked) {
            match asked.await.unwrap() {
                Ok(took) => assert_eq!((took, key % 2), (key, 0)),
                Err(refused) => assert!(matches!(refused, Refused::Odd) && key % 2 == 1),
            }
        }
        let keys: Result<Vec<u64>, StoreError> = store
            .read(|transaction| {
                let table = transaction.open_table(TABLE).map_err(StoreError::failed)?;
                Ok(table.iter().map_err(StoreError::failed)?.map(|row| row.unwrap().0.value()).collect())
            })
            .await;
        assert_eq!(keys.unwrap(), (0..100).filter(|key| key % 2 == 0).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn a_change_that_panics_fails_and_others_are_kept_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let odd = |transaction: &WriteTransaction| -> Result<(), Refused> {
            transaction.open_table(TABLE).unwrap().insert(7, 7).unwrap();
            panic!("as planned");
        };
        for round in 1..=3 {
            assert!(matches!(store.write(odd).await, Err(Refused::Store(StoreError::Failed(_)))));
            assert_eq!(store.write(set(2 * round)).await.unwrap(), 2 * round);
        }
        let kept = |transaction: &ReadTransaction| Ok::<_, StoreError>(transaction.open_table(TABLE).unwrap().len().unwrap());
        assert_eq!(store.read(kept).await.unwrap(), 3);
        drop(store);
        assert_eq!(Store::open(dir.path()).unwrap().read(kept).await.unwrap(), 3);
    }
}
