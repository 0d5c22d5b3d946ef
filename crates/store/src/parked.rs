//! Parked authorizations: called back, and waiting for whoever started them to confirm.

use tieline_core::{AuthorizationId, Secret, Timestamp};

use crate::seal::{Blob, Place};
use crate::{Purpose, Store, StoreError, TakenAuthorization};

/// An authorization to be parked.
#[derive(Debug)]
pub struct NewParked<'a> {
    /// What was taken out of the store when it was called back.
    pub taken: &'a TakenAuthorization,
    /// The query with which the provider sent the person back, as it came.
    pub callback: &'a Secret,
    /// SHA-256 of the ticket that confirms it.
    pub ticket_hash: [u8; 32],
    /// When the ticket stops being accepted.
    pub expires_at: Timestamp,
}

/// A parked authorization that was confirmed. It is no longer in the store.
#[derive(Debug)]
pub struct Unparked {
    /// As it was when it was called back, but that it expires with its ticket.
    pub taken: TakenAuthorization,
    /// The query with which the provider sent the person back.
    pub callback: Secret,
}

/// Both blobs of a row, sealed.
#[derive(Debug)]
pub(crate) struct ParkedBlobs {
    pub(crate) verifier: Option<Blob>,
    pub(crate) callback: Blob,
}

fn place<'a>(tenant: &'a str, id: AuthorizationId, column: &'static str) -> Place<'a> {
    Place {
        table: "parked",
        column,
        tenant,
        row: id.0,
        version: 1,
    }
}

impl Store {
    /// Parks an authorization.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when its app or instance is gone.
    pub async fn park_authorization(&self, new: &NewParked<'_>) -> Result<(), StoreError> {
        let (tenant, id) = (&new.taken.tenant, new.taken.id);
        let now = self.now();
        self.sealing(
            |keyring| {
                let verifier = new.taken.verifier.as_ref();
                let verifier = verifier.map(|verifier| {
                    keyring.seal(&place(tenant, id, "verifier"), verifier.expose().as_bytes())
                });
                Ok(ParkedBlobs {
                    verifier: verifier.transpose()?,
                    callback: keyring.seal(
                        &place(tenant, id, "callback"),
                        new.callback.expose().as_bytes(),
                    )?,
                })
            },
            |blobs| self.backend().insert_parked(new, blobs, now),
        )
        .await
    }

    /// Takes a tenant's parked authorization out of the store, if that is its ticket: of many callers exactly one gets it. One whose
    /// ticket has expired is taken too.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] when it does not open; it is gone all the same.
    pub async fn take_parked(
        &self,
        tenant: &str,
        id: AuthorizationId,
        ticket_hash: &[u8; 32],
    ) -> Result<Option<Unparked>, StoreError> {
        let Some((mut taken, blobs)) = self.backend().take_parked(tenant, id, ticket_hash).await?
        else {
            return Ok(None);
        };
        if let Some(verifier) = &blobs.verifier {
            let place = place(tenant, id, "verifier");
            taken.verifier = Some(self.open_text(&place, verifier, Purpose::Exchange).await?);
        }
        let place = place(tenant, id, "callback");
        let callback = self.open_text(&place, &blobs.callback, Purpose::Exchange);
        Ok(Some(Unparked {
            taken,
            callback: callback.await?,
        }))
    }

    /// Removes parked authorizations and links that expired before an instant; returns how many.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn purge_front_door(&self, expired_before: Timestamp) -> Result<u64, StoreError> {
        self.backend().purge_front_door(expired_before).await
    }
}
