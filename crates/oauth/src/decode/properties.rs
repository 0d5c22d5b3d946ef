//! Whatever bytes come, decoding them ends, and no unfit access token comes of it.

use proptest::prelude::*;
use serde_json::json;
use tieline_core::Timestamp;
use tieline_core::descriptor::{Capture, Step, TokenAnswer};

use super::{Context, Warnings, decode, token_set};

fn is_fit(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
}

/// The access token that is read from `body`, if any.
fn access_token(answer: &TokenAnswer, step: Step, body: &[u8]) -> Option<String> {
    let decoded = decode(body).ok()?;
    let context = Context {
        answer,
        issuer: Some("i"),
        step,
        now: Timestamp::MAX,
        current: None,
    };
    let set = token_set(
        &context,
        &decoded.object,
        &decoded.object,
        &mut Warnings::default(),
    )
    .ok()?;
    Some(set.access_token.expose().to_owned())
}

fn check(body: &[u8]) {
    const ANSWER: TokenAnswer = TokenAnswer {
        path: Some("data.0"),
        user_path: Some("user"),
        fields: &[("access_token", "t.x"), ("expires_in", "e")],
        captures: &[Capture {
            name: "c",
            field: "scope",
            after: "a",
            before: "b",
        }],
        ..TokenAnswer::DEFAULT
    };
    for answer in [&TokenAnswer::DEFAULT, &ANSWER] {
        for step in [Step::Exchange, Step::Refresh] {
            let token = access_token(answer, step, body);
            assert!(token.as_deref().is_none_or(is_fit), "{token:?}");
        }
    }
}

/// Texts that are nearly token answers.
fn nearly() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "access_token",
        "refresh_token",
        "expires_in",
        "expires",
        "expires_at",
        "scope",
        "id_token",
        "user",
        "t",
        "e",
        "token_type",
    ]);
    let value = prop_oneof![
        "\"[ !#-\\[\\]-~]{0,8}\"",
        "-?[1-9][0-9]{0,30}(\\.[0-9]{1,5})?(e-?[1-9][0-9]{0,3})?",
        prop::sample::select(vec![
            "null",
            "\"\\ud800x\"",
            "\"bearer\"",
            "\"\\u0007\"",
            "\"a\\r\\nb\"",
            "\"\u{e9}\"",
            "[1,\"a b\",{}]",
            "{\"x\":\"tok\\n\",\"access_token\":\"u\"}",
            "\"-262143-01-01T00:00:00Z\"",
            "\"a.eyJpc3MiOiJpIn0.b\"",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec((name, value), 0..8).prop_map(|pairs| {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", pairs.join(","))
    })
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
        check(&body);
    }

    #[test]
    fn any_near_answer_is_read_without_panic(body in nearly()) {
        check(body.as_bytes());
    }

    #[test]
    fn any_form_is_read_without_panic(
        body in "access_token=([ -~]|%[01][0-9a-f]){0,20}(&(expires|scope|e)=[ -~]{0,10}){0,3}"
    ) {
        check(body.as_bytes());
    }

    #[test]
    fn any_token_text_is_either_kept_whole_or_refused(
        token in prop_oneof![any::<String>(), "[\\x00-\\x7f]{0,4}", "[ -~]{1,40}"]
    ) {
        let body = json!({ "access_token": token }).to_string();
        let read = access_token(&TokenAnswer::DEFAULT, Step::Refresh, body.as_bytes());
        prop_assert_eq!(read, is_fit(&token).then_some(token));
    }
}
