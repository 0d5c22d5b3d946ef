//! A store that can't be written: nothing is sent, nothing is lost, and with room again all goes on.

use std::io;

use super::judge::{Tally, judge};
use super::server::Server;
use super::world::{World, token};

/// Starts the one process with files that may not grow beyond what the database is now, and asks for tokens.
///
/// # Errors
/// When the harness itself fails.
pub async fn starve(world: &mut World, tally: &mut Tally) -> io::Result<()> {
    let mut server = world.servers[0].take().ok_or(io::ErrorKind::NotFound)?;
    server.signal("TERM").await?;
    server.ended().await?;
    let sent = world.sandbox.ledger().requests().len();
    // Blocks of 512 bytes: no file may grow any more, and the signal that says so is ignored, so that writing fails.
    let mut options = world.server_options(0, &[]);
    options.before = "trap '' XFSZ; ulimit -f 1".to_owned();
    options
        .environment
        .push(("TIELINE_LOG".to_owned(), "off".to_owned()));
    match Server::start(&options).await {
        // A process that can't write its own marks refuses to start: as good.
        Err(_) => {}
        Ok(server) => {
            for account in &world.accounts {
                let answer = token(server.data_dir(), account.id).await?;
                if answer.status == 200 {
                    let told = format!("instance {} was refreshed without a store", account.id);
                    tally.violations.push(told);
                }
            }
            drop(server);
        }
    }
    let after = world.sandbox.ledger().requests().len();
    if after != sent {
        let told = format!("{} requests were sent without a store", after - sent);
        tally.violations.push(told);
    }
    tally.faults += 1;
    world.servers[0] = Some(world.start(0, &[]).await?);
    judge(world, tally).await
}
