//! A code becomes tokens, scopes, expiry and captures, with one request that the vendor takes, and is dead then.

use tieline_core::Secret;
use tieline_core::descriptor::{Capture, Step};
use tieline_oauth::Outcome;
use tieline_sandbox::{Endpoint, Outcome as Issued};

use super::tokens;
use crate::findings::{Findings, Stuck};
use crate::stage::{Connection, Consent, Stage};
use crate::subject::Subject;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let connection = stage.connect().await?;
    let ledger = stage.sandbox.ledger();
    // Nothing else has been asked of that endpoint yet, in whatever grant.
    let requests = ledger.requests_to(Endpoint::Token).count();
    let exchanges = ledger.exchanges() + ledger.count(Issued::ClientTokenIssued);
    findings.expect((requests, exchanges) == (1, 1), || {
        format!("the vendor saw {requests} exchange requests and did {exchanges} instead of one; look at `exchange`")
    });
    tokens::examine(&stage, Step::Exchange, &connection.tokens, findings);
    examine_captures(&stage, &connection, findings);
    if let Some(consent) = &connection.consent {
        let oauth2 = subject.provider.descriptor().oauth2();
        let supported = oauth2.authorization_response_iss_parameter_supported;
        findings.expect(supported == consent.query.has("iss"), || {
            "the vendor sends iss with every callback; state `authorization_response_iss_parameter_supported`"
        });
        examine_scopes(&stage, &connection, &consent.started.scopes, findings);
        examine_second_set(&stage, &connection, findings);
        examine_dead_code(&stage, consent, findings).await;
    }
    Ok(())
}

/// A code used again is dead, in whatever words and under whatever status the vendor says so.
async fn examine_dead_code(stage: &Stage, consent: &Consent, findings: &mut Findings) {
    let Consent {
        started, callback, ..
    } = consent;
    let answer = stage
        .client()
        .exchange(
            &callback.code,
            &started.redirect_uri,
            started.code_verifier.as_ref(),
        )
        .await;
    match answer {
        Ok(_) => findings.add("a code works twice; look at `answer`"),
        Err(failure) => findings.expect(matches!(failure.outcome, Outcome::Dead), || {
            format!(
                "a code that was used before is judged {:?}; look at `answer.errors` and `answer.error_path`: {}",
                failure.outcome.to_string(),
                stage.explain(Step::Exchange, &failure)
            )
        }),
    }
}

/// A second set of tokens, for the consenting user, is found exactly where there is one.
fn examine_second_set(stage: &Stage, connection: &Connection, findings: &mut Findings) {
    let issued = !stage.vendor.texts("authorization.user_scopes").is_empty();
    let ledger = stage.sandbox.ledger();
    match (issued, &connection.tokens.set.user) {
        (false, None) => {}
        (true, None) => findings.add(
            "the vendor issues a second set of tokens for the user, and it is not found; look at `answer.user_path`, and \
             at how the user's scopes are asked for",
        ),
        (false, Some(_)) => {
            findings.add("something is taken for a second set of tokens; look at `answer.user_path`");
        }
        (true, Some(set)) => {
            let refresh_token = set.refresh_token.as_ref().map(Secret::expose);
            let is_issued = ledger.is_live_access_token(set.access_token.expose())
                && refresh_token.is_none_or(|token| ledger.is_current_refresh_token(token))
                && refresh_token.is_some() == stage.vendor.has_refresh_tokens();
            findings.expect(is_issued, || {
                "the user's tokens are not those that the vendor issued; look at `answer.user_path`"
            });
        }
    }
}

/// Granted is what was asked for, in the vendor's own words.
fn examine_scopes(
    stage: &Stage,
    connection: &Connection,
    asked: &[String],
    findings: &mut Findings,
) {
    let known = stage.vendor.texts("authorization.scopes");
    let granted = &connection.tokens.set.scopes;
    for scope in granted
        .iter()
        .filter(|scope| !known.contains(&scope.as_str()))
    {
        findings.add(format!(
            "{scope:?} is taken for a granted scope, and the vendor has none of that name; look at \
             `answer.scope_separator`, `answer.scope_ends_at` and `answer.fields`"
        ));
    }
    for scope in asked
        .iter()
        .filter(|scope| !granted.is_empty() && !granted.contains(scope))
    {
        findings.add(format!(
            "the scope {scope:?} was granted and is not found in the answer; look at `answer.scope_separator`, \
             `answer.scope_ends_at` and `answer.fields`"
        ));
    }
    if granted.is_empty() && stage.vendor.answers_with("\"scope\"") {
        findings.add(
            "the answer names scopes, and none is found; look at `answer.path` and `answer.fields`",
        );
    }
}

/// What the vendor tells about the account is kept, whole and nothing but.
fn examine_captures(stage: &Stage, connection: &Connection, findings: &mut Findings) {
    let oauth2 = stage.provider.descriptor().oauth2();
    let captured = connection.captures();
    let told = match &connection.consent {
        Some(consent) => &consent.callback.captures,
        None => &captured,
    };
    for capture in oauth2.callback.captures {
        findings.expect(told.contains_key(capture.name), || {
            format!(
                "`callback.captures` finds no {:?} in the parameter {:?} of the callback",
                capture.name, capture.field
            )
        });
    }
    let places = [
        (
            "callback",
            "authorization.callback",
            oauth2.callback.captures,
        ),
        ("answer", "token.answer.body", oauth2.answer.captures),
    ];
    for (place, path, captures) in places {
        for field in stage.vendor.account_fields(path) {
            let host = oauth2.callback.host.map(|host| host.parameter);
            if place == "callback" && host == Some(field.as_str()) {
                // Held against where it was started, and so known already.
                continue;
            }
            findings.expect(captures.iter().any(|capture| reads(capture, &field, oauth2.answer.path)), || {
                format!("the {place} tells in {field:?} whose account it is, and nothing keeps it; look at `{place}.captures`")
            });
        }
    }
    let facts = stage.vendor.at("accounts.0");
    let is_fact = |kept: &String| {
        facts
            .as_object()
            .is_some_and(|facts| facts.values().any(|fact| text(fact) == *kept))
    };
    for (name, kept) in connection
        .captures()
        .iter()
        .filter(|(_, kept)| !is_fact(kept))
    {
        findings.add(format!(
            "{kept:?} is kept as {name:?}, and is no fact about the account; look at `after` and `before` of the capture"
        ));
    }
}

fn reads(capture: &Capture, field: &str, token_object: Option<&str>) -> bool {
    let inner = token_object.and_then(|path| field.strip_prefix(path)?.strip_prefix('.'));
    capture.field == field || Some(capture.field) == inner
}

fn text(fact: &serde_json::Value) -> String {
    fact.as_str()
        .map_or_else(|| fact.to_string(), str::to_owned)
}
