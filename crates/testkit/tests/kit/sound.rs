//! Sound providers keep every promise. `UPDATE_SNAPSHOTS=1` writes their snapshots, and no others.

use tieline_core::ProviderDescriptor;
use tieline_testkit::{Breach, Promise};

use super::{breaches, described, reviewed};
use crate::departing::{per_tenant, sometimes, strict, two_sets, unrefreshed};
use crate::kinds::{app, basic, device, key};
use crate::providers::acme;

#[track_caller]
fn keeps_every_promise(descriptor: ProviderDescriptor) {
    let subject = reviewed(described(descriptor));
    assert_eq!(breaches(&subject), Vec::<Breach>::new());
    assert_eq!(Promise::Quirks.check(&subject), Ok(()));
}

#[test]
fn a_provider_that_follows_the_rfcs() {
    keeps_every_promise(acme(|_, _| {}));
}

#[test]
fn a_provider_that_departs_from_them_and_says_so() {
    keeps_every_promise(strict(|_, _| {}));
}

#[test]
fn a_provider_without_refresh_tokens() {
    keeps_every_promise(unrefreshed(|_, _| {}));
}

#[test]
fn a_provider_with_two_sets_of_tokens() {
    keeps_every_promise(two_sets(|_, _| {}));
}

#[test]
fn a_provider_with_a_host_for_each_tenant() {
    keeps_every_promise(per_tenant(|_, _| {}));
}

#[test]
fn a_provider_that_replaces_refresh_tokens_now_and_then() {
    keeps_every_promise(sometimes(|_, _| {}));
}

#[test]
fn a_provider_with_keys() {
    keeps_every_promise(key(|_| {}));
}

#[test]
fn a_provider_with_passwords() {
    keeps_every_promise(basic(|_| {}));
}

#[test]
fn a_provider_for_devices() {
    keeps_every_promise(device(|_| {}));
}

#[test]
fn a_provider_for_apps() {
    keeps_every_promise(app(|_, _| {}));
}
