//! Unusual lives of tokens.

use super::Quirks;
use crate::descriptor::{Authentication, ProviderDescriptor, Revocable, Rotates};
use crate::words;

pub(super) fn add(descriptor: &ProviderDescriptor, quirks: &mut Quirks) {
    let (oauth2, rotation) = (descriptor.oauth2(), &descriptor.oauth2().rotation);
    let is_app = matches!(
        descriptor.authentication,
        Authentication::ClientCredentials(_)
    );
    match rotation.rotates {
        // The app asks for another access token by itself.
        Rotates::NoRefreshToken if is_app => {}
        Rotates::NoRefreshToken => quirks.add(
            "rotation.rotates",
            "There are no refresh tokens: when an access token dies, a person must consent again.",
        ),
        Rotates::Sometimes => quirks.add(
            "rotation.rotates",
            "Some refreshes bring a new refresh token and some the old one.",
        ),
        Rotates::Always | Rotates::Never | Rotates::Unknown => {}
    }
    if let Some(how) = rotation.opt_in {
        quirks.add(
            "rotation.opt_in",
            format!("Access tokens expire, and refresh tokens are issued, only for apps that ask: {how}."),
        );
    }
    if !rotation.reuse_window.is_zero() {
        quirks.add(
            "rotation.reuse_window",
            format!(
                "A spent refresh token goes on working for {}.",
                words::duration(rotation.reuse_window)
            ),
        );
    }
    quirks.add_if(
        rotation.old_access_token_dies == Some(true),
        "rotation.old_access_token_dies",
        "A refresh ends the access token before it.",
    );
    quirks.add_if(
        oauth2.revocable == Revocable::AccessToken,
        "revocable",
        "Only access tokens can be revoked.",
    );
    if !oauth2.dead_at_revocation.is_empty() {
        let statuses: Vec<_> = oauth2
            .dead_at_revocation
            .iter()
            .map(u16::to_string)
            .collect();
        quirks.add(
            "dead_at_revocation",
            format!(
                "A dead token that is revoked is answered with {}.",
                words::list(&statuses)
            ),
        );
    }
}
