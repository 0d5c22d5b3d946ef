//! `tieline api-keys`: who may work through the server, for which tenant.

use serde_json::json;
use tieline::engine::{CreatedApiKey, NewApiKey};
use tieline::store::ApiKey;

use crate::args::{ApiKeys, Common};
use crate::desk::Desk;
use crate::error::CliError;
use crate::output::{Output, shown, table};
use crate::session;

pub(crate) async fn run(
    common: &Common,
    command: ApiKeys,
    output: &Output,
) -> Result<(), CliError> {
    session::with_desk(common, output, async |desk| {
        dispatch(desk, command, output).await
    })
    .await
}

async fn dispatch(desk: &Desk, command: ApiKeys, output: &Output) -> Result<(), CliError> {
    match command {
        ApiKeys::Create {
            name,
            tenant,
            permissions,
        } => {
            let new = NewApiKey {
                tenant: Some(tenant),
                name,
                permissions: permissions.into_iter().collect(),
            };
            told_once(&desk.create_api_key(new).await?, output)
        }
        ApiKeys::List { tenant } => {
            let keys = desk.api_keys(tenant).await?;
            output.answer(&keys, || listed(&keys))
        }
        ApiKeys::Revoke { key } => {
            desk.revoke_api_key(key).await?;
            output.answer(&json!({ "revoked": key }), || {
                format!("API key {key} is revoked: within two seconds it is good for nothing.")
            })
        }
    }
}

/// The key alone is the answer, so that a script can take it as it is.
fn told_once(made: &CreatedApiKey, output: &Output) -> Result<(), CliError> {
    let CreatedApiKey { api_key, key } = made;
    if !output.is_json() {
        output.notice(&format!(
            "This is API key {} of the tenant {}, for: {}. Keep it safe: it is not shown again.",
            api_key.id,
            shown(&api_key.tenant),
            api_key.permissions
        ));
    }
    let answer = json!({ "api_key": api_key, "key": key.expose() });
    output.answer(&answer, || key.expose().to_owned())
}

fn listed(keys: &[ApiKey]) -> String {
    if keys.is_empty() {
        return "No API key yet: `tieline api-keys create` makes one.".to_owned();
    }
    let rows: Vec<_> = keys.iter().map(row).collect();
    let heading = [
        "ID",
        "TENANT",
        "NAME",
        "MAY",
        "ENDS IN",
        "LAST USED",
        "REVOKED",
    ];
    table(heading, &rows)
}

fn row(key: &ApiKey) -> [String; 7] {
    let when = |instant: Option<tieline::core::Timestamp>| {
        instant.map(|at| at.to_string()).unwrap_or_default()
    };
    [
        key.id.to_string(),
        key.tenant.clone(),
        key.name.clone().unwrap_or_default(),
        key.permissions.to_string(),
        key.hint.clone(),
        when(key.last_used_at),
        when(key.revoked_at),
    ]
}
