//! What must be true of tokens that the vendor has just issued.

use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{Capture, Step};
use tieline_core::{Clock as _, Secret, dotted_path};
use tieline_oauth::Tokens;

use crate::findings::Findings;
use crate::stage::Stage;

/// Compares tokens with the ledger, and what came with them with the vendor's file.
pub(super) fn examine(stage: &Stage, step: Step, tokens: &Tokens, findings: &mut Findings) {
    let (ledger, vendor, set) = (stage.sandbox.ledger(), &stage.vendor, &tokens.set);
    findings.expect(ledger.is_live_access_token(set.access_token.expose()), || {
        "the access token is not the one that the vendor issued; look at `answer.path` and `answer.fields`"
    });
    let refresh_token = set.refresh_token.as_ref().map(Secret::expose);
    let is_issued = match refresh_token {
        Some(token) => ledger.is_current_refresh_token(token),
        None => !vendor.has_refresh_tokens(),
    };
    findings.expect(is_issued, || {
        "the refresh token is not the one that the vendor issued; look at `answer.path` and `answer.fields`"
    });
    examine_lifetimes(stage, tokens, findings);
    for warning in &tokens.warnings {
        findings.add(format!(
            "the vendor's usual answer is thought odd: {}: {}; look at `answer`",
            warning.field, warning.message
        ));
    }
    let answer = vendor.answer_to(step);
    let oauth2 = stage.provider.descriptor().oauth2();
    let in_answer = |field: &str| {
        let inner = oauth2.answer.path.map(|path| format!("{path}.{field}"));
        dotted_path::at(answer, field).is_some()
            || inner.is_some_and(|field| dotted_path::at(answer, &field).is_some())
    };
    // What only one of two answers tells is kept from that one.
    let told = |capture: &&Capture| step == Step::Exchange || in_answer(capture.field);
    for capture in oauth2.answer.captures.iter().filter(told) {
        findings.expect(set.captures.contains_key(capture.name), || {
            format!(
                "`answer.captures` finds no {:?} in the field {:?} of the answer",
                capture.name, capture.field
            )
        });
    }
}

/// An expiry is kept exactly where the answer tells one, and counted from now.
fn examine_lifetimes(stage: &Stage, tokens: &Tokens, findings: &mut Findings) {
    let (vendor, set) = (&stage.vendor, &tokens.set);
    let lifetimes = [
        (
            "access",
            "{expires_in}",
            "token.access_token_lifetime_seconds",
            set.expires_at,
        ),
        (
            "refresh",
            "{refresh_expires_in}",
            "token.refresh_token_lifetime_seconds",
            set.refresh_expires_at,
        ),
    ];
    for (kind, placeholder, place, expires_at) in lifetimes {
        let seconds = vendor.seconds(place);
        let expected =
            seconds.map(|seconds| saturating_add(stage.clock.now(), Duration::from_secs(seconds)));
        // One that comes back as it was has lived a while.
        let is_old = kind == "refresh"
            && vendor
                .seconds("token.refresh_token_rotates_after_seconds")
                .is_some()
            && expires_at > Some(stage.clock.now())
            && expires_at < expected;
        let is_fine = expires_at == expected
            || is_old
            || (expires_at.is_none() && !vendor.answers_with(placeholder));
        findings.expect(is_fine, || {
            let lives = seconds.map_or("until it is ended".to_owned(), |seconds| format!("{seconds} s"));
            let found = expires_at.map_or("unknown".to_owned(), |at| format!("{} s", at.as_second() - stage.clock.now().as_second()));
            format!(
                "the {kind} token lives {lives} and is taken to live {found}; look at `answer.expires_in_unit`, \
                 `answer.expires_in_format`, `answer.default_expires_in` and `answer.fields`"
            )
        });
    }
}
