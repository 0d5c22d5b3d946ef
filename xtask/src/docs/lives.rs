//! How long tokens live, what a refresh does to them, and how they end.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::{
    Authentication, DeadToken, OnReuse, Revocable, Rotates, Rotation, Stated,
};
use tieline::core::words::duration;

use super::markdown::{code, text};

/// All of it.
pub(crate) fn facts(descriptor: &ProviderDescriptor) -> Vec<String> {
    let oauth2 = descriptor.oauth2();
    let mut facts = lifetimes(&oauth2.rotation);
    if let Authentication::ClientCredentials(_) = descriptor.authentication {
        facts.push(
            "No refresh token is used: when an access token has ended, the app asks for another."
                .to_owned(),
        );
    } else {
        facts.extend(rotation(&oauth2.rotation));
        if oauth2.rotation.rotates != Rotates::NoRefreshToken {
            facts.push(death(oauth2.answer.dead_refresh_token));
        }
    }
    facts.extend(end(descriptor));
    facts
}

fn lifetimes(rotation: &Rotation) -> Vec<String> {
    let mut facts = vec![match rotation.access_token_lifetime {
        Stated::Known(lifetime) => format!(
            "An access token lives {}, unless the provider says otherwise when it issues one.",
            duration(lifetime)
        ),
        Stated::None(why) => format!("An access token does not expire by itself: {why}."),
        Stated::Unknown => "How long an access token lives is not known yet.".to_owned(),
    }];
    match rotation.refresh_token_lifetime {
        Stated::Known(lifetime) => {
            facts.push(format!("A refresh token lives {}.", duration(lifetime)));
        }
        Stated::None(why) => {
            facts.push(format!("A refresh token does not expire by itself: {why}."))
        }
        Stated::Unknown => {}
    }
    if let Some(limit) = rotation.idle_limit {
        facts.push(format!(
            "A refresh token dies when it is not used for {}.",
            duration(limit)
        ));
    }
    if let Some(how) = rotation.opt_in {
        facts.push(format!(
            "Access tokens expire, and refresh tokens are issued, only for apps that ask for it: {how}."
        ));
    }
    facts
}

fn rotation(rotation: &Rotation) -> Vec<String> {
    let mut facts = Vec::new();
    let at_once = rotation.reuse_window.is_zero();
    let window = duration(rotation.reuse_window);
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
        Rotates::Always if at_once => facts.push(
            "Every refresh brings a new refresh token, and the spent one stops working at once: each can be used once."
                .to_owned(),
        ),
        Rotates::Always => facts.push(format!(
            "Every refresh brings a new refresh token; the spent one goes on working for {window}."
        )),
        Rotates::Sometimes => {
            let spent = if at_once {
                "stops working at once".to_owned()
            } else {
                format!("goes on working for {window}")
            };
            facts.push(format!(
                "Now and then a refresh brings a new refresh token, and the spent one {spent}. Tieline keeps what the \
                 answer brings."
            ));
        }
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

/// What disconnecting leaves alive at the provider.
fn end(descriptor: &ProviderDescriptor) -> Option<String> {
    let oauth2 = descriptor.oauth2();
    match (oauth2.revocation_endpoint, oauth2.revocable) {
        (Stated::None(_), _) => {
            let end = match oauth2.rotation.access_token_lifetime {
                Stated::None(_) => "until the provider or the user withdraws them",
                Stated::Known(_) | Stated::Unknown => "until they expire",
            };
            Some(format!(
                "Disconnecting deletes the tokens from Tieline. They can't be revoked at the provider, where they stay \
                 valid {end}."
            ))
        }
        (Stated::Known(_), Revocable::AccessToken) => Some(
            "Disconnecting revokes the access token and deletes the refresh token from Tieline: the provider revokes \
             access tokens only."
                .to_owned(),
        ),
        (Stated::Known(_), Revocable::Both) | (Stated::Unknown, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn lives_and_ends_are_told() {
        assert_eq!(
            facts(&invented::SHOPS),
            [
                "An access token lives 1 hour, unless the provider says otherwise when it issues one.",
                "Access tokens expire, and refresh tokens are issued, only for apps that ask for it: `expiring=1` at the \
                 exchange.",
                "Now and then a refresh brings a new refresh token, and the spent one goes on working for 24 hours. \
                 Tieline keeps what the answer brings.",
                "Using a spent refresh token fails, and does no other harm.",
                "Whether the old access token survives the refresh is not known.",
                "A refresh token is dead, and the account must be connected again, when the provider answers \
                 `invalid_grant`.",
                "Disconnecting revokes the access token and deletes the refresh token from Tieline: the provider revokes \
                 access tokens only.",
            ]
        );
        assert_eq!(
            facts(&invented::ROBOTS),
            [
                "An access token lives 10 minutes, unless the provider says otherwise when it issues one.",
                "No refresh token is used: when an access token has ended, the app asks for another.",
            ]
        );
        let tv = facts(&invented::TV);
        assert_eq!(
            tv[0],
            "An access token does not expire by itself: it lives until it is withdrawn."
        );
        assert!(
            tv.last()
                .unwrap()
                .ends_with("they stay valid until the provider or the user withdraws them."),
            "{tv:?}"
        );
    }
}
