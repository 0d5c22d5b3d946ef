//! The way back, and what else requests must have: separators, a time, a signature, further parameters.

use crate::client::{Auth, Played, acme_but, exchange_form, pair, query};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::Url;

#[tokio::test]
async fn scopes_are_parted_as_the_vendor_parts_them() {
    let rules = acme_but(|rules| {
        rules["authorization"]["scope_separator"] = ",".into();
        rules["authorization"]["callback"]["scope"] = "{scope}".into();
    });
    let acme = Played::start(&rules).await;
    let url = acme.authorization_url(&[("scope", "read,write")]);
    let callback = acme.sandbox.consent(&url).await.unwrap();
    assert_eq!(query(&callback, "scope").unwrap(), "read,write");
    let code = query(&callback, "code").unwrap();
    let answer = acme.exchange(&code).await.unwrap();
    assert_eq!(
        answer.json()["scope"],
        "read write",
        "an answer's separator"
    );
    let (_, refresh) = pair(&answer);
    let narrower = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("scope", "write,read"),
    ];
    pair(&acme.token(Auth::Basic, &narrower).await.unwrap());
    for scope in ["read write", "read,,write", "read,other"] {
        let url = acme.authorization_url(&[("scope", scope)]);
        let callback = acme.sandbox.consent(&url).await.unwrap();
        assert_eq!(query(&callback, "error").unwrap(), "invalid_scope");
    }
}

#[tokio::test]
async fn a_callback_is_signed_over_all_that_it_carries() {
    let rules = acme_but(|rules| {
        let authorization = &mut rules["authorization"];
        authorization["callback"]["shop"] = "{account.tenant}.acme.example".into();
        authorization["callback"]["timestamp"] = "{timestamp}".into();
        authorization["callback_signature"]["parameter"] = "hmac".into();
    });
    let acme = Played::start(&rules).await;
    let url = acme.authorization_url(&[]);
    let approved = acme.sandbox.consent(&url).await.unwrap();
    assert_eq!(query(&approved, "timestamp").unwrap(), "1800000000");
    let denied = acme.sandbox.deny(&url).await.unwrap();
    for (callback, names) in [
        (approved, "code from iss shop state timestamp"),
        (denied, "error from iss state"),
    ] {
        let url = Url::parse(&callback).unwrap();
        let mut signed: Vec<_> = url
            .query_pairs()
            .filter(|(name, _)| name != "hmac")
            .collect();
        signed.sort();
        let found: Vec<_> = signed.iter().map(|(name, _)| name.as_ref()).collect();
        assert_eq!(found.join(" "), names);
        let signed = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(signed)
            .finish();
        let secret = acme.sandbox.client().1;
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(signed.as_bytes());
        let mac = mac.finalize().into_bytes();
        let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(query(&callback, "hmac").unwrap(), hex, "{callback}");
    }
}

#[tokio::test]
async fn a_step_may_ask_for_further_parameters() {
    let rules = acme_but(|rules| {
        rules["token"]["exchange"]["parameters"]["expiring"] = "1".into();
        rules["token"]["refresh"]["parameters"]["audience"] = "all".into();
    });
    let acme = Played::start(&rules).await;
    let code = acme.code().await;
    for more in [&[][..], &[("expiring", "0")], &[("expiring", "")]] {
        let form = [&exchange_form(&code)[..], more].concat();
        let refused = acme.token(Auth::Body, &form).await.unwrap();
        assert_eq!(
            refused.error(),
            "400 invalid_request/a parameter that this vendor asks for is missing or has another value"
        );
    }
    let form = [&exchange_form(&code)[..], &[("expiring", "1")]].concat();
    let (_, refresh) = pair(&acme.token(Auth::Body, &form).await.unwrap());
    assert_eq!(acme.refresh(&refresh).await.unwrap().status, 400);
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", refresh.as_str()),
        ("audience", "all"),
    ];
    pair(&acme.token(Auth::Basic, &form).await.unwrap());
}
