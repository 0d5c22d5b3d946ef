//! A descriptor that is wrong about codes that are typed on another device.

use tieline_core::descriptor::{ClientAuthentication, DeviceAuthorization, TokenRequest};
use tieline_testkit::Promise::*;

use super::{assert_broken, described};
use crate::departing::unrefreshed;
use crate::kinds::device;
use crate::providers::acme;

const RAW: TokenRequest = TokenRequest::with(ClientAuthentication::BasicRaw);

#[test]
fn device_authorization_that_is_not_stated_or_not_there() {
    let silent = unrefreshed(|_, oauth2| oauth2.device = None);
    assert_broken(
        described(silent),
        &[Device],
        &["the descriptor says nothing of it", "`device`"],
    );
    let invented = DeviceAuthorization::new("https://acme.example/oauth/device");
    let boastful = acme(|_, oauth2| oauth2.device = Some(invented));
    assert_broken(
        described(boastful),
        &[Device],
        &["the vendor has no device authorization", "`device`"],
    );
}

#[test]
fn a_device_that_proves_itself_as_the_vendor_does_not_want_it() {
    let all = [
        Wire,
        Device,
        Exchange,
        Refresh,
        Rotation,
        DeadRefreshToken,
        HealthCheck,
        Redaction,
    ];
    let with = |change: fn(&mut DeviceAuthorization)| {
        described(device(|oauth2| {
            oauth2.device.iter_mut().for_each(change);
        }))
    };
    let request = with(|device| device.request = RAW);
    assert_broken(
        request,
        &all,
        &[
            "as id at this step",
            "`device.request.client_authentication`",
        ],
    );
    let token = with(|device| device.token = RAW);
    assert_broken(
        token,
        &all,
        &["as id at this step", "`device.token.client_authentication`"],
    );
    let refresh = device(|oauth2| oauth2.refresh = TokenRequest::BASIC);
    assert_broken(
        described(refresh),
        &[Wire, Refresh, Rotation, DeadRefreshToken],
        &["as id at this step", "`refresh.client_authentication`"],
    );
}

#[test]
fn a_person_at_a_device_who_says_no_in_other_words() {
    assert_broken(
        described(device(|oauth2| oauth2.answer.errors = &[])),
        &[Device],
        &["the person denies, and that is judged", "`answer.errors`"],
    );
    let never = &[("authorization_pending", "invalid_grant")];
    assert_broken(
        described(device(|oauth2| oauth2.answer.errors = never)),
        &[Device],
        &[
            "nobody has decided yet, and that is judged",
            "`device.token` and `answer`",
        ],
    );
    let hasty = &[
        ("user_said_no", "access_denied"),
        ("slow_down", "authorization_pending"),
    ];
    assert_broken(
        described(device(|oauth2| oauth2.answer.errors = hasty)),
        &[Device],
        &["to be polled less often", "`answer.errors`"],
    );
}
