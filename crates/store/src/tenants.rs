//! Tenants: on whose behalf API keys speak.
//!
//! A host that embeds the engine may act for whatever tenant it likes. Those with a row here are the ones that can have API keys.

use tieline_core::Timestamp;

use crate::{Store, StoreError};

/// The tenant that is always there: that of embedded hosts, of the command line, and of the operator.
pub const DEFAULT_TENANT: &str = "default";

/// Characters of a tenant's id.
const LONGEST_ID: usize = 64;
/// Characters of a name.
const LONGEST_NAME: usize = 200;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tenant {
    /// Its id: 1 to 64 of `a`–`z`, `0`–`9`, `.`, `_` and `-`, the first a letter or a digit.
    pub id: String,
    /// What a person calls it.
    pub name: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// Makes a tenant, with the event `tenant.created` among those of the tenant `default`.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when its id or name does not do; [`StoreError::Conflict`] when it is there already.
    pub async fn create_tenant(&self, id: &str, name: Option<&str>) -> Result<Tenant, StoreError> {
        check_id(id)?;
        check_name(name)?;
        let tenant = Tenant {
            id: id.to_owned(),
            name: name.map(str::to_owned),
            created_at: self.now(),
        };
        self.backend().insert_tenant(&tenant, self.actor()).await
    }

    /// One tenant.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn tenant(&self, id: &str) -> Result<Option<Tenant>, StoreError> {
        match check_id(id) {
            Ok(()) => self.backend().tenant(id).await,
            // There can't be one, and PostgreSQL would not even be asked about some.
            Err(_) => Ok(None),
        }
    }

    /// The tenants, by id, after `after`.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when `after` can't be a tenant's id.
    pub async fn tenants(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Tenant>, StoreError> {
        after.map_or(Ok(()), check_id)?;
        self.backend().tenants(after, limit).await
    }

    /// Calls a tenant otherwise; `None` when it is not there.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when the name does not do.
    pub async fn rename_tenant(
        &self,
        id: &str,
        name: Option<&str>,
    ) -> Result<Option<Tenant>, StoreError> {
        check_name(name)?;
        if check_id(id).is_err() {
            return Ok(None);
        }
        self.backend().rename_tenant(id, name).await
    }

    /// Deletes a tenant with its API keys and webhooks, and the event `tenant.deleted` among those of the tenant `default`; `false`
    /// when it is not there. Its events stay.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while it has apps or instances, and for the tenant `default`.
    pub async fn delete_tenant(&self, id: &str) -> Result<bool, StoreError> {
        if id == DEFAULT_TENANT {
            return Err(StoreError::Conflict(format!(
                "the tenant {DEFAULT_TENANT} is always there: it cannot be deleted"
            )));
        }
        if check_id(id).is_err() {
            return Ok(false);
        }
        self.backend()
            .delete_tenant(id, self.now(), self.actor())
            .await
    }
}

pub(crate) fn check_id(id: &str) -> Result<(), StoreError> {
    let is_first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let is_any = |byte: u8| is_first(byte) || matches!(byte, b'.' | b'_' | b'-');
    let bytes = id.as_bytes();
    let is_fine = bytes.first().is_some_and(|byte| is_first(*byte))
        && bytes.iter().all(|byte| is_any(*byte))
        && bytes.len() <= LONGEST_ID;
    if is_fine {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "a tenant's id is 1 to {LONGEST_ID} of a-z, 0-9, '.', '_' and '-', the first a letter or a digit: give another id"
    )))
}

/// The name of a tenant or of an API key. PostgreSQL has no place for a NUL, and a terminal none for the likes of it.
pub(crate) fn check_name(name: Option<&str>) -> Result<(), StoreError> {
    let Some(name) = name else {
        return Ok(());
    };
    if name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(StoreError::Invalid(format!(
        "a name has at most {LONGEST_NAME} characters and no control characters: give another name"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_plain() {
        for fine in ["a", "0", "acme", "a.b_c-d", "9.", &"x".repeat(64)] {
            assert!(check_id(fine).is_ok(), "{fine}");
        }
        for wrong in [
            "",
            ".a",
            "-a",
            "_a",
            "A",
            "a b",
            "a/b",
            "ä",
            "a\0",
            "a\n",
            &"x".repeat(65),
        ] {
            let refused = check_id(wrong);
            assert!(matches!(refused, Err(StoreError::Invalid(_))), "{wrong:?}");
        }
    }

    #[test]
    fn names_are_a_line() {
        for fine in [
            None,
            Some(""),
            Some("Acme & Söhne"),
            Some(&*"ü".repeat(200)),
        ] {
            assert!(check_name(fine).is_ok(), "{fine:?}");
        }
        for wrong in ["a\0", "a\nb", "\u{1b}[31m", &"ü".repeat(201)] {
            assert!(check_name(Some(wrong)).is_err(), "{wrong:?}");
        }
    }
}
