//! Nothing of ours listens at the redirect URI: the person brings the address back by hand.

use tieline::engine::Started;
use tieline::engine::authorize::TIME_TO_CONSENT;
use tieline::store::Instance;
use url::Url;

use super::browser::{is_foreign, too_late};
use crate::desk::Desk;
use crate::error::CliError;
use crate::input;
use crate::output::{Output, shown};

/// Whoever mistypes so often is no person.
const TRIES: usize = 5;

/// Takes addresses from standard input until one is the callback of this authorization.
pub(super) async fn paste(
    desk: &Desk,
    started: &Started,
    output: &Output,
) -> Result<Instance, CliError> {
    let wait = tokio::time::sleep(TIME_TO_CONSENT);
    tokio::pin!(wait);
    let mut refused: Option<CliError> = None;
    for _ in 0..TRIES {
        if let Some(error) = &refused {
            output.notice(&format!("{error}.\nPaste the whole address again:"));
        }
        let line = tokio::select! {
            line = input::line() => line?,
            () = &mut wait => return Err(too_late()),
        };
        let Some(line) = line else {
            break;
        };
        refused = Some(match query(&line) {
            None => not_an_address(),
            Some(_) if !is_at(&line, &started.redirect_uri) => elsewhere(&started.redirect_uri),
            Some(query) => match desk.call_back(started.id, query).await {
                Ok(instance) => return Ok(instance),
                Err(error) if is_foreign(&error) => not_this_one(&error),
                Err(error) => return Err(error),
            },
        });
    }
    Err(refused.unwrap_or_else(|| {
        CliError::Usage("no address was pasted, so nothing was connected; start again".to_owned())
    }))
}

fn query(line: &str) -> Option<&str> {
    let (_, query) = line.trim().split_once('?')?;
    query.split('#').next()
}

/// Whether it is an address of this redirect URI. At another the code is another server's, maybe, which must not be brought to this
/// one: apps have redirect URIs of their own to tell (RFC 9700 section 4.4).
fn is_at(line: &str, redirect_uri: &str) -> bool {
    let Some(mut there) = Url::parse(redirect_uri).ok() else {
        return false;
    };
    let line = line.trim();
    // Some browsers leave the scheme out.
    let whole = match line.split('?').next() {
        Some(before) if before.contains("://") => line.to_owned(),
        _ => format!("{}://{line}", there.scheme()),
    };
    let Some(mut here) = Url::parse(&whole).ok() else {
        return false;
    };
    for url in [&mut here, &mut there] {
        url.set_query(None);
        url.set_fragment(None);
    }
    here == there
}

fn elsewhere(redirect_uri: &str) -> CliError {
    CliError::Usage(format!(
        "that is not where this authorization comes back: its address begins with {}",
        shown(redirect_uri)
    ))
}

fn not_an_address() -> CliError {
    CliError::Usage(
        "that is not the address of the callback: it has a question mark, then code=… and state=…"
            .to_owned(),
    )
}

fn not_this_one(error: &CliError) -> CliError {
    CliError::Failure(format!("that address was not taken: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_the_redirect_uri_or_another_servers() {
        let redirect_uri = "https://connect.example/callback/ours";
        for (line, is_ours) in [
            ("https://connect.example/callback/ours?code=x&state=y", true),
            (" https://connect.example:443/callback/ours?code=x#_ ", true),
            (
                "connect.example/callback/ours?code=x&to=https://a.example",
                true,
            ),
            ("https://connect.example/callback/theirs?code=x", false),
            ("https://connect.example/callback/ours/?code=x", false),
            ("http://connect.example/callback/ours?code=x", false),
            ("https://evil.example/callback/ours?code=x", false),
            (
                "https://connect.example@evil.example/callback/ours?code=x",
                false,
            ),
            ("?code=x&state=y", false),
        ] {
            assert_eq!(is_at(line, redirect_uri), is_ours, "{line}");
        }
        assert!(is_at("https://a.example/?code=x", "https://a.example"));
        assert!(is_at(
            "https://a.example/b?x=1&code=x",
            "https://a.example/b?x=1"
        ));
    }
}
