//! `/`: what needs a person now, and how much there is.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use tieline_engine::{Engine, EngineError};
use tieline_store::{App, Instance, InstanceQuery, Status};

use super::Pages;
use super::asked::{After, Asked};
use super::frame::{Frame, Room, shown};
use super::refused::refused;
use super::session::Signed;
use super::words::of_trouble;

/// As many accounts are named that need somebody.
const NAMED: u32 = 20;

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    frame: Frame,
    needs: Vec<Need>,
    /// How many accounts more than are named need somebody.
    more: u64,
    counts: Vec<Count>,
    is_new: bool,
}

/// Something that waits for a person.
struct Need {
    title: String,
    what: String,
    link: String,
    cure: &'static str,
}

struct Count {
    number: String,
    what: &'static str,
    link: String,
}

pub(super) async fn show(signed: Signed, Asked(after): Asked<After>) -> Response {
    match page(&signed, after.done).await {
        Ok(page) => shown(StatusCode::OK, &page),
        Err(error) => refused(&signed, &error),
    }
}

async fn page(signed: &Signed, done: Option<String>) -> Result<HomePage, EngineError> {
    let (engine, pages) = (&signed.engine, &signed.pages);
    let apps = engine.apps().await?;
    let census = engine.census().await?;
    let count = |status| census.get(&status).copied().unwrap_or_default();
    let mut needs: Vec<_> = apps.iter().filter_map(|app| troubled(pages, app)).collect();
    let mut named = 0;
    for status in [Status::ReconnectRequired, Status::Unreadable] {
        for instance in of_status(engine, status).await? {
            named += 1;
            needs.push(waiting(signed, &instance));
        }
    }
    let [waiting, unreadable] = [Status::ReconnectRequired, Status::Unreadable].map(count);
    let all: u64 = census.values().sum();
    let counts = [
        (
            count(Status::Ok),
            ["account works", "accounts work"],
            "/instances?status=ok",
        ),
        (
            waiting,
            ["account waits for a person", "accounts wait for a person"],
            "/instances?status=reconnect_required",
        ),
        (
            unreadable,
            ["account can't be read", "accounts can't be read"],
            "/instances?status=unreadable",
        ),
        (apps.len() as u64, ["app", "apps"], "/providers"),
        (
            engine.registry().iter().count() as u64,
            ["provider", "providers"],
            "/providers",
        ),
    ];
    Ok(HomePage {
        frame: Frame::of(signed, Room::Home, "Home").after(done.as_deref()),
        needs,
        more: (waiting + unreadable).saturating_sub(named),
        counts: counts
            .into_iter()
            .filter(|(number, _, path)| *number > 0 || !path.ends_with("unreadable"))
            .map(|(number, [one, many], path)| Count {
                number: number.to_string(),
                what: if number == 1 { one } else { many },
                link: pages.path(path),
            })
            .collect(),
        is_new: apps.is_empty() && all == 0,
    })
}

async fn of_status(engine: &Engine, status: Status) -> Result<Vec<Instance>, EngineError> {
    let query = InstanceQuery {
        status: Some(status),
        limit: NAMED,
        ..InstanceQuery::of(engine.tenant())
    };
    engine.instances(query).await
}

fn troubled(pages: &Pages, app: &App) -> Option<Need> {
    let trouble = app.trouble.as_deref()?;
    Some(Need {
        title: format!("The app {} is refused", app.name),
        what: of_trouble(trouble),
        link: pages.path(&format!("/apps/{}", app.id)),
        cure: "Look at its credentials",
    })
}

fn waiting(signed: &Signed, instance: &Instance) -> Need {
    let provider = super::instances::provider_name(&signed.engine, &instance.provider);
    Need {
        title: format!("{provider}: {}", super::instances::account(instance)),
        what: super::instance::explained(instance),
        link: signed.pages.path(&format!("/instances/{}", instance.id)),
        cure: "Connect it again",
    }
}
