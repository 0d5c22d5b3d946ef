//! `/providers/{id}`: how accounts of a provider are set up, beginning with an app, whose callback URL is told first.

use askama::Template;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use tieline_core::ProviderDescriptor;
use tieline_core::descriptor::Stated;
use tieline_core::words::{calls, window};
use tieline_engine::{EngineError, NewApp};
use tieline_store::Permission;

use super::Pages;
use super::form::Form;
use super::frame::{Frame, Room, see_other, shown};
use super::markup::html;
use super::refused::{not_permitted, refused};
use super::session::Signed;
use super::words::words;

#[derive(Template)]
#[template(path = "provider.html")]
struct ProviderPage {
    frame: Frame,
    name: String,
    vendor: String,
    category: String,
    /// How an account comes to be connected.
    way: &'static str,
    limits: Vec<String>,
    rows: Vec<Row>,
    apps: Vec<(String, String)>,
    may_create: bool,
    has_front_channel: bool,
    /// What was typed.
    app_name: String,
    problem: Option<String>,
}

/// A row of the credential-mapping table.
struct Row {
    credential: &'static str,
    parameter: String,
    what: String,
}

pub(super) async fn show(signed: Signed, Path(id): Path<String>) -> Response {
    match page(&signed, &id, None).await {
        Ok(page) => shown(StatusCode::OK, &page),
        Err(error) => refused(&signed, &error),
    }
}

/// Creates an app, so that there is a callback URL to register.
pub(super) async fn create(
    State(pages): State<Pages>,
    signed: Signed,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let form = match Form::of(&signed, request).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    if !signed.may(Permission::Admin) {
        return not_permitted(&signed, Permission::Admin);
    }
    let name = form.filled("name");
    let new = NewApp {
        provider: id.clone(),
        name: name.clone(),
        ..NewApp::default()
    };
    let Some(wanted) = name else {
        let problem = "This is needed: it says who asks.";
        return again(&signed, &id, String::new(), problem.to_owned()).await;
    };
    let error = match signed.engine.create_app(new).await {
        Ok(app) => {
            let done = if app.redirect_uri.is_some() {
                "created"
            } else {
                "made"
            };
            return see_other(&pages.path(&format!("/apps/{}?done={done}", app.id)));
        }
        Err(error) => error,
    };
    // Sent twice, it is there already: that is where both are to go.
    if let Ok(Some(app)) = signed.engine.app_named(&id, &wanted).await {
        return see_other(&pages.path(&format!("/apps/{}?done=there", app.id)));
    }
    let problem = match signed.engine.registry().provider(&id) {
        Ok(provider) => words(&error, provider.descriptor()),
        Err(_) => return refused(&signed, &error),
    };
    again(&signed, &id, wanted, problem).await
}

/// The page with what is wrong.
async fn again(signed: &Signed, id: &str, name: String, problem: String) -> Response {
    match page(signed, id, Some((name, problem))).await {
        Ok(page) => shown(StatusCode::UNPROCESSABLE_ENTITY, &page),
        Err(error) => refused(signed, &error),
    }
}

async fn page(
    signed: &Signed,
    id: &str,
    failed: Option<(String, String)>,
) -> Result<ProviderPage, EngineError> {
    let (engine, pages) = (&signed.engine, &signed.pages);
    let descriptor = engine.registry().provider(id)?.descriptor();
    let apps = engine.apps().await?.into_iter();
    let apps = apps
        .filter(|app| app.provider == descriptor.id)
        .map(|app| (app.name, pages.path(&format!("/apps/{}", app.id))));
    let (app_name, problem) = failed.unzip();
    Ok(ProviderPage {
        frame: Frame::of(signed, Room::Providers, descriptor.name),
        name: descriptor.name.to_owned(),
        vendor: descriptor.vendor.to_owned(),
        category: descriptor.category.to_string(),
        way: way(descriptor),
        limits: limits(descriptor),
        rows: rows(descriptor),
        apps: apps.collect(),
        may_create: signed.may(Permission::Admin),
        has_front_channel: descriptor.authentication.has_front_channel(),
        app_name: app_name.unwrap_or_default(),
        problem,
    })
}

/// How an account of a provider comes to be connected, in a sentence.
pub(super) fn way(descriptor: &ProviderDescriptor) -> &'static str {
    use tieline_core::descriptor::Authentication as A;
    match descriptor.authentication {
        A::AuthorizationCode(_) => "The account's owner signs in there and consents, in a browser.",
        A::DeviceAuthorization(_) => "The account's owner types a code on another device.",
        A::ClientCredentials(_) => "The app is the account: nobody needs to consent.",
        A::ApiKey => "The account's owner gives an API key.",
        A::Basic => "The account's owner gives a name and a password.",
    }
}

fn limits(descriptor: &ProviderDescriptor) -> Vec<String> {
    match descriptor.rate_limits {
        Stated::Known(limits) => limits
            .iter()
            .filter(|limit| limit.kept)
            .map(|limit| {
                let (calls, window) = (calls(limit.calls), window(limit.per));
                format!("{calls} per {window} for each {}", limit.counted_per)
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn rows(descriptor: &ProviderDescriptor) -> Vec<Row> {
    let rows = descriptor.mappings.iter();
    rows.map(|row| Row {
        credential: row.credential,
        parameter: row.parameter.to_string(),
        what: html(row.description),
    })
    .collect()
}
