//! What a refresh rests on: lease, intent and generation, each changed by one durable, conditional write.

use std::collections::BTreeMap;
use std::sync::Arc;

use tieline_core::{InstanceId, Timestamp, TokenSet};

use crate::keyring::Keyring;
use crate::tokens::SealedTokens;
use crate::{Cause, Instance, Store, StoreError};

/// To be written before anybody sees the new access token.
#[derive(Debug)]
pub struct CommitRefresh {
    /// The instance.
    pub id: InstanceId,
    /// The generation whose refresh token was spent.
    pub generation: i64,
    /// The attempt that spent it.
    pub attempt: i64,
    /// The instance as [`Begun::Taken`] showed it, where the caller still has it: that saves a look.
    pub begun: Option<Instance>,
    /// What the provider answered. Scopes that it left out stay as they are, captures are added to those there are.
    pub tokens: TokenSet,
    /// When it is to be refreshed again for the refresh token's own sake; `None` = never.
    pub keep_alive_at: Option<Timestamp>,
    /// The current time.
    pub now: Timestamp,
}

/// New tokens from outside a refresh: the owner authorized the instance again.
#[derive(Debug)]
pub struct ReplaceTokens {
    /// The instance.
    pub id: InstanceId,
    /// The generation that was read before.
    pub generation: i64,
    /// What the provider answered. Scopes and captures replace those there are.
    pub tokens: TokenSet,
    /// What the person gave this time, by parameter key. Never secret.
    pub parameters: BTreeMap<String, String>,
    /// The account's id at the provider; `None` leaves it as it is.
    pub account_id: Option<String>,
    /// What the account's owner would recognise it by; `None` leaves it as it is.
    pub account_label: Option<String>,
    /// When it is to be refreshed for the refresh token's own sake; `None` = never.
    pub keep_alive_at: Option<Timestamp>,
}

/// How a commit ended.
#[derive(Debug)]
#[must_use = "tokens that were not stored must be kept or revoked"]
pub enum Committed {
    /// It is durable, and this is the new generation. Its status is [`Status::Deleting`] when the instance is being deleted: then
    /// revoke these tokens.
    Done(Instance),
    /// Somebody else moved on, and nothing was overwritten. This is how it stands.
    MovedOn(Instance),
    /// There is no such instance any more.
    Gone,
}

impl Store {
    /// Stores the answer as generation N + 1, if the generation still is N, and clears the attempt's intent and lease. The event
    /// `instance.refreshed` is written with it. Committing the same attempt again, after an error that left the outcome open, is
    /// [`Committed::Done`].
    ///
    /// # Errors
    /// The database cannot be written: keep the answer and try again.
    pub async fn commit_refresh(&self, commit: &CommitRefresh) -> Result<Committed, StoreError> {
        let CommitRefresh {
            id,
            generation,
            attempt,
            ref begun,
            ref tokens,
            keep_alive_at,
            now,
        } = *commit;
        // Nothing that is taken from it changes without the generation, on which the write is conditional.
        let current = match begun {
            Some(begun) if begun.id == id => begun.clone(),
            _ => match self.backend().instance_by_id(id).await? {
                Some(current) => current,
                None => return Ok(Committed::Gone),
            },
        };
        if current.generation == generation {
            let mut next = Instance {
                generation: generation + 1,
                expires_at: tokens.expires_at,
                refresh_expires_at: tokens.refresh_expires_at,
                captures: tokens.captures.clone(),
                refreshed_at: now,
                keep_alive_at,
                ..current
            };
            if !tokens.scopes.is_empty() {
                next.scopes.clone_from(&tokens.scopes);
            }
            let committed = self
                .sealing(
                    |keyring| sealed(keyring, &next, tokens),
                    |next| async move { self.backend().commit_refresh(&next, attempt).await },
                )
                .await?;
            if let Some(instance) = committed {
                return Ok(Committed::Done(instance));
            }
        }
        let ours = self.backend().committed_by(id, attempt).await?;
        self.backend().clear_intent(id, attempt).await?;
        Ok(match self.backend().instance_by_id(id).await? {
            None => Committed::Gone,
            Some(instance) if ours && instance.generation == generation + 1 => {
                Committed::Done(instance)
            }
            Some(instance) => Committed::MovedOn(instance),
        })
    }

    /// Whether the stored generation came of a refresh, and another attempt was made at the generation before it: one that was
    /// begun before this one was written, or one that brought tokens too, which are in quarantine. Then the provider may have
    /// ended both.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn is_contested(&self, id: InstanceId) -> Result<bool, StoreError> {
        self.backend().is_contested(id).await
    }

    /// Ends an attempt that spent nothing: its intent and lease go. That an earlier attempt ended unknown stays remembered.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn abandon_refresh(&self, id: InstanceId, attempt: i64) -> Result<(), StoreError> {
        self.backend().clear_intent(id, attempt).await
    }

    /// Ends an attempt whose outcome is unknown: its lease goes, its intent stays, marked uncertain for this generation. The
    /// first time for each generation the event `instance.refresh_uncertain` is written with it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn leave_uncertain(
        &self,
        id: InstanceId,
        attempt: i64,
        generation: i64,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.backend()
            .keep_uncertain(id, attempt, generation, reason, self.now(), true)
            .await
    }

    /// Says of somebody else's attempt, which has not ended and whose lease is not alive, that its outcome is unknown, as
    /// [`leave_uncertain`](Self::leave_uncertain) does. Its lease stays: if it does live, the next heartbeat is heard.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn call_uncertain(
        &self,
        id: InstanceId,
        attempt: i64,
        generation: i64,
        reason: &str,
    ) -> Result<(), StoreError> {
        self.backend()
            .keep_uncertain(id, attempt, generation, reason, self.now(), false)
            .await
    }

    /// Ends an attempt that the provider rejected, which spent nothing, and counts it. `None`: the attempt is not the
    /// instance's any more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn count_rejection(
        &self,
        id: InstanceId,
        attempt: i64,
    ) -> Result<Option<Instance>, StoreError> {
        self.backend()
            .count_rejection(id, attempt, self.now())
            .await
    }

    /// Says that a person must authorize the instance again, if the generation still is the one given, it is not being deleted, and
    /// no other attempt than the one given is under way (any, if none is given);
    /// clears intent and lease. The event `instance.reconnect_required` is written with it, unless it was so before. Returns how
    /// the instance stands then, whether or not that was so.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn require_reconnect(
        &self,
        id: InstanceId,
        generation: i64,
        attempt: Option<i64>,
        cause: Cause,
    ) -> Result<Option<Instance>, StoreError> {
        self.backend()
            .require_reconnect(id, generation, attempt, cause, self.now())
            .await?;
        self.backend().instance_by_id(id).await
    }

    /// Stores the tokens of a new authorization as generation N + 1, if the generation still is N: status [`Status::Ok`], no intent,
    /// no lease. The event `instance.reconnected` is written with it. An instance that is being deleted is left alone and answers [`Committed::MovedOn`].
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn replace_tokens(&self, replace: &ReplaceTokens) -> Result<Committed, StoreError> {
        let ReplaceTokens {
            id,
            generation,
            tokens,
            ..
        } = replace;
        let Some(current) = self.backend().instance_by_id(*id).await? else {
            return Ok(Committed::Gone);
        };
        if current.generation != *generation {
            return Ok(Committed::MovedOn(current));
        }
        let now = self.now();
        let next = Instance {
            generation: generation + 1,
            account_id: replace.account_id.clone(),
            account_label: replace.account_label.clone(),
            expires_at: tokens.expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            refreshed_at: now,
            status_since: now,
            keep_alive_at: replace.keep_alive_at,
            scopes: tokens.scopes.clone(),
            captures: tokens.captures.clone(),
            parameters: replace.parameters.clone(),
            ..current
        };
        let replaced = self
            .sealing(
                |keyring| sealed(keyring, &next, tokens),
                |next| async move { self.backend().replace_tokens(&next, self.actor()).await },
            )
            .await?;
        match replaced {
            Some(instance) => Ok(Committed::Done(instance)),
            None => Ok(match self.backend().instance_by_id(*id).await? {
                Some(instance) => Committed::MovedOn(instance),
                None => Committed::Gone,
            }),
        }
    }
}

/// The instance with these tokens, sealed for its tenant, id and generation.
fn sealed(
    keyring: &Keyring,
    instance: &Instance,
    tokens: &TokenSet,
) -> Result<Instance, StoreError> {
    let Instance {
        tenant,
        id,
        generation,
        ..
    } = instance;
    let tokens = SealedTokens::seal(keyring, tokens, tenant, *id, *generation)?;
    Ok(Instance {
        tokens: Arc::new(tokens),
        ..instance.clone()
    })
}

#[cfg(test)]
mod tests {
    //! What another process does between this one's reading and its writing.

    use super::*;
    use crate::testing::{TENANT, app, new_instance, options, tokens};

    #[tokio::test]
    async fn the_write_itself_is_conditional_on_the_generation() {
        let home = tempfile::tempdir().unwrap();
        let store = Store::open(options(home.path())).await.unwrap();
        let app = app(&store).await;
        let first = store
            .insert_instance(&new_instance(app.id, "first"))
            .await
            .unwrap();
        let late = Instance {
            generation: 2,
            ..first.clone()
        };
        let commit = CommitRefresh {
            id: first.id,
            generation: 1,
            attempt: 7,
            begun: None,
            tokens: tokens("second"),
            keep_alive_at: None,
            now: first.created_at,
        };
        assert!(matches!(
            store.commit_refresh(&commit).await.unwrap(),
            Committed::Done(_)
        ));
        let stored = store.instance(TENANT, first.id).await.unwrap().unwrap();

        for generation in [1, 2, 4] {
            let late = Instance {
                generation,
                ..late.clone()
            };
            assert!(
                store
                    .backend()
                    .commit_refresh(&late, 8)
                    .await
                    .unwrap()
                    .is_none()
            );
            assert!(
                store
                    .backend()
                    .replace_tokens(&late, None)
                    .await
                    .unwrap()
                    .is_none()
            );
        }
        let after = store.instance(TENANT, first.id).await.unwrap().unwrap();
        assert_eq!(after.generation, 2);
        assert_eq!(after.tokens.access_token, stored.tokens.access_token);
        store.close().await;
    }
}
