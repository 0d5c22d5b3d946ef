//! What every provider promises, and what is said when it breaks a promise.

use std::fmt;
use std::time::Duration;

use crate::findings::{Findings, Stuck};
use crate::promises::{
    authorization_url, dead_refresh_token, descriptor, docs_completeness, exchange, health_check,
    redaction, refresh, revocation, rotation, wrong_secret,
};
use crate::subject::Subject;

/// A check takes milliseconds; one that hangs ends here.
const LONGEST: Duration = Duration::from_secs(60);

/// What every provider promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// The descriptor is valid, goes by the crate's name, and its endpoints stand where the vendor's do.
    Descriptor,
    /// The authorization request holds what it must, nothing else and no secret, and looks as it was reviewed.
    AuthorizationUrl,
    /// A code becomes tokens, scopes, expiry and captures, with one request that the vendor takes, and is dead then.
    Exchange,
    /// A wrong client secret is told as one, after one request, in the provider's words and in ours.
    ExchangeWrongSecret,
    /// A refresh token becomes tokens, with one request that the vendor takes; or all agree that there is none.
    Refresh,
    /// What the descriptor says of rotation and lifetimes is what the vendor does.
    Rotation,
    /// Every spelling of a dead refresh token is understood, and no other error is mistaken for one.
    DeadRefreshToken,
    /// A token can be revoked, or the descriptor and the vendor agree that it can't.
    Revocation,
    /// A live token tells whose it is, two accounts are told apart, and a dead token is noticed.
    HealthCheck,
    /// Nothing that is printed on the way holds a secret.
    Redaction,
    /// Everything that the setup page needs is there.
    DocsCompleteness,
}

/// A broken promise, and everything that was found. Both `Debug` and `Display` are for people.
#[derive(Clone, PartialEq, Eq)]
pub struct Breach {
    /// The provider's id.
    pub provider: &'static str,
    /// The promise.
    pub promise: Promise,
    /// What is wrong, each with the field to look at.
    pub findings: Vec<String>,
}

impl Promise {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Descriptor,
        Self::AuthorizationUrl,
        Self::Exchange,
        Self::ExchangeWrongSecret,
        Self::Refresh,
        Self::Rotation,
        Self::DeadRefreshToken,
        Self::Revocation,
        Self::HealthCheck,
        Self::Redaction,
        Self::DocsCompleteness,
    ];

    /// Checks it, on a runtime of its own: not to be called from asynchronous code.
    ///
    /// # Errors
    /// When the provider breaks it, or it can't be checked.
    pub fn check(self, subject: &Subject) -> Result<(), Breach> {
        let mut findings = Findings::default();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let stuck = match runtime {
            Ok(runtime) => runtime.block_on(async {
                tokio::time::timeout(LONGEST, self.examine(subject, &mut findings))
                    .await
                    .unwrap_or_else(|_| {
                        Err(format!("still not done after {} s", LONGEST.as_secs()))
                    })
            }),
            Err(error) => Err(format!("no runtime can be started: {error}")),
        };
        if let Err(stuck) = stuck {
            findings.add(stuck);
        }
        let findings = findings.into_inner();
        if findings.is_empty() {
            Ok(())
        } else {
            Err(Breach {
                provider: subject.provider.descriptor().id,
                promise: self,
                findings,
            })
        }
    }

    async fn examine(self, subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
        match self {
            Self::Descriptor => descriptor::examine(subject, findings),
            Self::AuthorizationUrl => authorization_url::examine(subject, findings),
            Self::Exchange => exchange::examine(subject, findings).await,
            Self::ExchangeWrongSecret => wrong_secret::examine(subject, findings).await,
            Self::Refresh => refresh::examine(subject, findings).await,
            Self::Rotation => rotation::examine(subject, findings).await,
            Self::DeadRefreshToken => dead_refresh_token::examine(subject, findings).await,
            Self::Revocation => revocation::examine(subject, findings).await,
            Self::HealthCheck => health_check::examine(subject, findings).await,
            Self::Redaction => redaction::examine(subject, findings).await,
            Self::DocsCompleteness => {
                docs_completeness::examine(subject.provider.descriptor(), findings);
                Ok(())
            }
        }
    }
}

impl std::error::Error for Breach {}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} breaks its promise {:?}:",
            self.provider, self.promise
        )?;
        self.findings
            .iter()
            .try_for_each(|finding| write!(f, "\n  - {finding}"))
    }
}

/// As for people: it is what a failed test shows.
impl fmt::Debug for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
