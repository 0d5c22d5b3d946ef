//! The network between the process and the token endpoint fails: late, in drops, cut, half-closed, or not at all there.

use std::io;
use std::time::Duration;

use fastrand::Rng;

use super::judge::{Tally, judge};
use super::load::Load;
use super::world::World;
use crate::fault_proxy::{Fault, FaultProxy};

/// Faults queued before each round, of which some requests get none.
const QUEUED: usize = 12;

/// So many rounds of callers behind a network that fails, with a judgement after each.
///
/// # Errors
/// When the harness itself fails, or the world has no proxy.
pub async fn wire(
    world: &mut World,
    rounds: u64,
    random: &mut Rng,
    mut progress: impl FnMut(u64),
) -> io::Result<Tally> {
    let mut tally = Tally::default();
    for round in 0..rounds {
        let proxy = world.proxy.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let before = proxy.connections();
        for _ in 0..QUEUED {
            proxy.next(any_fault(random));
        }
        let load = Load::start(world, random);
        until_all_are_done(proxy, before).await;
        load.end(&mut tally).await;
        tally.faults += QUEUED as u64;
        judge(world, &mut tally).await?;
        progress(round + 1);
        if !tally.violations.is_empty() {
            break;
        }
    }
    tally.refreshes = world.sandbox.ledger().refreshes() as u64;
    Ok(tally)
}

async fn until_all_are_done(proxy: &FaultProxy, before: usize) {
    while proxy.connections() < before + QUEUED {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn any_fault(random: &mut Rng) -> Fault {
    match random.u32(..6) {
        0 => Fault::DropAnswer,
        1 => Fault::CutAfter(random.usize(..600)),
        2 => Fault::HalfClose(random.usize(..600)),
        3 => Fault::Drip,
        4 => Fault::Latency(Duration::from_millis(random.u64(..200))),
        _ => Fault::RefuseRequest,
    }
}
