//! The chain holds, and shows every way of tampering with it.

use redb::{ReadableTable, TableDefinition, WriteTransaction};

use super::{
    table::{decode, encode},
    *,
};

const ENTRIES: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("audit");

fn fact(nth: u64) -> AuditFact {
    AuditFact {
        at: Timestamp::from_millis(1_795_400_000_000 + i64::try_from(nth).unwrap()),
        actor: if nth.is_multiple_of(2) { "ada".into() } else { "operator".into() },
        action: "sign_in",
        object: format!("user {nth}"),
        outcome: Outcome::Done,
        address: nth.is_multiple_of(3).then(|| "192.0.2.1".parse().unwrap()),
    }
}

async fn trail(entries: u64) -> (tempfile::TempDir, Store, Audit) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let audit = Audit::new(store.clone(), Clock::system());
    for nth in 1..=entries {
        audit.record(fact(nth)).await.unwrap();
    }
    (dir, store, audit)
}

/// What `meddle` does to a trail of ten is found at these numbers.
async fn check(meddle: fn(&mut redb::Table<'_, u64, &'static [u8]>), expected: &[u64]) {
    let (_dir, store, audit) = trail(10).await;
    let change = move |transaction: &WriteTransaction| {
        meddle(&mut transaction.open_table(ENTRIES).map_err(StoreError::failed)?);
        Ok::<(), StoreError>(())
    };
    store.write(change).await.unwrap();
    let found: Vec<u64> = audit.verify().await.unwrap().faults.into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(found, expected);
}

fn alter(table: &mut redb::Table<'_, u64, &'static [u8]>, seq: u64, change: impl Fn(&mut AuditEntry)) {
    let mut entry: AuditEntry = decode(table.get(seq).unwrap().unwrap().value()).unwrap();
    change(&mut entry);
    table.insert(entry.seq, encode(&entry).unwrap().as_slice()).unwrap();
}

#[tokio::test]
async fn tampering_shows() {
    check(|_| {}, &[]).await;
    check(|table| alter(table, 4, |entry| entry.actor = "bob".into()), &[4]).await;
    check(|table| alter(table, 4, |entry| entry.hash.replace_range(0..1, "x")), &[4, 5]).await;
    check(|table| drop(table.remove(4).unwrap()), &[5]).await;
    check(|table| drop(table.remove(1).unwrap()), &[2]).await;
    check(|table| drop(table.insert(4, [0xff; 3].as_slice()).unwrap()), &[4, 5]).await;
    // Altered and hashed anew: the next one shows it.
    let forged = |table: &mut redb::Table<'_, u64, &'static [u8]>| {
        let before: AuditEntry = decode(table.get(3).unwrap().unwrap().value()).unwrap();
        alter(table, 4, |entry| {
            entry.outcome = Outcome::Refused;
            entry.hash = chain::hash(&before.hash, entry);
        });
    };
    check(forged, &[5]).await;
}

#[tokio::test]
async fn a_cut_tail_shows_in_the_head() {
    let (_dir, store, audit) = trail(10).await;
    let head = audit.verify().await.unwrap().head;
    let cut = |transaction: &WriteTransaction| {
        transaction.open_table(ENTRIES).map_err(StoreError::failed)?.remove(10).map_err(StoreError::failed)?;
        Ok::<(), StoreError>(())
    };
    store.write(cut).await.unwrap();
    let report = audit.verify().await.unwrap();
    assert_eq!((report.entries, report.faults.len()), (9, 0));
    assert_ne!(report.head, head);
}

#[tokio::test]
async fn pages_and_exports_show_every_entry_once() {
    let (_dir, _store, audit) = trail(10).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = audit.page(AuditQuery { before, limit: 3, ..AuditQuery::default() }).await.unwrap();
        seen.extend(page.entries.into_iter().map(|entry| entry.seq));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());
    let query = AuditQuery { limit: 100, actor: Some("ada".into()), from: Some(fact(4).at), to: Some(fact(8).at), ..AuditQuery::default() };
    let some: Vec<u64> = audit.page(query).await.unwrap().entries.into_iter().map(|entry| entry.seq).collect();
    assert_eq!(some, [8, 6, 4]);
    let exported = audit.export(4, 3).await.unwrap();
    assert_eq!(exported.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [4, 5, 6]);
    assert_eq!(chain::hash(&exported[0].hash, &exported[1]), exported[1].hash);
}

#[tokio::test]
async fn long_and_strange_texts_are_cut() {
    let (_dir, _store, audit) = trail(0).await;
    let strange = AuditFact { object: "a\nb".into(), actor: "x".repeat(1000), ..fact(1) };
    audit.record(strange).await.unwrap();
    let entry = audit.export(1, 1).await.unwrap().remove(0);
    assert_eq!((entry.actor.len(), entry.object.as_str()), (200, "a b"));
    assert_eq!(audit.verify().await.unwrap().faults, []);
}
