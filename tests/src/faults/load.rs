//! Callers who want tokens of all accounts from all processes, until they are told to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;

use super::judge::Tally;
use super::outside::Outside;
use super::world::{World, token};

/// Callers at once.
const CALLERS: usize = 8;

/// The callers.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    callers: JoinSet<Vec<String>>,
}

struct Caller {
    sockets: Vec<PathBuf>,
    accounts: Vec<i64>,
    outside: Arc<Outside>,
    stop: Arc<AtomicBool>,
    random: Rng,
}

impl Load {
    /// Starts calling.
    pub fn start(world: &World, random: &mut Rng) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let caller = Caller {
                sockets: world.sockets(),
                accounts: world.accounts.iter().map(|account| account.id).collect(),
                outside: Arc::clone(&world.outside),
                stop: Arc::clone(&stop),
                random: random.fork(),
            };
            callers.spawn(caller.call());
        }
        Self { stop, callers }
    }

    /// Stops calling, and tells what was served that should not have been.
    pub async fn end(mut self, tally: &mut Tally) {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(violations) = self.callers.join_next().await {
            tally.violations.extend(violations.unwrap_or_default());
        }
    }
}

impl Caller {
    async fn call(mut self) -> Vec<String> {
        let mut violations = Vec::new();
        while !self.stop.load(Ordering::Relaxed) {
            let socket = &self.sockets[self.random.usize(..self.sockets.len())];
            let instance = self.accounts[self.random.usize(..self.accounts.len())];
            let Ok(answer) = token(socket, instance).await else {
                // Killed: whoever goes on calling must not keep the machine from ending it.
                tokio::time::sleep(Duration::from_millis(5)).await;
                continue;
            };
            let Some(served) = answer.body["generation"].as_i64() else {
                continue;
            };
            let Ok(stored) = self.outside.stored(instance).await else {
                continue;
            };
            if served > stored.generation {
                violations.push(format!(
                    "I4: instance {instance} was served generation {served} when {} was stored",
                    stored.generation
                ));
            }
        }
        violations
    }
}
