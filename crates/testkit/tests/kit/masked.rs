//! A descriptor that is wrong about a vendor that hides errors under a status of success, and issues two sets of tokens.

use tieline_core::descriptor::{MaskedErrors, OAuth2, ProviderDescriptor};
use tieline_testkit::Promise::{self, *};

use super::{assert_broken, described};
use crate::departing::two_sets;

#[track_caller]
fn breaks(
    change: impl FnOnce(&mut ProviderDescriptor, &mut OAuth2),
    promises: &[Promise],
    words: &[&str],
) {
    assert_broken(described(two_sets(change)), promises, words);
}

#[test]
fn calls_that_fail_under_a_status_of_success() {
    breaks(
        |descriptor, _| descriptor.api.masked_errors = None,
        &[Revocation, HealthCheck],
        &[
            "the health check is content with a dead access token",
            "answered otherwise than with 401, and that is not understood",
            "`api.masked_errors`",
        ],
    );
    let dead: fn(&mut MaskedErrors, &'static [&'static str]) =
        |masked, codes| masked.dead_access_token = codes;
    for codes in [&[][..], &["token_expired"]] {
        breaks(
            |descriptor, _| {
                descriptor
                    .api
                    .masked_errors
                    .iter_mut()
                    .for_each(|masked| dead(masked, codes))
            },
            &[Revocation, HealthCheck],
            &[
                "answered otherwise than with 401, and that is not understood",
                "`api.masked_errors`",
            ],
        );
    }
}

#[test]
fn a_dead_token_that_is_revoked() {
    breaks(
        |descriptor, _| descriptor.api.masked_errors = None,
        &[Revocation, HealthCheck],
        &[
            "the token is dead, and revoking it again is judged",
            "`api.masked_errors`",
        ],
    );
}

#[test]
fn a_second_set_of_tokens() {
    breaks(
        |_, oauth2| oauth2.answer.user_path = None,
        // Not found, and not shown either.
        &[Wire, Exchange],
        &["\"access_token\": \"[secret]\"", "UPDATE_SNAPSHOTS=1"],
    );
    breaks(
        |_, oauth2| oauth2.answer.user_path = None,
        &[Wire, Exchange],
        &[
            "a second set of tokens for the user, and it is not found",
            "`answer.user_path`",
        ],
    );
    breaks(
        |_, oauth2| oauth2.answer.user_path = Some("authed_users"),
        &[Wire, Exchange],
        &[
            "a second set of tokens for the user, and it is not found",
            "`answer.user_path`",
        ],
    );
}
