//! What every provider promises, and what is said when it breaks a promise.

use std::fmt;
use std::time::Duration;

use tieline_core::descriptor::Authentication;

use crate::findings::{Findings, Stuck};
use crate::promises::{
    authorization_url, callback, dead_refresh_token, descriptor, device, docs_completeness,
    exchange, health_check, quirks, redaction, refresh, revocation, rotation, tenant_hosts, wire,
    wrong_secret,
};
use crate::subject::Subject;

/// A check takes milliseconds; one that hangs ends here.
const LONGEST: Duration = Duration::from_secs(60);

/// What every provider promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// The descriptor is valid, goes by the crate's name, and its endpoints stand where the vendor's do.
    Descriptor,
    /// Where a host differs from tenant to tenant, nothing that a person gives leads anywhere else.
    TenantHosts,
    /// The authorization request holds what it must, nothing else and no secret, and looks as it was reviewed.
    AuthorizationUrl,
    /// What goes over the wire in the life of a connection, to the vendor's own hosts, looks as it was reviewed.
    Wire,
    /// What comes back through the browser is believed only as far as it is proved.
    Callback,
    /// A code that is typed on another device becomes tokens, or descriptor and vendor agree that there is no such thing.
    Device,
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
    /// Nothing that the descriptor states is idle: taken away, each fact breaks another promise.
    Quirks,
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
    pub const ALL: [Self; 16] = [
        Self::Descriptor,
        Self::TenantHosts,
        Self::AuthorizationUrl,
        Self::Wire,
        Self::Callback,
        Self::Device,
        Self::Exchange,
        Self::ExchangeWrongSecret,
        Self::Refresh,
        Self::Rotation,
        Self::DeadRefreshToken,
        Self::Revocation,
        Self::HealthCheck,
        Self::Redaction,
        Self::DocsCompleteness,
        Self::Quirks,
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

    /// Whether a provider of this kind can promise it at all.
    fn is_for(self, authentication: &Authentication) -> bool {
        let code = authentication.has_front_channel();
        let granted = !authentication.is_given();
        let renewed = granted && !matches!(authentication, Authentication::ClientCredentials(_));
        match self {
            Self::AuthorizationUrl | Self::Callback | Self::ExchangeWrongSecret => code,
            Self::Exchange | Self::Revocation | Self::Device => granted,
            Self::Refresh | Self::Rotation | Self::DeadRefreshToken => renewed,
            Self::Descriptor
            | Self::TenantHosts
            | Self::Wire
            | Self::HealthCheck
            | Self::Redaction
            | Self::DocsCompleteness
            | Self::Quirks => true,
        }
    }

    /// Whether the provider breaks it, or it can't even be checked.
    pub(crate) async fn is_broken_by(self, subject: &Subject) -> bool {
        let mut findings = Findings::default();
        // Boxed, since the last promise checks the others.
        let examined = Box::pin(self.examine(subject, &mut findings)).await;
        examined.is_err() || !findings.is_empty()
    }

    async fn examine(self, subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
        let descriptor = subject.provider.descriptor();
        if !self.is_for(&descriptor.authentication) {
            return Ok(());
        }
        match self {
            Self::Descriptor => descriptor::examine(subject, findings),
            Self::TenantHosts => tenant_hosts::examine(subject, findings),
            Self::AuthorizationUrl => authorization_url::examine(subject, findings),
            Self::Wire => wire::examine(subject, findings).await,
            Self::Callback => callback::examine(subject, findings).await,
            Self::Device => device::examine(subject, findings).await,
            Self::Quirks => quirks::examine(subject, findings).await,
            Self::Exchange => exchange::examine(subject, findings).await,
            Self::ExchangeWrongSecret => wrong_secret::examine(subject, findings).await,
            Self::Refresh => refresh::examine(subject, findings).await,
            Self::Rotation => rotation::examine(subject, findings).await,
            Self::DeadRefreshToken => dead_refresh_token::examine(subject, findings).await,
            Self::Revocation => revocation::examine(subject, findings).await,
            Self::HealthCheck => health_check::examine(subject, findings).await,
            Self::Redaction => redaction::examine(subject, findings).await,
            Self::DocsCompleteness => {
                docs_completeness::examine(descriptor, findings);
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
