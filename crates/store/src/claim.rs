//! What a process does to a database before it is its store: unlock or make the keyring, and see whose it is.

use tieline_core::Timestamp;

use crate::backend::{Backend, SealedTable};
use crate::keyring::Keyring;
use crate::{AdoptionReason, MasterKey, StoreError};

/// The mark that names the deployment a store belongs to.
pub(crate) const DEPLOYMENT: &str = "deployment";
/// The mark that a restored store carries until it is adopted.
pub(crate) const RESTORED: &str = "restored";
/// The mark that says which database a store was made in, or adopted in.
pub(crate) const DATABASE: &str = "database";

/// Unlocks the keyring; makes the first key of a new store. Of two processes that do so at once, one is first, and the other one has to
/// have the same master key.
pub(crate) async fn unlock_or_create(
    backend: &dyn Backend,
    master: MasterKey,
    now: Timestamp,
) -> Result<Keyring, StoreError> {
    if let Some(keyring) = Keyring::unlock(&backend.keyring().await?, master.duplicate())? {
        return Ok(keyring);
    }
    let (keyring, row) = Keyring::first(master.duplicate(), now)?;
    let sealed = holds_sealed_rows(backend).await?;
    let made = match sealed {
        false => backend.activate_key(row).await,
        // By a process that has been faster, or else by one whose key is gone.
        true => Err(StoreError::NoDataKey {
            path: backend.place(),
        }),
    };
    match made {
        Ok(()) => Ok(keyring),
        Err(error @ (StoreError::Conflict(_) | StoreError::NoDataKey { .. })) => {
            Keyring::unlock(&backend.keyring().await?, master)?.ok_or(error)
        }
        Err(error) => Err(error),
    }
}

async fn holds_sealed_rows(backend: &dyn Backend) -> Result<bool, StoreError> {
    for table in SealedTable::ALL {
        // No key sealed with yet has this id, so this counts every sealed row.
        if backend.count_to_reseal(table, 0).await? > 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes the deployment's name into a new store; says what stands against using an old one.
pub(crate) async fn claim(
    backend: &dyn Backend,
    deployment: &str,
    identity: Option<&str>,
) -> Result<Option<AdoptionReason>, StoreError> {
    if backend.mark(RESTORED).await?.is_some() {
        return Ok(Some(AdoptionReason::Restored));
    }
    // Of two processes that start at once, one names the store.
    let stored = kept(backend, DEPLOYMENT, deployment).await?;
    if stored != deployment {
        return Ok(Some(AdoptionReason::OtherDeployment {
            stored,
            given: deployment.to_owned(),
        }));
    }
    match identity {
        // From a dump: the database itself is another one.
        Some(identity) if kept(backend, DATABASE, identity).await? != identity => {
            Ok(Some(AdoptionReason::Restored))
        }
        _ => Ok(None),
    }
}

/// What a mark says; the value given, where it said nothing.
async fn kept(backend: &dyn Backend, name: &str, value: &str) -> Result<String, StoreError> {
    if let Some(stored) = backend.mark(name).await? {
        return Ok(stored);
    }
    backend.keep_mark(name, value).await?;
    Ok(backend
        .mark(name)
        .await?
        .unwrap_or_else(|| value.to_owned()))
}
