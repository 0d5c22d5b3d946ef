//! Writes that share a commit: each gets its own answer, whatever becomes of the others.

use std::sync::Arc;

use futures_util::future::join_all;
use sqlx::Connection as _;
use tempfile::TempDir;
use tieline_core::Timestamp;
use tokio::task::JoinHandle;

use super::batch::Answer;
use super::{Sqlite, inspect};
use crate::StoreError;
use crate::backend::Upkeep as _;
use crate::folder::Folder;
use crate::sql::{Database as _, HotKind, HotWrite, Statement, Value};

struct Crowd {
    home: TempDir,
    sqlite: Arc<Sqlite>,
}

impl Crowd {
    /// A database with rows of these ids, all of generation 1.
    async fn of(ids: std::ops::Range<i64>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let sqlite = Arc::new(open(&home).await);
        let app = "INSERT INTO apps (id, tenant, provider, name, context, endpoints, parameters, version, created_at, updated_at) \
                   VALUES (1, 't', 'acme', 'main', 'c', '{}', x'00', 1, 0, 0)";
        sqlite.change(Statement::of(app)).await.unwrap();
        for id in ids {
            let instance = Statement::of(
                "INSERT INTO instances (id, tenant, app, provider, status, status_since, generation, access_token, scopes, \
                 captures, created_at, refreshed_at) VALUES ($1, 't', 1, 'acme', 'ok', 0, 1, x'00', '[]', '{}', 0, 0)",
            );
            sqlite.change(instance.bind(id)).await.unwrap();
        }
        Self { home, sqlite }
    }

    /// Lets them all in while nothing can be written, so that they are one batch; in this order.
    async fn at_once(&self, writes: Vec<HotWrite>) -> Vec<JoinHandle<Answer>> {
        let held = self.sqlite.writer.lock().await;
        let mut waiting = Vec::new();
        // The task takes the first one alone, and then waits for the writer.
        for write in [clear(0, 0)].into_iter().chain(writes) {
            let sqlite = Arc::clone(&self.sqlite);
            waiting.push(tokio::spawn(async move { sqlite.write_hot(write).await }));
            tokio::task::yield_now().await;
        }
        drop(held);
        waiting.remove(0).await.unwrap().unwrap();
        waiting
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let rows = self.sqlite.read(Statement::of(sql)).await.unwrap();
        rows[0].get("n").unwrap()
    }
}

async fn open(home: &TempDir) -> Sqlite {
    let folder = Folder::prepare(&home.path().join("data")).unwrap();
    let found = inspect(&folder.database()).await.unwrap();
    Sqlite::open(&folder, &found, Timestamp::UNIX_EPOCH)
        .await
        .unwrap()
}

fn begin(id: i64, generation: i64, attempt: i64) -> HotWrite {
    let owner = format!("owner-{attempt}");
    HotWrite {
        kind: HotKind::Begin,
        id,
        values: vec![
            id.into(),
            generation.into(),
            owner.into(),
            60_000_000_i64.into(),
            attempt.into(),
            [0; 32].as_slice().into(),
            1_i64.into(),
            1_i64.into(),
        ],
    }
}

fn commit(id: i64, generation: i64, attempt: i64) -> HotWrite {
    HotWrite {
        kind: HotKind::Commit,
        id,
        values: vec![
            id.into(),
            (generation + 1).into(),
            [1; 600].as_slice().into(),
            Value::Blob(None),
            Value::Int(None),
            Value::Int(None),
            "[]".into(),
            "{}".into(),
            2_i64.into(),
            attempt.into(),
            Value::Int(None),
        ],
    }
}

fn clear(id: i64, attempt: i64) -> HotWrite {
    HotWrite {
        kind: HotKind::Clear,
        id,
        values: vec![id.into(), attempt.into()],
    }
}

async fn took(waiting: Vec<JoinHandle<Answer>>) -> Vec<bool> {
    join_all(waiting)
        .await
        .into_iter()
        .map(|answer| answer.unwrap().unwrap().is_some())
        .collect()
}

#[tokio::test]
async fn each_is_answered_by_itself_and_a_row_s_writes_keep_their_order() {
    let crowd = Crowd::of(1..40).await;
    let mut writes = vec![
        begin(1, 1, 10),
        begin(2, 1, 20),
        begin(3, 9, 30),
        begin(99, 1, 99),
        begin(1, 1, 11),
        clear(1, 10),
        begin(1, 1, 12),
        commit(1, 1, 12),
        commit(1, 1, 13),
        begin(2, 1, 21),
    ];
    let mut expected = vec![
        true, true, false, false, false, true, true, true, false, false,
    ];
    for id in 4..40 {
        writes.push(commit(id, 1, 7));
        expected.push(true);
    }
    let waiting = crowd.at_once(writes).await;
    assert_eq!(took(waiting).await, expected);
    let refreshed = "SELECT count(*) AS n FROM events WHERE kind = 'instance.refreshed'";
    assert_eq!(crowd.number(refreshed).await, 37);
    let moved =
        "SELECT count(*) AS n FROM instances WHERE generation = 2 AND committed_attempt IN (7, 12)";
    assert_eq!(crowd.number(moved).await, 37);
    let told = "SELECT count(DISTINCT instance) AS n FROM events \
                WHERE detail = '{\"generation\":2}' AND tenant = 't' AND app = 1 AND at = 2";
    assert_eq!(crowd.number(told).await, 37);
    crowd.sqlite.close().await;
}

#[tokio::test]
async fn one_that_fails_costs_the_others_nothing() {
    let crowd = Crowd::of(1..20).await;
    let mut impossible = commit(5, 1, 7);
    impossible.values[6] = Value::Text(None);
    let mut writes: Vec<_> = (1..20).map(|id| commit(id, 1, 7)).collect();
    writes[4] = impossible;
    for (place, waiting) in crowd.at_once(writes).await.into_iter().enumerate() {
        let answer = waiting.await.unwrap();
        match place {
            4 => assert!(matches!(answer, Err(StoreError::Database(_))), "{answer:?}"),
            _ => assert!(matches!(answer, Ok(Some(_))), "{place}: {answer:?}"),
        }
    }
    assert_eq!(crowd.number("SELECT count(*) AS n FROM events").await, 18);
    crowd.sqlite.close().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_changes_nothing_for_the_others() {
    let crowd = Crowd::of(1..20).await;
    let waiting = crowd
        .at_once((1..20).map(|id| commit(id, 1, 7)).collect())
        .await;
    for caller in waiting.iter().step_by(2) {
        caller.abort();
    }
    for (place, caller) in waiting.into_iter().enumerate() {
        let answer = caller.await;
        assert!(place % 2 == 0 || matches!(answer, Ok(Ok(Some(_)))));
    }
    crowd.sqlite.close().await;
    let sqlite = open(&crowd.home).await;
    let rows = sqlite
        .read(Statement::of(
            "SELECT count(*) AS n FROM instances WHERE generation = 2",
        ))
        .await
        .unwrap();
    assert_eq!(rows[0].get::<i64>("n").unwrap(), 19);
    sqlite.close().await;
}

#[tokio::test]
async fn closing_ends_what_was_let_in_and_lets_nothing_in_after() {
    let crowd = Crowd::of(1..200).await;
    let held = crowd.sqlite.writer.lock().await;
    let mut waiting = Vec::new();
    for id in 1..200 {
        let sqlite = Arc::clone(&crowd.sqlite);
        waiting.push(tokio::spawn(async move {
            sqlite.write_hot(commit(id, 1, 7)).await
        }));
    }
    tokio::task::yield_now().await;
    let closing = {
        let sqlite = Arc::clone(&crowd.sqlite);
        tokio::spawn(async move { sqlite.close().await })
    };
    tokio::task::yield_now().await;
    drop(held);
    closing.await.unwrap();
    let answers = join_all(waiting).await;
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer, Ok(Ok(Some(_)))))
    );
    let late = crowd.sqlite.write_hot(commit(1, 2, 8)).await;
    assert!(matches!(late, Err(StoreError::Closed)), "{late:?}");
    let sqlite = open(&crowd.home).await;
    let rows = sqlite
        .read(Statement::of("SELECT count(*) AS n FROM events"))
        .await
        .unwrap();
    assert_eq!(rows[0].get::<i64>("n").unwrap(), 199);
    sqlite.close().await;
}

#[tokio::test]
async fn a_full_disk_is_told_to_all_and_nothing_is_half_done() {
    let crowd = Crowd::of(1..200).await;
    let pages = crowd
        .number("SELECT page_count AS n FROM pragma_page_count")
        .await;
    crowd
        .sqlite
        .limit_pages_to(u32::try_from(pages).unwrap() + 3)
        .await;
    let waiting = crowd
        .at_once((1..200).map(|id| commit(id, 1, 7)).collect())
        .await;
    for answer in join_all(waiting).await {
        let error = answer.unwrap().unwrap_err();
        assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    }
    assert_eq!(crowd.number("SELECT count(*) AS n FROM events").await, 0);
    let moved = "SELECT count(*) AS n FROM instances WHERE generation > 1";
    assert_eq!(crowd.number(moved).await, 0);

    // With room again the same connection goes on.
    crowd.sqlite.limit_pages_to(100_000).await;
    let waiting = crowd
        .at_once((1..200).map(|id| commit(id, 1, 7)).collect())
        .await;
    assert!(took(waiting).await.into_iter().all(|took| took));
    assert_eq!(crowd.number("SELECT count(*) AS n FROM events").await, 199);
    let mut writer = crowd.sqlite.writer.lock().await;
    let writer = writer.as_mut().unwrap();
    writer.connection.ping().await.unwrap();
    assert!(!writer.unfinished);
}
