//! What is wrong, collected, so that an author is told everything at once.

/// Why a check can't go on: one more finding, and the last.
pub(crate) type Stuck = String;

/// What a check has found so far. Each names the field to look at.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<String>);

impl Findings {
    pub(crate) fn add(&mut self, finding: impl Into<String>) {
        let finding = finding.into();
        if !self.0.contains(&finding) {
            self.0.push(finding);
        }
    }

    /// Adds a finding unless something holds.
    pub(crate) fn expect<S: Into<String>>(&mut self, holds: bool, otherwise: impl FnOnce() -> S) {
        if !holds {
            self.add(otherwise());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn into_inner(self) -> Vec<String> {
        self.0
    }
}
