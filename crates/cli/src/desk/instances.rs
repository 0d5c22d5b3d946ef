//! Instances, and what happened to them.

use bytes::Bytes;
use http::{HeaderName, Method, Request, Response, header};
use serde::de::DeserializeOwned;
use tieline::InstanceId;
use tieline::core::descriptor::Account;
use tieline::engine::{AccessToken, Disconnected};
use tieline::server::answer_of;
use tieline::server::wire::{
    DisconnectQuery, Events, EventsQuery, Instances, InstancesQuery, Token,
};
use tieline::store::{Event, Instance, InstanceQuery};

use super::Desk;
use super::control::{Control, with_query};
use crate::error::CliError;

/// Rows of a page.
const PAGE: u32 = 500;
/// As many as a page may have.
const LONGEST_PAGE: u32 = 1_000;

impl Desk {
    /// All instances, or all of one provider.
    pub(crate) async fn instances(
        &self,
        provider: Option<String>,
    ) -> Result<Vec<Instance>, CliError> {
        let mut all: Vec<Instance> = Vec::new();
        loop {
            let after = all.last().map(|instance| instance.id);
            let page = self.page(provider.clone(), after).await?;
            let is_last = page.len() < PAGE as usize;
            all.extend(page);
            if is_last {
                return Ok(all);
            }
        }
    }

    async fn page(
        &self,
        provider: Option<String>,
        after: Option<InstanceId>,
    ) -> Result<Vec<Instance>, CliError> {
        match self {
            Self::Here(engine) => {
                let query = InstanceQuery {
                    provider,
                    after,
                    limit: PAGE,
                    ..InstanceQuery::of(engine.tenant())
                };
                Ok(engine.instances(query).await?)
            }
            Self::There { control, .. } => {
                let query = InstancesQuery {
                    provider,
                    cursor: after,
                    limit: Some(PAGE),
                    ..InstancesQuery::default()
                };
                let path = with_query("/v1/instances", &query)?;
                Ok(control.get::<Instances>(&path).await?.instances)
            }
        }
    }

    pub(crate) async fn instance(&self, id: InstanceId) -> Result<Instance, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.instance(id).load().await?),
            Self::There { control, .. } => control.get(&format!("/v1/instances/{id}")).await,
        }
    }

    /// What happened to one instance, the newest first.
    pub(crate) async fn events_of(
        &self,
        id: InstanceId,
        limit: u32,
    ) -> Result<Vec<Event>, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.instance(id).events(limit).await?),
            Self::There { control, .. } => {
                events(control, &format!("/v1/instances/{id}/events"), limit).await
            }
        }
    }

    /// What happened to all of them, the newest first.
    pub(crate) async fn events(&self, limit: u32) -> Result<Vec<Event>, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.events(limit).await?),
            Self::There { control, .. } => events(control, "/v1/events", limit).await,
        }
    }

    pub(crate) async fn access_token(&self, id: InstanceId) -> Result<AccessToken, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.instance(id).access_token().await?),
            Self::There { control, .. } => {
                let token: Token = told_to(control, id, "token").await?;
                Ok(AccessToken {
                    token: token.access_token,
                    expires_at: token.expires_at,
                    generation: token.generation,
                })
            }
        }
    }

    pub(crate) async fn check(&self, id: InstanceId) -> Result<Account, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.instance(id).check().await?),
            Self::There { control, .. } => told_to(control, id, "check").await,
        }
    }

    pub(crate) async fn refresh(&self, id: InstanceId) -> Result<Instance, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.instance(id).refresh().await?),
            Self::There { control, .. } => told_to(control, id, "refresh").await,
        }
    }

    /// Calls the provider's API; the request's URI is a path alone.
    pub(crate) async fn call(
        &self,
        id: InstanceId,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.instance(id).call(request).await?),
            Self::There { control, .. } => handed_over(control, id, request).await,
        }
    }

    pub(crate) async fn disconnect(
        &self,
        id: InstanceId,
        force: bool,
    ) -> Result<Disconnected, CliError> {
        match self {
            Self::Here(engine) => Ok(engine.instance(id).disconnect(force).await?),
            Self::There { control, .. } => {
                let path = format!("/v1/instances/{id}");
                let path = with_query(&path, &DisconnectQuery { force })?;
                control.ask(Method::DELETE, &path, None).await
            }
        }
    }
}

/// A server gives them a page at a time.
async fn events(control: &Control, path: &str, limit: u32) -> Result<Vec<Event>, CliError> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let left = limit.saturating_sub(u32::try_from(all.len()).unwrap_or(u32::MAX));
        let query = EventsQuery {
            cursor,
            limit: Some(left.min(LONGEST_PAGE)),
        };
        let page: Events = control.get(&with_query(path, &query)?).await?;
        all.extend(page.events);
        cursor = page.cursor;
        if cursor.is_none() || all.len() >= limit as usize {
            return Ok(all);
        }
    }
}

async fn told_to<T: DeserializeOwned>(
    control: &Control,
    id: InstanceId,
    what: &str,
) -> Result<T, CliError> {
    control
        .post(&format!("/v1/instances/{id}/{what}"), None)
        .await
}

/// What would change how the request itself is sent to the server, and is never passed on to a provider.
const OF_THIS_CONNECTION: [HeaderName; 5] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

async fn handed_over(
    control: &Control,
    id: InstanceId,
    mut request: Request<Bytes>,
) -> Result<Response<Bytes>, CliError> {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let path = format!("/v1/instances/{id}/call{path}");
    *request.uri_mut() = path
        .parse()
        .map_err(|_| CliError::Usage("that is not a path".to_owned()))?;
    for name in &OF_THIS_CONNECTION {
        request.headers_mut().remove(name);
    }
    let answer = control.exchange(request).await?;
    if answer.headers().contains_key(tieline::server::ANSWER_HEAD) {
        return answer_of(answer).ok_or_else(|| control.is_another_release());
    }
    Err(control.refused(&answer))
}
