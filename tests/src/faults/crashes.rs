//! The database server is killed, with all its children, while many commit.

use std::io;
use std::time::Duration;

use fastrand::Rng;

use super::judge::{Tally, judge};
use super::load::Load;
use super::world::World;
use crate::postgres::Cluster;

/// Kills the database so many times under load, starts it again each time, and judges.
///
/// # Errors
/// When the harness itself fails.
pub async fn crash(
    world: &mut World,
    cluster: &Cluster,
    times: u64,
    random: &mut Rng,
    mut progress: impl FnMut(u64),
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for time in 0..times {
        let load = Load::start(world, random);
        tokio::time::sleep(Duration::from_micros(random.u64(0..200_000))).await;
        cluster.crash().await.map_err(io::Error::other)?;
        load.end(&mut tally).await;
        cluster.start_again().await.map_err(io::Error::other)?;
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
