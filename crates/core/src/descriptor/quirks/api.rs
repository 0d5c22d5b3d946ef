//! Unusual calls.

use super::{Quirks, names};
use crate::descriptor::{Api, TokenPlacement};
use crate::template;

pub(super) fn add(api: &Api, quirks: &mut Quirks) {
    if !template::placeholders(api.base).is_empty() {
        quirks.add(
            "api.base",
            format!("The API's base depends on the connection: `{}`.", api.base),
        );
    }
    if let Some(capture) = api.base_capture {
        quirks.add(
            "api.base_capture",
            format!("The API's base comes with the tokens, as `{capture}`."),
        );
    }
    match api.token_placement {
        TokenPlacement::Authorization("Bearer") | TokenPlacement::BasicPair => {}
        TokenPlacement::Authorization(scheme) => quirks.add(
            "api.token_placement",
            format!("Calls carry the access token as `Authorization: {scheme}`."),
        ),
        TokenPlacement::Header(name) => quirks.add(
            "api.token_placement",
            format!("Calls carry the access token in the header `{name}`."),
        ),
        TokenPlacement::BasicUser(password) => quirks.add(
            "api.token_placement",
            format!(
                "Calls carry the key as the user of HTTP Basic, with the password `{password}`."
            ),
        ),
    }
    if let Some(masked) = api.masked_errors {
        quirks.add(
            "api.masked_errors",
            format!(
                "Calls fail under a status of success: `{}` is `{}` then, and {} in `{}` say that the access token is dead.",
                masked.when.path,
                masked.when.equals,
                names(masked.dead_access_token),
                masked.code
            ),
        );
    }
    if let Some(check) = api.health_check.known()
        && !template::placeholders(check.path).is_empty()
    {
        quirks.add(
            "api.health_check",
            format!(
                "The health check asks for a fact that came with the tokens: `{}`.",
                check.path
            ),
        );
    }
}
