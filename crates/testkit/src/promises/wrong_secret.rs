//! A wrong client secret is told as one, after one request, in the provider's words and in ours.

use tieline_core::OAuthField;
use tieline_core::descriptor::{ClientAuthentication, Step};
use tieline_oauth::Outcome;

use crate::findings::{Findings, Stuck};
use crate::stage::{Consent, Stage};
use crate::subject::Subject;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let descriptor = subject.provider.descriptor();
    let row = match descriptor.parameter_for_field(OAuthField::ClientSecret) {
        Some(row) => row,
        None if descriptor.oauth2().exchange.client_authentication
            == ClientAuthentication::Public =>
        {
            return Ok(());
        }
        None => return Err("no mapping becomes client_secret; look at `mappings`".to_owned()),
    };
    let stage = Stage::set(subject).await?;
    let Consent {
        started, callback, ..
    } = stage.consent(&stage.parameters, 0).await?;
    let parameters = stage.with_secret("not-the-secret")?;
    let client = stage.client_with(&parameters);
    let answer = client
        .exchange(
            &callback.code,
            &started.redirect_uri,
            started.code_verifier.as_ref(),
        )
        .await;
    let Err(failure) = answer else {
        return Err(
            "the vendor took a wrong client secret; look at `exchange.client_authentication`"
                .to_owned(),
        );
    };
    findings.expect(matches!(failure.outcome, Outcome::AppRefused), || {
        format!(
            "a wrong client secret is judged {:?}; look at `answer.errors` and `answer.error_path`: {}",
            failure.outcome.to_string(),
            stage.explain(Step::Exchange, &failure)
        )
    });
    if let Some(wrong_style) = stage.wrong_style(Step::Exchange) {
        findings.add(wrong_style);
    }
    let requests = stage.sandbox.ledger().token_requests("authorization_code");
    findings.expect(requests == 1, || {
        format!("the vendor saw {requests} exchange requests instead of one; look at `exchange`")
    });
    let message = failure.to_string();
    for word in [row.credential, row.parameter.as_str()] {
        findings.expect(message.contains(word), || {
            format!(
                "the error doesn't name {word:?}; look at `mappings` and `answer.errors`: {message}"
            )
        });
    }
    Ok(())
}
