//! What a provider, or the front channel, sends, and what must come of it.
//!
//! `protocol_cases` runs the table in `fixtures/protocol-cases.json`, or in the folder that `TIELINE_PROTOCOL_CASES`
//! names; `host_labels` reads `host-labels.txt` beside it. Rows that no table can say have a test each, named after
//! them. A20 (another app's callback), A22 (a state used twice) and A23 (a state that is too old) are about what is
//! remembered between two requests: the engine's tests have them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

mod acme;
mod callback;
mod canary;
mod device;
mod hooks;
mod host_labels;
mod requests;
mod responder;
mod revoke;
mod table;
mod transport;
mod words;

use std::path::{Path, PathBuf};

#[expect(
    clippy::disallowed_methods,
    reason = "it names a folder of cases, and is no parameter of the product"
)]
fn folder() -> PathBuf {
    match std::env::var_os("TIELINE_PROTOCOL_CASES") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"),
    }
}

#[tokio::test]
#[expect(clippy::print_stdout, reason = "what was run is part of the result")]
async fn protocol_cases() {
    let table::Run {
        run,
        failures,
        disagreements,
        not_executable,
    } = table::run(&folder(), &acme::edge()).await;
    println!("{run} run; not executable: {}", not_executable.join(" "));
    println!(
        "{} disagreements: {}",
        disagreements.len(),
        disagreements.join(" ")
    );
    assert!(run > 0, "no case was run");
    assert!(
        failures.is_empty(),
        "{} of them failed:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
