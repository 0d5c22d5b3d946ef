//! A descriptor that leads elsewhere than to the vendor's own hosts, or lets somebody else lead there.

use tieline_core::ParameterMapping;
use tieline_core::descriptor::{DeviceAuthorization, Stated};
use tieline_core::prelude::{Format, SetBy};
use tieline_testkit::Promise::*;

use super::{assert_broken, described, subject};
use crate::departing::{SITE_ADDRESS, per_tenant, sometimes, strict, unrefreshed};
use crate::kinds::key;
use crate::providers::{MAPPINGS, acme};

const ANY_TEXT: &[ParameterMapping] = &[
    MAPPINGS[0],
    MAPPINGS[1],
    MAPPINGS[2],
    ParameterMapping {
        set_by: SetBy::EndUser,
        format: Format::Text,
        description: "The shop's address",
        ..ParameterMapping::new("Site", SITE_ADDRESS)
    },
];

#[test]
fn any_text_in_a_host() {
    let open = per_tenant(|descriptor, _| descriptor.mappings = ANY_TEXT);
    let words = &[
        "shopify.site.address takes \"evil.example/\"",
        "shopify.site.address takes \"x:y@evil.example:443/\"",
        "`format`",
    ];
    let told = TenantHosts.check(&subject(described(open))).unwrap_err();
    for word in words {
        assert!(told.to_string().contains(word), "{word}: {told}");
    }
    // The registry would not take it either.
    assert_broken(
        described(open),
        &[Descriptor, TenantHosts],
        &["token_endpoint asks for {shopify.site.address}, which is no parameter that fits there"],
    );
    for fine in [per_tenant(|_, _| {}), key(|_| {})] {
        assert_eq!(TenantHosts.check(&subject(described(fine))), Ok(()));
    }
}

#[test]
fn the_host_where_people_consent() {
    let elsewhere = strict(|_, oauth2| {
        oauth2.authorization_endpoint = "https://api.infusionsoft.com/app/oauth/authorize";
    });
    let all = &[
        Descriptor,
        AuthorizationUrl,
        Wire,
        Callback,
        Exchange,
        ExchangeWrongSecret,
        Refresh,
        Rotation,
        DeadRefreshToken,
        HealthCheck,
        Redaction,
    ];
    let provider = described(elsewhere);
    assert_broken(
        provider,
        all,
        &[
            "`authorization_endpoint` has the host \"api.infusionsoft.com\", the vendor's is \"accounts.infusionsoft.com\"",
        ],
    );
    assert_broken(
        provider,
        all,
        &[
            "an error instead of its consent page",
            "look at `authorization_endpoint`",
        ],
    );
}

#[test]
fn the_host_of_the_token_endpoint() {
    let elsewhere =
        strict(|_, oauth2| oauth2.token_endpoint = "https://accounts.infusionsoft.com/token");
    let all = &[
        Descriptor,
        Wire,
        Exchange,
        ExchangeWrongSecret,
        Refresh,
        Rotation,
        DeadRefreshToken,
        HealthCheck,
        Redaction,
    ];
    let words = &[
        "the request went to accounts.infusionsoft.com/token, and the vendor has nothing of the kind there",
        "look at `token_endpoint`",
    ];
    assert_broken(described(elsewhere), all, words);
    let words = &["`token_endpoint` has the host \"accounts.infusionsoft.com\""];
    assert_broken(described(elsewhere), all, words);
}

#[test]
fn the_host_of_refreshes_alone() {
    let elsewhere =
        acme(|_, oauth2| oauth2.refresh_endpoint = Some("https://other.example/oauth/token"));
    assert_broken(
        described(elsewhere),
        &[Wire, Refresh, Rotation, DeadRefreshToken],
        &[
            "the request went to other.example/oauth/token",
            "look at `refresh_endpoint`",
        ],
    );
}

#[test]
fn the_host_of_the_revocation_endpoint() {
    let elsewhere = sometimes(|_, oauth2| {
        oauth2.revocation_endpoint =
            Stated::Known("https://oauth.platform.intuit.com/v2/oauth2/tokens/revoke");
    });
    assert_broken(
        described(elsewhere),
        &[Descriptor, Wire, Revocation],
        &[
            "the request went to oauth.platform.intuit.com/v2/oauth2/tokens/revoke",
            "look at `revocation_endpoint`",
        ],
    );
}

#[test]
fn the_host_of_user_codes() {
    let invented = DeviceAuthorization::new("https://api.github.com/login/device/code");
    let elsewhere = unrefreshed(|_, oauth2| oauth2.device = Some(invented));
    assert_broken(
        described(elsewhere),
        &[Descriptor, Device],
        &[
            "the request went to api.github.com/login/device/code",
            "look at `device.endpoint`",
        ],
    );
}

#[test]
fn the_host_of_the_api() {
    let elsewhere =
        strict(|descriptor, _| descriptor.api.base = "https://accounts.infusionsoft.com/crm/rest");
    assert_broken(
        described(elsewhere),
        &[Descriptor, Wire, HealthCheck],
        &[
            "the request went to accounts.infusionsoft.com/crm/rest/v1/oauth/connect/userinfo",
            "look at `api.base`",
        ],
    );
    // Another tenant's host is none of this one's.
    let elsewhere = per_tenant(|descriptor, _| {
        descriptor.api.base = "https://compilers-and-sons.myshopify.com/admin/api/2026-10";
    });
    assert_broken(
        described(elsewhere),
        &[Descriptor, Wire, HealthCheck],
        &["the host is another account's", "look at `api.base`"],
    );
}
