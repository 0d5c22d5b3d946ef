//! Every spelling of a dead refresh token is understood, and no other error is mistaken for one.

use serde_json::Value;
use tieline_core::descriptor::Step;
use tieline_oauth::Outcome;
use tieline_sandbox::{Act, Endpoint};

use crate::findings::{Findings, Stuck};
use crate::stage::Stage;
use crate::subject::Subject;

/// What else the vendor may say at a refresh: nobody must connect again because of these.
const OTHERS: &[&str] = &[
    "no_grant_type",
    "unsupported_grant_type",
    "invalid_request",
    "invalid_scope",
    "wrong_client",
    "wrong_client_authentication",
];

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let connection = stage.connect().await?;
    if stage.refresh_token(&connection)?.is_none() {
        let declared = subject
            .provider
            .descriptor()
            .oauth2()
            .answer
            .dead_refresh_token;
        findings.expect(
            declared.is_empty(),
            || "there are no refresh tokens, and `answer.dead_refresh_token` says what a dead one looks like",
        );
        return Ok(());
    }
    let spellings = stage.vendor.at("token.errors.dead_refresh_token");
    let spellings = spellings.as_array().map(Vec::as_slice).unwrap_or_default();
    for (index, spelling) in spellings.iter().enumerate() {
        let connection = stage.connect().await?;
        let Some(refresh_token) = stage.refresh_token(&connection)? else {
            return Ok(());
        };
        stage.sandbox.set_dead_token_spelling(index);
        stage.sandbox.revoke_grant(refresh_token.expose());
        match stage.client().refresh(refresh_token).await {
            Ok(_) => findings.add("a dead refresh token still works; look at `refresh`"),
            Err(failure) => findings.expect(matches!(failure.outcome, Outcome::Dead), || {
                let why = stage.refusal(Endpoint::Token).unwrap_or_default();
                stage.wrong_style(Step::Refresh).unwrap_or_else(|| {
                    format!(
                        "the vendor says of a dead refresh token {} and {}, which is judged {:?}{why}; add it to \
                         `answer.dead_refresh_token`",
                        spelling["status"],
                        spelling["body"],
                        failure.outcome.to_string()
                    )
                })
            }),
        }
    }
    examine_others(&stage, spellings, findings).await
}

async fn examine_others(
    stage: &Stage,
    dead: &[Value],
    findings: &mut Findings,
) -> Result<(), Stuck> {
    let connection = stage.connect().await?;
    let Some(refresh_token) = stage.refresh_token(&connection)? else {
        return Ok(());
    };
    for name in OTHERS {
        let answer = stage.vendor.at(&format!("token.errors.{name}"));
        if dead.contains(answer) {
            continue;
        }
        stage.sandbox.script(Endpoint::Token, scripted(answer));
        let outcome = stage
            .client()
            .refresh(refresh_token)
            .await
            .map_err(|failure| failure.outcome);
        findings.expect(!matches!(outcome, Err(Outcome::Dead)), || {
            format!(
                "the vendor says {} and {} of something else ({name}), which is taken for a dead refresh token; look at \
                 `answer.dead_refresh_token` and `answer.errors`",
                answer["status"], answer["body"]
            )
        });
    }
    Ok(())
}

/// An answer of the vendor's file, given whatever is asked.
fn scripted(answer: &Value) -> Act {
    let body = match &answer["body"] {
        Value::String(text) => text.clone(),
        body => body.to_string(),
    };
    Act::Answer {
        status: answer["status"]
            .as_u64()
            .and_then(|status| status.try_into().ok())
            .unwrap_or(400),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body
            .replace("{reason}", "that is not how it is done")
            .into_bytes(),
    }
}
