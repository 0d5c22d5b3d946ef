//! What a provider's hooks may do wrong.

use tieline_core::ParameterKey;
use tieline_core::prelude::*;
use tieline_testkit::Promise::*;

use super::assert_broken;
use crate::providers::acme;

macro_rules! acme_with {
    ($name:ident { $($hook:item)* }) => {{
        #[derive(Debug)]
        struct $name(&'static ProviderDescriptor);

        impl ProviderSetup for $name {
            fn descriptor(&self) -> &'static ProviderDescriptor {
                self.0
            }

            $($hook)*
        }
        Box::leak(Box::new($name(Box::leak(Box::new(acme(|_, _| {}))))))
    }};
}

#[test]
fn a_refusal_that_repeats_the_code() {
    let talkative = acme_with!(Talkative {
        fn verify_callback(&self, query: &CallbackQuery, _: &Parameters) -> Result<(), HookRefusal> {
            match query.get("state") {
                Some("wrong") => Err(HookRefusal(format!("{:?} is not ours", query.get("code")))),
                _ => Ok(()),
            }
        }
    });
    assert_broken(
        talkative,
        &[Redaction],
        &["CallbackRefusal shows secrets when it is printed (1)"],
    );
}

#[test]
fn a_refusal_that_repeats_the_client_secret() {
    let talkative = acme_with!(Talkative {
        fn amend_token_request(
            &self,
            step: Step,
            _: &mut http::Request<bytes::Bytes>,
            parameters: &Parameters,
        ) -> Result<(), HookRefusal> {
            match step {
                Step::Refresh => Err(HookRefusal(parameters.get(ParameterKey::OAUTH_API_SECRET).unwrap_or_default().to_owned())),
                _ => Ok(()),
            }
        }
    });
    let all = &[Wire, Refresh, Rotation, DeadRefreshToken, Redaction];
    assert_broken(talkative, all, &["`refresh`"]);
}

#[test]
fn a_state_that_is_no_secret() {
    let careless = acme_with!(Careless {
        fn amend_authorization(&self, query: &mut Vec<(String, String)>, _: &Parameters) {
            for (name, value) in query {
                if name == "state" {
                    "1".clone_into(value);
                }
            }
        }
    });
    let all = &[
        AuthorizationUrl,
        Wire,
        Callback,
        Exchange,
        ExchangeWrongSecret,
        Refresh,
        Rotation,
        DeadRefreshToken,
        Revocation,
        HealthCheck,
        Redaction,
    ];
    assert_broken(careless, all, &["state"]);
}

#[test]
fn tokens_that_a_hook_changed() {
    let meddling = acme_with!(Meddling {
        fn amend_token_answer(&self, _: Step, answer: &mut serde_json::Map<String, serde_json::Value>) {
            answer.insert("access_token".to_owned(), "another".into());
        }
    });
    let all = &[Wire, Exchange, Refresh, HealthCheck];
    assert_broken(
        meddling,
        all,
        &["the access token is not the one that the vendor issued"],
    );
}
