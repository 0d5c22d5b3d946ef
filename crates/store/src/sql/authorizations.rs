//! Authorizations as rows.

use async_trait::async_trait;
use tieline_core::{AppId, AuthorizationId, InstanceId, Timestamp};

use super::front_door::nowhere;
use super::row::{json, micros, parsed};
use super::violations::{is_dangling, is_duplicate};
use super::{Database, Row, Statement, only};
use crate::backend::AuthorizationRows;
use crate::seal::Blob;
use crate::{NewAuthorization, StoreError, TakenAuthorization, UnderWay};

#[async_trait]
impl<D: Database> AuthorizationRows for D {
    async fn insert_authorization(
        &self,
        id: i64,
        new: &NewAuthorization,
        verifier: Option<Blob>,
        created_at: Timestamp,
    ) -> Result<(), StoreError> {
        let inserted = self
            .change(
                Statement::of(
                    "INSERT INTO authorizations (id, tenant, app, state_hash, verifier, redirect_uri, scopes, binding, \
                     user_id, instance, instance_name, tags, parameters, return_to, created_at, expires_at, browser_hash) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
                )
                .bind(id)
                .bind(&new.tenant)
                .bind(new.app.0)
                .bind(new.state_hash.as_slice())
                .bind(verifier)
                .bind(&new.redirect_uri)
                .bind(json(&new.scopes)?)
                .bind(new.binding.as_str())
                .bind(&new.user)
                .bind(new.instance.map(|id| id.0))
                .bind(&new.instance_name)
                .bind(json(&new.tags)?)
                .bind(json(&new.parameters)?)
                .bind(&new.return_to)
                .bind(micros(created_at))
                .bind(micros(new.expires_at))
                .bind(new.browser_hash.map(Vec::from)),
            )
            .await;
        match inserted {
            Err(error) if is_dangling(&error) => Err(nowhere(new.app, new.instance)),
            Err(error) if is_duplicate(&error) => Err(StoreError::Conflict(
                "the state of this authorization was used before".to_owned(),
            )),
            inserted => inserted.map(|_| ()),
        }
    }

    async fn authorization(&self, state_hash: &[u8; 32]) -> Result<Option<UnderWay>, StoreError> {
        let statement =
            Statement::of("SELECT tenant, app, binding FROM authorizations WHERE state_hash = $1")
                .bind(state_hash.as_slice());
        let Some(row) = only(self.read(statement).await?) else {
            return Ok(None);
        };
        Ok(Some(UnderWay {
            tenant: row.get("tenant")?,
            app: AppId(row.get("app")?),
            binding: row.word("binding")?,
        }))
    }

    async fn take_authorization(
        &self,
        state_hash: &[u8; 32],
    ) -> Result<Option<(TakenAuthorization, Option<Blob>)>, StoreError> {
        // Anybody can send a state that there is not: that costs a look, and no turn at writing.
        if AuthorizationRows::authorization(self, state_hash)
            .await?
            .is_none()
        {
            return Ok(None);
        }
        let statement = Statement::of(
            "DELETE FROM authorizations WHERE state_hash = $1 RETURNING id, tenant, app, verifier, redirect_uri, \
             scopes, binding, user_id, browser_hash, instance, instance_name, tags, parameters, return_to, created_at, expires_at",
        )
        .bind(state_hash.as_slice());
        let Some(row) = only(self.write(statement).await?) else {
            return Ok(None);
        };
        let taken = TakenAuthorization {
            id: AuthorizationId(row.get("id")?),
            tenant: row.get("tenant")?,
            app: AppId(row.get("app")?),
            verifier: None,
            redirect_uri: row.get("redirect_uri")?,
            scopes: row.json("scopes")?,
            binding: row.word("binding")?,
            user: row.get("user_id")?,
            browser_hash: browser_hash(&row)?,
            instance: row.get::<Option<i64>>("instance")?.map(InstanceId),
            instance_name: row.get("instance_name")?,
            tags: row.json("tags")?,
            parameters: row.json("parameters")?,
            return_to: row.get("return_to")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        };
        Ok(Some((taken, row.optional_blob("verifier")?)))
    }

    async fn purge_authorizations(&self, expired_before: Timestamp) -> Result<u64, StoreError> {
        self.change(
            Statement::of("DELETE FROM authorizations WHERE expires_at < $1")
                .bind(micros(expired_before)),
        )
        .await
    }
}

fn browser_hash(row: &Row) -> Result<Option<[u8; 32]>, StoreError> {
    let hash: Option<&[u8]> = row.get("browser_hash")?;
    let hash = hash.map(|hash| parsed(hash.try_into(), "browser_hash"));
    hash.transpose()
}
