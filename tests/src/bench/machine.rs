//! What can be told of the machine and of processes, where there is a `/proc`; nothing that names the machine.

use std::fs;
use std::time::Duration;

use serde::Serialize;
use tieline_core::{Clock as _, SystemClock};

/// Linux counts a process's time in hundredths of a second, whatever the kernel's own tick is.
const TICK: Duration = Duration::from_millis(10);

/// What a run was made on.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// When, in UTC.
    pub date: String,
    /// Processors that this program may use. The load is made by the same ones.
    pub cores: usize,
    /// What they call themselves.
    pub processor: Option<String>,
    /// The system's kernel.
    pub kernel: String,
}

impl Machine {
    /// This one, now.
    #[must_use]
    pub fn here() -> Self {
        let cores = std::thread::available_parallelism();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let (system, processor) = (std::env::consts::OS, std::env::consts::ARCH);
        let date = SystemClock.now().to_string();
        Self {
            date: date.chars().take(10).collect(),
            cores: cores.map_or(1, usize::from),
            processor: model(),
            kernel: format!("{system} {} {processor}", release.trim()),
        }
    }
}

fn model() -> Option<String> {
    let told = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = told.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim().to_owned())
}

/// Processor time of a process and its children, so far.
#[must_use]
pub fn cpu(pid: u32) -> Option<Duration> {
    let mut whole = Duration::ZERO;
    for pid in family(pid) {
        let told = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name of the program, in parentheses, may hold anything.
        let (_, fields) = told.rsplit_once(')')?;
        let mut fields = fields.split_whitespace().skip(11);
        for _ in 0..2 {
            let ticks: u32 = fields.next()?.parse().ok()?;
            whole += TICK * ticks;
        }
    }
    Some(whole)
}

/// Resident memory of a process and its children, in bytes. What they share counts for each.
#[must_use]
pub fn resident(pid: u32) -> Option<u64> {
    let mut whole = 0;
    for pid in family(pid) {
        let told = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = told.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        whole += kilobytes * 1_024;
    }
    Some(whole)
}

fn family(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = children.unwrap_or_default();
    let children = children
        .split_whitespace()
        .filter_map(|pid| pid.parse().ok());
    std::iter::once(pid).chain(children).collect()
}
