//! `/v1/providers`: the catalogue, from the same descriptors as the docs.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};
use tieline_core::{Format, ProviderDescriptor};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::asked::Name;
use crate::caller::Reading;
use crate::openapi::Missing;
use crate::wire::{Providers, ShownProvider, WholeProvider};
use crate::{Problem, Served};

pub(crate) fn routes() -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(show))
}

/// Lists the providers that accounts can be connected of.
#[utoipa::path(
    get,
    path = "/providers",
    operation_id = "listProviders",
    tag = "providers",
    security(("api_key" = ["read"])),
    responses((status = 200, description = "All of them.", body = Providers))
)]
async fn list(Reading(engine): Reading) -> Json<Providers> {
    let providers = engine.registry().iter();
    Json(Providers {
        providers: providers.map(|found| shown(found.descriptor())).collect(),
    })
}

/// Shows all there is to know of a provider: mapping table, guide, limits, and the JSON Schema of its parameters.
#[utoipa::path(
    get,
    path = "/providers/{id}",
    operation_id = "showProvider",
    tag = "providers",
    security(("api_key" = ["read"])),
    params(("id" = String, Path, description = "Its id, or an alias.")),
    responses((status = 200, description = "The provider.", body = WholeProvider), Missing)
)]
async fn show(
    Reading(engine): Reading,
    State(_): State<Served>,
    Name(id): Name,
) -> Result<Json<Value>, Problem> {
    let descriptor = engine.registry().provider(&id)?.descriptor();
    let mut whole = serde_json::to_value(descriptor).unwrap_or_default();
    whole["parameters_schema"] = schema(descriptor);
    Ok(Json(whole))
}

fn shown(descriptor: &ProviderDescriptor) -> ShownProvider {
    ShownProvider {
        id: descriptor.id.to_owned(),
        name: descriptor.name.to_owned(),
        vendor: descriptor.vendor.to_owned(),
        aliases: descriptor
            .aliases
            .iter()
            .map(|alias| (*alias).to_owned())
            .collect(),
        has_front_channel: descriptor.authentication.has_front_channel(),
    }
}

/// JSON Schema of the parameters that an app takes.
fn schema(descriptor: &ProviderDescriptor) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for row in descriptor.parameters() {
        let key = row.parameter.to_string();
        let mut property = json!({
            "type": "string",
            "title": row.credential,
            "writeOnly": row.secret,
            "x-set-by": row.set_by,
        });
        if row.format == Format::Url {
            property["format"] = "uri".into();
        }
        if row.required {
            required.push(key.clone());
        }
        properties.insert(key, property);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
