//! Rows about what comes back through the browser.

use tieline_core::Secret;
use tieline_core::descriptor::{Callback as DeclaredCallback, CallbackHost, Capture, OAuth2};
use tieline_core::http::CallbackQuery;
use tieline_core::parameters::Given;
use tieline_oauth::{
    AuthorizationRequestOptions, Callback, CallbackRefusal, authorization, check_callback, state_of,
};

use crate::acme::{Acme, REDIRECT_URI, SHOP, STANDARD, parameters};

/// A provider with an issuer that says so in every answer.
const WITH_ISSUER: OAuth2 = OAuth2 {
    issuer: Some("https://as.example"),
    authorization_response_iss_parameter_supported: true,
    ..STANDARD
};

/// As the engine does it: the state is looked up first, then the rest is checked.
fn check(oauth2: OAuth2, query: &str) -> Result<Callback, CallbackRefusal> {
    check_from(oauth2, query, None)
}

/// An authorization that was started for one shop, if for any.
fn check_from(
    oauth2: OAuth2,
    query: &str,
    shop: Option<&str>,
) -> Result<Callback, CallbackRefusal> {
    let query = CallbackQuery::parse(query);
    assert_eq!(state_of(&query)?, "xyz");
    let provider = Acme::with(oauth2);
    let mut parameters = parameters(&provider, "key", Some("secret"), &[]);
    if let Some(shop) = shop {
        let given = Given::from([(SHOP.to_string(), Secret::from(shop))]);
        parameters = parameters.with_end_user(&given).unwrap();
    }
    check_callback(&provider, &parameters, &query)
}

fn refusal(query: &str) -> CallbackRefusal {
    check(STANDARD, query).unwrap_err()
}

#[test]
fn a01_a_code_is_taken() {
    let callback = check(STANDARD, "?code=SplxlOBeZQQYbYS6WxSbIA&state=xyz").unwrap();
    assert_eq!(callback.code.expose(), "SplxlOBeZQQYbYS6WxSbIA");
    assert!(callback.captures.is_empty());
}

#[test]
fn a03_an_empty_code_is_none() {
    assert_eq!(
        refusal("?code=&state=xyz"),
        CallbackRefusal::CodeMissing {
            provider: "acme",
            parameter: "code"
        }
    );
}

#[test]
fn a04_without_a_state_nothing_is_followed() {
    assert_eq!(refusal("?code=Splx"), CallbackRefusal::StateMissing);
    assert_eq!(refusal("?code=Splx&state="), CallbackRefusal::StateMissing);
}

#[test]
fn a04_the_whole_check_does_not_rely_on_the_look_up() {
    let provider = Acme::with(STANDARD);
    let parameters = parameters(&provider, "key", Some("secret"), &[]);
    for query in [
        "?code=Splx",
        "?code=a&code=b&state=xyz",
        "?code=a&state=xyz&access_token=t",
    ] {
        assert!(
            check_callback(&provider, &parameters, &CallbackQuery::parse(query)).is_err(),
            "{query}"
        );
    }
}

#[test]
fn a05_the_state_of_a_callback_is_compared_with_what_was_started() {
    let provider = Acme::with(STANDARD);
    let options = AuthorizationRequestOptions {
        redirect_uri: REDIRECT_URI,
        scopes: None,
    };
    let parameters = parameters(&provider, "key", Some("secret"), &[]);
    let started = [(); 2].map(|()| {
        authorization(&provider, &parameters, options)
            .unwrap()
            .state
    });
    assert_ne!(started[0], started[1]);
    let is_known = |query: &str| {
        let query = CallbackQuery::parse(query);
        let state = state_of(&query).unwrap();
        started.iter().any(|started| started.expose() == state)
    };
    assert!(!is_known("?code=Splx&state=abc"));
    assert!(is_known(&format!(
        "?code=Splx&state={}",
        started[1].expose()
    )));
}

#[test]
fn a06_a_denial_is_a_denial() {
    assert_eq!(
        refusal("?error=access_denied&state=xyz"),
        CallbackRefusal::Denied { provider: "acme" }
    );
}

#[test]
fn a07_the_state_is_looked_at_before_the_error() {
    assert_eq!(
        refusal("?error=access_denied"),
        CallbackRefusal::StateMissing
    );
}

#[test]
fn a08_another_error_is_the_operators() {
    let refusal = refusal("?error=invalid_request&state=xyz");
    assert_eq!(
        refusal,
        CallbackRefusal::ProviderError {
            provider: "acme",
            code: "invalid_request".to_owned()
        }
    );
    assert!(refusal.to_string().contains("invalid_request"));
}

#[test]
fn a10_an_error_goes_before_a_code() {
    assert_eq!(
        refusal("?code=a&error=access_denied&state=xyz"),
        CallbackRefusal::Denied { provider: "acme" }
    );
}

#[test]
fn a11_no_parameter_may_be_repeated() {
    assert_eq!(
        refusal("?code=a&code=b&state=xyz"),
        CallbackRefusal::Repeated {
            name: "code".to_owned()
        }
    );
    assert_eq!(
        refusal("?code=a&state=xyz&state=xyz"),
        CallbackRefusal::Repeated {
            name: "state".to_owned()
        }
    );
}

#[test]
fn a14_a_server_that_always_names_itself_must() {
    let refusal = check(WITH_ISSUER, "?code=a&state=xyz").unwrap_err();
    assert_eq!(refusal, CallbackRefusal::IssuerMissing { provider: "acme" });
    assert!(
        check(
            OAuth2 {
                authorization_response_iss_parameter_supported: false,
                ..WITH_ISSUER
            },
            "?code=a&state=xyz"
        )
        .is_ok()
    );
}

#[test]
fn a15_issuers_are_compared_character_by_character() {
    let of = |issuer| check(WITH_ISSUER, &format!("?code=a&state=xyz&iss={issuer}"));
    assert!(of("https%3A%2F%2Fas.example").is_ok());
    for other in [
        "https://as.example/",
        "https://AS.example",
        "https://as.example:443",
    ] {
        assert_eq!(
            of(other).unwrap_err(),
            CallbackRefusal::IssuerMismatch { provider: "acme" },
            "{other}"
        );
    }
}

#[test]
fn a16_another_servers_error_is_not_shown() {
    let query = "?error=access_denied&error_description=Call+us&state=xyz&iss=https%3A%2F%2Fevil";
    let refusal = check(WITH_ISSUER, query).unwrap_err();
    assert_eq!(
        refusal,
        CallbackRefusal::IssuerMismatch { provider: "acme" }
    );
    assert!(!refusal.to_string().contains("Call") && !refusal.to_string().contains("evil"));
}

#[test]
fn a18_a_signed_response_was_not_asked_for() {
    assert_eq!(
        refusal("?response=eyJ..."),
        CallbackRefusal::NotAskedFor { name: "response" }
    );
}

#[test]
fn a19_tokens_through_the_browser_were_not_asked_for() {
    assert_eq!(
        refusal("?access_token=t&state=xyz"),
        CallbackRefusal::NotAskedFor {
            name: "access_token"
        }
    );
    assert_eq!(
        refusal("?id_token=.."),
        CallbackRefusal::NotAskedFor { name: "id_token" }
    );
}

#[test]
fn a25_a_code_is_decoded_once() {
    assert_eq!(
        check(STANDARD, "?code=4%2F0AX4XfWh&state=xyz")
            .unwrap()
            .code
            .expose(),
        "4/0AX4XfWh"
    );
    assert_eq!(
        check(STANDARD, "?code=4%252F0&state=xyz")
            .unwrap()
            .code
            .expose(),
        "4%2F0"
    );
}

#[test]
fn a27_a_host_is_believed_only_if_it_is_the_one_that_was_started_with() {
    let host = Some(CallbackHost {
        parameter: "shop",
        host: "{acme.shop}.shops.acme.example",
    });
    let oauth2 = OAuth2 {
        callback: DeclaredCallback {
            host,
            ..DeclaredCallback::DEFAULT
        },
        ..STANDARD
    };
    let of = |shop: &str, started_for| {
        let query = format!("?code=a&state=xyz&shop={shop}");
        check_from(oauth2, &query, started_for).map(|_| ())
    };
    let mismatch = Err(CallbackRefusal::HostMismatch {
        provider: "acme",
        parameter: "shop",
    });
    assert_eq!(of("ada.shops.acme.example", Some("ada")), Ok(()));
    assert_eq!(of("ADA.Shops.acme.example", Some("ada")), Ok(()));
    for other in [
        "eve.shops.acme.example",
        "evil.example",
        "",
        "shops.acme.example",
        ".shops.acme.example",
        "a.ada.shops.acme.example",
        "ada.shops.acme.example.",
        "ada.shops.acme.example.evil.example",
        "evil.example%2F.shops.acme.example",
        "evil.example%23ada.shops.acme.example",
        "-ada.shops.acme.example",
        "ada%00.shops.acme.example",
        "ada.shops.acme.example%2F",
        "{acme.shop}.shops.acme.example",
    ] {
        assert_eq!(of(other, Some("ada")), mismatch, "{other}");
    }
    assert_eq!(
        of("ada.shops.acme.example", None),
        mismatch,
        "nobody said which shop"
    );
    let silent = check_from(oauth2, "?code=a&state=xyz", Some("ada"));
    assert_eq!(silent.map(|_| ()), mismatch);
}

#[test]
fn what_is_captured_and_what_is_shown_is_bounded() {
    let captures = &[Capture {
        name: "tenant",
        field: "scope",
        after: "full|",
        before: ".acme.example",
    }];
    let callback = DeclaredCallback {
        code_parameter: "auth_code",
        captures,
        ..DeclaredCallback::DEFAULT
    };
    let oauth2 = OAuth2 {
        callback,
        ..STANDARD
    };
    let taken = check(
        oauth2,
        "?auth_code=a&scope=full%7Chl214.acme.example&state=xyz",
    )
    .unwrap();
    assert_eq!(
        (taken.code.expose(), &*taken.captures["tenant"]),
        ("a", "hl214")
    );
    assert!(check(oauth2, "?code=a&state=xyz").is_err());
    for hostile in ["%3Cscript%3E", &"x".repeat(41), "a%0Ab"] {
        let error = refusal(&format!("?error={hostile}&state=xyz"));
        let unreadable = "an unreadable code".to_owned();
        assert_eq!(
            error,
            CallbackRefusal::ProviderError {
                provider: "acme",
                code: unreadable
            }
        );
        let name = "with an unreadable name".to_owned();
        assert_eq!(
            refusal(&format!("?{hostile}=1&{hostile}=2&state=xyz")),
            CallbackRefusal::Repeated { name }
        );
    }
}
