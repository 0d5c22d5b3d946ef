//! Codes, grants and tokens: what the authorization server remembers.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::random::{self, NoRandomness};
use tieline_core::{Secret, Timestamp};

use crate::rules::{PkceMethod, TokenKind, TokenRules};

/// All that was ever issued; nothing is forgotten, so that reuse can be told from nonsense.
#[derive(Default)]
pub(crate) struct Grants {
    pub(crate) codes: HashMap<String, Code>,
    sets: Vec<TokenSet>,
    grants: usize,
    refresh_tokens: HashMap<String, RefreshToken>,
    access_tokens: HashMap<String, AccessToken>,
    /// The access token that was issued last.
    pub(crate) last_access_token: Option<String>,
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
    /// What was asked for.
    pub(crate) asked: Asked,
}

/// Which scopes a request asks for, space-separated, by token set.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// `None` when it only asks for the user's.
    pub(crate) scope: Option<String>,
    /// Of the tokens that are the user's own.
    pub(crate) user_scope: Option<String>,
}

/// A grant's place in the order they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct GrantId(usize);

/// A token set's place in the order they were made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SetId(usize);

/// What a grant was opened with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opened {
    pub(crate) grant: GrantId,
    pub(crate) main: Option<SetId>,
    pub(crate) user: Option<SetId>,
}

/// Tokens that come of one another. A grant has one set, and another where its user has tokens of their own.
pub(crate) struct TokenSet {
    grant: GrantId,
    /// Index into the vendor's accounts.
    pub(crate) account: usize,
    /// Space-separated, as asked for.
    pub(crate) scope: String,
    revoked: bool,
    /// How often its refresh tokens were taken.
    pub(crate) refreshes: usize,
}

struct RefreshToken {
    set: SetId,
    issued_at: Timestamp,
    expires_at: Timestamp,
    spent_at: Option<Timestamp>,
}

struct AccessToken {
    set: SetId,
    /// `None` = it does not expire.
    expires_at: Option<Timestamp>,
    ended: bool,
}

/// A new access token, and a refresh token where there is to be one.
pub(crate) struct Pair {
    pub(crate) access_token: Secret,
    pub(crate) refresh_token: Option<Secret>,
}

/// A refresh token that can be taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refreshable {
    pub(crate) set: SetId,
    pub(crate) issued_at: Timestamp,
    /// It was spent, and is within the vendor's window.
    pub(crate) again: bool,
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
    pub(crate) fn open(&mut self, approved: Approved) -> Opened {
        let grant = GrantId(self.grants);
        self.grants += 1;
        let mut open = |scope| {
            self.sets.push(TokenSet {
                grant,
                account: approved.account,
                scope,
                revoked: false,
                refreshes: 0,
            });
            SetId(self.sets.len() - 1)
        };
        Opened {
            grant,
            main: approved.asked.scope.map(&mut open),
            user: approved.asked.user_scope.map(open),
        }
    }

    pub(crate) fn set(&self, set: SetId) -> &TokenSet {
        &self.sets[set.0]
    }

    pub(crate) fn issue(&mut self, set: SetId, pair: &Pair, rules: &TokenRules, now: Timestamp) {
        let end = |seconds| saturating_add(now, Duration::from_secs(seconds));
        let access = AccessToken {
            set,
            expires_at: rules.access_token_lifetime_seconds.map(end),
            ended: false,
        };
        let token = pair.access_token.expose().to_owned();
        self.last_access_token = Some(token.clone());
        self.access_tokens.insert(token, access);
        if let Some(token) = &pair.refresh_token {
            let refresh = RefreshToken {
                set,
                issued_at: now,
                expires_at: rules
                    .refresh_token_lifetime_seconds
                    .map_or(Timestamp::MAX, end),
                spent_at: None,
            };
            self.refresh_tokens
                .insert(token.expose().to_owned(), refresh);
        }
    }

    /// The token set whose current refresh token this is.
    pub(crate) fn current(&self, refresh_token: &str, now: Timestamp) -> Result<SetId, Dead> {
        self.refreshable(refresh_token, Duration::ZERO, now)
            .map(|token| token.set)
    }

    /// Whether a refresh token can be taken, a spent one as long as `window` is open.
    pub(crate) fn refreshable(
        &self,
        refresh_token: &str,
        window: Duration,
        now: Timestamp,
    ) -> Result<Refreshable, Dead> {
        let token = self
            .refresh_tokens
            .get(refresh_token)
            .ok_or(Dead::Unknown)?;
        let set = self.set(token.set);
        let is_over = |spent_at| now >= saturating_add(spent_at, window);
        if token.spent_at.is_some_and(is_over) {
            Err(Dead::Spent(set.grant))
        } else if set.revoked {
            Err(Dead::Revoked)
        } else if now >= token.expires_at {
            Err(Dead::Expired)
        } else {
            Ok(Refreshable {
                set: token.set,
                issued_at: token.issued_at,
                again: token.spent_at.is_some(),
            })
        }
    }

    /// Seconds until a refresh token expires.
    pub(crate) fn seconds_left(&self, refresh_token: &str, now: Timestamp) -> Option<u64> {
        let token = self.refresh_tokens.get(refresh_token)?;
        u64::try_from(token.expires_at.duration_since(now).as_secs()).ok()
    }

    /// From when on it counts as spent; a second time changes nothing.
    pub(crate) fn spend(&mut self, refresh_token: &str, now: Timestamp) {
        if let Some(token) = self.refresh_tokens.get_mut(refresh_token) {
            token.spent_at.get_or_insert(now);
        }
    }

    /// A refresh token of this set was taken.
    pub(crate) fn count_refresh(&mut self, set: SetId) {
        self.sets[set.0].refreshes += 1;
    }

    /// The token set that an access token speaks for, as long as it does.
    pub(crate) fn live(&self, access_token: &str, now: Timestamp) -> Option<SetId> {
        let token = self.access_tokens.get(access_token)?;
        let is_current = token.expires_at.is_none_or(|end| now < end);
        let alive = !token.ended && !self.set(token.set).revoked && is_current;
        alive.then_some(token.set)
    }

    /// The kind and the set of a token, dead or alive.
    pub(crate) fn known(&self, token: &str) -> Option<(TokenKind, SetId)> {
        let refresh = self.refresh_tokens.get(token);
        let access = self.access_tokens.get(token);
        refresh
            .map(|token| (TokenKind::RefreshToken, token.set))
            .or_else(|| access.map(|token| (TokenKind::AccessToken, token.set)))
    }

    /// Ends all token sets of a grant.
    pub(crate) fn revoke(&mut self, grant: GrantId) {
        let sets = self.sets.iter_mut().filter(|set| set.grant == grant);
        sets.for_each(|set| set.revoked = true);
    }

    /// Ends one token set.
    pub(crate) fn revoke_set(&mut self, set: SetId) {
        self.sets[set.0].revoked = true;
    }

    /// Revokes the grant that a refresh token, spent or not, belongs to.
    pub(crate) fn revoke_grant_of(&mut self, refresh_token: &str) {
        if let Some(token) = self.refresh_tokens.get(refresh_token) {
            self.revoke(self.set(token.set).grant);
        }
    }

    pub(crate) fn end_access_token(&mut self, access_token: &str) {
        if let Some(token) = self.access_tokens.get_mut(access_token) {
            token.ended = true;
        }
    }

    /// Ends the access tokens of one set, or all.
    pub(crate) fn end_access_tokens(&mut self, set: Option<SetId>) {
        let chosen = self
            .access_tokens
            .values_mut()
            .filter(|token| set.is_none_or(|set| set == token.set));
        chosen.for_each(|token| token.ended = true);
    }

    pub(crate) fn current_refresh_tokens(&self, now: Timestamp) -> impl Iterator<Item = &String> {
        self.refresh_tokens
            .keys()
            .filter(move |token| self.current(token, now).is_ok())
    }

    /// Grants with a current refresh token.
    pub(crate) fn alive(&self, now: Timestamp) -> usize {
        let current = self.refresh_tokens.keys();
        let grants: HashSet<_> = current
            .filter_map(|token| self.current(token, now).ok())
            .map(|set| self.set(set).grant)
            .collect();
        grants.len()
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
    pub(crate) fn random(with_refresh_token: bool) -> Result<Self, NoRandomness> {
        Ok(Self {
            access_token: random::token()?,
            refresh_token: if with_refresh_token {
                Some(random::token()?)
            } else {
                None
            },
        })
    }
}
