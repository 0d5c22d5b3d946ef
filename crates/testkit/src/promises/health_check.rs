//! A live token tells whose it is, two accounts are told apart, and a dead token is noticed.

use tieline_core::descriptor::{Account, Authentication, Stated};

use crate::findings::{Findings, Stuck};
use crate::stage::Stage;
use crate::subject::Subject;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    match subject.provider.descriptor().api.health_check {
        Stated::Known(_) => {}
        Stated::None(_) => return Ok(()),
        Stated::Unknown => {
            return Err(
                "nobody looked up how to check a token; state `api.health_check`".to_owned(),
            );
        }
    }
    let stage = Stage::set(subject).await?;
    let first = account(&stage, 0, findings).await?;
    // Where the app is the account, there is no other.
    let authentication = &subject.provider.descriptor().authentication;
    if !matches!(authentication, Authentication::ClientCredentials(_)) {
        stage.vendor.account(1)?;
        let second = account(&stage, 1, findings).await?;
        findings.expect(first.id.is_none() || first.id != second.id, || {
            format!(
                "two accounts have the same id {:?}; look at `api.health_check.account_id`",
                first.id
            )
        });
    }
    examine_dead_token(&stage, findings).await
}

/// A dead token is noticed by the health check, and would be by any other call.
async fn examine_dead_token(stage: &Stage, findings: &mut Findings) -> Result<(), Stuck> {
    let connection = stage.connect().await?;
    stage.sandbox.expire_access_tokens();
    stage.sandbox.end_keys();
    let access_token = &connection.tokens.set.access_token;
    let (account, answer) = stage.account_of(&connection, access_token).await?;
    findings.expect(
        account.is_err(),
        || "the health check is content with a dead access token; look at `api.health_check.path` and `api.masked_errors`",
    );
    let masked = stage.provider.descriptor().api.masked_errors;
    let is_told = answer.is_some_and(|answer| {
        let body = serde_json::from_slice(answer.body()).unwrap_or_default();
        answer.status() == 401 || masked.is_some_and(|masked| masked.tells_dead_token(&body))
    });
    findings.expect(is_told, || {
        "a dead access token is answered otherwise than with 401, and that is not understood; look at \
         `api.masked_errors`"
    });
    Ok(())
}

async fn account(stage: &Stage, number: usize, findings: &mut Findings) -> Result<Account, Stuck> {
    let connection = stage.connect_as(number).await?;
    let account = stage.account(&connection).await?;
    let account = account.map_err(|error| stage.explain_call(&error))?;
    for (field, fact) in [
        ("account_id", &account.id),
        ("account_label", &account.label),
    ] {
        findings.expect(fact.as_deref().is_some_and(|fact| !fact.is_empty()), || {
            format!("nothing is found for `api.health_check.{field}`; look at its path, or at `captures`")
        });
    }
    Ok(account)
}
