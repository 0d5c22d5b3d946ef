//! Connect links: a host lets one of its users start one authorization, without a key of its own in the browser.

use std::fmt;
use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::parameters::Given;
use tieline_core::{InstanceId, LinkId, OAuthField, ParameterKey, Secret, Timestamp, random};
use tieline_store::{App, Link, NewLink};

use crate::authorize::{AuthorizeOptions, BoundTo, Started, check_scopes};
use crate::confirm::confirm_url;
use crate::label::{check_name, check_user, checked_tags};
use crate::lookup_hash::lookup_hash;
use crate::{Engine, EngineError};

/// How long a link is good where nobody says.
pub const LINK_LIFETIME: Duration = Duration::from_secs(60 * 60);
/// How long it is good at most.
pub const LONGEST_LINK_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// For whom a link is, and what for.
#[derive(Debug, Default)]
pub struct LinkOptions {
    /// The host's name for the person.
    pub user: String,
    /// The scopes to ask for; `None` = the app's.
    pub scopes: Option<Vec<String>>,
    /// What to call the instance.
    pub instance_name: Option<String>,
    /// Connect this instance again, in place.
    pub instance: Option<InstanceId>,
    /// What the host finds the instance by.
    pub tags: Vec<String>,
    /// Where the person goes in the end.
    pub return_to: Option<String>,
    /// How long it is good. Default: [`LINK_LIFETIME`]; at most [`LONGEST_LINK_LIFETIME`].
    pub lifetime: Option<Duration>,
}

/// A new link. Its token is told here and nowhere else.
pub struct NewlyLinked {
    /// Its id.
    pub id: LinkId,
    /// What opens it.
    pub token: Secret,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

/// What a person sees before they follow a link.
#[derive(Debug)]
pub struct Linked {
    /// The app.
    pub app: App,
    /// The scopes that are asked for.
    pub scopes: Vec<String>,
    /// The keys of what the account's owner must give and nobody has given.
    pub wanted: Vec<ParameterKey>,
    /// When it stops being good.
    pub expires_at: Timestamp,
}

impl Engine {
    /// Makes a link for one person to connect one account of `app`. The authorization that it starts must be
    /// [confirmed](Self::confirm): a link can be handed on, unopened.
    ///
    /// # Errors
    /// When the app has nowhere to confirm, the provider has no consent in a browser, or something that is given can't be
    /// used.
    pub async fn create_link(
        &self,
        app: &App,
        options: LinkOptions,
    ) -> Result<NewlyLinked, EngineError> {
        let provider = self.provider(&app.provider)?;
        if !provider.descriptor().authentication.has_front_channel() {
            return Err(EngineError::other_way(provider.descriptor()));
        }
        confirm_url(app)?;
        check_user(&options.user)?;
        check_name(options.instance_name.as_deref())?;
        check_scopes(options.scopes.as_deref())?;
        self.check_return_to(options.return_to.as_deref(), &app.return_origins)?;
        // Whatever the app itself lacks, the host is to hear of, and not its user.
        self.wanted_to_connect(app, options.instance).await?;
        let parameters = self.app_parameters(app).await?;
        let redirect_uri = parameters.field(OAuthField::RedirectUri);
        tieline_oauth::check_redirect_uri(provider, redirect_uri.unwrap_or_default())?;
        let lifetime = options.lifetime.unwrap_or(LINK_LIFETIME);
        let now = self.shared.clock.now();
        let token = random::token()?;
        let link = self
            .shared
            .store
            .create_link(NewLink {
                tenant: self.tenant.to_string(),
                app: app.id,
                token_hash: lookup_hash(token.expose()),
                user: options.user,
                scopes: options.scopes,
                instance: options.instance,
                instance_name: options.instance_name,
                tags: checked_tags(options.tags)?,
                return_to: options.return_to,
                expires_at: saturating_add(now, lifetime.min(LONGEST_LINK_LIFETIME)),
            })
            .await?;
        Ok(NewlyLinked {
            id: link.id,
            token,
            expires_at: link.made_of.expires_at,
        })
    }

    /// What a link is for. Looking at it changes nothing: programs look at links before people do. Whose it is, the link says.
    ///
    /// # Errors
    /// When there is no such link, it was followed already, or it is no longer good.
    pub async fn link(&self, token: &Secret) -> Result<Linked, EngineError> {
        let link = self.good_link(token).await?;
        let engine = self.for_tenant(&link.made_of.tenant);
        let app = engine.app(link.made_of.app).await?;
        let parameters = engine.app_parameters(&app).await?;
        let usual = parameters.descriptor().oauth2().scopes;
        let scopes = match (link.made_of.scopes, parameters.field(OAuthField::Scope)) {
            (Some(scopes), _) => scopes,
            (None, Some(own)) => own.split_whitespace().map(str::to_owned).collect(),
            (None, None) => usual.iter().map(|scope| (*scope).to_owned()).collect(),
        };
        Ok(Linked {
            wanted: engine
                .wanted_to_connect(&app, link.made_of.instance)
                .await?,
            app,
            scopes,
            expires_at: link.made_of.expires_at,
        })
    }

    /// Follows a link, once: starts its authorization, with what the person gives.
    ///
    /// # Errors
    /// As for [`link`](Self::link); also when what is given is not enough, or can't be used: then the link stays good.
    pub async fn follow_link(&self, token: &Secret, given: Given) -> Result<Started, EngineError> {
        let seen = self.good_link(token).await?.made_of;
        let engine = self.for_tenant(&seen.tenant);
        let app = engine.app(seen.app).await?;
        engine
            .parameters_to_connect(&app, seen.instance, &given)
            .await?;
        let taken = self
            .shared
            .store
            .take_link(&lookup_hash(token.expose()))
            .await?;
        let link = taken.ok_or(EngineError::UnknownLink)?.made_of;
        let options = AuthorizeOptions {
            bound_to: BoundTo::Confirm { user: link.user },
            scopes: link.scopes,
            instance_name: link.instance_name,
            instance: link.instance,
            tags: link.tags,
            return_to: link.return_to,
            parameters: given,
        };
        engine.authorize(&app, options).await
    }

    async fn good_link(&self, token: &Secret) -> Result<Link, EngineError> {
        let now = self.shared.clock.now();
        let link = self.shared.store.link(&lookup_hash(token.expose())).await?;
        link.filter(|link| link.made_of.expires_at >= now)
            .ok_or(EngineError::UnknownLink)
    }
}

impl fmt::Debug for NewlyLinked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewlyLinked")
            .field("id", &self.id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
