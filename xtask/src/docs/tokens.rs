//! What a provider does with tokens, in words: how each request is made, how long tokens live, what a refresh does.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::{
    BodyFormat, Capture, ClientAuthentication, CodeChallenge, DeadToken, Method, OAuth2, OnReuse,
    Rotates, Rotation, Stated, TokenRequest,
};
use tieline::core::words::{duration, list};

use super::markdown::{Document, code, text};

/// Adds the section.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
    let oauth2 = descriptor.oauth2();
    document.heading(2, "Tokens and refresh");
    document.block(
        "Tieline takes care of all this. It is written down for whoever looks into a problem.",
    );
    document.bullets(consent(oauth2));
    let exchange = step(
        "Exchange of the code",
        &oauth2.exchange,
        oauth2.token_endpoint,
    );
    let refresh = step(
        "Refresh",
        &oauth2.refresh,
        oauth2.refresh_endpoint.unwrap_or(oauth2.token_endpoint),
    );
    let refreshes = oauth2.rotation.rotates != Rotates::NoRefreshToken;
    document.table(
        ["Step", "Request", "How the app proves itself"],
        [
            Some(exchange),
            refreshes.then_some(refresh),
            Some(revocation(descriptor)),
        ]
        .into_iter()
        .flatten(),
    );
    let mut facts = lifetimes(&oauth2.rotation);
    facts.extend(rotation(&oauth2.rotation));
    if refreshes {
        facts.push(death(oauth2.answer.dead_refresh_token));
    }
    if let Stated::None(_) = oauth2.revocation_endpoint {
        let end = if never_expires(&oauth2.rotation) {
            "until the provider or the user withdraws them"
        } else {
            "until they expire"
        };
        facts.push(format!(
            "Disconnecting deletes the tokens from Tieline. They can't be revoked at the provider, where they stay \
             valid {end}."
        ));
    }
    facts.extend(captures(oauth2));
    document.bullets(facts);
}

fn consent(oauth2: &OAuth2) -> Vec<String> {
    let scopes: Vec<_> = oauth2.scopes.iter().map(|scope| code(scope)).collect();
    let asked = match scopes.as_slice() {
        [] => "without naming a scope".to_owned(),
        [only] => format!("for the scope {only}"),
        several => format!("for the scopes {}", list(several)),
    };
    let challenge = match oauth2.code_challenge {
        CodeChallenge::S256 => "The code is bound to Tieline by PKCE, with `S256`.".to_owned(),
        CodeChallenge::Plain => "The code is bound to Tieline by PKCE, with `plain`.".to_owned(),
        CodeChallenge::Refused(why) => format!("PKCE is not used: {why}."),
    };
    vec![
        format!(
            "Users consent at {}, {asked}.",
            code(oauth2.authorization_endpoint)
        ),
        challenge,
    ]
}

fn step(name: &str, request: &TokenRequest, endpoint: &str) -> [String; 3] {
    let method = match (request.method, request.body) {
        (Method::Get, _) => "GET with a query",
        (Method::Post, BodyFormat::Form) => "POST of a form",
        (Method::Post, BodyFormat::Json) => "POST of JSON",
        (Method::Post, BodyFormat::Query) => "POST with a query",
    };
    let proof = match request.client_authentication {
        ClientAuthentication::Basic => "HTTP Basic; no credentials among the parameters",
        ClientAuthentication::BasicRaw => {
            "HTTP Basic, id and secret not form-encoded; no credentials among the parameters"
        }
        ClientAuthentication::Body => {
            "`client_id` and `client_secret` among the parameters; no `Authorization` header"
        }
        ClientAuthentication::Public => "`client_id` among the parameters; no secret",
        ClientAuthentication::BearerSecret => "The secret as a bearer token",
    };
    [
        name.to_owned(),
        format!("{method} to {}", code(endpoint)),
        proof.to_owned(),
    ]
}

fn revocation(descriptor: &ProviderDescriptor) -> [String; 3] {
    let oauth2 = descriptor.oauth2();
    match oauth2.revocation_endpoint {
        Stated::Known(endpoint) => step("Revocation", &oauth2.revoke, endpoint),
        Stated::None(why) => [
            "Revocation".to_owned(),
            format!("none: {}", text(why)),
            "none".to_owned(),
        ],
        Stated::Unknown => [
            "Revocation".to_owned(),
            "not known yet".to_owned(),
            "none".to_owned(),
        ],
    }
}

fn lifetimes(rotation: &Rotation) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(lifetime) = rotation.access_token_lifetime {
        facts.push(format!(
            "An access token lives {}, unless the provider says otherwise when it issues one.",
            duration(lifetime)
        ));
    } else if never_expires(rotation) {
        facts.push("An access token does not expire by itself.".to_owned());
    }
    if let Some(lifetime) = rotation.refresh_token_lifetime {
        facts.push(format!("A refresh token lives {}.", duration(lifetime)));
    }
    if let Some(limit) = rotation.idle_limit {
        facts.push(format!(
            "A refresh token dies when it is not used for {}.",
            duration(limit)
        ));
    }
    facts
}

/// Whether access tokens live until somebody withdraws them.
fn never_expires(rotation: &Rotation) -> bool {
    rotation.rotates == Rotates::NoRefreshToken && rotation.access_token_lifetime.is_none()
}

fn rotation(rotation: &Rotation) -> Vec<String> {
    let mut facts = Vec::new();
    match rotation.rotates {
        Rotates::NoRefreshToken => {
            return vec![
                "There are no refresh tokens: when the access token dies, the account must be connected again."
                    .to_owned(),
            ];
        }
        Rotates::Never => facts.push("A refresh leaves the refresh token as it is.".to_owned()),
        Rotates::Unknown => {
            facts.push("Whether a refresh brings a new refresh token is not known; Tieline finds out.".to_owned());
        }
        Rotates::Always if rotation.reuse_window.is_zero() => facts.push(
            "Every refresh brings a new refresh token, and the spent one stops working at once: each can be used once."
                .to_owned(),
        ),
        Rotates::Always => facts.push(format!(
            "Every refresh brings a new refresh token; the spent one goes on working for {}.",
            duration(rotation.reuse_window)
        )),
    }
    if rotation.rotates != Rotates::Never {
        facts.push(match rotation.on_reuse {
            OnReuse::Fails => {
                "Using a spent refresh token fails, and does no other harm.".to_owned()
            }
            OnReuse::RevokesFamily => {
                "Using a spent refresh token must be taken to kill every token of the connection."
                    .to_owned()
            }
        });
    }
    facts.push(match rotation.old_access_token_dies {
        Some(true) => "The old access token stops working at the refresh.".to_owned(),
        Some(false) => "The old access token goes on working until it expires.".to_owned(),
        None => "Whether the old access token survives the refresh is not known.".to_owned(),
    });
    facts
}

fn death(dead_tokens: &[DeadToken]) -> String {
    let mut spellings = vec!["`invalid_grant`".to_owned()];
    spellings.extend(
        dead_tokens
            .iter()
            .map(|dead| match (dead.error, dead.error_description) {
                (Some(error), Some(description)) => format!(
                    "{} with the description “{}”",
                    code(error),
                    text(description)
                ),
                (Some(error), None) => code(error),
                (None, description) => format!(
                    "the description “{}”",
                    text(description.unwrap_or_default())
                ),
            }),
    );
    format!(
        "A refresh token is dead, and the account must be connected again, when the provider answers {}.",
        spellings.join(", or ")
    )
}

fn captures(oauth2: &OAuth2) -> Vec<String> {
    let mut told: Vec<&Capture> = Vec::new();
    for capture in oauth2
        .callback
        .captures
        .iter()
        .chain(oauth2.answer.captures)
    {
        if !told.contains(&capture) {
            told.push(capture);
        }
    }
    let fact = |capture: &Capture| {
        let (name, field) = (code(capture.name), code(capture.field));
        let place = match (
            oauth2.callback.captures.contains(capture),
            oauth2.answer.captures.contains(capture),
        ) {
            (true, true) => "of callback and token answer",
            (true, false) => "of the callback",
            _ => "of the token answer",
        };
        let part = match (capture.after, capture.before) {
            ("", "") => String::new(),
            (after, "") => format!(": what follows {}", code(after)),
            ("", before) => format!(": what stands before {}", code(before)),
            (after, before) => {
                format!(": what stands between {} and {}", code(after), code(before))
            }
        };
        format!("Tieline keeps the {name} that comes in the {field} {place}{part}.")
    };
    told.into_iter().map(fact).collect()
}
