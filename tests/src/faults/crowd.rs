//! Thousands of callers want the token of one account at once, of one process or of several: there is one refresh.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tieline_sandbox::{Act, Endpoint, Gate};
use tokio::task::JoinSet;

use super::judge::Tally;
use super::server::Answer;
use super::world::{World, token};

/// So many callers, and a provider that answers when all of them wait, and not before `slow`. The account `which` is one that
/// nobody has asked for before: a process may keep a token ready for two seconds, and so not look whether it is still good.
///
/// # Errors
/// When the harness itself fails.
pub async fn crowd(
    world: &mut World,
    which: usize,
    callers: usize,
    slow: Duration,
    tally: &mut Tally,
) -> io::Result<()> {
    let account = world.accounts[which].clone();
    let before = world.sandbox.refreshes_of(&account.token);
    world.outside.expire(account.id).await?;
    let gate = Gate::new();
    let act = Act::CommitThenHold(gate.clone());
    world.sandbox.script(Endpoint::Token, act);
    let (sockets, asked) = (world.sockets(), Arc::new(AtomicUsize::new(0)));
    let mut crowd = JoinSet::new();
    for number in 0..callers {
        let socket = sockets[number % sockets.len()].clone();
        let asked = Arc::clone(&asked);
        crowd.spawn(async move {
            asked.fetch_add(1, Ordering::Relaxed);
            patient_token(&socket, account.id).await
        });
    }
    let (mut reached, mut answers) = (pin!(gate.reached()), Vec::new());
    while answers.len() < callers {
        tokio::select! {
            () = &mut reached => break,
            // Without a refresh: that is one too few.
            Some(answer) = crowd.join_next() => answers.push(answer),
        }
    }
    while asked.load(Ordering::Relaxed) < callers {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(slow).await;
    gate.release();
    while let Some(answer) = crowd.join_next().await {
        answers.push(answer);
    }
    let mut generations = Vec::new();
    for answer in answers {
        let answer = answer.map_err(io::Error::other)??;
        match answer.body["generation"].as_i64() {
            Some(generation) => generations.push(generation),
            None => tally
                .violations
                .push(format!("a caller got no token: {answer:?}")),
        }
    }
    generations.dedup();
    let after = world.sandbox.refreshes_of(&account.token);
    let refreshes = after.zip(before).map(|(after, before)| after - before);
    if refreshes != Some(1) || generations != [account.seen + 1] {
        tally.violations.push(format!(
            "{callers} callers made {refreshes:?} refreshes and saw generations {generations:?}"
        ));
    }
    tally.faults += 1;
    tally.refreshes += 1;
    world.accounts[which].seen += 1;
    Ok(())
}

/// A socket's queue of those who want to connect may be full.
async fn patient_token(socket: &std::path::Path, id: i64) -> io::Result<Answer> {
    loop {
        match token(socket, id).await {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            answered => return answered,
        }
    }
}
