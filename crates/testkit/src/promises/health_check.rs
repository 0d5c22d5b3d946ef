//! A live token tells whose it is, two accounts are told apart, and a dead token is noticed.

use tieline_core::descriptor::{Account, Stated};

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
    let [first, second, ..] = stage.vendor.accounts()[..] else {
        return Err(
            "the vendor's file needs two `accounts`, to see whether they are told apart".to_owned(),
        );
    };
    let first = account(&stage, first, findings).await?;
    let second = account(&stage, second, findings).await?;
    findings.expect(first.id.is_none() || first.id != second.id, || {
        format!(
            "two accounts have the same id {:?}; look at `api.health_check.account_id`",
            first.id
        )
    });

    let connection = stage.connect().await?;
    stage.sandbox.expire_access_tokens();
    findings.expect(
        stage.account(&connection).await?.is_err(),
        || "the health check is content with a dead access token; look at `api.health_check.path`",
    );
    Ok(())
}

async fn account(stage: &Stage, name: &str, findings: &mut Findings) -> Result<Account, Stuck> {
    let connection = stage.connect_as(name).await?;
    let account = stage.account(&connection).await?;
    let account = account.map_err(|error| {
        format!("{error}; look at `api.health_check.path` and `api.token_placement`")
    })?;
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
