//! A token can be revoked, or the descriptor and the vendor agree that it can't.

use tieline_core::descriptor::{Revocable, Stated, Step};
use tieline_oauth::{RevokeFailure, TokenTypeHint};

use crate::findings::{Findings, Stuck};
use crate::stage::Stage;
use crate::subject::Subject;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let offered = stage.sandbox.revocation_endpoint().is_some();
    match (subject.provider.descriptor().oauth2().revocation_endpoint, offered) {
        (Stated::Known(_), true) => revoke(&stage, findings).await,
        (Stated::Known(_), false) => {
            Err("the descriptor states a revocation endpoint, and the vendor has none; look at `revocation_endpoint`".to_owned())
        }
        (Stated::None(_), true) => {
            Err("the vendor has a revocation endpoint, and the descriptor states that there is none; look at `revocation_endpoint`".to_owned())
        }
        (Stated::None(_), false) => {
            findings.expect(!stage.client().can_revoke(), || "tokens seem revocable; look at `revocation_endpoint`");
            Ok(())
        }
        (Stated::Unknown, _) => {
            Err("nobody looked up whether tokens can be revoked; state `revocation_endpoint`".to_owned())
        }
    }
}

/// Ends the grant by its refresh token; where there is none, or it can't be revoked, the access token.
async fn revoke(stage: &Stage, findings: &mut Findings) -> Result<(), Stuck> {
    let connection = stage.connect().await?;
    let access_token = &connection.tokens.set.access_token;
    let client = stage.client();
    let by_access_token = async || {
        client
            .revoke(access_token, TokenTypeHint::AccessToken)
            .await
    };
    let revocable = stage.provider.descriptor().oauth2().revocable;
    let refresh_token = stage.refresh_token(&connection)?;
    let revoked = match refresh_token.filter(|_| revocable == Revocable::Both) {
        None => by_access_token().await,
        Some(refresh_token) => match client
            .revoke(refresh_token, TokenTypeHint::RefreshToken)
            .await
        {
            Err(RevokeFailure::UnsupportedTokenType(_)) => by_access_token().await,
            revoked => revoked,
        },
    };
    revoked.map_err(|failure| match &failure {
        RevokeFailure::UnsupportedTokenType(details) | RevokeFailure::Failed(details) => {
            stage.explain(Step::Revoke, details)
        }
        RevokeFailure::NotOffered { .. } => failure.to_string(),
    })?;
    let ledger = stage.sandbox.ledger();
    findings.expect(ledger.revocations() == 1, || {
        format!(
            "the vendor revoked {} times instead of once; look at `revoke`",
            ledger.revocations()
        )
    });
    findings.expect(
        !ledger.is_live_access_token(access_token.expose()),
        || "the access token outlives its revocation; look at `revoke`",
    );
    let says_so = !stage.vendor.at("revocation.dead_token").is_null();
    let again = by_access_token().await;
    let understood = match &again {
        Ok(()) => !says_so,
        Err(failure) => says_so && failure.is_dead_already(),
    };
    findings.expect(understood, || {
        format!("the token is dead, and revoking it again is judged {again:?}; look at `dead_at_revocation`, `answer.errors`, `answer.error_when` and `api.masked_errors`")
    });
    Ok(())
}
