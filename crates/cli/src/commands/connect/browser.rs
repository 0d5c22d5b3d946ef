//! Consent in a browser, which then comes back to the callback URL.

use tieline::engine::{AuthorizeOptions, Started};
use tieline::store::{App, Instance};
use url::Url;

use super::page::CallbackListener;
use super::{callback_url, listen, open_page, paste, tell_program};
use crate::args::Connect;
use crate::desk::Desk;
use crate::error::CliError;
use crate::output::{Output, shown};

/// Sends the person to the consent page, and waits for them to come back.
pub(super) async fn connect(
    desk: &Desk,
    app: &App,
    options: AuthorizeOptions,
    typed: &Connect,
    output: &Output,
) -> Result<Instance, CliError> {
    let started = desk.authorize(app, options).await?;
    let redirect_uri = Url::parse(&started.redirect_uri)
        .map_err(|_| CliError::Configuration(format!("{} is not a URL", started.redirect_uri)))?;
    if !callback_url::is_ours(&redirect_uri) {
        invite(typed, &started, PASTE, output)?;
        return paste::paste(desk, &started, output).await;
    }
    let listener = CallbackListener::bind(&redirect_uri).await.map_err(|error| {
        CliError::Failure(format!(
            "can't listen on {redirect_uri}: {error}; free that port, or choose another with --callback-port or \
             --callback-url, and register the callback URL with that port at the provider"
        ))
    })?;
    invite(typed, &started, WAIT, output)?;
    listen::listen(desk, &started, listener, output).await
}

const WAIT: &str = "Waiting for you to come back (ten minutes at most; Ctrl-C gives up) …";
const PASTE: &str = "Afterwards the browser is sent to the callback URL. If nothing answers there it shows an error page: that is \
     expected.\nCopy the whole address from its address bar, paste it here and press Enter:";

/// Sends the person, or the program that reads our JSON, to the consent page.
fn invite(
    typed: &Connect,
    started: &Started,
    and_then: &str,
    output: &Output,
) -> Result<(), CliError> {
    tell_program(
        output,
        &serde_json::json!({
            "authorization_url": started.authorization_url,
            "redirect_uri": started.redirect_uri,
            "expires_at": started.expires_at,
        }),
    )?;
    output.notice(&format!(
        "The callback URL to register with the provider, exactly:\n\n  {}\n\nOpen this page, and consent:\n\n  {}\n",
        shown(&started.redirect_uri),
        shown(&started.authorization_url)
    ));
    open_page(typed, &started.authorization_url, output);
    output.notice(and_then);
    Ok(())
}

/// Whether the authorization is still under way after this. Anybody on this machine can knock, and any address can be
/// pasted: only a callback with our state ends it.
pub(super) fn is_foreign(error: &CliError) -> bool {
    matches!(
        error.name(),
        Some(
            "unknown-state"
                | "not-yours"
                | "callback-without-state"
                | "callback-repeated"
                | "callback-not-asked-for"
        )
    )
}

pub(super) fn too_late() -> CliError {
    CliError::Failure("nobody came back within ten minutes; start again".to_owned())
}
