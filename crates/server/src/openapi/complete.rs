//! What follows from what an operation says of itself: its permission, what else can be wrong, and the headers.

use http::Method;
use serde_json::Value;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, RefOr, Required, ResponseBuilder};

use super::problems::{
    BAD_REQUEST, CONFLICT, FAILED, NOT_JSON, NOT_PERMITTED, TOO_LONG, TOO_SLOW, UNAUTHENTICATED,
    UNAVAILABLE, UNUSABLE,
};
use crate::idempotency;

/// Completes every operation.
pub(super) fn complete(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            if path.starts_with("/v1/") {
                what_may_be_wrong(operation);
            }
            if let Some(permission) = permission(operation) {
                of_a_permission(operation, permission);
            }
            if is_of_browsers(operation) && operation.parameters.is_some() {
                told_by_a_page(operation);
            }
            let below = path.strip_prefix("/v1").unwrap_or_default();
            let makes = idempotency::makes_something(&method, below);
            if makes {
                done_once(operation);
            }
            headers_of_success(operation, makes);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
        (Method::HEAD, &mut item.head),
        (Method::OPTIONS, &mut item.options),
    ];
    let all = all.into_iter();
    all.filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// The role that its security requirement names.
fn permission(operation: &Operation) -> Option<String> {
    let security = serde_json::to_value(operation.security.as_ref()?).ok()?;
    let role = security.pointer("/0/api_key/0")?.as_str()?;
    Some(role.to_owned())
}

fn of_a_permission(operation: &mut Operation, permission: String) {
    for status in [UNAUTHENTICATED, NOT_PERMITTED, FAILED, UNAVAILABLE] {
        status.add_to(&mut operation.responses);
    }
    let permission = Value::String(permission);
    let extension = ExtensionsBuilder::new().add("x-permission", permission);
    operation.extensions = Some(extension.build());
}

/// A path, a query and a body can be misread.
fn what_may_be_wrong(operation: &mut Operation) {
    let has_body = operation.request_body.is_some();
    if has_body
        || operation
            .parameters
            .as_ref()
            .is_some_and(|all| !all.is_empty())
    {
        BAD_REQUEST.add_to(&mut operation.responses);
    }
    if has_body && !is_call(operation) {
        for status in [TOO_SLOW, TOO_LONG, NOT_JSON] {
            status.add_to(&mut operation.responses);
        }
    }
}

/// Calls are passed on, whatever their body.
fn is_call(operation: &Operation) -> bool {
    has_tag(operation, "calls")
}

fn is_of_browsers(operation: &Operation) -> bool {
    has_tag(operation, "front door")
}

fn has_tag(operation: &Operation, name: &str) -> bool {
    let mut tags = operation.tags.iter().flatten();
    tags.any(|tag| tag == name)
}

fn told_by_a_page(operation: &mut Operation) {
    let page = ObjectBuilder::new().schema_type(Type::String).build();
    let content = ContentBuilder::new().schema(Some(page)).build();
    let response = ResponseBuilder::new()
        .description("A page that says to a person why not.")
        .content("text/html", content)
        .build();
    let responses = &mut operation.responses.responses;
    responses.insert("default".to_owned(), RefOr::T(response));
}

fn done_once(operation: &mut Operation) {
    // Under way, of unknown outcome, or sent with another request before.
    for status in [CONFLICT, UNUSABLE] {
        status.add_to(&mut operation.responses);
    }
    let parameters = operation.parameters.get_or_insert_default();
    parameters.push(idempotency_key());
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(idempotency::LONGEST_KEY))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Sent twice with the same key, within a day, this is done once; the second answer is the first one. A UUID will do.",
        ))
        .schema(Some(text.build()))
        .build()
}

fn headers_of_success(operation: &mut Operation, makes: bool) {
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else {
            continue;
        };
        let headers = &mut response.headers;
        headers.insert("x-request-id".to_owned(), request_id());
        if makes {
            let replayed = header("`true` where this was answered before to the same key.");
            headers.insert("idempotent-replayed".to_owned(), replayed);
        }
    }
}

/// What every answer has.
pub(super) fn request_id() -> Header {
    header("Names the request, as in the log.")
}

pub(super) fn header(description: &str) -> Header {
    let text = ObjectBuilder::new().schema_type(Type::String);
    HeaderBuilder::new()
        .schema(text)
        .description(Some(description))
        .build()
}
