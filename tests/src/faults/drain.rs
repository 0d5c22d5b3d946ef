//! SIGTERM while many refreshes are in flight: each is finished, and none is lost.

use std::io;

use tieline_sandbox::{Act, Endpoint, Gate};
use tokio::task::JoinSet;

use super::judge::{Tally, judge};
use super::world::{World, token};

/// Ends the one process while a refresh of every account is at the server, whose answers are kept back until then.
///
/// # Errors
/// When the harness itself fails.
pub async fn drain(world: &mut World, tally: &mut Tally) -> io::Result<()> {
    let gate = Gate::new();
    for _ in &world.accounts {
        let act = Act::CommitThenHold(gate.clone());
        world.sandbox.script(Endpoint::Token, act);
    }
    let mut callers = JoinSet::new();
    for account in &world.accounts {
        let (socket, id) = (world.sockets()[0].clone(), account.id);
        callers.spawn(async move { token(&socket, id).await });
    }
    while world.sandbox.token_requests_under_way() < world.accounts.len() {
        tokio::task::yield_now().await;
    }
    let mut server = world.servers[0].take().ok_or(io::ErrorKind::NotFound)?;
    server.signal("TERM").await?;
    // It takes no new work from now on; whoever still waits is not to be answered too soon.
    gate.release();
    let status = server.ended().await?;
    if !status.success() {
        let told = format!("a process that was asked to end did so with {status}");
        tally.violations.push(told);
    }
    while callers.join_next().await.is_some() {}
    for account in &world.accounts {
        let stored = world.outside.stored(account.id).await?;
        if stored.generation != account.seen + 1 {
            tally.violations.push(format!(
                "instance {}: the refresh of generation {} was not finished: {stored:?}",
                account.id, account.seen
            ));
        }
    }
    tally.faults += 1;
    world.servers[0] = Some(world.start(0, &[]).await?);
    judge(world, tally).await
}
