//! A descriptor that is wrong about what becomes of spent tokens.

use tieline_core::descriptor::{Rotates, minutes};
use tieline_testkit::Promise::Rotation;

use super::{assert_broken, breaches, described, subject};
use crate::departing::{per_tenant, sometimes, strict, two_sets};
use crate::providers::acme;

#[test]
fn how_often_a_refresh_brings_a_refresh_token() {
    for rotates in [Rotates::Always, Rotates::Never] {
        let wrong = sometimes(|_, oauth2| oauth2.rotation.rotates = rotates);
        let told = format!("`rotation.rotates` is {rotates:?}, the vendor's is Sometimes");
        assert_broken(described(wrong), &[Rotation], &[&told]);
    }
    let wrong = acme(|_, oauth2| oauth2.rotation.rotates = Rotates::Sometimes);
    let told = "`rotation.rotates` is Sometimes, the vendor's is Always";
    assert_broken(described(wrong), &[Rotation], &[told]);
}

#[test]
fn how_long_a_spent_token_works() {
    for (minute, told) in [(0, "is 0 s"), (59, "is 3540 s"), (61, "is 3660 s")] {
        let wrong = per_tenant(|_, oauth2| oauth2.rotation.reuse_window = minutes(minute));
        let told = format!("`rotation.reuse_window` {told}, the vendor's is 3600 s");
        assert_broken(described(wrong), &[Rotation], &[&told]);
    }
}

#[test]
fn refresh_tokens_for_those_who_ask() {
    let told = &["`rotation.opt_in` is to be stated exactly if apps must ask the vendor"];
    let silent = two_sets(|_, oauth2| oauth2.rotation.opt_in = None);
    assert_broken(described(silent), &[Rotation], told);
    let needless = acme(|_, oauth2| oauth2.rotation.opt_in = Some("ask for it"));
    assert_broken(described(needless), &[Rotation], told);
}

/// What the vendor's file plays without proof need not be stated; if it is, then as it is played.
#[test]
fn whether_the_old_access_token_dies() {
    let unproved = strict(|_, oauth2| oauth2.rotation.old_access_token_dies = Some(false));
    assert_eq!(breaches(&subject(described(unproved))), []);
    let wrong = strict(|_, oauth2| oauth2.rotation.old_access_token_dies = Some(true));
    let told = "`rotation.old_access_token_dies` is Some(true), the vendor's is false";
    assert_broken(described(wrong), &[Rotation], &[told]);
    let silent = acme(|_, oauth2| oauth2.rotation.old_access_token_dies = None);
    let told = "`rotation.old_access_token_dies` is None, the vendor's is true";
    assert_broken(described(silent), &[Rotation], &[told]);
}
