//! `tieline instances`: connected accounts.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use tieline::InstanceId;
use tieline::engine::{Disconnected, Revocation};
use tieline::store::Instance;

use crate::args::{Call, Common, Instances};
use crate::desk::Desk;
use crate::error::CliError;
use crate::output::{Output, facts, table};
use crate::{input, session};

/// As many events as fit on a screen.
const SHOWN_EVENTS: u32 = 20;

pub(crate) async fn run(
    common: &Common,
    command: Instances,
    output: &Output,
) -> Result<(), CliError> {
    session::with_desk(common, output, async |desk| {
        dispatch(desk, command, output).await
    })
    .await
}

async fn dispatch(desk: &Desk, command: Instances, output: &Output) -> Result<(), CliError> {
    match command {
        Instances::List { provider } => list(desk, provider, output).await,
        Instances::Show { instance } => show(desk, instance, output).await,
        Instances::Token { instance } => {
            let token = desk.access_token(instance).await?;
            let shown = serde_json::json!({
                "access_token": token.token.expose(), "expires_at": token.expires_at, "generation": token.generation,
            });
            output.answer(&shown, || token.token.expose().to_owned())
        }
        Instances::Check { instance } => {
            let account = desk.check(instance).await?;
            output.answer(&account, || {
                facts(&[
                    ("account", account.label.clone().unwrap_or_default()),
                    ("account id", account.id.clone().unwrap_or_default()),
                    ("access", "accepted by the provider".to_owned()),
                ])
            })
        }
        Instances::Call(call) => send(desk, call, output).await,
        Instances::Refresh { instance } => {
            let refreshed = desk.refresh(instance).await?;
            output.answer(&refreshed, || described(desk, &refreshed))
        }
        Instances::Disconnect { instance, force } => {
            let was_given = is_given(desk, &desk.instance(instance).await?);
            let gone = desk.disconnect(instance, force).await?;
            output.answer(&gone, || farewell(&gone, was_given))
        }
    }
}

async fn show(desk: &Desk, instance: InstanceId, output: &Output) -> Result<(), CliError> {
    let found = desk.instance(instance).await?;
    let events = desk.events_of(instance, SHOWN_EVENTS).await?;
    let answer = serde_json::json!({ "instance": found, "events": events });
    output.answer(&answer, || {
        let events: Vec<_> = events
            .iter()
            .map(|event| {
                [
                    event.at.to_string(),
                    event.kind.clone(),
                    event.detail.to_string(),
                ]
            })
            .collect();
        let events = table(["WHEN", "WHAT", "DETAIL"], &events);
        format!("{}\n\n{events}", described(desk, &found))
    })
}

/// Whether the account's owner gave the credential: nothing is issued, refreshed or revoked then.
fn is_given(desk: &Desk, instance: &Instance) -> bool {
    let provider = desk.registry().provider(&instance.provider);
    provider.is_ok_and(|provider| provider.descriptor().authentication.is_given())
}

fn farewell(gone: &Disconnected, was_given: bool) -> String {
    let instance = gone.instance;
    let told = match gone.revocation {
        Revocation::NotOffered if was_given => {
            "what its owner gave is forgotten here, and stays good at the provider until it is changed there"
        }
        Revocation::Revoked => "its tokens are revoked at the provider",
        Revocation::NotOffered => "the provider offers no revocation, so its tokens die of old age",
        Revocation::Unconfirmed => "the provider could not be asked to revoke its tokens",
    };
    format!("Instance {instance} is deleted; {told}.")
}

async fn list(desk: &Desk, provider: Option<String>, output: &Output) -> Result<(), CliError> {
    let provider = provider.map(|name| {
        desk.registry()
            .provider(&name)
            .map(|found| found.descriptor().id.to_owned())
    });
    let all = desk.instances(provider.transpose()?).await?;
    output.answer(&all, || listed(&all))
}

fn listed(all: &[Instance]) -> String {
    if all.is_empty() {
        return "No instance yet: `tieline connect PROVIDER` makes one.".to_owned();
    }
    let rows: Vec<_> = all.iter().map(row).collect();
    let heading = ["ID", "PROVIDER", "STATUS", "ACCOUNT", "NAME", "EXPIRES"];
    table(heading, &rows)
}

fn row(instance: &Instance) -> [String; 6] {
    [
        instance.id.to_string(),
        instance.provider.clone(),
        instance.status.to_string(),
        account_of(instance).unwrap_or_default().to_owned(),
        instance.name.clone().unwrap_or_default(),
        instance
            .expires_at
            .map(|at| at.to_string())
            .unwrap_or_default(),
    ]
}

/// What a person recognises the account by.
pub(crate) fn account_of(instance: &Instance) -> Option<&str> {
    let label = instance.account_label.as_deref();
    label.or(instance.account_id.as_deref())
}

pub(crate) fn described(desk: &Desk, instance: &Instance) -> String {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let expires = instance.expires_at.map(|at| at.to_string());
    let (expires, obtained) = if is_given(desk, instance) {
        (expires.unwrap_or_default(), "given")
    } else {
        (
            expires.unwrap_or_else(|| "not known".to_owned()),
            "refreshed",
        )
    };
    let mut rows = vec![
        ("id", instance.id.to_string()),
        ("provider", instance.provider.clone()),
        ("app", instance.app.to_string()),
        ("name", optional(&instance.name)),
        ("status", instance.status.to_string()),
        (
            "cause",
            instance
                .cause
                .map(|cause| cause.to_string())
                .unwrap_or_default(),
        ),
        ("account", optional(&instance.account_label)),
        ("account id", optional(&instance.account_id)),
    ];
    let given = instance.parameters.iter();
    rows.extend(given.map(|(key, value)| (key.as_str(), value.clone())));
    rows.extend([
        ("scopes", instance.scopes.join(" ")),
        ("generation", instance.generation.to_string()),
        ("token expires", expires),
        (obtained, instance.refreshed_at.to_string()),
    ]);
    facts(&rows)
}

async fn send(desk: &Desk, call: Call, output: &Output) -> Result<(), CliError> {
    let response = desk.call(call.instance, request(&call).await?).await?;
    if output.is_json() {
        let headers: Vec<_> = response
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
            .collect();
        let body = String::from_utf8_lossy(response.body());
        let shown = serde_json::json!({ "status": response.status().as_u16(), "headers": headers, "body": body });
        output.answer(&shown, String::new)?;
    } else {
        output.exactly(response.body())?;
    }
    if response.status().is_success() {
        Ok(())
    } else {
        Err(CliError::Failure(format!(
            "the provider answered with status {}",
            response.status()
        )))
    }
}

/// The request as it was typed.
async fn request(call: &Call) -> Result<Request<Bytes>, CliError> {
    let mut request = Request::builder().method(&call.method).uri(&call.path);
    for header in &call.headers {
        let parsed = header.split_once(':').and_then(|(name, value)| {
            Some((
                name.trim().parse::<HeaderName>().ok()?,
                HeaderValue::from_str(value.trim()).ok()?,
            ))
        });
        let (name, value) = parsed.ok_or_else(|| {
            CliError::Usage("--header takes 'Name: value' in visible ASCII".to_owned())
        })?;
        request = request.header(name, value);
    }
    let request = request.body(body(call.data.as_deref()).await?);
    // A whole URL, or a host, is no path: nothing is called but the API of the account's provider.
    let request = request.ok().filter(|request| {
        let path = request.uri().path_and_query();
        request.uri().authority().is_none() && path.is_some_and(|path| path.as_str() != "*")
    });
    request.ok_or_else(|| {
        CliError::Usage(format!(
            "{:?} is not a path: give one such as /v1/contacts?limit=1",
            call.path
        ))
    })
}

async fn body(data: Option<&str>) -> Result<Bytes, CliError> {
    Ok(match data.map(|data| data.strip_prefix('@').ok_or(data)) {
        None => Bytes::new(),
        Some(Err(text)) => Bytes::copy_from_slice(text.as_bytes()),
        Some(Ok(file)) => input::bytes(file).await?.into(),
    })
}
