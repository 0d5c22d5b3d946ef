//! The short run of the fault harness, on SQLite.

mod plan;

use tieline_tests::faults::campaigns::{Row, Runner};
use tieline_tests::faults::world::{Kept, Provider};

use plan::{Quiet, assert_all_hold, plan};

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_nothing_that_could_be_kept() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    for provider in [Provider::Forgiving, Provider::Strict] {
        runner.kills(&[Kept::Sqlite], provider).await.unwrap();
    }
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_fails_loses_nothing_that_could_be_kept() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    for provider in [Provider::Forgiving, Provider::Strict] {
        runner.wires(provider).await.unwrap();
    }
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_asked_to_end_loses_nothing() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    runner.drains().await.unwrap();
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_makes_one_refresh() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    runner.crowds(&Kept::Sqlite).await.unwrap();
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_that_can_be_written_nothing_is_sent() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    runner.starvation().await.unwrap();
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_answers_secrets_and_bits_do_no_harm() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    runner.inside().await;
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_broken_are_noticed() {
    for (rule, tells) in [("skip-intent", "I5"), ("use-before-commit", "I4")] {
        let plan = plan(Some(rule));
        let mut runner = Runner::new(&plan, Quiet);
        let kept = [Kept::Sqlite];
        runner.kills(&kept, Provider::Strict).await.unwrap();
        let rows = runner.rows();
        let told: Vec<&String> = rows.iter().flat_map(|row: &Row| &row.violations).collect();
        assert!(
            told.iter().any(|told| told.starts_with(tells)),
            "seed {}, {rule}: {told:?}",
            plan.seed
        );
    }
}
