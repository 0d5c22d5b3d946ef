//! The host: pages of its own, and Tieline's below `/tieline`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{Html, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use tieline::engine::{AuthorizeOptions, Disconnected, Engine, EngineError, InstanceHandle};
use tieline::http::Request;
use tieline::server::{ApiOptions, Problem, api};
use tieline::store::{App, InstanceQuery};
use tieline::{Bytes, InstanceId};

use crate::page;
use crate::session::{User, signed_in};

#[derive(Clone)]
struct Host {
    engine: Engine,
    app: App,
}

/// The whole application.
pub(crate) fn router(engine: Engine, app: App) -> Router {
    let options = ApiOptions {
        signed_in: Some(Arc::new(signed_in)),
        ..ApiOptions::default()
    };
    let tieline = api(engine.clone(), options);
    Router::new()
        .route("/", get(home))
        .route("/connect", post(connect))
        .route("/accounts/{id}/profile", get(profile))
        .route("/accounts/{id}/disconnect", post(disconnect))
        .with_state(Host { engine, app })
        .nest("/tieline", tieline)
}

/// The accounts of whoever is signed in.
async fn home(State(host): State<Host>, User(user): User) -> Result<Html<String>, Problem> {
    let query = InstanceQuery {
        user: Some(user.clone()),
        ..InstanceQuery::of(host.engine.tenant())
    };
    Ok(page::home(&user, &host.engine.instances(query).await?))
}

/// Sends them to the provider. Nobody else can come back from there in their place.
async fn connect(State(host): State<Host>, User(user): User) -> Result<Redirect, Problem> {
    let options = AuthorizeOptions {
        return_to: Some("/".to_owned()),
        ..AuthorizeOptions::session(user)
    };
    let started = host.engine.authorize(&host.app, options).await?;
    Ok(Redirect::to(&started.authorization_url))
}

/// Calls the provider's API. The token is added on the way, and refreshed first if it is due.
async fn profile(
    State(host): State<Host>,
    Path(id): Path<InstanceId>,
    user: User,
) -> Result<Response, Problem> {
    let account = host.account(id, user).await?;
    let request = Request::get("/user").body(Bytes::new())?;
    Ok(account.call(request).await?.map(Body::from))
}

/// Revokes at the provider, and forgets.
async fn disconnect(
    State(host): State<Host>,
    Path(id): Path<InstanceId>,
    user: User,
) -> Result<Json<Disconnected>, Problem> {
    let account = host.account(id, user).await?;
    Ok(Json(account.disconnect(false).await?))
}

impl Host {
    /// One account, if it is this user's: whose the accounts of a tenant are is the host's to look at.
    async fn account(&self, id: InstanceId, User(user): User) -> Result<InstanceHandle, Problem> {
        let account = self.engine.instance(id);
        if account.load().await?.user == Some(user) {
            Ok(account)
        } else {
            Err(EngineError::NoSuchInstance(id).into())
        }
    }
}
