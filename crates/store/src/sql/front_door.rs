//! Parked authorizations and links as rows.

use async_trait::async_trait;
use tieline_core::{AppId, AuthorizationId, InstanceId, LinkId, Timestamp};

use super::row::{json, micros};
use super::violations::is_dangling;
use super::{Database, Row, Statement, only};
use crate::backend::FrontDoorRows;
use crate::parked::ParkedBlobs;
use crate::{Binding, Link, NewLink, NewParked, StoreError, TakenAuthorization};

const LINK: &str = "id, tenant, app, token_hash, user_id, scopes, instance, instance_name, tags, return_to, expires_at";

#[async_trait]
impl<D: Database> FrontDoorRows for D {
    async fn insert_parked(
        &self,
        new: &NewParked<'_>,
        blobs: ParkedBlobs,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let taken = new.taken;
        let statement = Statement::of(
            "INSERT INTO parked (id, tenant, app, ticket_hash, verifier, callback, redirect_uri, scopes, user_id, instance, \
             instance_name, tags, parameters, return_to, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        )
        .bind(taken.id.0)
        .bind(&taken.tenant)
        .bind(taken.app.0)
        .bind(new.ticket_hash.as_slice())
        .bind(blobs.verifier)
        .bind(blobs.callback)
        .bind(&taken.redirect_uri)
        .bind(json(&taken.scopes)?)
        .bind(taken.user.as_deref().unwrap_or_default())
        .bind(taken.instance.map(|id| id.0))
        .bind(&taken.instance_name)
        .bind(json(&taken.tags)?)
        .bind(json(&taken.parameters)?)
        .bind(&taken.return_to)
        .bind(micros(now))
        .bind(micros(new.expires_at));
        placed(self.change(statement).await, taken.app, taken.instance)
    }

    async fn take_parked(
        &self,
        tenant: &str,
        id: AuthorizationId,
        ticket_hash: &[u8; 32],
    ) -> Result<Option<(TakenAuthorization, ParkedBlobs)>, StoreError> {
        let statement = Statement::of(
            "DELETE FROM parked WHERE tenant = $1 AND id = $2 AND ticket_hash = $3 RETURNING id, tenant, app, verifier, \
             callback, redirect_uri, scopes, user_id, instance, instance_name, tags, parameters, return_to, created_at, \
             expires_at",
        )
        .bind(tenant)
        .bind(id.0)
        .bind(ticket_hash.as_slice());
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
            binding: Binding::Confirm,
            user: Some(row.get("user_id")?),
            browser_hash: None,
            instance: row.get::<Option<i64>>("instance")?.map(InstanceId),
            instance_name: row.get("instance_name")?,
            tags: row.json("tags")?,
            parameters: row.json("parameters")?,
            return_to: row.get("return_to")?,
            created_at: row.time("created_at")?,
            expires_at: row.time("expires_at")?,
        };
        let blobs = ParkedBlobs {
            verifier: row.optional_blob("verifier")?,
            callback: row.blob("callback")?,
        };
        Ok(Some((taken, blobs)))
    }

    async fn insert_link(
        &self,
        id: LinkId,
        new: &NewLink,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = Statement::of(
            "INSERT INTO links (id, tenant, app, token_hash, user_id, scopes, instance, instance_name, tags, return_to, \
             created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(id.0)
        .bind(&new.tenant)
        .bind(new.app.0)
        .bind(new.token_hash.as_slice())
        .bind(&new.user)
        .bind(new.scopes.as_ref().map(json).transpose()?)
        .bind(new.instance.map(|id| id.0))
        .bind(&new.instance_name)
        .bind(json(&new.tags)?)
        .bind(&new.return_to)
        .bind(micros(now))
        .bind(micros(new.expires_at));
        placed(self.change(statement).await, new.app, new.instance)
    }

    async fn link(&self, token_hash: &[u8; 32]) -> Result<Option<Link>, StoreError> {
        let statement = Statement::built(format!("SELECT {LINK} FROM links WHERE token_hash = $1"))
            .bind(token_hash.as_slice());
        only(self.read(statement).await?)
            .as_ref()
            .map(link)
            .transpose()
    }

    async fn take_link(&self, token_hash: &[u8; 32]) -> Result<Option<Link>, StoreError> {
        if FrontDoorRows::link(self, token_hash).await?.is_none() {
            return Ok(None);
        }
        let statement = Statement::built(format!(
            "DELETE FROM links WHERE token_hash = $1 RETURNING {LINK}"
        ))
        .bind(token_hash.as_slice());
        only(self.write(statement).await?)
            .as_ref()
            .map(link)
            .transpose()
    }

    async fn purge_front_door(&self, expired_before: Timestamp) -> Result<u64, StoreError> {
        let mut purged = 0;
        for sql in [
            "DELETE FROM parked WHERE expires_at < $1",
            "DELETE FROM links WHERE expires_at < $1",
        ] {
            purged += self
                .change(Statement::of(sql).bind(micros(expired_before)))
                .await?;
        }
        Ok(purged)
    }
}

fn placed(
    inserted: Result<u64, StoreError>,
    app: AppId,
    instance: Option<InstanceId>,
) -> Result<(), StoreError> {
    match inserted {
        Err(error) if is_dangling(&error) => Err(nowhere(app, instance)),
        inserted => inserted.map(|_| ()),
    }
}

/// What a row would point to is not the tenant's, or gone.
pub(super) fn nowhere(app: AppId, instance: Option<InstanceId>) -> StoreError {
    match instance {
        Some(id) => StoreError::NotFound {
            what: "app or instance",
            name: format!("{app} or {id}"),
        },
        None => StoreError::NotFound {
            what: "app",
            name: app.to_string(),
        },
    }
}

fn link(row: &Row) -> Result<Link, StoreError> {
    let scopes: Option<&str> = row.get("scopes")?;
    Ok(Link {
        id: LinkId(row.get("id")?),
        made_of: NewLink {
            tenant: row.get("tenant")?,
            app: AppId(row.get("app")?),
            token_hash: super::row::parsed(
                row.get::<&[u8]>("token_hash")?.try_into(),
                "token_hash",
            )?,
            user: row.get("user_id")?,
            scopes: match scopes {
                Some(_) => Some(row.json("scopes")?),
                None => None,
            },
            instance: row.get::<Option<i64>>("instance")?.map(InstanceId),
            instance_name: row.get("instance_name")?,
            tags: row.json("tags")?,
            return_to: row.get("return_to")?,
            expires_at: row.time("expires_at")?,
        },
    })
}
