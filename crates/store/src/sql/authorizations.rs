//! Authorizations as rows.

use async_trait::async_trait;
use tieline_core::{AppId, AuthorizationId, InstanceId, Timestamp};

use super::row::{json, micros};
use super::violations::{is_dangling, is_duplicate};
use super::{Database, Statement, only};
use crate::backend::AuthorizationRows;
use crate::seal::Blob;
use crate::{NewAuthorization, StoreError, TakenAuthorization};

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
                     user_id, instance, instance_name, parameters, created_at, expires_at) \
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
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
                .bind(json(&new.parameters)?)
                .bind(micros(created_at))
                .bind(micros(new.expires_at)),
            )
            .await;
        match inserted {
            Err(error) if is_dangling(&error) => Err(match new.instance {
                Some(id) => StoreError::NotFound {
                    what: "app or instance",
                    name: format!("{} or {id}", new.app),
                },
                None => StoreError::NotFound {
                    what: "app",
                    name: new.app.to_string(),
                },
            }),
            Err(error) if is_duplicate(&error) => Err(StoreError::Conflict(
                "the state of this authorization was used before".to_owned(),
            )),
            inserted => inserted.map(|_| ()),
        }
    }

    async fn take_authorization(
        &self,
        state_hash: &[u8; 32],
    ) -> Result<Option<(TakenAuthorization, Option<Blob>)>, StoreError> {
        let statement = Statement::of(
            "DELETE FROM authorizations WHERE state_hash = $1 RETURNING id, tenant, app, verifier, redirect_uri, \
             scopes, binding, user_id, instance, instance_name, parameters, created_at, expires_at",
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
            instance: row.get::<Option<i64>>("instance")?.map(InstanceId),
            instance_name: row.get("instance_name")?,
            parameters: row.json("parameters")?,
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
