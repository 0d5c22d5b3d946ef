//! What stands around the operations: what the API is, how one is let in, and what can go wrong everywhere.

use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::{Tag, TagBuilder};
use utoipa::openapi::{Components, ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use utoipa::{PartialSchema as _, ToSchema};

use super::problems;
use crate::Problem;

const DESCRIPTION: &str = "\
Connects accounts at providers, and keeps their tokens valid. docs/http-api.md tells the story; this says what stands where.

Each answer has an `x-request-id`: the request's own, if it has one of up to 64 letters, digits, `-`, `_` and `.`. What went \
wrong is told by RFC 9457. Lists that have a `cursor` come a page at a time: it goes into the query of the next page, and is absent \
on the last one. In bodies and queries, what is not known is refused; answers may get more members.";

const TAGS: &[(&str, &str)] = &[
    ("providers", "The catalogue."),
    ("apps", "What is registered with providers."),
    ("connecting", "People connect their accounts."),
    ("instances", "Connected accounts."),
    (
        "calls",
        "The provider's own API, with a token that is good.",
    ),
    ("events", "What happened."),
    ("API keys", "Who may do what."),
    ("tenants", "For the operator."),
    ("webhooks", "Where a tenant wants to be told of events."),
    ("operations", "For whoever runs the server."),
    ("front door", "Where browsers come; no program calls these."),
];

/// The document without operations.
pub(super) fn frame() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Tieline")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION));
    OpenApiBuilder::new()
        .info(info)
        .tags(Some(TAGS.iter().map(tag)))
        .components(Some(components()))
        .build()
}

fn tag((name, description): &(&str, &str)) -> Tag {
    TagBuilder::new()
        .name(*name)
        .description(Some(*description))
        .build()
}

fn components() -> Components {
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key: `tieline api-keys create` makes one. What an operation needs of it stands in its `security`, \
             and as its `x-permission`.",
        ))
        .build();
    let mut schemas = vec![(
        <Problem as ToSchema>::name().into_owned(),
        Problem::schema(),
    )];
    <Problem as ToSchema>::schemas(&mut schemas);
    ComponentsBuilder::new()
        .security_scheme("api_key", SecurityScheme::Http(key))
        .schemas_from_iter(schemas)
        .responses_from_iter(problems::responses())
        .build()
}
