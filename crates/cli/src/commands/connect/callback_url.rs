//! Which callback URL an app gets from the command line, and whether anybody here can receive it.

use tieline::ProviderDescriptor;
use tieline::core::endpoint;
use tieline::store::App;
use url::Url;

use crate::args::Connect;
use crate::error::CliError;

/// The local port where none is named.
const PORT: u16 = 8917;

/// The app's own callback URL from now on; `None` where it needs none, since one is configured.
pub(super) fn choose(
    descriptor: &ProviderDescriptor,
    connect: &Connect,
    own: Option<&str>,
    configured: bool,
) -> Option<String> {
    match (&connect.callback_url, own) {
        (Some(url), _) => Some(url.clone()),
        (None, Some(url)) if !is_local_default(url) => Some(url.to_owned()),
        // Ours gives way to what is configured, and follows --callback-port.
        (None, _) if configured => None,
        (None, Some(url)) if connect.callback_port.is_none() => Some(url.to_owned()),
        (None, _) => Some(local(descriptor, connect.callback_port.unwrap_or(PORT))),
    }
}

/// Refuses a port that would change nothing: only a URL of ours has one to choose. `configured` says where a callback URL
/// is configured.
pub(super) fn judge_port(
    descriptor: &ProviderDescriptor,
    connect: &Connect,
    app: Option<&App>,
    own: Option<&str>,
    configured: Option<&str>,
) -> Result<(), CliError> {
    if connect.callback_port.is_none() {
        return Ok(());
    }
    let (place, cure) = match (app, own, configured) {
        (Some(app), Some(url), _) if !is_local_default(url) => (
            format!("the app {} has the callback URL {url}", app.id),
            format!(
                "change it with `tieline apps set {} --set oauth.callback.url=…`",
                app.id
            ),
        ),
        (_, _, Some(origin)) => (
            format!("oauth.callback.url is configured ({origin})"),
            "change it there".to_owned(),
        ),
        _ => return Ok(()),
    };
    Err(CliError::Usage(format!(
        "{}: --callback-port does nothing here, since {place}: {cure}, or give --callback-url",
        descriptor.id
    )))
}

/// The callback URL where nobody says otherwise.
pub(in crate::commands) fn usual(descriptor: &ProviderDescriptor) -> String {
    local(descriptor, PORT)
}

/// Refuses a URL that the provider would not take.
pub(super) fn judge(
    descriptor: &ProviderDescriptor,
    connect: &Connect,
    app: Option<&App>,
    url: &str,
) -> Result<(), CliError> {
    let https_only = descriptor.oauth2().https_redirect_uri_only;
    let is_https = Url::parse(url).is_ok_and(|url| url.scheme() == "https");
    if endpoint::is_endpoint(url) && (is_https || !https_only) {
        return Ok(());
    }
    let scheme = if https_only {
        "an absolute https URL"
    } else {
        "an absolute https URL (http only for a loopback address)"
    };
    let wanted = format!(
        "the callback URL must be {scheme}, without fragment, user or password, and {url} is not"
    );
    let provider = descriptor.id;
    Err(match app {
        Some(app) if connect.callback_url.is_none() => CliError::Configuration(format!(
            "{provider}: {wanted}; change it with `tieline apps set {} --set oauth.callback.url=…`",
            app.id
        )),
        _ => CliError::Usage(format!(
            "{provider}: {wanted}; give --callback-url another one. It stays with the app, until \
             `tieline apps set {} --set oauth.callback.url=…` changes it",
            app.map_or_else(|| "ID".to_owned(), |app| app.id.to_string())
        )),
    })
}

/// Whether this process can receive the callback itself: plain http on this machine.
pub(super) fn is_ours(redirect_uri: &Url) -> bool {
    redirect_uri.scheme() == "http" && endpoint::is_loopback(redirect_uri)
}

/// Where the provider sends the browser of whoever runs this command.
fn local(descriptor: &ProviderDescriptor, port: u16) -> String {
    if descriptor.oauth2().https_redirect_uri_only {
        format!("https://localhost:{port}/callback")
    } else {
        format!("http://127.0.0.1:{port}/callback")
    }
}

fn is_local_default(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        matches!(url.host_str(), Some("127.0.0.1" | "localhost")) && url.path() == "/callback"
    })
}

#[cfg(test)]
mod tests {
    use tieline::ParameterMapping;

    use super::super::stage;
    use super::*;

    const MAPPINGS: &[ParameterMapping] = &[];

    fn typed(options: &[&str]) -> Connect {
        stage::typed(&[&["acme"], options].concat())
    }

    #[test]
    fn what_is_typed_wins_then_what_the_app_has_then_what_is_configured() {
        let acme = ProviderDescriptor::new("acme", "Acme", MAPPINGS);
        let (usual, other) = (
            "http://127.0.0.1:8917/callback",
            "https://acme.example/back",
        );
        let moved = "http://127.0.0.1:9000/callback";
        for (options, own, configured, chosen) in [
            (
                &["--callback-url", other][..],
                Some(usual),
                true,
                Some(other),
            ),
            (&[], Some(other), true, Some(other)),
            (&[], None, true, None),
            (&[], Some(usual), true, None),
            (&[], None, false, Some(usual)),
            (
                &["--callback-port", "9000"],
                Some(usual),
                false,
                Some(moved),
            ),
            (&[], Some(moved), false, Some(moved)),
        ] {
            let found = choose(&acme, &typed(options), own, configured);
            assert_eq!(found.as_deref(), chosen, "{options:?} {own:?} {configured}");
        }
    }

    #[test]
    fn only_plain_http_on_this_machine_is_ours_at_whatever_port() {
        for (url, ours) in [
            ("http://127.0.0.1:9000/callback", true),
            ("http://localhost/x", true),
            ("http://[::1]:1/", true),
            ("https://localhost:8917/callback", false),
            ("http://acme.example:8917/callback", false),
        ] {
            assert_eq!(is_ours(&Url::parse(url).unwrap()), ours, "{url}");
        }
    }
}
