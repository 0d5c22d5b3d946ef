//! Addresses of the host's: where its users are sent, and where they never are.

use tieline_core::endpoint::is_endpoint;
use url::{Origin, Url};

use crate::{Engine, EngineError};

/// The longest address that is kept, in bytes.
const LONGEST: usize = 2_048;

impl Engine {
    /// Where this engine is reached from outside, any prefix included and no slash at its end; `None` where it has no front
    /// door.
    pub fn public_url(&self) -> Option<&str> {
        self.shared.public_url.as_deref()
    }

    /// Where people may be sent in the end: a path of the engine's own origin, or a page of an origin that is registered.
    pub(crate) fn check_return_to(
        &self,
        return_to: Option<&str>,
        origins: &[String],
    ) -> Result<(), EngineError> {
        let Some(return_to) = return_to else {
            return Ok(());
        };
        if is_own_path(return_to, self.public_url()) || is_of(return_to, origins) {
            return Ok(());
        }
        Err(EngineError::Unusable {
            field: "return_to",
            why: "is a path with one slash at its beginning, or a page of one of the app's return_origins, with everything but \
                  plain ASCII percent-encoded"
                .to_owned(),
        })
    }
}

/// Refuses a confirm URL that a browser must not be sent to.
pub(crate) fn check_confirm_url(confirm_url: Option<&str>) -> Result<(), EngineError> {
    match confirm_url {
        Some(text) if text.len() > LONGEST || !is_endpoint(text) => Err(EngineError::Unusable {
            field: "confirm_url",
            why: "is an absolute https URL without fragment, user and password; plain http only on this machine".to_owned(),
        }),
        Some(text) if has_our_query(text) => Err(EngineError::Unusable {
            field: "confirm_url",
            why: "has no authorization, ticket or error in its query: those are added to it".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// Whether something stands there already that the host would take for what we tell.
fn has_our_query(text: &str) -> bool {
    let ours = |name: &str| ["authorization", "ticket", "error"].contains(&name);
    Url::parse(text).is_ok_and(|url| url.query_pairs().any(|(name, _)| ours(&name)))
}

/// Origins as browsers write them, each once.
pub(crate) fn checked_origins(origins: Vec<String>) -> Result<Vec<String>, EngineError> {
    let mut checked = Vec::with_capacity(origins.len());
    for text in origins {
        let origin = Url::parse(&text)
            .ok()
            // A star is a host to a parser: whoever writes one expects more of it.
            .filter(|url| is_endpoint(&text) && url.path() == "/" && url.query().is_none())
            .filter(|_| !text.contains('*'))
            .map(|url| url.origin().ascii_serialization());
        match origin {
            Some(origin) if text.len() <= LONGEST => checked.push(origin),
            _ => {
                return Err(EngineError::Unusable {
                    field: "return_origins",
                    why: "are origins such as https://app.example.com, without a path and without a wildcard; plain http only on \
                          this machine"
                        .to_owned(),
                });
            }
        }
    }
    checked.sort();
    checked.dedup();
    Ok(checked)
}

/// An address with more in its query.
pub(crate) fn with_query(address: &str, pairs: &[(&str, &str)]) -> Result<String, EngineError> {
    let mut url = Url::parse(address).map_err(|_| EngineError::Unusable {
        field: "confirm_url",
        why: "is not a URL any more: set it again".to_owned(),
    })?;
    url.query_pairs_mut().extend_pairs(pairs);
    Ok(url.into())
}

/// What can stand in a `Location` as it is: browsers drop tabs and newlines, trim spaces, and take a backslash for a slash.
fn is_plain(text: &str) -> bool {
    text.len() <= LONGEST && (text.bytes()).all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

/// A path that no browser takes for another origin: `//` begins one.
fn is_own_path(text: &str, public_url: Option<&str>) -> bool {
    let Some(base) = public_url.and_then(|url| Url::parse(url).ok()) else {
        return false;
    };
    let one_slash = text.starts_with('/') && !text.starts_with("//");
    is_plain(text) && one_slash && base.join(text).is_ok_and(|url| same(&url, &base.origin()))
}

fn is_of(text: &str, origins: &[String]) -> bool {
    // Parsed as a browser does, and then only taken if that changed nothing that matters.
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    // `https:app.example` is a path to a browser that is at another page of https.
    let after = text.get(url.scheme().len()..).unwrap_or_default();
    let absolute = after.starts_with("://") && !after.starts_with(":///");
    let bare = url.username().is_empty() && url.password().is_none();
    is_plain(text) && absolute && bare && origins.contains(&url.origin().ascii_serialization())
}

fn same(url: &Url, origin: &Origin) -> bool {
    url.origin() == *origin
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PUBLIC: &str = "https://connect.example/tieline";

    fn goes_elsewhere(text: &str) -> bool {
        Url::parse(PUBLIC)
            .unwrap()
            .join(text)
            .is_ok_and(|url| url.origin().ascii_serialization() != "https://connect.example")
    }

    #[test]
    fn paths_stay_at_home() {
        for good in ["/", "/settings?x=1#y", "/a//b", "/%2f%2fevil.example"] {
            assert!(is_own_path(good, Some(PUBLIC)), "{good}");
        }
        for bad in [
            "",
            "settings",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/a\r\nlocation: x",
        ] {
            assert!(!is_own_path(bad, Some(PUBLIC)), "{bad:?}");
        }
        assert!(!is_own_path("/", None));
    }

    #[test]
    fn pages_of_registered_origins_and_no_others() {
        let origins = checked_origins(vec![
            "https://App.example:443".to_owned(),
            "http://localhost:3000".to_owned(),
        ]);
        let origins = origins.unwrap();
        assert_eq!(origins, ["http://localhost:3000", "https://app.example"]);
        assert!(is_of("https://app.example/settings?x#y", &origins));
        assert!(is_of("http://localhost:3000/", &origins));
        for bad in [
            "https://app.example.evil.example/",
            "https://app.example@evil.example/",
            "https://a@app.example/",
            "http://app.example/",
            "https://app.example:8443/",
            "https://app.example\\@evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
        ] {
            assert!(!is_of(bad, &origins), "{bad}");
        }
        for bad in [
            "https://app.example/path",
            "http://app.example",
            "app.example",
            "*",
            "https://*.example",
        ] {
            assert!(checked_origins(vec![bad.to_owned()]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_query_is_added_to() {
        let url = with_query("https://a.example/x?y=1", &[("ticket", "a b")]).unwrap();
        assert_eq!(url, "https://a.example/x?y=1&ticket=a+b");
    }

    proptest! {
        #[test]
        fn no_path_that_is_taken_leads_elsewhere(text in "[/\\\\]{0,3}[\\x00-\\x7f]{0,12}") {
            prop_assert!(!(is_own_path(&text, Some(PUBLIC)) && goes_elsewhere(&text)));
        }

        #[test]
        fn no_page_that_is_taken_is_of_another_origin(text in "(https?:)?[/\\\\]{0,3}(app\\.example)?[@:.\\\\/?#]?(evil\\.example)?[\\x00-\\x7f]{0,6}") {
            let origins = vec!["https://app.example".to_owned()];
            if is_of(&text, &origins) {
                let url = Url::parse(&text).unwrap();
                prop_assert_eq!(url.host_str(), Some("app.example"));
                prop_assert_eq!(url.scheme(), "https");
            }
        }
    }
}
