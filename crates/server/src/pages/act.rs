//! What is done on the pages: each form goes to the address of the page that shows it, and says which action it is.
//!
//! What was done leads to another address, so that neither reloading nor going back does it again. Only what is shown once, a link
//! and the answer of a call, is shown at once.

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use tieline_core::parameters::Given;
use tieline_core::{ProviderDescriptor, Secret};
use tieline_engine::{AppChanges, AuthorizeOptions, EngineError, GiveOptions, LinkOptions, Tried};
use tieline_store::{App, Instance, Permission};

use super::Pages;
use super::app::{self, Attempt, HostForm, LinkForm};
use super::fields::Known;
use super::form::Form;
use super::frame::{see_other, shown};
use super::give::give;
use super::instance;
use super::refused::{not_permitted, refused};
use super::session::Signed;
use super::words::{sentence, words};

/// What became of an action.
type Done = Result<Response, EngineError>;

pub(super) async fn on_app(
    State(pages): State<Pages>,
    signed: Signed,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let form = match Form::of(&signed, request).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let action = form.text("action").to_owned();
    let permission = match &*action {
        "connect" | "link" => Permission::Connect,
        _ => Permission::Admin,
    };
    if !signed.may(permission) {
        return not_permitted(&signed, permission);
    }
    let done = async {
        let app = app::find(&signed, &id).await?;
        match &*action {
            "connect" => connect(&signed, &app, &form).await,
            "link" => link(&signed, &app, &form).await,
            "host" => host(&signed, &app, &form).await,
            "delete" => {
                signed.engine.delete_app(app.id).await?;
                Ok(see_other(&pages.path("/providers?done=deleted")))
            }
            "save" => save(&signed, &app, &form, false).await,
            "try" => save(&signed, &app, &form, true).await,
            // No button of the page does that.
            _ => Ok(see_other(&pages.path(&format!("/apps/{}", app.id)))),
        }
    };
    done.await.unwrap_or_else(|error| refused(&signed, &error))
}

/// Saves what was typed; if that is wanted, only after the provider has taken it.
async fn save(signed: &Signed, app: &App, form: &Form, tries_first: bool) -> Done {
    let (engine, pages) = (&signed.engine, &signed.pages);
    let descriptor = engine.registry().provider(&app.provider)?.descriptor();
    let stored = engine.app_parameters_shown(app).await?;
    let changes = || app::changes(descriptor, form, |key| stored.contains_key(key));
    let tried = match tries_first {
        true => engine.try_app(app, changes()).await.map(Some),
        false => Ok(None),
    };
    let saved = match tried {
        Ok(tried) => engine
            .change_app_parameters(app, changes())
            .await
            .map(|_| tried),
        Err(error) => Err(error),
    };
    let mut attempt = Attempt::default();
    attempt.problem = Some(match saved {
        Ok(None) => return done(pages, app, "saved"),
        Ok(Some(Tried::Taken)) => return done(pages, app, "taken"),
        Ok(Some(Tried::NothingToTry)) => return done(pages, app, "untried"),
        Ok(Some(Tried::TurnedAway(turned_away))) => {
            let (vendor, cure) = (descriptor.vendor, sentence(&turned_away.cure));
            format!(
                "Saved. {vendor} takes the credentials, but turns people away who come to connect. It says: “{}”. {cure}",
                turned_away.said
            )
        }
        Ok(Some(Tried::Unclear(said))) => format!(
            "Saved. Whether the credentials are right is not clear: {said}. Connect an account to find out."
        ),
        Err(error) => {
            let told = attempt.known.learn(&error, descriptor).unwrap_or_default();
            format!("{told} Nothing is saved.").trim_start().to_owned()
        }
    });
    attempt.known.typed = typed(descriptor, form);
    let app = engine.app(app.id).await?;
    let page = app::page(signed, &app, attempt).await?;
    Ok(shown(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Saves where the host confirms, and where people may be sent back.
async fn host(signed: &Signed, app: &App, form: &Form) -> Done {
    let mut typed = HostForm {
        confirm_url: form.text("confirm_url").trim().to_owned(),
        return_origins: form.text("return_origins").to_owned(),
        ..HostForm::default()
    };
    let origins = typed.return_origins.lines().map(str::trim);
    let changes = AppChanges {
        confirm_url: Some(form.filled("confirm_url")),
        return_origins: Some(
            origins
                .filter(|it| !it.is_empty())
                .map(str::to_owned)
                .collect(),
        ),
        ..AppChanges::default()
    };
    let error = match signed.engine.change_app(app, changes).await {
        Ok(app) => return done(&signed.pages, &app, "saved"),
        Err(error) => error,
    };
    let beside = match error {
        EngineError::Unusable {
            field: "confirm_url",
            ..
        } => &mut typed.confirm_url_problem,
        EngineError::Unusable {
            field: "return_origins",
            ..
        } => &mut typed.return_origins_problem,
        _ => &mut typed.problem,
    };
    *beside = Some(sentence(&error.to_string()));
    let attempt = Attempt {
        host: Some(typed),
        ..Attempt::default()
    };
    let page = app::page(signed, app, attempt).await?;
    Ok(shown(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

fn done(pages: &Pages, app: &App, word: &str) -> Done {
    Ok(see_other(
        &pages.path(&format!("/apps/{}?done={word}", app.id)),
    ))
}

/// What was typed and is no secret.
fn typed(
    descriptor: &ProviderDescriptor,
    form: &Form,
) -> std::collections::BTreeMap<String, String> {
    let open = descriptor.parameters().filter(|row| !row.secret);
    open.map(|row| row.parameter.to_string())
        .map(|key| (key.clone(), form.text(&key).to_owned()))
        .collect()
}

/// Connects an account of whoever is at this browser.
async fn connect(signed: &Signed, app: &App, form: &Form) -> Done {
    let provider = signed.engine.registry().provider(&app.provider)?;
    let descriptor = provider.descriptor();
    let next = if descriptor.authentication.has_front_channel() {
        let options = AuthorizeOptions {
            instance_name: form.filled("name"),
            parameters: given(descriptor, form),
            ..AuthorizeOptions::browser(signed.browser())
        };
        let started = signed.engine.authorize(app, options).await;
        started.map(|started| started.authorization_url)
    } else {
        give(signed, app, descriptor, form).await
    };
    let error = match next {
        Ok(address) => return Ok(see_other(&address)),
        Err(error) => error,
    };
    let mut attempt = Attempt::default();
    attempt.wanted.typed = typed(descriptor, form);
    attempt.instance_name = form.text("name").to_owned();
    match error {
        EngineError::Unusable { field: "name", .. } => {
            attempt.name_problem = Some(sentence(&error.to_string()));
        }
        error => attempt.connect_problem = attempt.wanted.learn(&error, descriptor),
    }
    let page = app::page(signed, app, attempt).await?;
    Ok(shown(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Where somebody goes who has connected an account.
pub(crate) fn connected(pages: &Pages, instance: &Instance) -> String {
    let done = if instance.generation == 1 {
        "connected"
    } else {
        "reconnected"
    };
    pages.path(&format!("/instances/{}?done={done}", instance.id))
}

/// What the account's owner has given.
pub(super) fn given(descriptor: &ProviderDescriptor, form: &Form) -> Given {
    let rows = descriptor.end_user_parameters();
    rows.map(|row| row.parameter.to_string())
        .filter(|key| !form.text(key).is_empty())
        .map(|key| (key.clone(), Secret::new(form.text(&key).to_owned())))
        .collect()
}

/// Makes a link for somebody else, which is shown this once.
async fn link(signed: &Signed, app: &App, form: &Form) -> Done {
    let user = form.text("user").trim().to_owned();
    let options = LinkOptions {
        user: user.clone(),
        ..LinkOptions::default()
    };
    let mut link = LinkForm {
        user,
        ..LinkForm::default()
    };
    let status = match (
        signed.engine.public_url(),
        signed.engine.create_link(app, options).await,
    ) {
        (Some(public_url), Ok(made)) => {
            link.made = Some(format!("{public_url}/connect/{}", made.token.expose()));
            StatusCode::CREATED
        }
        (None, _) => {
            link.problem = Some(
                "No public URL is configured, so there is no address for a link: set TIELINE_PUBLIC_URL."
                    .to_owned(),
            );
            StatusCode::UNPROCESSABLE_ENTITY
        }
        (_, Err(error)) => {
            let provider = signed.engine.registry().provider(&app.provider)?;
            link.problem = Some(words(&error, provider.descriptor()));
            StatusCode::UNPROCESSABLE_ENTITY
        }
    };
    let attempt = Attempt {
        link,
        ..Attempt::default()
    };
    let page = app::page(signed, app, attempt).await?;
    Ok(shown(status, &page))
}

pub(super) async fn on_instance(
    State(pages): State<Pages>,
    signed: Signed,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let form = match Form::of(&signed, request).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    let action = form.text("action").to_owned();
    let permission = match &*action {
        "check" | "refresh" | "call" => Permission::Call,
        _ => Permission::Connect,
    };
    if !signed.may(permission) {
        return not_permitted(&signed, permission);
    }
    let done = async {
        let instance = match instance::find(&signed, &id).await {
            Err(EngineError::NoSuchInstance(_)) if action == "disconnect" => {
                return Ok(gone(&pages));
            }
            found => found?,
        };
        let handle = signed.engine.instance(instance.id);
        let word = match &*action {
            "check" => handle.check().await.map(|_| "checked"),
            "refresh" => handle.refresh().await.map(|_| "refreshed"),
            "enable" => handle.set_disabled(false).await.map(|_| "enabled"),
            "disable" => handle.set_disabled(true).await.map(|_| "disabled"),
            "call" => return instance::call(&signed, &instance, &form).await,
            "reconnect" => return reconnect(&signed, &instance, &form).await,
            "disconnect" => {
                let anyway = form.text("anyway") == "yes";
                match handle.disconnect(anyway).await {
                    Ok(_) => return Ok(see_other(&pages.path("/instances?done=disconnected"))),
                    // Somebody was quicker, such as the same person by pressing twice.
                    Err(EngineError::NoSuchInstance(_)) => return Ok(gone(&pages)),
                    Err(error) => Err(error),
                }
            }
            // No button of the page does that.
            _ => {
                return Ok(see_other(
                    &pages.path(&format!("/instances/{}", instance.id)),
                ));
            }
        };
        match word {
            Ok(word) => {
                let address = format!("/instances/{}?done={word}", instance.id);
                Ok(see_other(&pages.path(&address)))
            }
            Err(error) => instance::failed(&signed, instance.id, &error).await,
        }
    };
    done.await.unwrap_or_else(|error| refused(&signed, &error))
}

/// Where somebody goes who disconnects what is not there.
fn gone(pages: &Pages) -> Response {
    see_other(&pages.path("/instances?done=gone"))
}

/// Connects an account again, in place.
async fn reconnect(signed: &Signed, instance: &Instance, form: &Form) -> Done {
    let (engine, pages) = (&signed.engine, &signed.pages);
    let descriptor = engine.registry().provider(&instance.provider)?.descriptor();
    let app = engine.app(instance.app).await?;
    let parameters = given(descriptor, form);
    let error = if descriptor.authentication.has_front_channel() {
        let options = AuthorizeOptions {
            instance: Some(instance.id),
            parameters,
            ..AuthorizeOptions::browser(signed.browser())
        };
        match engine.authorize(&app, options).await {
            Ok(started) => return Ok(see_other(&started.authorization_url)),
            Err(error) => error,
        }
    } else {
        let options = GiveOptions {
            instance: Some(instance.id),
            parameters,
            ..GiveOptions::default()
        };
        match engine.give(&app, options).await {
            Ok(instance) => return Ok(see_other(&connected(pages, &instance))),
            Err(error) => error,
        }
    };
    let mut known = Known {
        typed: typed(descriptor, form),
        ..Known::default()
    };
    let problem = known.learn(&error, descriptor);
    let page = instance::reconnect_page(signed, instance, &known, problem).await?;
    Ok(shown(StatusCode::UNPROCESSABLE_ENTITY, &page))
}
