//! How a refresh begins: lease and intent, in one durable, conditional write, or why not.

use std::time::Duration;

use tieline_core::InstanceId;

use crate::{Instance, Status, Store, StoreError};

/// To be written before the first byte of a refresh is sent.
#[derive(Debug, Clone)]
pub struct BeginRefresh {
    /// The instance.
    pub id: InstanceId,
    /// The generation whose refresh token will be spent.
    pub generation: i64,
    /// Who asks for the lease: unique to a running process.
    pub owner: String,
    /// A fresh random id.
    pub attempt: i64,
    /// A hash of the refresh token.
    pub token_hash: [u8; 32],
    /// How long until the lease ends by itself.
    pub lease: Duration,
    /// Whether to begin although an earlier attempt of this generation has not ended, or ended unknown.
    pub in_doubt: bool,
    /// The instance as the caller read it, where the caller still has it: that saves a look.
    pub seen: Option<Instance>,
}

/// How a refresh began.
#[derive(Debug)]
#[must_use = "only `Taken` allows the request to be sent"]
pub enum Begun {
    /// Lease and intent are on disk: send, once. `intent.uncertain` says whether an earlier attempt of this generation ended
    /// unknown, and `intent.at` what time it is by the clock that leases go by.
    Taken(Instance),
    /// The instance is not as the caller read it: another generation, or a status other than [`Status::Ok`]. This is how it stands.
    Moved(Instance),
    /// Somebody else refreshes it: this is how it stands, lease included. The lease is missing where it ended between two
    /// statements: try again at once.
    Leased(Instance),
    /// Nobody refreshes it, and an earlier attempt of this generation has not ended, or ended unknown. Only from
    /// [`in_doubt`](BeginRefresh::in_doubt) = `false`.
    InDoubt(Instance),
    /// There is no such instance any more, or it is being deleted.
    Gone,
}

impl Store {
    /// Takes the lease and writes the intent in one statement, if the generation still is the one given, the status is
    /// [`Status::Ok`] and nobody else's lease is alive. An owner's own lease is no hindrance: there is one refresh of an
    /// instance at a time in a process, so whoever held it before is gone, or begins again on purpose.
    ///
    /// A lease is alive until it ends by itself; where several processes share the database, only while its owner
    /// [beats](Self::beat).
    ///
    /// # Errors
    /// [`StoreError::AdoptionRequired`]; or the database cannot be written: then nothing may be sent.
    pub async fn begin_refresh(&self, begin: BeginRefresh) -> Result<Begun, StoreError> {
        if let Some(reason) = self.adoption_required() {
            return Err(StoreError::AdoptionRequired(reason));
        }
        match self.backend().begin_refresh(&begin, self.now()).await? {
            Some(instance) => Ok(Begun::Taken(instance)),
            None => self.not_begun(&begin).await,
        }
    }

    /// Why nothing was written.
    async fn not_begun(&self, begin: &BeginRefresh) -> Result<Begun, StoreError> {
        Ok(match self.backend().instance_by_id(begin.id).await? {
            None => Begun::Gone,
            Some(instance) if instance.status == Status::Deleting => Begun::Gone,
            Some(instance)
                if instance.generation != begin.generation || instance.status != Status::Ok =>
            {
                Begun::Moved(instance)
            }
            Some(instance) if begin.in_doubt || !instance.is_in_doubt() => Begun::Leased(instance),
            Some(instance) => self.leased_or_in_doubt(begin, instance).await?,
        })
    }

    /// Whose attempt it is that has not ended: somebody's who lives, or nobody's.
    async fn leased_or_in_doubt(
        &self,
        begin: &BeginRefresh,
        seen: Instance,
    ) -> Result<Begun, StoreError> {
        let backend = self.backend();
        if backend
            .is_leased(begin.id, &begin.owner, self.now())
            .await?
        {
            return Ok(Begun::Leased(seen));
        }
        // The attempt may have ended well between the two looks, and its lease with it.
        let attempt = |it: &Instance| {
            let attempt = it.intent.as_ref().map(|intent| intent.attempt);
            (it.generation, attempt)
        };
        Ok(match backend.instance_by_id(begin.id).await? {
            None => Begun::Gone,
            Some(still) if attempt(&still) == attempt(&seen) => Begun::InDoubt(still),
            Some(ended) => Begun::Leased(ended),
        })
    }
}
