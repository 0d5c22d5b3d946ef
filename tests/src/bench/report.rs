//! What came of it, for people and for programs.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use super::machine::Machine;
use super::rounds::Sample;
use super::statistics::{percentile, rate, ratio};

/// A whole run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What it was made on.
    pub machine: Machine,
    /// How long each contender was measured for, in seconds.
    pub seconds: f64,
    /// In so many rounds.
    pub rounds: u32,
    /// Connections.
    pub connections: usize,
    /// What was left out, as asked.
    pub left_out: Vec<String>,
    /// What was measured.
    pub measures: Vec<Measure>,
}

/// One comparison.
#[derive(Debug, Serialize)]
pub struct Measure {
    /// What programs call it.
    pub name: String,
    /// What was done, for people.
    pub about: String,
    /// What is counted.
    pub unit: &'static str,
    /// Ours first, then its peers.
    pub contenders: Vec<Row>,
}

/// One contender.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Who.
    pub name: String,
    /// How many in all rounds.
    pub count: usize,
    /// How many in a second.
    pub per_second: f64,
    /// Half took no longer, in microseconds.
    pub p50_us: u64,
    /// 99 of a hundred took no longer, in microseconds.
    pub p99_us: u64,
    /// Processor time of the contender's process for each, in microseconds, where it is a process of its own.
    pub cpu_us: Option<f64>,
    /// Resident memory of that process afterwards, in bytes.
    pub resident_bytes: Option<u64>,
    /// Our rate as a multiple of this one's: the median of the rounds. `None` for ours.
    pub ratio: Option<f64>,
}

impl Measure {
    pub(super) fn of(
        name: &str,
        about: String,
        unit: &'static str,
        contenders: Vec<(String, Vec<Sample>, Option<u64>)>,
    ) -> Self {
        let first = contenders.first();
        let ours = first.map(|(_, samples, _)| rates(samples));
        let ours = ours.unwrap_or_default();
        let rows = contenders.into_iter().enumerate();
        let rows = rows.map(|(place, (name, samples, resident))| {
            let ratio = ratio(&ours, &rates(&samples)).filter(|_| place > 0);
            Row::of(name, samples, resident, ratio)
        });
        Self {
            name: name.to_owned(),
            about,
            unit,
            contenders: rows.collect(),
        }
    }
}

impl Row {
    fn of(
        name: String,
        samples: Vec<Sample>,
        resident_bytes: Option<u64>,
        ratio: Option<f64>,
    ) -> Self {
        let elapsed = samples.iter().map(|sample| sample.elapsed).sum();
        let cpu: Option<Duration> = samples.iter().map(|sample| sample.cpu).sum();
        let mut took: Vec<_> = samples.into_iter().flat_map(|sample| sample.took).collect();
        took.sort_unstable();
        let microseconds = |per_cent| {
            let micros = percentile(&took, per_cent).as_micros();
            u64::try_from(micros).unwrap_or(u64::MAX)
        };
        Self {
            name,
            count: took.len(),
            per_second: rate(took.len(), elapsed),
            p50_us: microseconds(50),
            p99_us: microseconds(99),
            cpu_us: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / took.len().max(1) as f64),
            resident_bytes,
            ratio,
        }
    }
}

fn rates(samples: &[Sample]) -> Vec<f64> {
    let rates = samples
        .iter()
        .map(|sample| rate(sample.took.len(), sample.elapsed));
    rates.collect()
}

impl fmt::Display for Machine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let processor = self.processor.as_deref().unwrap_or("unknown processors");
        let (date, cores, kernel) = (&self.date, self.cores, &self.kernel);
        write!(to, "{date}, {cores} × {processor}, {kernel}")
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_second = format!("{}/s", self.unit);
        writeln!(to, "{}", self.about)?;
        writeln!(
            to,
            "  {:<30} {per_second:>12} {:>10} {:>10} {:>10} {:>9} {:>8}",
            "", "p50", "p99", "CPU each", "memory", "ratio"
        )?;
        for row in &self.contenders {
            writeln!(to, "{row}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nothing = String::new;
        let cpu = self.cpu_us.map_or_else(nothing, |us| format!("{us:.0} µs"));
        let resident = self.resident_bytes.map(|bytes| bytes >> 20);
        let resident = resident.map_or_else(nothing, |mebibytes| format!("{mebibytes} MiB"));
        let ratio = self
            .ratio
            .map_or_else(nothing, |ratio| format!("{ratio:.2}"));
        let (p50, p99) = (milliseconds(self.p50_us), milliseconds(self.p99_us));
        write!(
            to,
            "  {:<30} {:>12.0} {p50:>10} {p99:>10} {cpu:>10} {resident:>9} {ratio:>8}",
            self.name, self.per_second
        )
    }
}

fn milliseconds(microseconds: u64) -> String {
    format!("{:.2} ms", microseconds as f64 / 1e3)
}
