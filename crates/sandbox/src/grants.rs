//! Codes, grants and tokens: what the authorization server remembers.

use std::collections::HashMap;
use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::random::{self, NoRandomness};
use tieline_core::{Secret, Timestamp};

use crate::rules::{PkceMethod, TokenRules};

/// All that was ever issued; nothing is forgotten, so that reuse can be told from nonsense.
#[derive(Default)]
pub(crate) struct Grants {
    pub(crate) codes: HashMap<String, Code>,
    grants: Vec<Grant>,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_tokens: HashMap<String, AccessToken>,
}

/// What a user approved, until it is exchanged.
pub(crate) struct Code {
    pub(crate) approved: Approved,
    pub(crate) redirect_uri: String,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) expires_at: Timestamp,
    /// The grant that came of it.
    pub(crate) spent: Option<GrantId>,
}

/// A PKCE challenge (RFC 7636).
#[derive(Debug, Clone)]
pub(crate) struct Challenge {
    pub(crate) method: PkceMethod,
    pub(crate) challenge: String,
}

/// Who approved what.
#[derive(Debug, Clone)]
pub(crate) struct Approved {
    /// Index into the vendor's accounts.
    pub(crate) account: usize,
    /// Space-separated, as asked for.
    pub(crate) scope: String,
}

/// A grant's place in the order they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GrantId(usize);

struct Grant {
    approved: Approved,
    revoked: bool,
}

struct RefreshToken {
    grant: GrantId,
    expires_at: Timestamp,
    spent: bool,
}

struct AccessToken {
    grant: GrantId,
    /// `None` = it does not expire.
    expires_at: Option<Timestamp>,
    ended: bool,
}

/// A new access token, and a refresh token where the vendor has them.
pub(crate) struct Pair {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
}

/// Why a refresh token can't be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dead {
    Unknown,
    Expired,
    Revoked,
    /// Spent before.
    Spent(GrantId),
}

impl Grants {
    pub(crate) fn open(&mut self, approved: Approved) -> GrantId {
        self.grants.push(Grant {
            approved,
            revoked: false,
        });
        GrantId(self.grants.len() - 1)
    }

    pub(crate) fn approved(&self, grant: GrantId) -> &Approved {
        &self.grants[grant.0].approved
    }

    pub(crate) fn issue(
        &mut self,
        grant: GrantId,
        pair: &Pair,
        rules: &TokenRules,
        now: Timestamp,
    ) {
        let end = |seconds| saturating_add(now, Duration::from_secs(seconds));
        let access = AccessToken {
            grant,
            expires_at: rules.access_token_lifetime_seconds.map(end),
            ended: false,
        };
        self.access_tokens
            .insert(pair.access_token.expose().to_owned(), access);
        if let (Some(token), Some(lifetime)) =
            (&pair.refresh_token, rules.refresh_token_lifetime_seconds)
        {
            let refresh = RefreshToken {
                grant,
                expires_at: end(lifetime),
                spent: false,
            };
            self.refresh_tokens
                .insert(token.expose().to_owned(), refresh);
        }
    }

    /// The grant whose current refresh token this is.
    pub(crate) fn current(&self, refresh_token: &str, now: Timestamp) -> Result<GrantId, Dead> {
        let token = self
            .refresh_tokens
            .get(refresh_token)
            .ok_or(Dead::Unknown)?;
        match (
            token.spent,
            self.grants[token.grant.0].revoked,
            now >= token.expires_at,
        ) {
            (true, _, _) => Err(Dead::Spent(token.grant)),
            (false, true, _) => Err(Dead::Revoked),
            (false, false, true) => Err(Dead::Expired),
            (false, false, false) => Ok(token.grant),
        }
    }

    pub(crate) fn spend(&mut self, refresh_token: &str) {
        if let Some(token) = self.refresh_tokens.get_mut(refresh_token) {
            token.spent = true;
        }
    }

    /// The grant that an access token speaks for, as long as it does.
    pub(crate) fn live(&self, access_token: &str, now: Timestamp) -> Option<GrantId> {
        let token = self.access_tokens.get(access_token)?;
        let is_current = token.expires_at.is_none_or(|end| now < end);
        let alive = !token.ended && !self.grants[token.grant.0].revoked && is_current;
        alive.then_some(token.grant)
    }

    pub(crate) fn revoke(&mut self, grant: GrantId) {
        self.grants[grant.0].revoked = true;
    }

    /// Revokes the grant that a refresh token, spent or not, belongs to.
    pub(crate) fn revoke_grant_of(&mut self, refresh_token: &str) {
        if let Some(grant) = self
            .refresh_tokens
            .get(refresh_token)
            .map(|token| token.grant)
        {
            self.revoke(grant);
        }
    }

    pub(crate) fn end_access_token(&mut self, access_token: &str) {
        if let Some(token) = self.access_tokens.get_mut(access_token) {
            token.ended = true;
        }
    }

    /// Ends the access tokens of one grant, or all.
    pub(crate) fn end_access_tokens(&mut self, grant: Option<GrantId>) {
        let chosen = self
            .access_tokens
            .values_mut()
            .filter(|token| grant.is_none_or(|grant| grant == token.grant));
        chosen.for_each(|token| token.ended = true);
    }

    pub(crate) fn current_refresh_tokens(&self, now: Timestamp) -> impl Iterator<Item = &String> {
        self.refresh_tokens
            .keys()
            .filter(move |token| self.current(token, now).is_ok())
    }

    pub(crate) fn live_access_tokens(&self, now: Timestamp) -> impl Iterator<Item = &String> {
        self.access_tokens
            .keys()
            .filter(move |token| self.live(token, now).is_some())
    }

    /// Every code and token, dead or alive.
    pub(crate) fn all_secrets(&self) -> impl Iterator<Item = &String> {
        self.codes
            .keys()
            .chain(self.access_tokens.keys())
            .chain(self.refresh_tokens.keys())
    }
}

impl Pair {
    pub(crate) fn random(rules: &TokenRules) -> Result<Self, NoRandomness> {
        Ok(Self {
            access_token: random::token()?,
            refresh_token: match rules.refresh {
                Some(_) => Some(random::token()?),
                None => None,
            },
        })
    }
}
