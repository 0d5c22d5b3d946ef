//! `/instances`: the connected accounts, a page at a time.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use tieline_core::{AppId, InstanceId, Timestamp};
use tieline_engine::{Engine, EngineError};
use tieline_store::{Instance, InstanceQuery, Status};

use super::asked::Asked;
use super::frame::{Frame, Room, shown};
use super::refused::refused;
use super::session::Signed;
use super::when::When;

/// Accounts on a page.
const PAGE: u32 = 50;

#[derive(Template)]
#[template(path = "instances.html")]
struct InstancesPage {
    frame: Frame,
    filter: Filter,
    providers: Vec<(String, String)>,
    statuses: Vec<(&'static str, &'static str)>,
    rows: Vec<Row>,
    /// The next page.
    next: Option<String>,
    is_filtered: bool,
    is_first: bool,
    /// The app whose accounts alone are shown.
    app: Option<String>,
}

pub(super) struct Row {
    pub(super) link: String,
    pub(super) account: String,
    pub(super) provider: String,
    pub(super) name: String,
    pub(super) user: String,
    pub(super) status: Badge,
    pub(super) refreshed: When,
    pub(super) expires: Option<When>,
}

/// How an account stands, in a word and a colour.
pub(super) struct Badge {
    pub(super) word: &'static str,
    /// `good`, `bad`, `busy` or `off`.
    pub(super) tone: &'static str,
}

/// What is shown of them all.
#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    provider: String,
    status: String,
    user: String,
    tag: String,
    app: String,
    after: String,
    done: String,
}

pub(super) async fn show(signed: Signed, Asked(filter): Asked<Filter>) -> Response {
    match page(&signed, filter).await {
        Ok(page) => shown(StatusCode::OK, &page),
        Err(error) => refused(&signed, &error),
    }
}

async fn page(signed: &Signed, filter: Filter) -> Result<InstancesPage, EngineError> {
    let (engine, now) = (&signed.engine, signed.engine.now());
    let mut found = engine.instances(filter.query(engine.tenant())).await?;
    let is_more = found.len() > PAGE as usize;
    found.truncate(PAGE as usize);
    let next = found
        .last()
        .filter(|_| is_more)
        .map(|last| filter.after(last.id));
    let providers = engine.registry().iter().map(|provider| {
        let descriptor = provider.descriptor();
        (descriptor.id.to_owned(), descriptor.name.to_owned())
    });
    let app = match filter.app.parse::<AppId>() {
        Ok(id) => engine.app(id).await.ok().map(|app| app.name),
        Err(_) => None,
    };
    let done = Some(filter.done.as_str()).filter(|done| !done.is_empty());
    Ok(InstancesPage {
        frame: Frame::of(signed, Room::Instances, "Accounts").after(done),
        providers: providers.collect(),
        statuses: Status::ALL
            .iter()
            .map(|status| (status.as_str(), word(*status)))
            .collect(),
        rows: found.iter().map(|it| row(signed, it, now)).collect(),
        next: next.map(|query| signed.pages.path(&format!("/instances?{query}"))),
        is_filtered: filter.is_any(),
        is_first: filter.after.is_empty(),
        app,
        filter,
    })
}

impl Filter {
    fn query(&self, tenant: &str) -> InstanceQuery {
        let text = |text: &str| {
            let text = text.trim();
            (!text.is_empty() && !text.contains('\0')).then(|| text.to_owned())
        };
        InstanceQuery {
            provider: text(&self.provider),
            status: self.status.parse().ok(),
            app: self.app.parse::<AppId>().ok(),
            user: text(&self.user),
            tag: text(&self.tag),
            after: self.after.parse::<InstanceId>().ok(),
            limit: PAGE + 1,
            ..InstanceQuery::of(tenant)
        }
    }

    fn is_any(&self) -> bool {
        [
            &self.provider,
            &self.status,
            &self.user,
            &self.tag,
            &self.app,
        ]
        .iter()
        .any(|text| !text.is_empty())
    }

    /// The query of the page that follows.
    fn after(&self, last: InstanceId) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in [
            ("provider", &self.provider),
            ("status", &self.status),
            ("user", &self.user),
            ("tag", &self.tag),
            ("app", &self.app),
        ] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        query.append_pair("after", &last.to_string());
        query.finish()
    }

    pub(super) fn is_provider(&self, id: &&String) -> bool {
        self.provider == **id
    }

    pub(super) fn is_status(&self, status: &&&str) -> bool {
        self.status == **status
    }
}

fn row(signed: &Signed, instance: &Instance, now: Timestamp) -> Row {
    Row {
        link: signed.pages.path(&format!("/instances/{}", instance.id)),
        account: account(instance),
        provider: provider_name(&signed.engine, &instance.provider),
        name: instance.name.clone().unwrap_or_default(),
        user: instance.user.clone().unwrap_or_default(),
        status: badge(instance),
        refreshed: When::of(instance.refreshed_at, now),
        expires: instance.expires_at.map(|at| When::of(at, now)),
    }
}

/// What an account is called: as its owner would know it, or else by what there is.
pub(super) fn account(instance: &Instance) -> String {
    let label = instance.account_label.clone();
    let known = label.or_else(|| instance.name.clone());
    let known = known.or_else(|| instance.account_id.clone());
    known.unwrap_or_else(|| format!("account {}", instance.id))
}

pub(super) fn provider_name(engine: &Engine, id: &str) -> String {
    match engine.registry().provider(id) {
        Ok(provider) => provider.descriptor().name.to_owned(),
        Err(_) => id.to_owned(),
    }
}

pub(super) fn badge(instance: &Instance) -> Badge {
    if instance.status == Status::Ok && instance.disabled_at.is_some() {
        return Badge {
            word: "out of use",
            tone: "off",
        };
    }
    let tone = match instance.status {
        Status::Ok => "good",
        Status::ReconnectRequired | Status::Unreadable => "bad",
        Status::Deleting => "busy",
    };
    Badge {
        word: word(instance.status),
        tone,
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Ok => "works",
        Status::ReconnectRequired => "connect again",
        Status::Unreadable => "unreadable",
        Status::Deleting => "disconnecting",
    }
}
