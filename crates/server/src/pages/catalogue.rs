//! `/providers`: what accounts can be connected of, and which apps there are.

use std::collections::BTreeMap;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use tieline_core::ProviderDescriptor;
use tieline_engine::EngineError;

use super::asked::Asked;
use super::frame::{Frame, Room, shown};
use super::refused::refused;
use super::session::Signed;

#[derive(Template)]
#[template(path = "providers.html")]
struct ProvidersPage {
    frame: Frame,
    /// What is searched for.
    wanted: String,
    providers: Vec<Card>,
}

struct Card {
    name: String,
    category: String,
    id: &'static str,
    /// By all of these it is found, in lower-case.
    words: String,
    link: String,
    apps: Vec<AppLink>,
}

struct AppLink {
    name: String,
    link: String,
    is_refused: bool,
}

#[derive(Default, Deserialize)]
pub(super) struct Search {
    q: Option<String>,
    done: Option<String>,
}

pub(super) async fn show(signed: Signed, Asked(search): Asked<Search>) -> Response {
    match page(&signed, search).await {
        Ok(page) => shown(StatusCode::OK, &page),
        Err(error) => refused(&signed, &error),
    }
}

async fn page(signed: &Signed, search: Search) -> Result<ProvidersPage, EngineError> {
    let wanted = search.q.unwrap_or_default();
    let mut apps: BTreeMap<String, Vec<AppLink>> = BTreeMap::new();
    for app in signed.engine.apps().await? {
        let link = signed.pages.path(&format!("/apps/{}", app.id));
        apps.entry(app.provider).or_default().push(AppLink {
            name: app.name,
            link,
            is_refused: app.trouble.is_some(),
        });
    }
    let searched = wanted.trim().to_lowercase();
    let providers = signed.engine.registry().iter().filter_map(|provider| {
        let descriptor = provider.descriptor();
        let words = words(descriptor);
        words.contains(&searched).then(|| Card {
            name: descriptor.name.to_owned(),
            category: descriptor.category.to_string(),
            id: descriptor.id,
            words,
            link: signed.pages.path(&format!("/providers/{}", descriptor.id)),
            apps: apps.remove(descriptor.id).unwrap_or_default(),
        })
    });
    Ok(ProvidersPage {
        providers: providers.collect(),
        frame: Frame::of(signed, Room::Providers, "Providers").after(search.done.as_deref()),
        wanted,
    })
}

fn words(descriptor: &ProviderDescriptor) -> String {
    let mut words = vec![
        descriptor.id.to_owned(),
        descriptor.name.to_owned(),
        descriptor.vendor.to_owned(),
        descriptor.category.to_string(),
    ];
    words.extend(descriptor.aliases.iter().map(|alias| (*alias).to_owned()));
    words.join(" ").to_lowercase()
}
