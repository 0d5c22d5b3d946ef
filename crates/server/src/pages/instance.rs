//! `/instances/{id}`: one account, what happened to it, and what can be done with it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use tieline_core::InstanceId;
use tieline_engine::EngineError;
use tieline_store::{Cause, Event, Instance, Permission, Status};

use super::Pages;
use super::app::{ConfirmPage, wanted_fields};
use super::asked::{After, Asked};
use super::fields::{Field, Known};
use super::form::Form;
use super::frame::{Frame, Room, shown};
use super::gauge::{Gauge, gauges};
use super::instances::{Badge, account, badge, provider_name};
use super::refused::{not_permitted, refused};
use super::session::Signed;
use super::when::When;
use super::words::words;

/// As many events are shown.
const EVENTS: u32 = 50;
/// As much of an answer is shown: 16 KiB.
const SHOWN: usize = 16 << 10;

#[derive(Template)]
#[template(path = "instance.html")]
struct InstancePage {
    frame: Frame,
    id: InstanceId,
    account: String,
    provider: String,
    status: Badge,
    /// What the status means, and what to do.
    explained: Option<String>,
    /// What went wrong just now.
    problem: Option<String>,
    facts: Vec<(&'static str, String)>,
    times: Vec<(&'static str, When)>,
    tags: Vec<String>,
    app_link: String,
    gauges: Vec<Gauge>,
    events: Vec<Happened>,
    may_connect: bool,
    may_call: bool,
    needs_reconnect: bool,
    is_disabled: bool,
    has_refresh_token: bool,
    /// The path of the call form.
    path: String,
    answer: Option<Answer>,
}

/// What a call was answered.
struct Answer {
    status: u16,
    is_good: bool,
    kind: String,
    body: String,
    is_cut: bool,
}

/// Something that happened.
struct Happened {
    what: &'static str,
    detail: String,
    who: String,
    when: When,
    tone: &'static str,
}

pub(super) async fn show(
    signed: Signed,
    Path(id): Path<String>,
    Asked(after): Asked<After>,
) -> Response {
    let shown_page = async {
        let instance = find(&signed, &id).await?;
        let mut page = page(&signed, &instance).await?;
        page.frame = page.frame.after(after.done.as_deref());
        Ok::<_, EngineError>(shown(StatusCode::OK, &page))
    };
    shown_page
        .await
        .unwrap_or_else(|error| refused(&signed, &error))
}

pub(super) async fn find(signed: &Signed, id: &str) -> Result<Instance, EngineError> {
    match id.parse() {
        Ok(id) => signed.engine.instance(id).load().await,
        Err(_) => Err(EngineError::NoSuchInstance(InstanceId(0))),
    }
}

/// The page as it stands, with what went wrong.
pub(super) async fn failed(
    signed: &Signed,
    id: InstanceId,
    error: &EngineError,
) -> Result<Response, EngineError> {
    let instance = signed.engine.instance(id).load().await?;
    let mut page = page(signed, &instance).await?;
    let provider = signed.engine.registry().provider(&instance.provider)?;
    page.problem = Some(words(error, provider.descriptor()));
    Ok(shown(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Calls the provider's API with GET, and shows the answer.
pub(super) async fn call(
    signed: &Signed,
    instance: &Instance,
    form: &Form,
) -> Result<Response, EngineError> {
    let path = form.text("path").trim().to_owned();
    let handle = signed.engine.instance(instance.id);
    let request = http::Request::get(&path).body(Bytes::new());
    let answered = match request {
        Ok(request) => {
            let provider = signed.engine.registry().provider(&instance.provider)?;
            let called = handle.call(request).await;
            called.map_err(|error| words(&error, provider.descriptor()))
        }
        Err(_) => Err(format!("“{path}” is no path: begin it with a slash.")),
    };
    let instance = handle.load().await?;
    let mut page = page(signed, &instance).await?;
    page.path = path;
    match answered {
        Ok(answer) => page.answer = Some(Answer::of(&answer)),
        Err(problem) => page.problem = Some(problem),
    }
    Ok(shown(StatusCode::OK, &page))
}

impl Answer {
    fn of(answer: &http::Response<Bytes>) -> Self {
        let kind = answer.headers().get(http::header::CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let bytes = answer.body();
        let body = match serde_json::from_slice::<serde_json::Value>(bytes) {
            Ok(json) => serde_json::to_string_pretty(&json).unwrap_or_default(),
            Err(_) => String::from_utf8_lossy(bytes).into_owned(),
        };
        let shown: String = body.chars().take(SHOWN).collect();
        Self {
            status: answer.status().as_u16(),
            is_good: answer.status().is_success(),
            kind: kind.to_owned(),
            is_cut: shown.len() < body.len(),
            body: shown,
        }
    }
}

#[derive(Template)]
#[template(path = "reconnect.html")]
pub(super) struct ReconnectPage {
    frame: Frame,
    id: InstanceId,
    account: String,
    vendor: String,
    has_front_channel: bool,
    wanted: Vec<Field>,
    problem: Option<String>,
    back: String,
}

pub(super) async fn ask_to_reconnect(signed: Signed, Path(id): Path<String>) -> Response {
    if !signed.may(Permission::Connect) {
        return not_permitted(&signed, Permission::Connect);
    }
    let asked = async {
        let instance = find(&signed, &id).await?;
        let page = reconnect_page(&signed, &instance, &Known::default(), None).await?;
        Ok::<_, EngineError>(shown(StatusCode::OK, &page))
    };
    asked.await.unwrap_or_else(|error| refused(&signed, &error))
}

pub(super) async fn reconnect_page(
    signed: &Signed,
    instance: &Instance,
    known: &Known,
    problem: Option<String>,
) -> Result<ReconnectPage, EngineError> {
    let engine = &signed.engine;
    let descriptor = engine.registry().provider(&instance.provider)?.descriptor();
    let app = engine.app(instance.app).await?;
    let wanted = engine.wanted_to_connect(&app, Some(instance.id)).await?;
    let account = account(instance);
    Ok(ReconnectPage {
        frame: Frame::of(signed, Room::Instances, format!("Connect {account} again")),
        id: instance.id,
        vendor: descriptor.vendor.to_owned(),
        has_front_channel: descriptor.authentication.has_front_channel(),
        wanted: wanted_fields(descriptor, &wanted, known),
        problem,
        back: signed.pages.path(&format!("/instances/{}", instance.id)),
        account,
    })
}

pub(super) async fn ask_to_disconnect(
    State(pages): State<Pages>,
    signed: Signed,
    Path(id): Path<String>,
) -> Response {
    let instance = match find(&signed, &id).await {
        Ok(instance) => instance,
        Err(error) => return refused(&signed, &error),
    };
    if !signed.may(Permission::Connect) {
        return not_permitted(&signed, Permission::Connect);
    }
    let provider = provider_name(&signed.engine, &instance.provider);
    let address = pages.path(&format!("/instances/{}", instance.id));
    let title = format!("Disconnect {}?", account(&instance));
    let page = ConfirmPage {
        frame: Frame::of(&signed, Room::Instances, title),
        text: format!(
            "Its tokens are revoked at {provider}, where that is offered, and forgotten here. Whoever uses this account \
             through Tieline can't any more, until it is connected anew."
        ),
        back: address.clone(),
        address,
        action: "disconnect",
        button: "Disconnect",
        choice: Some(("anyway", format!("Even if {provider} can't be asked now"))),
    };
    shown(StatusCode::OK, &page)
}

async fn page(signed: &Signed, instance: &Instance) -> Result<InstancePage, EngineError> {
    let (engine, now) = (&signed.engine, signed.engine.now());
    let handle = engine.instance(instance.id);
    let events = handle.events(EVENTS).await?;
    let limits = engine.limits(instance.app).await?;
    let health_check = engine.registry().provider(&instance.provider).ok();
    let health_check = health_check.and_then(|it| it.descriptor().api.health_check.known());
    let account = account(instance);
    let facts = [
        ("Account", instance.account_id.clone().unwrap_or_default()),
        ("Name", instance.name.clone().unwrap_or_default()),
        ("User", instance.user.clone().unwrap_or_default()),
        ("Scopes", instance.scopes.join(", ")),
        ("Instance", instance.id.to_string()),
        ("Generation", instance.generation.to_string()),
    ];
    let mut times = vec![
        ("Connected", When::of(instance.created_at, now)),
        ("Refreshed", When::of(instance.refreshed_at, now)),
    ];
    for (name, at) in [
        ("Access token ends", instance.expires_at),
        ("Refresh token ends", instance.refresh_expires_at),
    ] {
        times.extend(at.map(|at| (name, When::of(at, now))));
    }
    Ok(InstancePage {
        frame: Frame::of(signed, Room::Instances, account.as_str()),
        id: instance.id,
        provider: provider_name(engine, &instance.provider),
        status: badge(instance),
        explained: (instance.status != Status::Ok).then(|| explained(instance)),
        problem: None,
        facts: facts
            .into_iter()
            .filter(|(_, fact)| !fact.is_empty())
            .collect(),
        times,
        tags: instance.tags.clone(),
        app_link: signed.pages.path(&format!("/apps/{}", instance.app)),
        gauges: gauges(&limits, instance.id),
        events: events.iter().map(|event| happened(event, now)).collect(),
        may_connect: signed.may(Permission::Connect),
        may_call: signed.may(Permission::Call),
        needs_reconnect: matches!(
            instance.status,
            Status::ReconnectRequired | Status::Unreadable
        ),
        is_disabled: instance.disabled_at.is_some(),
        has_refresh_token: instance.has_refresh_token,
        path: health_check.map_or("/", |check| check.path).to_owned(),
        answer: None,
        account,
    })
}

/// What a status means for the account's owner.
pub(super) fn explained(instance: &Instance) -> String {
    let text = match (instance.status, instance.cause) {
        (Status::Ok, _) => "It works.",
        (Status::Unreadable, _) => {
            "Its tokens can't be read with the keys that there are. Connecting it again replaces them."
        }
        (Status::Deleting, _) => {
            "It is being disconnected: the provider has not confirmed yet, and is asked again."
        }
        (_, Some(Cause::Revoked)) => "Its owner, or the provider, has withdrawn the consent.",
        (_, Some(Cause::Expired)) => "Its refresh token has reached the end of its life.",
        (_, Some(Cause::LostResponse)) => {
            "The provider's answer to a refresh was lost, and with it the only copy of the new token."
        }
        (_, Some(Cause::Conflict)) => "Somebody else has spent its refresh token.",
        (_, Some(Cause::Rejected) | None) => "The provider keeps refusing to refresh it.",
    };
    text.to_owned()
}

/// Who did it, as people say it.
fn who(actor: &str) -> String {
    match actor.split_once(':') {
        Some(("api-key", id)) => format!("API key {id}"),
        _ => actor.to_owned(),
    }
}

fn happened(event: &Event, now: tieline_core::Timestamp) -> Happened {
    let (what, tone) = match &*event.kind {
        "instance.connected" => ("Connected", "good"),
        "instance.reconnected" => ("Connected again", "good"),
        "instance.refreshed" => ("Refreshed", "plain"),
        "instance.refresh_uncertain" => ("The outcome of a refresh is not known", "bad"),
        "instance.reconnect_required" => ("Must be connected again", "bad"),
        "instance.conflict" => ("Two refreshes of one token", "bad"),
        "instance.enabled" => ("Taken into use again", "plain"),
        "instance.disabled" => ("Taken out of use", "plain"),
        "instance.deleted" => ("Disconnected", "plain"),
        _ => ("Something happened", "plain"),
    };
    let detail = &event.detail;
    let text = |name: &str| detail[name].as_str().unwrap_or_default().to_owned();
    let generation = detail["generation"].as_i64();
    let detail = match &*event.kind {
        "instance.reconnect_required" => text("cause").replace('_', " "),
        "instance.refresh_uncertain" => text("reason"),
        _ => generation
            .map(|it| format!("generation {it}"))
            .unwrap_or_default(),
    };
    Happened {
        what,
        detail,
        who: who(event.actor.as_deref().unwrap_or_default()),
        when: When::of(event.at, now),
        tone,
    }
}
