//! Sound providers keep every promise.

use tieline_testkit::Breach;

use super::{breaches, described};
use crate::providers::{acme, strict, unrefreshed};

#[test]
fn a_provider_that_follows_the_rfcs() {
    assert_eq!(breaches(described(acme(|_, _| {}))), Vec::<Breach>::new());
}

#[test]
fn a_provider_that_departs_from_them_and_says_so() {
    assert_eq!(breaches(described(strict(|_, _| {}))), Vec::<Breach>::new());
}

#[test]
fn a_provider_without_refresh_tokens() {
    assert_eq!(
        breaches(described(unrefreshed(|_, _| {}))),
        Vec::<Breach>::new()
    );
}
