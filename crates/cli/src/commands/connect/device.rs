//! Consent on another device, with a code that is typed there (RFC 8628).

use std::time::Duration;

use tieline::engine::{AuthorizeOptions, DevicePolled, DeviceStarted, Engine};
use tieline::store::{App, Instance};

use super::{open_page, tell_program};
use crate::args::Connect;
use crate::error::CliError;
use crate::output::{Output, shown};

/// Shows the code, and waits until somebody has typed it.
pub(super) async fn connect(
    engine: &Engine,
    app: &App,
    options: AuthorizeOptions,
    typed: &Connect,
    output: &Output,
) -> Result<Instance, CliError> {
    let started = engine.authorize_device(app, options).await?;
    invite(typed, &started, output)?;
    poll(engine, &started, tokio::time::sleep).await
}

/// Tells the person, or the program that reads our JSON, where to type the code.
fn invite(typed: &Connect, started: &DeviceStarted, output: &Output) -> Result<(), CliError> {
    let complete = started.verification_uri_complete.as_ref();
    tell_program(
        output,
        &serde_json::json!({
            "user_code": started.user_code,
            "verification_uri": started.verification_uri,
            "verification_uri_complete": complete,
            "expires_at": started.expires_at,
        }),
    )?;
    output.notice(&invitation(started));
    open_page(typed, complete.unwrap_or(&started.verification_uri), output);
    output.notice(&format!(
        "Waiting for the code to be typed (until {} at most; Ctrl-C gives up) …",
        started.expires_at
    ));
    Ok(())
}

fn invitation(started: &DeviceStarted) -> String {
    let at_once = match &started.verification_uri_complete {
        Some(uri) => format!("\nThis page has the code in it already:\n\n  {}\n", shown(uri)),
        None => String::new(),
    };
    format!(
        "Open this page, on whichever device you like:\n\n  {}\n\nType this code there, and consent:\n\n  {}\n{at_once}",
        shown(&started.verification_uri),
        shown(&started.user_code)
    )
}

/// Asks the provider, as often as it lets us, until the person has decided or it is too late.
async fn poll(
    engine: &Engine,
    started: &DeviceStarted,
    wait: impl AsyncFn(Duration),
) -> Result<Instance, CliError> {
    let mut interval = started.interval;
    loop {
        wait(interval).await;
        match engine.poll_device(started).await? {
            DevicePolled::Pending(longer) => interval = longer,
            DevicePolled::Connected(instance) => return Ok(*instance),
        }
    }
}
