//! Keys and passwords that the account's owner gives: a descriptor that is wrong about where calls carry them.

use tieline_core::descriptor::{SetupGuide, Stated, TokenPlacement};
use tieline_core::{ParameterKey, ParameterMapping};
use tieline_testkit::Promise::*;

use super::{assert_broken, described};
use crate::kinds::{basic, key};

const HOST: &[ParameterMapping] = &[ParameterMapping::host_label(
    "Team",
    ParameterKey::SUBDOMAIN,
)];
const USER: &[ParameterMapping] = &[ParameterMapping::username("User")];

#[test]
fn a_key_that_calls_carry_elsewhere() {
    let breaks = |placement, words: &[&str]| {
        let wrong = key(|descriptor| descriptor.api.token_placement = placement);
        assert_broken(described(wrong), &[Wire, HealthCheck], words);
    };
    let words = &["no access token", "`api.token_placement`"];
    breaks(TokenPlacement::Authorization("Bearer"), words);
    breaks(TokenPlacement::Header("X-Acme-Token"), words);
    breaks(TokenPlacement::BasicUser("X"), words);
}

#[test]
fn a_key_that_nobody_gives() {
    let nobody = key(|descriptor| descriptor.mappings = HOST);
    assert_broken(
        described(nobody),
        &[Descriptor, Wire, HealthCheck],
        &["no mapping has the end user give api.key"],
    );
}

#[test]
fn a_key_that_is_never_checked() {
    let unknown = key(|descriptor| descriptor.api.health_check = Stated::Unknown);
    assert_broken(
        described(unknown),
        &[Wire, HealthCheck, DocsCompleteness],
        &["state `api.health_check`"],
    );
    let careless = key(|descriptor| descriptor.guide = SetupGuide::DEFAULT);
    assert_broken(
        described(careless),
        &[DocsCompleteness],
        &["`guide.locate_credentials`", "`guide.troubleshooting`"],
    );
}

#[test]
fn a_name_and_password_that_calls_carry_elsewhere() {
    for placement in [
        TokenPlacement::Authorization("Bearer"),
        TokenPlacement::Header("X-Acme-Key"),
    ] {
        let wrong = basic(|descriptor| descriptor.api.token_placement = placement);
        assert_broken(
            described(wrong),
            &[Descriptor, Wire, HealthCheck],
            &["api.token_placement is BasicPair for HTTP Basic"],
        );
    }
    let half = basic(|descriptor| descriptor.mappings = USER);
    assert_broken(
        described(half),
        &[Descriptor, Wire, HealthCheck],
        &["no mapping has the end user give password"],
    );
}
