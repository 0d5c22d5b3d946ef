//! A refresh token becomes tokens, with one request that the vendor takes; or there is none, and nothing refreshes.

use std::time::Duration;

use tieline_core::descriptor::Step;

use super::tokens;
use crate::findings::{Findings, Stuck};
use crate::stage::{Connection, Stage};
use crate::subject::Subject;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let connection = stage.connect().await?;
    let Some(refresh_token) = stage.refresh_token(&connection)? else {
        return examine_none(&stage, &connection, findings).await;
    };
    // So that an expiry counted from the first answer is not one counted from the second.
    stage.clock.advance(Duration::from_secs(90));
    let refreshed = stage.refresh(refresh_token).await?;
    let ledger = stage.sandbox.ledger();
    let (requests, refreshes) = (ledger.token_requests("refresh_token"), ledger.refreshes());
    findings.expect((requests, refreshes) == (1, 1), || {
        format!("the vendor saw {requests} refresh requests and did {refreshes} instead of one; look at `refresh`")
    });
    findings.expect(
        refreshed.set.access_token != connection.tokens.set.access_token,
        || "the access token is the same as before; look at `answer.path` and `answer.fields`",
    );
    tokens::examine(&stage, Step::Refresh, &refreshed, findings);
    Ok(())
}

/// Without refresh tokens, what else there is must not refresh either.
async fn examine_none(
    stage: &Stage,
    connection: &Connection,
    findings: &mut Findings,
) -> Result<(), Stuck> {
    let access_token = &connection.tokens.set.access_token;
    let refreshed = stage.client().refresh(access_token).await;
    let refreshes = stage.sandbox.ledger().refreshes();
    findings.expect(refreshed.is_err() && refreshes == 0, || {
        format!("there are no refresh tokens, and the vendor did {refreshes} refreshes; look at `rotation.rotates` and `answer`")
    });
    Ok(())
}
