//! The database is away for longer than a lease lasts, while a process has new tokens in hand that it can't write.
//!
//! When it is back, all of them seem dead to each other. Whoever is asked then must not spend the token again that has been spent.

use std::io;
use std::time::Duration;

use tieline_sandbox::{Act, Endpoint, Gate};

use super::judge::{Tally, judge};
use super::server::ask;
use super::world::World;
use crate::postgres::Cluster;

/// Longer than silence counts as death, and than what a dead process may still be told, as that is shortened here.
const AWAY: Duration = Duration::from_secs(8);

/// Does it so many times.
///
/// # Errors
/// When the harness itself fails.
pub async fn away(
    world: &mut World,
    cluster: &Cluster,
    times: u64,
    mut progress: impl FnMut(u64),
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for time in 0..times {
        let id = world.accounts[0].id;
        let (holder, other) = match &*world.sockets() {
            [holder, other, ..] => (holder.clone(), other.clone()),
            _ => return Err(io::ErrorKind::NotConnected.into()),
        };
        let gate = Gate::new();
        let act = Act::CommitThenHold(gate.clone());
        world.sandbox.script(Endpoint::Token, act);
        let path = format!("/v1/instances/{id}/refresh");
        let asked = loop {
            let (socket, path) = (holder.clone(), path.clone());
            let mut asked = tokio::spawn(async move { ask(&socket, "POST", &path, None).await });
            tokio::select! {
                () = gate.reached() => break asked,
                // It still has an earlier answer in hand.
                told = &mut asked => drop(told.map_err(io::Error::other)??),
            }
        };
        cluster.crash().await.map_err(io::Error::other)?;
        gate.release();
        tokio::time::sleep(AWAY).await;
        cluster.start_again().await.map_err(io::Error::other)?;
        ask(&other, "POST", &path, None).await?;
        // Told that it is not written yet, or given it in the end.
        asked.await.map_err(io::Error::other)??;
        tally.faults += 1;
        judge(world, &mut tally).await?;
        progress(time + 1);
        if !tally.violations.is_empty() {
            break;
        }
    }
    tally.refreshes = world.sandbox.ledger().refreshes() as u64;
    Ok(tally)
}
