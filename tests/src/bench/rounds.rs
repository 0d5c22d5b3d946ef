//! Contenders take turns, a short round each, so that a machine that is busy with something else for a while hits all alike.

use std::io;
use std::time::Duration;

use super::load::Target;
use super::machine;
use super::refreshing::Refreshing;

/// How long, and how often.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How long each contender is measured for, altogether.
    pub time: Duration,
    /// In so many rounds.
    pub rounds: u32,
    /// Connections to whoever is asked.
    pub connections: usize,
}

/// One of those that are compared.
#[derive(Debug)]
pub struct Contender {
    /// What the report calls it.
    pub name: String,
    /// What it does.
    pub work: Work,
    /// The process that does it, if it is not this one.
    pub process: Option<u32>,
}

/// What a contender does.
#[derive(Debug)]
pub enum Work {
    /// Answers requests.
    Answers(Target),
    /// Makes refreshes durable, for so many callers at once and at most so many writes in a commit.
    Refreshes {
        /// The store, and what is in it.
        store: Refreshing,
        /// Callers.
        callers: usize,
        /// Writes in a commit.
        batch: usize,
    },
}

/// What a contender did in one round.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// How long each thing took.
    pub took: Vec<Duration>,
    /// How long they took altogether.
    pub elapsed: Duration,
    /// The processor time of the contender's process.
    pub cpu: Option<Duration>,
}

/// All rounds of all contenders, in the order of the contenders.
///
/// # Errors
/// When one of them fails: there is nothing to compare then.
pub async fn in_turns(contenders: &[Contender], pace: Pace) -> io::Result<Vec<Vec<Sample>>> {
    let round = pace.time / pace.rounds.max(1);
    for contender in contenders {
        // Connections, caches and the machine's clock rate are warm before it counts.
        contender.round(round / 4, pace.connections).await?;
    }
    let mut samples = vec![Vec::new(); contenders.len()];
    for _ in 0..pace.rounds {
        for (contender, samples) in contenders.iter().zip(&mut samples) {
            samples.push(contender.round(round, pace.connections).await?);
        }
    }
    Ok(samples)
}

impl Contender {
    async fn round(&self, time: Duration, connections: usize) -> io::Result<Sample> {
        let before = self.process.and_then(machine::cpu);
        let (took, elapsed) = match &self.work {
            Work::Answers(target) => target.load(connections, time).await?,
            Work::Refreshes {
                store,
                callers,
                batch,
            } => store
                .run(*callers, *batch, time)
                .await
                .map_err(io::Error::other)?,
        };
        let after = self.process.and_then(machine::cpu);
        let cpu = after.zip(before);
        Ok(Sample {
            took,
            elapsed,
            cpu: cpu.and_then(|(after, before)| after.checked_sub(before)),
        })
    }
}
