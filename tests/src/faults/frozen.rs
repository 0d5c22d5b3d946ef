//! A process that is stopped in the middle of a refresh, counts as dead, is replaced, and then wakes.

use std::io;

use tieline_sandbox::{Act, Endpoint, Gate};

use super::judge::{Tally, judge};
use super::world::{World, token};

/// Freezes one process while its request is at the server, until another has taken over; then lets both go on.
///
/// # Errors
/// When the harness itself fails.
pub async fn freeze(world: &mut World, tally: &mut Tally) -> io::Result<()> {
    let account = world.accounts[0].clone();
    let (frozen, other) = (world.sockets()[0].clone(), world.sockets()[1].clone());
    let gate = Gate::new();
    world
        .sandbox
        .script(Endpoint::Token, Act::Hold(gate.clone()));
    let asleep = tokio::spawn(async move { token(&frozen, account.id).await });
    gate.reached().await;
    let server = world.servers[0].as_ref().ok_or(io::ErrorKind::NotFound)?;
    server.signal("STOP").await?;
    let taken_over = token(&other, account.id).await?;
    if taken_over.status != 200 {
        let told = format!("nobody took over from a frozen process: {taken_over:?}");
        tally.violations.push(told);
    }
    server.signal("CONT").await?;
    world.has_slept = true;
    gate.release();
    // Whatever the one that slept is told: it must not write over what the other has stored.
    let _ = asleep.await;
    let stored = world.outside.stored(account.id).await?;
    if Some(stored.generation) != taken_over.body["generation"].as_i64() {
        let told = format!("a process that woke wrote over another's work: {stored:?}");
        tally.violations.push(told);
    }
    tally.faults += 1;
    judge(world, tally).await
}
