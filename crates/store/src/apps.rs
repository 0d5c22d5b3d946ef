//! Apps: a tenant's registered applications, with their parameters sealed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tieline_core::{AppId, Secret, Timestamp};
use zeroize::Zeroizing;

use crate::keyring::Keyring;
use crate::openings::unreadable;
use crate::seal::{Blob, NotOpened, Place};
use crate::{Purpose, Store, StoreError};

/// An app to be created.
#[derive(Debug)]
pub struct NewApp {
    /// Whose it is.
    pub tenant: String,
    /// The provider's id. Immutable.
    pub provider: String,
    /// Unique for this tenant and provider.
    pub name: String,
    /// As registered with the provider, byte for byte; `None` until it is known.
    pub redirect_uri: Option<String>,
    /// The operator's own endpoints in place of the provider's. Immutable.
    pub endpoints: BTreeMap<String, String>,
    /// The last part of its redirect URI: random, as [`random::context`] makes it. It is given, so that it can stand among the parameters.
    pub context: String,
    /// Where the host confirms what its users connected.
    pub confirm_url: Option<String>,
    /// The origins of pages to which people may be sent back.
    pub return_origins: Vec<String>,
    /// Values by parameter key; may be empty, since providers want the redirect URI registered first.
    pub parameters: BTreeMap<String, Secret>,
}

/// A tenant's registered application at one provider. Its parameters are in it, sealed; serialised they are left out, so that
/// one that was read from its serialised form has none that open.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(utoipa::ToSchema),
    schema(description = "A tenant's registered application at one provider.")
)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Whose it is.
    pub tenant: String,
    /// The provider's id.
    pub provider: String,
    /// Unique for this tenant and provider.
    pub name: String,
    /// A random public 128-bit id: the last part of the app's redirect URI.
    pub context: String,
    /// As registered with the provider, byte for byte.
    pub redirect_uri: Option<String>,
    /// The operator's own endpoints in place of the provider's.
    pub endpoints: BTreeMap<String, String>,
    /// Where the host confirms what its users connected.
    pub confirm_url: Option<String>,
    /// The origins of pages to which people may be sent back.
    pub return_origins: Vec<String>,
    /// Counts the changes of the app.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its parameters were changed last.
    pub updated_at: Timestamp,
    /// Why the provider refuses the app itself, in the words of the refusal; none = it doesn't, as far as anybody knows.
    pub trouble: Option<String>,
    /// Since when.
    pub trouble_since: Option<Timestamp>,
    #[serde(skip)]
    pub(crate) parameters: Arc<Blob>,
}

impl App {
    fn place(&self) -> Place<'_> {
        place(&self.tenant, self.id, self.version)
    }
}

fn place(tenant: &str, id: AppId, version: i64) -> Place<'_> {
    Place {
        table: "apps",
        column: "parameters",
        tenant,
        row: id.0,
        version,
    }
}

impl Store {
    /// Creates an app, with the event `app.created`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the tenant has an app of this name at this provider.
    pub async fn create_app(&self, new: NewApp) -> Result<App, StoreError> {
        let NewApp {
            tenant,
            provider,
            name,
            redirect_uri,
            endpoints,
            context,
            confirm_url,
            return_origins,
            parameters,
        } = new;
        let id = AppId::random()?;
        let now = self.now();
        let bytes = encode(&parameters)?;
        let seal = |keyring: &Keyring| {
            Ok(App {
                id,
                tenant: tenant.clone(),
                provider: provider.clone(),
                name: name.clone(),
                context: context.clone(),
                redirect_uri: redirect_uri.clone(),
                endpoints: endpoints.clone(),
                confirm_url: confirm_url.clone(),
                return_origins: return_origins.clone(),
                version: 1,
                created_at: now,
                updated_at: now,
                trouble: None,
                trouble_since: None,
                parameters: Arc::new(keyring.seal(&place(&tenant, id, 1), &bytes)?),
            })
        };
        self.sealing(seal, |app| async move {
            self.backend().insert_app(&app, self.actor()).await?;
            Ok(app)
        })
        .await
    }

    /// A tenant's app by its id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn app(&self, tenant: &str, id: AppId) -> Result<Option<App>, StoreError> {
        self.backend().app(tenant, id).await
    }

    /// The app that a redirect URI's context names, whoever's it is.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn app_by_context(&self, context: &str) -> Result<Option<App>, StoreError> {
        self.backend().app_by_context(context).await
    }

    /// A tenant's app by its name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn app_by_name(
        &self,
        tenant: &str,
        provider: &str,
        name: &str,
    ) -> Result<Option<App>, StoreError> {
        self.backend().app_by_name(tenant, provider, name).await
    }

    /// All apps of a tenant, by provider and name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn apps(&self, tenant: &str) -> Result<Vec<App>, StoreError> {
        self.backend().apps(tenant).await
    }

    /// Opens an app's parameters.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`].
    pub async fn app_parameters(&self, app: &App) -> Result<BTreeMap<String, Secret>, StoreError> {
        let bytes = self
            .open_bytes(&app.place(), &app.parameters, Purpose::Parameters)
            .await?;
        decode(&bytes).ok_or_else(|| unreadable(&app.place(), NotOpened::NotText))
    }

    /// Replaces an app's parameters and redirect URI, and writes its confirm URL and return origins as `app` has them, if nobody changed
    /// it since it was read; with the event `app.changed`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when somebody did; [`StoreError::NotFound`].
    pub async fn set_app_parameters(
        &self,
        app: &App,
        parameters: BTreeMap<String, Secret>,
        redirect_uri: Option<String>,
    ) -> Result<App, StoreError> {
        let (version, now, bytes) = (app.version + 1, self.now(), encode(&parameters)?);
        let seal = |keyring: &Keyring| {
            let blob = keyring.seal(&place(&app.tenant, app.id, version), &bytes)?;
            Ok(App {
                redirect_uri: redirect_uri.clone(),
                version,
                updated_at: now,
                trouble: None,
                trouble_since: None,
                parameters: Arc::new(blob),
                ..app.clone()
            })
        };
        let updated = self
            .sealing(seal, |next| async move {
                let updated = self.backend().update_app(&next, self.actor()).await?;
                Ok(updated.then_some(next))
            })
            .await?;
        if let Some(next) = updated {
            return Ok(next);
        }
        match self.app(&app.tenant, app.id).await? {
            Some(_) => Err(StoreError::Conflict(format!(
                "app {} was changed by somebody else since it was read: read it again",
                app.id
            ))),
            None => Err(StoreError::NotFound {
                what: "app",
                name: app.id.to_string(),
            }),
        }
    }

    /// Writes down why the provider refuses the app itself, or with `None` that it no longer does. The event `app.refused` or
    /// `app.recovered` is written with it, unless this was known.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn set_app_trouble(
        &self,
        id: AppId,
        trouble: Option<&str>,
    ) -> Result<bool, StoreError> {
        self.backend().set_trouble(id, trouble, self.now()).await
    }

    /// Apps, of whatever tenant, that their providers refuse.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn troubled_apps(&self) -> Result<Vec<App>, StoreError> {
        self.backend().troubled_apps().await
    }

    /// Deletes an app and its unfinished authorizations, with the event `app.deleted`; `false` when the tenant has no such app.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] while instances point to it.
    pub async fn delete_app(&self, tenant: &str, id: AppId) -> Result<bool, StoreError> {
        self.backend()
            .delete_app(tenant, id, self.now(), self.actor())
            .await
    }
}

/// Each key and value with its length before it. Sized at once and wiped afterwards, which a JSON writer's buffers are not.
fn encode(parameters: &BTreeMap<String, Secret>) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    let size = parameters
        .iter()
        .map(|(key, value)| key.len() + value.len() + 8)
        .sum();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size));
    for (key, value) in parameters {
        for part in [key.as_str(), value.expose()] {
            let length = u32::try_from(part.len()).map_err(|_| {
                StoreError::Conflict(format!("the parameter {key} is too large to be stored"))
            })?;
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
    }
    Ok(bytes)
}

fn decode(mut bytes: &[u8]) -> Option<BTreeMap<String, Secret>> {
    let mut parameters = BTreeMap::new();
    while !bytes.is_empty() {
        let key = take(&mut bytes)?.to_owned();
        parameters.insert(key, Secret::new(take(&mut bytes)?));
    }
    Some(parameters)
}

fn take<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *bytes = rest;
    std::str::from_utf8(part).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_survive_encoding() {
        let parameters: BTreeMap<String, Secret> =
            [("", ""), ("a", "007"), ("b.c", "[x]\n\"ü\0"), ("d", "true")]
                .map(|(key, value)| (key.to_owned(), Secret::new(value)))
                .into();
        let bytes = encode(&parameters).unwrap();
        assert_eq!(decode(&bytes).unwrap(), parameters);
        assert_eq!(decode(&[]).unwrap(), BTreeMap::new());
        for length in 1..bytes.len() {
            assert!(
                decode(&bytes[..length]).is_none_or(|cut| cut.len() < parameters.len()),
                "{length} bytes"
            );
        }
    }
}
