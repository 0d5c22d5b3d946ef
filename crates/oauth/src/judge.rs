//! From an answer, or the lack of one, to tokens or one of the closed list of outcomes.

use http::StatusCode;
use serde_json::{Map, Value};
use tieline_core::descriptor::{Step, TokenAnswer};
use tieline_core::{ProviderSetup, Secret, Timestamp};

use crate::codes::{Meaning, meaning};
use crate::decode::{Context, Refusal, decode, lookup, token_set};
use crate::edge::{Answer, SendError};
use crate::error_answer::{ErrorAnswer, in_body, in_headers, is_marked};
use crate::outcome::{Outcome, Reason, TokenFailure};
use crate::retry_after::retry_after;
use crate::token::Tokens;

/// Everything that one answer is judged against.
pub(crate) struct Judge<'a> {
    pub(crate) provider: &'a dyn ProviderSetup,
    pub(crate) step: Step,
    /// The endpoint's host; empty where no endpoint could be told.
    pub(crate) host: String,
    pub(crate) now: Timestamp,
    /// The code or token that was sent.
    pub(crate) spent: &'a Secret,
    /// All secrets that were sent: none of them is ever shown, even where the answer repeats it.
    pub(crate) sent: Vec<&'a str>,
}

impl Judge<'_> {
    /// Judges the answer of a token endpoint.
    pub(crate) fn tokens(&self, answer: &Answer) -> Result<Tokens, TokenFailure> {
        if answer.status.is_success() {
            self.success(answer)
        } else {
            Err(self.refusal(answer))
        }
    }

    /// The provider's own code panicked over a success: as good as unreadable.
    pub(crate) fn panicked(&self, answer: &Answer) -> TokenFailure {
        if answer.status.is_success() {
            self.unreadable(answer, "the provider's code panicked over it".to_owned())
        } else {
            self.refusal(answer)
        }
    }

    /// Judges the answer of a revocation endpoint: of a success, nothing but the status counts (RFC 7009 section 2.2),
    /// unless the provider marks errors under it.
    pub(crate) fn revoked(&self, answer: &Answer) -> Result<(), TokenFailure> {
        let oauth2 = self.provider.descriptor().oauth2();
        if !answer.status.is_success() {
            let is_dead = oauth2.dead_at_revocation.contains(&answer.status.as_u16())
                && self.error(answer).is_none();
            return Err(if is_dead {
                self.failure(Outcome::Dead, Reason::Refused, None, Some(answer))
            } else {
                self.refusal(answer)
            });
        }
        let declared = &oauth2.answer;
        match decode(&answer.body) {
            Ok(decoded) if is_marked(declared, &decoded.object) => {
                Err(self.refused(answer, in_body(declared, &decoded.object)))
            }
            _ => Ok(()),
        }
    }

    /// Judges the answer to a request for a user code: the object, if it is no refusal.
    pub(crate) fn object(&self, answer: &Answer) -> Result<Map<String, Value>, TokenFailure> {
        if !answer.status.is_success() {
            return Err(self.refusal(answer));
        }
        if let Some(cut) = answer.cut {
            return Err(self.unreadable(answer, cut.to_owned()));
        }
        let object = decode(&answer.body)
            .map_err(|what| self.unreadable(answer, what.into_owned()))?
            .object;
        match in_body(&self.provider.descriptor().oauth2().answer, &object) {
            Some(error) => Err(self.refused(answer, Some(error))),
            None => Ok(object),
        }
    }

    /// A success that lacks what it must hold.
    pub(crate) fn lacks(&self, answer: &Answer, field: &str) -> TokenFailure {
        self.unreadable(answer, format!("{field}: it is missing"))
    }

    /// No answer came.
    pub(crate) fn unsent(&self, error: SendError) -> TokenFailure {
        match error {
            SendError::Refused(refusal) => self.not_allowed(refusal.to_string()),
            SendError::NotSent(what) => {
                self.failure(Outcome::NotSent, Reason::Transport(what), None, None)
            }
            SendError::Unknown(what) => {
                let outcome = Outcome::OutcomeUnknown { unreadable: None };
                self.failure(outcome, Reason::Transport(what), None, None)
            }
        }
    }

    /// We would not send it.
    pub(crate) fn not_allowed(&self, why: String) -> TokenFailure {
        self.failure(Outcome::AppRefused, Reason::NotAllowed(why), None, None)
    }

    /// The final check of an answer that we took has failed: a defect, told without the answer.
    pub(crate) fn inconsistent(&self) -> TokenFailure {
        let reason = Reason::Unreadable("the final check failed".to_owned());
        self.failure(
            Outcome::OutcomeUnknown { unreadable: None },
            reason,
            None,
            None,
        )
    }

    fn success(&self, answer: &Answer) -> Result<Tokens, TokenFailure> {
        let oauth2 = self.provider.descriptor().oauth2();
        if let Some(cut) = answer.cut {
            return Err(self.unreadable(answer, cut.to_owned()));
        }
        let decoded =
            decode(&answer.body).map_err(|what| self.unreadable(answer, what.into_owned()))?;
        let (root, mut warnings) = (decoded.object, decoded.warnings);
        let error = in_body(&oauth2.answer, &root);
        if is_marked(&oauth2.answer, &root) {
            return Err(self.refused(answer, error));
        }
        let mut object = token_object(&oauth2.answer, &root);
        self.provider.amend_token_answer(self.step, &mut object);
        let context = Context {
            answer: &oauth2.answer,
            issuer: oauth2.issuer,
            step: self.step,
            now: self.now,
            current: (self.step == Step::Refresh).then_some(self.spent),
        };
        match (token_set(&context, &root, &object, &mut warnings), error) {
            (Ok(set), error) => {
                if error.is_some() {
                    warnings.add("error", "it stands beside an access token, which was taken");
                }
                Ok(Tokens {
                    set,
                    warnings: warnings.into_inner(),
                })
            }
            (Err(Refusal::IssuerMismatch), _) => Err(self.mistrusted(answer)),
            (Err(Refusal::Unreadable(_)), Some(error)) => Err(self.refused(answer, Some(error))),
            (Err(Refusal::Unreadable(what)), None) => Err(self.unreadable(answer, what)),
        }
    }

    /// The error that an answer tells, wherever it stands.
    fn error(&self, answer: &Answer) -> Option<ErrorAnswer> {
        let translations = &self.provider.descriptor().oauth2().answer;
        let root = decode(&answer.body)
            .map(|decoded| decoded.object)
            .unwrap_or_default();
        in_body(translations, &root).or_else(|| in_headers(&answer.headers))
    }

    /// An answer that is not a success.
    fn refusal(&self, answer: &Answer) -> TokenFailure {
        let error = self.error(answer);
        match answer.status.as_u16() {
            429 | 503 => {
                let outcome = Outcome::Busy {
                    retry_after: retry_after(&answer.headers, self.now),
                };
                self.failure(outcome, Reason::Busy, error, Some(answer))
            }
            300..400 => self.failure(Outcome::AppRefused, Reason::Redirect, None, Some(answer)),
            400..500 => self.refused(answer, error),
            _ => self.failure(
                Outcome::OutcomeUnknown { unreadable: None },
                Reason::ServerError,
                error,
                Some(answer),
            ),
        }
    }

    /// The provider refused, in a 4xx or in a success that bears an error.
    fn refused(&self, answer: &Answer, error: Option<ErrorAnswer>) -> TokenFailure {
        let descriptor = self.provider.descriptor();
        let declared = &descriptor.oauth2().answer;
        let dead_at_api = |error: &ErrorAnswer| {
            let masked = descriptor.api.masked_errors;
            masked.is_some_and(|masked| masked.dead_access_token.contains(&error.code.as_str()))
        };
        let meant = match &error {
            // Where the API speaks of dead tokens in codes of its own, revocation is one of its methods.
            Some(error) if self.step == Step::Revoke && dead_at_api(error) => Meaning::Dead,
            Some(error) => meaning(error, self.step, declared),
            None => Meaning::Other,
        };
        let outcome = match meant {
            // No grant stands behind it that could be dead (RFC 6749 section 4.4).
            Meaning::Dead if self.step == Step::ClientCredentials => Outcome::AppRefused,
            Meaning::Dead => Outcome::Dead,
            Meaning::AppRefused => Outcome::AppRefused,
            Meaning::Busy => Outcome::Busy {
                retry_after: retry_after(&answer.headers, self.now),
            },
            Meaning::ServerError => Outcome::OutcomeUnknown { unreadable: None },
            Meaning::Other if answer.status == StatusCode::NOT_FOUND => Outcome::AppRefused,
            Meaning::Other => Outcome::Rejected,
        };
        self.failure(outcome, Reason::Refused, error, Some(answer))
    }

    /// A success that can't be read. What came of it may hold tokens that exist nowhere else.
    fn unreadable(&self, answer: &Answer, what: String) -> TokenFailure {
        let outcome = Outcome::OutcomeUnknown {
            unreadable: kept(answer),
        };
        self.failure(outcome, Reason::Unreadable(what), None, Some(answer))
    }

    /// A success with somebody else's ID token: none of it is used. On refresh it may hold the only copy of a rotated token, and is
    /// kept as one that can't be read is.
    fn mistrusted(&self, answer: &Answer) -> TokenFailure {
        let outcome = match self.step {
            Step::Refresh => Outcome::OutcomeUnknown {
                unreadable: kept(answer),
            },
            _ => Outcome::AppRefused,
        };
        self.failure(outcome, Reason::IssuerMismatch, None, Some(answer))
    }
}

/// The body, to be kept by whoever asked.
fn kept(answer: &Answer) -> Option<Secret> {
    let body = String::from_utf8_lossy(&answer.body);
    (!body.is_empty()).then(|| Secret::new(body))
}

/// The object that holds the tokens: where the descriptor says, else the whole.
fn token_object(answer: &TokenAnswer, root: &Map<String, Value>) -> Map<String, Value> {
    let nested = answer
        .path
        .and_then(|path| lookup(root, path))
        .and_then(Value::as_object);
    nested.unwrap_or(root).clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Acme, acme, answer, judge};
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use tieline_core::descriptor::{DeadToken, ErrorWhen, OAuth2};

    fn outcome(status: u16, body: &str) -> String {
        judge(&acme(), Step::Refresh, &answer(status, body))
            .unwrap_err()
            .outcome
            .to_string()
    }

    #[test]
    fn every_status_has_its_outcome() {
        for (status, body, expected) in [
            (400, r#"{"error":"invalid_grant"}"#, "dead"),
            (401, r#"{"error":"invalid_client"}"#, "app refused"),
            (400, r#"{"error":"unauthorized_client"}"#, "app refused"),
            (404, "", "app refused"),
            (404, r#"{"error":"something_else"}"#, "app refused"),
            (301, r#"{"error":"invalid_grant"}"#, "app refused"),
            (304, "", "app refused"),
            (400, r#"{"error":"invalid_request"}"#, "rejected"),
            (400, "", "rejected"),
            (403, "{}", "rejected"),
            (401, "<html>", "rejected"),
            (400, r#"{"error":"slow_down"}"#, "busy"),
            (200, r#"{"error":"temporarily_unavailable"}"#, "busy"),
            (429, r#"{"error":"invalid_grant"}"#, "busy"),
            (503, "", "busy"),
            (500, r#"{"error":"invalid_grant"}"#, "outcome unknown"),
            (502, "", "outcome unknown"),
            (596, "", "outcome unknown"),
            (999, "", "outcome unknown"),
            (400, r#"{"error":"server_error"}"#, "outcome unknown"),
            (200, "", "outcome unknown"),
            (200, "<html>", "outcome unknown"),
            (200, r#"{"error":"unheard_of"}"#, "rejected"),
        ] {
            assert_eq!(outcome(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn an_unreadable_success_is_kept_whole() {
        let provider = acme();
        let body = r#"{"acess_token":"misspelt"}"#;
        let failure = judge(&provider, Step::Refresh, &answer(200, body)).unwrap_err();
        let Outcome::OutcomeUnknown { unreadable } = &failure.outcome else {
            panic!("{failure}")
        };
        assert_eq!(unreadable.as_ref().map(Secret::expose), Some(body));
        assert!(!format!("{failure} {failure:?}").contains("misspelt"));
        let cut = Answer {
            cut: Some("the answer was cut short"),
            ..answer(200, r#"{"access_token":"a"}"#)
        };
        let failure = judge(&provider, Step::Refresh, &cut).unwrap_err();
        assert!(
            matches!(
                failure.outcome,
                Outcome::OutcomeUnknown {
                    unreadable: Some(_)
                }
            ),
            "{failure}"
        );
    }

    #[test]
    fn somebody_elses_id_token_is_kept_on_refresh_and_refused_on_exchange() {
        let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"https://evil.example"}"#);
        let body =
            format!(r#"{{"access_token":"a1","refresh_token":"R1","id_token":"e30.{claims}.x"}}"#);
        let provider = Acme::with(OAuth2 {
            issuer: Some("https://acme.example"),
            ..*acme().oauth2()
        });
        let of = |step| judge(&provider, step, &answer(200, &body)).unwrap_err();

        let failure = of(Step::Refresh);
        assert_eq!(failure.details.reason, Reason::IssuerMismatch);
        let Outcome::OutcomeUnknown { unreadable } = &failure.outcome else {
            panic!("{failure}")
        };
        assert_eq!(unreadable.as_ref().map(Secret::expose), Some(&*body));
        assert!(!format!("{failure} {failure:?}").contains("R1"));
        assert!(
            failure.details.cure.contains("oauth.token.url"),
            "{failure}"
        );

        let failure = of(Step::Exchange);
        assert_eq!(failure.details.reason, Reason::IssuerMismatch);
        assert!(matches!(failure.outcome, Outcome::AppRefused), "{failure}");
    }

    #[test]
    fn an_error_beside_a_token_is_a_warning_unless_it_is_marked() {
        let body = r#"{"ok":false,"error":"invalid_grant","access_token":"a"}"#;
        let tokens = judge(&acme(), Step::Refresh, &answer(200, body)).unwrap();
        assert_eq!(tokens.warnings.len(), 1);
        let mut oauth2 = *acme().oauth2();
        oauth2.answer.error_when = Some(ErrorWhen {
            path: "ok",
            equals: "false",
        });
        let failure = judge(&Acme::with(oauth2), Step::Refresh, &answer(200, body)).unwrap_err();
        assert_eq!(failure.outcome.to_string(), "dead");
    }

    #[test]
    fn declared_dead_tokens_match_wholly_and_only_on_refresh() {
        let dead = &[DeadToken {
            error: Some("invalid_request"),
            error_description: Some("Invalid Refresh Token"),
        }];
        let mut oauth2: OAuth2 = *acme().oauth2();
        oauth2.answer.dead_refresh_token = dead;
        let provider = Acme::with(oauth2);
        let of = |step, description| {
            let body =
                format!(r#"{{"error":"invalid_request","error_description":"{description}"}}"#);
            judge(&provider, step, &answer(400, &body))
                .unwrap_err()
                .outcome
                .to_string()
        };
        assert_eq!(of(Step::Refresh, "Invalid refresh token"), "dead");
        assert_eq!(
            of(Step::Refresh, "Invalid refresh token length"),
            "rejected"
        );
        assert_eq!(of(Step::Exchange, "Invalid refresh token"), "rejected");
    }
}
