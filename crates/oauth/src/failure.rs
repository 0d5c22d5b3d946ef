//! From an outcome to a failure that may be told: what is known of it without a secret, and the cure.

use tieline_core::descriptor::{ProviderDescriptor, Step};
use tieline_core::{OAuthField, ParameterKey, words};

use crate::edge::Answer;
use crate::endpoints::keys;
use crate::error_answer::ErrorAnswer;
use crate::judge::Judge;
use crate::outcome::{AnswerFacts, FailureDetails, Outcome, Reason, TokenFailure};

impl Judge<'_> {
    pub(crate) fn failure(
        &self,
        outcome: Outcome,
        reason: Reason,
        error: Option<ErrorAnswer>,
        answer: Option<&Answer>,
    ) -> TokenFailure {
        let descriptor = self.provider.descriptor();
        let (error_code, provider_code) = match error {
            None => (None, None),
            Some(ErrorAnswer {
                code,
                translated: None,
                ..
            }) => (self.showable(code), None),
            Some(ErrorAnswer {
                code,
                translated: Some(ours),
                ..
            }) => (Some(ours.to_owned()), self.showable(code)),
        };
        let cure = cure(
            descriptor,
            self.step,
            &outcome,
            &reason,
            error_code.as_deref(),
        );
        let answer = answer.map(AnswerFacts::of);
        let (provider, step, host) = (descriptor.id, self.step, self.host.clone());
        let details = FailureDetails {
            provider,
            step,
            host,
            reason,
            error_code,
            provider_code,
            answer,
            cure,
        };
        TokenFailure {
            outcome,
            details: Box::new(details),
        }
    }

    /// A code is short and made of letters. What looks otherwise, or repeats what was sent, is not shown.
    fn showable(&self, code: String) -> Option<String> {
        let is_code = code.len() <= 64
            && code
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-. ".contains(&byte));
        let repeats = |secret: &&str| !secret.is_empty() && code.contains(*secret);
        (is_code && !self.sent.iter().any(repeats)).then_some(code)
    }
}

/// What to do about an outcome, in the provider's words and in ours.
fn cure(
    descriptor: &ProviderDescriptor,
    step: Step,
    outcome: &Outcome,
    reason: &Reason,
    error_code: Option<&str>,
) -> String {
    let urls: Vec<_> = keys(step).iter().map(ParameterKey::to_string).collect();
    let urls = urls.join(", ");
    match (outcome, reason, error_code) {
        (_, Reason::NotAllowed(_), _) => "nothing was sent".to_owned(),
        (Outcome::OutcomeUnknown { .. }, Reason::IssuerMismatch, _) => {
            format!("its tokens are not used, and the ones before may be spent; check {urls}")
        }
        (_, Reason::IssuerMismatch, _) => format!("its tokens are not used; check {urls}"),
        (Outcome::AppRefused, Reason::Redirect, _) => {
            format!("a token endpoint must not redirect; check {urls}")
        }
        (Outcome::AppRefused, ..) => for_app(descriptor, &urls, error_code),
        (Outcome::NotSent, ..) => format!("nothing was sent; check the network and {urls}"),
        (
            Outcome::Busy {
                retry_after: Some(wait),
            },
            ..,
        ) => format!("try again in {} s", wait.as_secs()),
        (Outcome::Busy { retry_after: None }, ..) => "try again later".to_owned(),
        (Outcome::Dead, ..) if matches!(step, Step::Exchange | Step::DeviceToken) => {
            "start the authorization again".to_owned()
        }
        (Outcome::Dead, ..) => "the account must be connected again".to_owned(),
        (Outcome::Rejected, _, Some(_)) => format!(
            "look the code up in the documentation of {}",
            descriptor.vendor
        ),
        (Outcome::Rejected, _, None) => {
            format!(
                "if it stays so, connect the account again or ask {}",
                descriptor.vendor
            )
        }
        (Outcome::OutcomeUnknown { .. }, ..) => {
            "whether the provider acted on it is not known".to_owned()
        }
    }
}

/// `"Consumer Key" (oauth.api.key)`: what the provider calls it, and what we do.
pub(crate) fn in_both_words(descriptor: &ProviderDescriptor, field: OAuthField) -> String {
    match descriptor.parameter_for_field(field) {
        Some(row) if row.credential.is_empty() => row.parameter.to_string(),
        Some(row) => format!("{:?} ({})", row.credential, row.parameter),
        None => field.to_string(),
    }
}

/// What to do about the app, where it is the app that was refused.
fn for_app(descriptor: &ProviderDescriptor, urls: &str, error_code: Option<&str>) -> String {
    let both = |field| in_both_words(descriptor, field);
    let vendor = descriptor.vendor;
    match error_code {
        // Whatever it says, nothing is there.
        None | Some("not_found") => format!("check {urls}"),
        Some("unauthorized_client") => {
            let id = both(OAuthField::ClientId);
            format!("allow the app this grant at {vendor}, or check {id}")
        }
        Some("redirect_uri_mismatch" | "bad_redirect_uri") => {
            let redirect_uri = both(OAuthField::RedirectUri);
            format!("register {redirect_uri} at {vendor} exactly as it is set")
        }
        Some(_) => {
            let fields = [OAuthField::ClientId, OAuthField::ClientSecret].into_iter();
            let there = fields.filter(|field| descriptor.parameter_for_field(*field).is_some());
            let there: Vec<_> = there.map(both).collect();
            format!("check {}", words::list(&there))
        }
    }
}

#[cfg(test)]
mod tests {
    use tieline_core::descriptor::Step;

    use crate::testing::{acme, answer, judge};

    #[test]
    fn an_error_names_everything_needed_and_repeats_nothing_sent() {
        let failure = judge(
            &acme(),
            Step::Refresh,
            &answer(401, r#"{"error":"invalid_client"}"#),
        )
        .unwrap_err();
        assert_eq!(
            failure.to_string(),
            "acme: refresh at acme.example: app refused: the provider refused, error invalid_client [status 401, \
             26 bytes of no type, sha256 7fea647e5f15c86f]; check \"Consumer Key\" (oauth.api.key) and \
             \"Consumer Secret\" (oauth.api.secret)"
        );
        for unshowable in [
            "R0-spent",
            "no such token R0-spent",
            "<script>",
            &"x".repeat(65),
        ] {
            let body = serde_json::json!({ "error": unshowable }).to_string();
            let failure = judge(&acme(), Step::Refresh, &answer(400, &body)).unwrap_err();
            assert_eq!(failure.details.error_code, None, "{unshowable}");
        }
    }
}
