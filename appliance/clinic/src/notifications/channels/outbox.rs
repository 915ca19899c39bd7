//! Letters on their way out: durable, bounded, tried again with growing pauses.
//!
//! `notifications_outbox`: number → [`Row`].

use std::time::Duration;

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};
use relaypacs_domain::{Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Content, Sent, push};
use crate::{
    StoreError,
    store::{decode, encode},
};

const OUTBOX: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("notifications_outbox");
const NAME: &str = "notifications_outbox";

/// Letters kept at most; then the oldest go.
const MAX_LETTERS: u64 = 10_000;
/// Letters sent in one go.
const BATCH: usize = 64;
/// Pauses before the next try in seconds, by tries so far; after the last the letter is given up.
const PAUSES_S: [i64; 6] = [5, 60, 600, 3600, 6 * 3600, 16 * 3600];

/// Something to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::notifications) enum Letter {
    /// Somebody is to be told; by which ways is seen when it is sent.
    Person { user: UserId, content: Content },
    /// To one browser.
    Push { user: UserId, endpoint: String, content: Content },
    /// To an address.
    Mail { to: String, content: Content },
    /// To the webhook, once however many people are told.
    Webhook { id: Uuid, content: Content },
}

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    letter: Letter,
    tries: u32,
    due_ms: i64,
}

/// A letter that is due.
#[derive(Debug)]
pub(super) struct Due {
    number: u64,
    pub(super) letter: Letter,
    pub(super) tries: u32,
}

impl Letter {
    /// By which way it goes, for the log.
    pub(super) const fn way(&self) -> &'static str {
        match self {
            Self::Person { .. } => "outbox",
            Self::Push { .. } => "push",
            Self::Mail { .. } => "mail",
            Self::Webhook { .. } => "webhook",
        }
    }
}

/// Makes the tables.
pub(in crate::notifications) fn open_tables(transaction: &WriteTransaction) -> Result<(), StoreError> {
    transaction.open_table(OUTBOX).map_err(StoreError::failed)?;
    push::open_table(transaction)
}

/// Notes letters with the rest of the transaction.
pub(in crate::notifications) fn note(transaction: &WriteTransaction, letters: Vec<Letter>) -> Result<(), StoreError> {
    let mut outbox = transaction.open_table(OUTBOX).map_err(StoreError::failed)?;
    let next = outbox.last().map_err(StoreError::failed)?.map_or(1, |(number, _)| number.value() + 1);
    for (number, letter) in (next..).zip(letters) {
        let row = Row { letter, tries: 0, due_ms: i64::MIN };
        outbox.insert(number, encode(NAME, &row)?.as_slice()).map_err(StoreError::failed)?;
    }
    while outbox.len().map_err(StoreError::failed)? > MAX_LETTERS {
        outbox.pop_first().map_err(StoreError::failed)?;
    }
    Ok(())
}

/// The ways of one person, each as a letter of its own.
pub(super) fn split(
    transaction: &WriteTransaction,
    user: UserId,
    wants_push: bool,
    email: Option<&str>,
    content: &Content,
) -> Result<(), StoreError> {
    let mut letters = Vec::new();
    if wants_push {
        let endpoints = push::endpoints(transaction, user)?;
        letters.extend(endpoints.into_iter().map(|endpoint| Letter::Push { user, endpoint, content: content.clone() }));
    }
    letters.extend(email.map(|to| Letter::Mail { to: to.to_owned(), content: content.clone() }));
    note(transaction, letters)
}

/// When the next letter is due that was tried already.
pub(super) fn next_due(transaction: &ReadTransaction) -> Result<Option<Timestamp>, StoreError> {
    let outbox = transaction.open_table(OUTBOX).map_err(StoreError::failed)?;
    let mut next: Option<i64> = None;
    for line in outbox.iter().map_err(StoreError::failed)? {
        let row: Row = decode(NAME, line.map_err(StoreError::failed)?.1.value())?;
        next = Some(next.map_or(row.due_ms, |next| next.min(row.due_ms)));
    }
    Ok(next.map(Timestamp::from_millis))
}

/// Letters that are due now. One that is due later than the longest pause was noted by a clock that was wrong.
pub(super) fn due(transaction: &ReadTransaction, now: Timestamp) -> Result<Vec<Due>, StoreError> {
    let outbox = transaction.open_table(OUTBOX).map_err(StoreError::failed)?;
    let mut due = Vec::new();
    for line in outbox.iter().map_err(StoreError::failed)? {
        let (number, row) = line.map_err(StoreError::failed)?;
        let row: Row = decode(NAME, row.value())?;
        let longest_ms = PAUSES_S[PAUSES_S.len() - 1] * 2000;
        if row.due_ms <= now.as_millis() || row.due_ms > now.as_millis() + longest_ms {
            due.push(Due { number: number.value(), letter: row.letter, tries: row.tries });
        }
        if due.len() >= BATCH {
            break;
        }
    }
    Ok(due)
}

/// Takes a letter off, or notes when it is tried again: the second time after `first` rather than the first of [`PAUSES_S`], where that is given.
pub(super) fn settle(
    transaction: &WriteTransaction,
    due: &Due,
    sent: &Sent,
    first: Option<Duration>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    let mut outbox = transaction.open_table(OUTBOX).map_err(StoreError::failed)?;
    let pause = match sent {
        Sent::Done | Sent::Never(_) => None,
        Sent::Later(asked, _) => PAUSES_S.get(due.tries as usize).map(|pause| {
            let pause = first.filter(|_| due.tries == 0).map_or(pause * 1000, millis);
            pause.max(asked.map_or(0, millis).min(3_600_000))
        }),
    };
    match pause {
        None => outbox.remove(due.number).map_err(StoreError::failed).map(drop),
        Some(pause) => {
            let row = Row { letter: due.letter.clone(), tries: due.tries + 1, due_ms: now.as_millis() + pause };
            outbox.insert(due.number, encode(NAME, &row)?.as_slice()).map_err(StoreError::failed).map(drop)
        }
    }
}
