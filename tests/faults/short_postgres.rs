//! The short run of the fault harness, on PostgreSQL with four processes.

#![expect(clippy::unwrap_used, reason = "a harness that fails is a failed test")]

mod plan;

use tieline_tests::faults::campaigns::Runner;
use tieline_tests::faults::world::{Kept, Provider};
use tieline_tests::postgres::{Cluster, shared};

use plan::{Quiet, assert_all_hold, plan};

async fn four_processes() -> Kept {
    let url = shared().await.create_database().await.unwrap();
    Kept::Postgres { url, processes: 4 }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_nothing_that_could_be_kept() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    for provider in [Provider::Forgiving, Provider::Strict] {
        let worlds = [four_processes().await, four_processes().await];
        runner.kills(&worlds, provider).await.unwrap();
    }
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_four_processes_makes_one_refresh() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    runner.crowds(&four_processes().await).await.unwrap();
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_sleeps_is_replaced_and_wakes_without_harm() {
    let plan = plan(None);
    let mut runner = Runner::new(&plan, Quiet);
    for provider in [Provider::Forgiving, Provider::Strict] {
        let kept = four_processes().await;
        runner.freezes(&kept, provider).await.unwrap();
    }
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_loses_nothing_that_could_be_kept() {
    let plan = plan(None);
    let cluster = Cluster::start().await.unwrap();
    let mut runner = Runner::new(&plan, Quiet);
    for provider in [Provider::Forgiving, Provider::Strict] {
        runner.crashes(&cluster, provider).await.unwrap();
        runner.aways(&cluster, provider).await.unwrap();
    }
    assert_all_hold(&plan, &runner.rows());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_nobody_honours_is_noticed() {
    let plan = plan(Some("no-lease"));
    let mut runner = Runner::new(&plan, Quiet);
    let worlds = [four_processes().await];
    runner.kills(&worlds, Provider::Strict).await.unwrap();
    let rows = runner.rows();
    assert!(
        rows.iter().any(|row| !row.violations.is_empty()),
        "seed {}: {rows:?}",
        plan.seed
    );
}
