//! Several processes at one database: one of them refreshes, and who is silent is taken for dead.

use std::time::Duration;

use futures_util::future::join_all;
use tieline_core::InstanceId;
use tieline_store::{Begun, Store};

use crate::home::{Home, Value, begin, commit, done, opened, taken};

pub(crate) async fn waiting_for_a_lock(home: &Home) {
    let mut database = home.database().await;
    let waiting = "SELECT count(*) FROM pg_stat_activity \
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while database.number(waiting, &[]).await == 0 {
        tokio::task::yield_now().await;
    }
}

async fn is_leased(store: &Store, id: InstanceId, attempt: i64) -> bool {
    matches!(
        store.begin_refresh(begin(id, 1, attempt)).await.unwrap(),
        Begun::Leased(_)
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_beginners_in_several_processes_exactly_one_gets_the_lease() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    let stores = [store, home.open().await, home.open().await];
    for generation in 1..=20 {
        let tries = (1..=30).map(|n| {
            let store = stores[n % stores.len()].clone();
            let begin = begin(a.id, generation, generation * 100 + n as i64);
            tokio::spawn(async move { store.begin_refresh(begin).await.unwrap() })
        });
        let winners: Vec<_> = join_all(tries)
            .await
            .into_iter()
            .filter_map(|begun| match begun.unwrap() {
                Begun::Taken(instance) => Some(instance),
                Begun::Leased(_) => None,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(winners.len(), 1, "generation {generation}");
        let attempt = winners[0].intent.as_ref().unwrap().attempt;
        let next = commit(a.id, generation, attempt, "next");
        let committed = stores[1].commit_refresh(&next).await.unwrap();
        assert_eq!(done(committed).generation, generation + 1);
    }
}

#[tokio::test]
async fn an_owner_that_is_silent_for_five_seconds_loses_its_lease() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    let two = home.open().await;
    taken(one.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    home.pass(&one, Duration::from_millis(4_900), &[]).await;
    assert!(is_leased(&two, a.id, 8).await);
    assert!(
        two.unsettled("two", InstanceId(0), 10)
            .await
            .unwrap()
            .is_empty()
    );
    home.pass(&one, Duration::from_millis(200), &[]).await;
    let unsettled = two.unsettled("two", InstanceId(0), 10).await.unwrap();
    assert_eq!(unsettled.len(), 1);
    let second = taken(two.begin_refresh(begin(a.id, 1, 8)).await.unwrap());
    assert!(second.uncertain && second.intent.unwrap().uncertain);
    // The silent one comes back and is told.
    assert!(is_leased(&one, a.id, 7).await);
}

#[tokio::test]
async fn an_owner_that_beats_keeps_its_lease_until_it_ends_by_itself() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    let two = home.open().await;
    taken(one.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    for _ in 0..14 {
        home.pass(&one, Duration::from_secs(4), &["owner-7"]).await;
        assert!(is_leased(&two, a.id, 8).await);
    }
    assert!(
        two.unsettled("two", InstanceId(0), 10)
            .await
            .unwrap()
            .is_empty()
    );
    home.pass(&one, Duration::from_secs(4), &["owner-7"]).await;
    taken(two.begin_refresh(begin(a.id, 1, 8)).await.unwrap());
}

#[tokio::test]
async fn an_owner_takes_its_own_lease_again() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    taken(one.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    let mut again = begin(a.id, 1, 8);
    again.owner = "owner-7".to_owned();
    let begun = taken(one.begin_refresh(again).await.unwrap());
    assert!(begun.uncertain, "what attempt 7 did is not known");
}

#[tokio::test]
async fn a_store_that_is_opened_frees_no_lease() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    taken(one.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    let two = home.open().await;
    assert!(is_leased(&two, a.id, 8).await);
}

#[tokio::test]
async fn the_clock_is_the_databases() {
    let home = Home::new().await;
    let (one, a) = opened(&home).await;
    let two = home.open().await;
    // The store's clock may be wherever it likes.
    home.clock.advance(Duration::from_secs(86_400));
    let begun = taken(one.begin_refresh(begin(a.id, 1, 7)).await.unwrap());
    assert_eq!(begun.intent.unwrap().at.as_second(), 1_800_000_000);
    assert_eq!(begun.lease.unwrap().until.as_second(), 1_800_000_060);
    assert!(is_leased(&two, a.id, 8).await);

    // A clock that jumps back gives nobody a lease that is another's; one that jumps ahead ends it, and the late commit is told.
    let mut database = home.database().await;
    let jump = "UPDATE clock_of_tests SET now = now + $1";
    database.run(jump, &[Value::Id(-3_600_000_000)]).await;
    assert!(is_leased(&two, a.id, 8).await);
    one.beat("owner-7").await.unwrap();
    assert!(is_leased(&two, a.id, 8).await);
    database.run(jump, &[Value::Id(2 * 3_600_000_000)]).await;
    taken(two.begin_refresh(begin(a.id, 1, 8)).await.unwrap());
    done(
        two.commit_refresh(&commit(a.id, 1, 8, "two"))
            .await
            .unwrap(),
    );
    crate::home::moved_on(
        one.commit_refresh(&commit(a.id, 1, 7, "one"))
            .await
            .unwrap(),
    );
}

#[tokio::test]
async fn owners_that_are_silent_for_a_day_are_forgotten() {
    let home = Home::new().await;
    let (one, _) = opened(&home).await;
    one.beat("old").await.unwrap();
    home.pass(&one, Duration::from_secs(86_399), &["new"]).await;
    let mut database = home.database().await;
    let owners = "SELECT count(*) FROM owners";
    assert_eq!(database.number(owners, &[]).await, 2);
    home.pass(&one, Duration::from_secs(2), &["new"]).await;
    assert_eq!(database.number(owners, &[]).await, 1);
}

/// Whoever waits for the row decides by the row as it is then, and by the heartbeats of then.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_beginner_that_had_to_wait_sees_what_was_done_meanwhile() {
    let home = Home::new().await;
    let (store, a) = opened(&home).await;
    for (change, attempt) in [
        // A lease that is old, of an owner who was heard of just now for the first time.
        (
            "UPDATE instances SET lease_owner = 'other', lease_until = tieline_now() + 60000000, \
             intent_at = 0, intent_attempt = 1, intent_generation = 1, intent_token_hash = decode(repeat('00', 32), 'hex') WHERE id = $1",
            7,
        ),
        (
            "UPDATE instances SET generation = 2, lease_owner = NULL, intent_attempt = NULL WHERE id = $1",
            8,
        ),
    ] {
        let mut database = home.database().await;
        let free = "UPDATE instances SET lease_owner = NULL, intent_attempt = NULL";
        database.run(free, &[]).await;
        database.run("BEGIN", &[]).await;
        let lock = "SELECT 1 FROM instances WHERE id = $1 FOR UPDATE";
        database.run(lock, &[Value::Id(a.id.0)]).await;
        let waiting = {
            let (store, begin) = (store.clone(), begin(a.id, 1, attempt));
            tokio::spawn(async move { store.begin_refresh(begin).await.unwrap() })
        };
        waiting_for_a_lock(&home).await;
        store.beat("other").await.unwrap();
        database.run(change, &[Value::Id(a.id.0)]).await;
        database.run("COMMIT", &[]).await;
        match (attempt, waiting.await.unwrap()) {
            (7, Begun::Leased(found)) => assert_eq!(found.lease.unwrap().owner, "other"),
            (8, Begun::Moved(found)) => assert_eq!(found.generation, 2),
            (_, begun) => panic!("{begun:?}"),
        }
    }
}
