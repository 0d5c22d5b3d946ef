//! Quarantine: answers of a provider that could not be committed, sealed and kept as evidence.

use std::sync::Arc;

use tieline_core::{AppId, InstanceId, Secret, Timestamp, random};

use crate::seal::{Blob, Place};
use crate::words::words;
use crate::{NewEvent, Purpose, Store, StoreError};

words! {
    /// Why an answer was not committed.
    pub enum QuarantineKind {
        /// Somebody else had moved the generation on.
        Conflict = "conflict",
        /// It could not be decoded, or must not be used.
        Undecodable = "undecodable",
    }
}

/// How many answers of one kind are kept for one generation of an instance.
///
/// An endpoint that answers rubbish is asked again and again, with up to 1 MiB each time, and nothing removes an answer from
/// quarantine by itself. The first answers are the ones to keep: a provider that rotates refresh tokens put the new one into its
/// answer to the first request, and what it says to the spent one afterwards holds none. Kinds are counted apart, so that rubbish
/// never keeps out tokens that were decoded.
const MOST: u32 = 3;

/// An answer to be kept.
#[derive(Debug)]
pub struct NewQuarantine {
    /// The instance that was refreshed.
    pub instance: InstanceId,
    /// Whose it is.
    pub tenant: String,
    /// Its app.
    pub app: AppId,
    /// The generation whose refresh token was spent.
    pub generation: i64,
    /// Why it was not committed.
    pub kind: QuarantineKind,
    /// The answer.
    pub blob: Secret,
    /// The current time.
    pub now: Timestamp,
}

/// An answer in quarantine. It outlives its instance.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Quarantined {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub tenant: String,
    /// The instance that was refreshed.
    pub instance: InstanceId,
    /// The generation whose refresh token was spent.
    pub generation: i64,
    /// Why it was not committed.
    pub kind: QuarantineKind,
    /// When it arrived.
    pub created_at: Timestamp,
    #[serde(skip)]
    pub(crate) answer: Arc<Blob>,
}

fn place(tenant: &str, id: i64) -> Place<'_> {
    Place {
        table: "quarantine",
        column: "answer",
        tenant,
        row: id,
        version: 1,
    }
}

impl Store {
    /// Seals an answer that could not be committed, and keeps it, unless three of its instance, generation and kind are kept already:
    /// the first ones are those that may hold tokens. Returns its id, or else that of the newest of the three. With a
    /// [conflict](QuarantineKind::Conflict) the event `instance.conflict` is written, kept or not.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn quarantine(&self, record: NewQuarantine) -> Result<i64, StoreError> {
        let NewQuarantine {
            instance,
            tenant,
            app,
            generation,
            kind,
            blob,
            now,
        } = record;
        let id = random::id()?;
        let told = (kind == QuarantineKind::Conflict).then(|| NewEvent {
            tenant: tenant.clone(),
            instance: Some(instance),
            app: Some(app),
            kind: "instance.conflict",
            detail: serde_json::json!({ "generation": generation }),
            actor: self.actor().map(str::to_owned),
        });
        let kept_instead = self
            .sealing(
                |keyring| {
                    let answer = keyring.seal(&place(&tenant, id), blob.expose().as_bytes())?;
                    Ok(Quarantined {
                        id,
                        tenant: tenant.clone(),
                        instance,
                        generation,
                        kind,
                        created_at: now,
                        answer: Arc::new(answer),
                    })
                },
                |record| {
                    let told = told.as_ref();
                    async move {
                        let backend = self.backend();
                        backend.insert_quarantine(&record, MOST, told).await
                    }
                },
            )
            .await?;
        if kept_instead.is_some() {
            tracing::warn!(%instance, generation, "an answer was not put into quarantine, which holds {MOST} like it");
        }
        Ok(kept_instead.unwrap_or(id))
    }

    /// All answers of a tenant in quarantine, the oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn quarantined(&self, tenant: &str) -> Result<Vec<Quarantined>, StoreError> {
        self.backend().quarantined(tenant).await
    }

    /// Opens an answer in quarantine.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub async fn quarantined_answer(
        &self,
        record: &Quarantined,
        purpose: Purpose,
    ) -> Result<Secret, StoreError> {
        self.open_text(&place(&record.tenant, record.id), &record.answer, purpose)
            .await
    }
}
