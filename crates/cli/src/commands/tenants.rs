//! `tieline tenants`: on whose behalf API keys speak.

use serde_json::json;
use tieline::store::Tenant;

use crate::args::{Common, Tenants};
use crate::desk::Desk;
use crate::error::CliError;
use crate::output::{Output, facts, shown, table};
use crate::session;

pub(crate) async fn run(
    common: &Common,
    command: Tenants,
    output: &Output,
) -> Result<(), CliError> {
    session::with_desk(common, output, async |desk| {
        dispatch(desk, command, output).await
    })
    .await
}

async fn dispatch(desk: &Desk, command: Tenants, output: &Output) -> Result<(), CliError> {
    match command {
        Tenants::Create { tenant, name } => {
            let made = desk.create_tenant(&tenant, name.as_deref()).await?;
            output.answer(&made, || described(&made))
        }
        Tenants::Rename { tenant, name } => {
            let renamed = desk.rename_tenant(&tenant, name.as_deref()).await?;
            output.answer(&renamed, || described(&renamed))
        }
        Tenants::List => {
            let tenants = desk.tenants().await?;
            output.answer(&tenants, || listed(&tenants))
        }
        Tenants::Delete { tenant } => {
            desk.delete_tenant(&tenant).await?;
            output.answer(&json!({ "deleted": tenant }), || {
                format!("The tenant {} is deleted.", shown(&tenant))
            })
        }
    }
}

fn described(tenant: &Tenant) -> String {
    facts(&[
        ("id", tenant.id.clone()),
        ("name", tenant.name.clone().unwrap_or_default()),
        ("created", tenant.created_at.to_string()),
    ])
}

fn listed(tenants: &[Tenant]) -> String {
    let rows: Vec<_> = tenants
        .iter()
        .map(|tenant| {
            [
                tenant.id.clone(),
                tenant.name.clone().unwrap_or_default(),
                tenant.created_at.to_string(),
            ]
        })
        .collect();
    table(["ID", "NAME", "CREATED"], &rows)
}
