//! What the store promises, asked of a real folder with a real database, whose rows are read and damaged from outside.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests; the lint only knows test functions"
)]

mod apps_and_authorizations;
mod backups;
mod folder;
mod home;
mod instances;
mod keys;
mod refresh;
mod sealed;
