//! `/apps/{id}`: an app, with the guide's steps beside the form that they fill.

use askama::Template;
use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use tieline_core::{AppId, ParameterKey, ProviderDescriptor, Secret, SetBy, random};
use tieline_engine::{Changes, Engine, EngineError, check_redirect_uri};
use tieline_store::{App, InstanceQuery, Permission};

use super::Pages;
use super::asked::{After, Asked};
use super::fields::{Field, Known};
use super::form::Form;
use super::frame::{Frame, Room, shown};
use super::markup::html;
use super::refused::{not_permitted, refused};
use super::session::Signed;
use super::words::of_trouble;

#[derive(Template)]
#[template(path = "app.html")]
pub(super) struct AppPage {
    frame: Frame,
    id: AppId,
    name: String,
    provider: String,
    provider_link: String,
    vendor: String,
    portal: &'static str,
    /// What to register with the provider; nothing where nobody comes back by a browser.
    callback_url: Option<String>,
    /// Why the provider won't have it.
    callback_problem: Option<String>,
    create_steps: Vec<String>,
    locate_steps: Vec<String>,
    notes: Vec<String>,
    troubles: Vec<(String, String)>,
    fields: Vec<Field>,
    optional: Vec<Field>,
    /// Whether the optional ones are seen at once: where there is something to see.
    is_more_open: bool,
    /// What is wrong with the whole.
    problem: Option<String>,
    /// Why the provider refuses the app since its last refresh.
    trouble: Option<String>,
    may_change: bool,
    may_connect: bool,
    /// Whether all is there that the app itself needs.
    is_ready: bool,
    way: &'static str,
    has_front_channel: bool,
    /// What the account's owner gives.
    wanted: Vec<Field>,
    /// Why an account can't be connected.
    connect_problem: Option<String>,
    /// What to call the account.
    instance_name: String,
    name_problem: Option<String>,
    /// Tells one showing of the form from another.
    once: String,
    link: LinkForm,
    host: HostForm,
    /// Where the browser goes, if something was tried: the id of a heading.
    place: &'static str,
    has_accounts: bool,
    accounts_link: String,
}

/// The form for a connect link, and the link that came of it.
#[derive(Default)]
pub(super) struct LinkForm {
    pub(super) user: String,
    pub(super) made: Option<String>,
    pub(super) problem: Option<String>,
}

/// Where the host of this app answers.
#[derive(Default)]
pub(super) struct HostForm {
    pub(super) confirm_url: String,
    pub(super) confirm_url_problem: Option<String>,
    /// One on each line.
    pub(super) return_origins: String,
    pub(super) return_origins_problem: Option<String>,
    /// What is about neither.
    pub(super) problem: Option<String>,
}

/// What somebody tried on the page before it is shown again.
#[derive(Default)]
pub(super) struct Attempt {
    pub(super) known: Known,
    pub(super) problem: Option<String>,
    pub(super) wanted: Known,
    pub(super) connect_problem: Option<String>,
    pub(super) instance_name: String,
    pub(super) name_problem: Option<String>,
    pub(super) link: LinkForm,
    /// As it was typed; nothing = as it is stored.
    pub(super) host: Option<HostForm>,
}

impl Attempt {
    /// The id of the heading below which it was tried: there, and not at the top, is what came of it.
    fn place(&self) -> &'static str {
        let is_told = |known: &Known, problem: &Option<String>| {
            problem.is_some() || !known.problems.is_empty()
        };
        if is_told(&self.known, &self.problem) {
            "credentials"
        } else if is_told(&self.wanted, &self.connect_problem) || self.name_problem.is_some() {
            "connect"
        } else if self.link.made.is_some() || self.link.problem.is_some() {
            "link"
        } else if self.host.is_some() {
            "host"
        } else {
            ""
        }
    }
}

pub(super) async fn show(
    signed: Signed,
    Path(id): Path<String>,
    Asked(after): Asked<After>,
) -> Response {
    let app = match find(&signed, &id).await {
        Ok(app) => app,
        Err(error) => return refused(&signed, &error),
    };
    match page(&signed, &app, Attempt::default()).await {
        Ok(mut page) => {
            page.frame = page.frame.after(after.done.as_deref());
            shown(StatusCode::OK, &page)
        }
        Err(error) => refused(&signed, &error),
    }
}

/// Says of each field what would be wrong, and changes nothing: for the script, while somebody types.
pub(super) async fn check(signed: Signed, Path(id): Path<String>, request: Request) -> Response {
    let form = match Form::of(&signed, request).await {
        Ok(form) => form,
        Err(refused) => return refused,
    };
    if !signed.may(Permission::Admin) {
        return not_permitted(&signed, Permission::Admin);
    }
    let checked = async {
        let app = find(&signed, &id).await?;
        let provider = signed.engine.registry().provider(&app.provider)?;
        let stored = signed.engine.app_parameters_shown(&app).await?;
        let descriptor = provider.descriptor();
        let changes = changes(descriptor, &form, |key| stored.contains_key(key));
        let mut known = Known::default();
        if let Err(error) = signed.engine.check_app_changes(&app, changes).await {
            known.learn(&error, descriptor);
        }
        Ok(known.problems)
    };
    match checked.await {
        Ok(problems) => Json(problems).into_response(),
        Err(error) => refused(&signed, &error),
    }
}

#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct ConfirmPage {
    pub(super) frame: Frame,
    pub(super) text: String,
    /// Where the form goes, with which action.
    pub(super) address: String,
    pub(super) action: &'static str,
    pub(super) button: &'static str,
    pub(super) back: String,
    /// A choice beside it: its name and what it says.
    pub(super) choice: Option<(&'static str, String)>,
}

pub(super) async fn ask_to_delete(
    State(pages): State<Pages>,
    signed: Signed,
    Path(id): Path<String>,
) -> Response {
    let app = match find(&signed, &id).await {
        Ok(app) => app,
        Err(error) => return refused(&signed, &error),
    };
    if !signed.may(Permission::Admin) {
        return not_permitted(&signed, Permission::Admin);
    }
    let address = pages.path(&format!("/apps/{}", app.id));
    let page = ConfirmPage {
        frame: Frame::of(&signed, Room::Providers, format!("Delete {}?", app.name)),
        text: "The app's credentials are forgotten, and its callback URL stops working. At the provider it stays as it is."
            .to_owned(),
        back: address.clone(),
        address,
        action: "delete",
        button: "Delete the app",
        choice: None,
    };
    shown(StatusCode::OK, &page)
}

pub(super) async fn find(signed: &Signed, id: &str) -> Result<App, EngineError> {
    match id.parse() {
        Ok(id) => signed.engine.app(id).await,
        Err(_) => Err(EngineError::NoSuchApp(AppId(0))),
    }
}

/// What the names of boxes begin with that take a secret away.
const FORGET: &str = "_forget.";

/// What a form says about the app's own parameters: an empty field takes a value away, but for a secret, which nobody saw. What has
/// no field stays.
pub(super) fn changes(
    descriptor: &ProviderDescriptor,
    form: &Form,
    is_stored: impl Fn(&str) -> bool,
) -> Changes {
    let mut changes = Changes::new();
    for row in own_rows(descriptor) {
        let key = row.parameter.as_str();
        let is_emptied = match row.secret {
            true => form.text(&format!("{FORGET}{key}")) == "yes",
            false => form.has(key),
        };
        let text = form.text(key);
        if !text.is_empty() {
            changes.insert(key.to_owned(), Some(Secret::new(text.to_owned())));
        } else if is_emptied && is_stored(key) {
            changes.insert(key.to_owned(), None);
        }
    }
    changes
}

/// The parameters that an administrator sets for an app, but for the callback URL, which is ours.
pub(super) fn own_rows(
    descriptor: &ProviderDescriptor,
) -> impl Iterator<Item = &'static tieline_core::ParameterMapping> + use<> {
    let rows = descriptor.parameters();
    rows.filter(|row| {
        row.set_by == SetBy::Tenant && row.parameter != ParameterKey::OAUTH_CALLBACK_URL
    })
}

pub(super) async fn page(
    signed: &Signed,
    app: &App,
    attempt: Attempt,
) -> Result<AppPage, EngineError> {
    let (engine, pages) = (&signed.engine, &signed.pages);
    let descriptor = engine.registry().provider(&app.provider)?.descriptor();
    let place = attempt.place();
    let Attempt {
        mut known,
        mut problem,
        wanted,
        connect_problem,
        name_problem,
        instance_name,
        link,
        host,
    } = attempt;
    known.stored = engine.app_parameters_shown(app).await?;
    let complete = engine.wanted_to_connect(app, None).await;
    if let Err(error) = &complete {
        let mut stored = Known::default();
        let told = stored.learn(error, descriptor);
        problem = problem.or(told);
        known.add(stored);
    }
    let fields: Vec<_> = own_rows(descriptor)
        .map(|row| Field::of(row, &known))
        .collect();
    let problem = problem.or_else(|| known.left_over(&fields));
    let (fields, optional): (_, Vec<_>) = fields.into_iter().partition(|field| field.is_required);
    let has_accounts = {
        let query = InstanceQuery {
            app: Some(app.id),
            limit: 1,
            ..InstanceQuery::of(engine.tenant())
        };
        !engine.instances(query).await?.is_empty()
    };
    let callback_url = app.redirect_uri.clone();
    let callback_url = callback_url.filter(|_| descriptor.authentication.has_front_channel());
    let guide = &descriptor.guide;
    let steps = |steps: &[&str]| steps.iter().map(|step| html(step)).collect();
    Ok(AppPage {
        frame: Frame::of(
            signed,
            Room::Providers,
            format!("{}: {}", descriptor.name, app.name),
        ),
        id: app.id,
        name: app.name.clone(),
        provider: descriptor.name.to_owned(),
        provider_link: pages.path(&format!("/providers/{}", descriptor.id)),
        vendor: descriptor.vendor.to_owned(),
        portal: guide.developer_portal,
        callback_problem: callback_url
            .as_deref()
            .and_then(|url| callback_problem(engine, app, url)),
        callback_url,
        create_steps: steps(guide.create_application),
        locate_steps: steps(guide.locate_credentials),
        notes: steps(guide.notes),
        troubles: guide
            .troubleshooting
            .iter()
            .map(|trouble| (html(trouble.symptom), html(trouble.cure)))
            .collect(),
        fields,
        is_more_open: optional.iter().any(Field::is_filled_in),
        optional,
        problem,
        trouble: app.trouble.as_deref().map(of_trouble),
        may_change: signed.may(Permission::Admin),
        may_connect: signed.may(Permission::Connect),
        is_ready: complete.is_ok(),
        way: super::setup::way(descriptor),
        has_front_channel: descriptor.authentication.has_front_channel(),
        wanted: wanted_fields(descriptor, &complete.unwrap_or_default(), &wanted),
        connect_problem,
        name_problem,
        instance_name,
        once: random::token()?.expose().to_owned(),
        link,
        host: host.unwrap_or_else(|| HostForm {
            confirm_url: app.confirm_url.clone().unwrap_or_default(),
            return_origins: app.return_origins.join("\n"),
            ..HostForm::default()
        }),
        place,
        has_accounts,
        accounts_link: pages.path(&format!("/instances?app={}", app.id)),
    })
}

/// Why a provider takes no callback URL like this.
fn callback_problem(engine: &Engine, app: &App, url: &str) -> Option<String> {
    let provider = engine.registry().provider(&app.provider).ok()?;
    let descriptor = provider.descriptor();
    check_redirect_uri(provider, url).err()?;
    Some(format!(
        "{} takes no such URL: it must begin with https. Reach this server by https, name that address with TIELINE_PUBLIC_URL, and \
         create the app anew.",
        descriptor.vendor
    ))
}

/// What the account's owner gives, as fields.
pub(super) fn wanted_fields(
    descriptor: &ProviderDescriptor,
    wanted: &[ParameterKey],
    known: &Known,
) -> Vec<Field> {
    let rows = descriptor.end_user_parameters();
    rows.filter(|row| !row.required || wanted.contains(&row.parameter))
        .map(|row| Field {
            kept: None,
            ..Field::of(row, known)
        })
        .collect()
}
