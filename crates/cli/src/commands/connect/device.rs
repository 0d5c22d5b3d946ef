//! Consent on another device, with a code that is typed there (RFC 8628).

use std::time::Duration;

use tieline::engine::AuthorizeOptions;
use tieline::store::{App, Instance};

use super::{open_page, tell_program};
use crate::args::Connect;
use crate::desk::{Desk, DeviceCode, Poll};
use crate::error::CliError;
use crate::output::{Output, shown};

/// Shows the code, and waits until somebody has typed it.
pub(super) async fn connect(
    desk: &Desk,
    app: &App,
    options: AuthorizeOptions,
    typed: &Connect,
    output: &Output,
) -> Result<Instance, CliError> {
    let started = desk.authorize_device(app, options).await?;
    invite(typed, &started, output)?;
    poll(desk, &started, tokio::time::sleep).await
}

/// Tells the person, or the program that reads our JSON, where to type the code.
fn invite(typed: &Connect, started: &DeviceCode, output: &Output) -> Result<(), CliError> {
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

fn invitation(started: &DeviceCode) -> String {
    let at_once = match &started.verification_uri_complete {
        Some(uri) => format!(
            "\nThis page has the code in it already:\n\n  {}\n",
            shown(uri)
        ),
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
    desk: &Desk,
    started: &DeviceCode,
    wait: impl AsyncFn(Duration),
) -> Result<Instance, CliError> {
    let mut interval = started.interval;
    loop {
        wait(interval).await;
        match desk.poll_device(started).await? {
            Poll::Pending(longer) => interval = longer,
            Poll::Connected(instance) => return Ok(*instance),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tieline_sandbox::{Act, Endpoint};

    use super::super::stage::{ACME, Backstage, TUBE};
    use super::*;

    const ENDS: &str = "https://localhost:8917/callback";

    async fn started(stage: &Backstage, app: &App) -> DeviceCode {
        let options = AuthorizeOptions {
            instance_name: Some("Books".to_owned()),
            ..AuthorizeOptions::LOCAL
        };
        stage.desk().authorize_device(app, options).await.unwrap()
    }

    /// Polls, and lets `after` happen once so many intervals have passed.
    async fn polled(
        stage: &Backstage,
        started: &DeviceCode,
        after: usize,
        happens: impl Fn(),
    ) -> (Result<Instance, CliError>, Vec<u64>) {
        let waited = RefCell::new(Vec::new());
        let wait = async |interval: Duration| {
            stage.clock.advance(interval);
            waited.borrow_mut().push(interval.as_secs());
            if waited.borrow().len() == after {
                happens();
            }
        };
        let ended = poll(&stage.desk(), started, wait).await;
        (ended, waited.into_inner())
    }

    #[tokio::test]
    async fn whoever_types_the_code_is_connected() {
        for provider in [&ACME, &TUBE] {
            let stage = Backstage::set(provider, ENDS).await;
            let started = started(&stage, &stage.app(provider).await).await;
            let told = invitation(&started);
            let complete = started.verification_uri_complete.clone().unwrap();
            for text in [&started.user_code, &started.verification_uri, &complete] {
                assert!(told.contains(&format!("\n  {text}\n")), "{text}: {told}");
            }
            let slower = Act::Answer {
                status: 400,
                headers: vec![("content-type".into(), "application/json".into())],
                body: br#"{"error":"slow_down"}"#.to_vec(),
            };
            stage.sandbox.script(Endpoint::Token, slower);
            let approves = || {
                let approved = stage
                    .sandbox
                    .approve_device(&started.user_code, Some("grace"));
                approved.unwrap();
            };
            let (instance, waited) = polled(&stage, &started, 3, approves).await;
            let instance = instance.unwrap();
            assert_eq!(waited, [5, 10, 10], "slower once it is asked to be");
            assert_eq!(instance.account_label.as_deref(), Some("grace@example.com"));
            assert_eq!(instance.name.as_deref(), Some("Books"));
            assert_eq!(stage.instances().await.len(), 1);
            stage.engine.shutdown().await;
        }
    }

    #[tokio::test]
    async fn a_refusal_and_the_end_of_the_codes_life_end_the_polling() {
        let stage = Backstage::set(&TUBE, ENDS).await;
        let app = stage.app(&TUBE).await;
        let first = started(&stage, &app).await;
        let denies = || stage.sandbox.deny_device(&first.user_code).unwrap();
        let (denied, waited) = polled(&stage, &first, 2, denies).await;
        let denied = denied.unwrap_err();
        assert_eq!((denied.code(), waited.len()), (1, 2));
        assert_eq!(
            denied.to_string(),
            "tube: access was denied; start again if that was a mistake"
        );

        let second = started(&stage, &app).await;
        let (expired, waited) = polled(&stage, &second, 0, || {}).await;
        let expired = expired.unwrap_err();
        assert_eq!(expired.code(), 1);
        assert_eq!(
            expired.to_string(),
            "tube: nobody typed the code in time; start again"
        );
        assert_eq!(waited.iter().sum::<u64>(), 15 * 60);
        assert!(stage.instances().await.is_empty());
        stage.engine.shutdown().await;
    }
}
