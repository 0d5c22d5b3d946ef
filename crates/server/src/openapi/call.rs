//! The authenticated call, which is any method and any path: described by hand, for the methods that OpenAPI knows.

use tieline_core::InstanceId;
use tieline_store::Permission;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn, PathItem,
};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, OpenApi, Ref, Required, ResponseBuilder, ResponsesBuilder, Schema,
};
use utoipa::{IntoResponses as _, ToSchema as _};

use super::complete::header;
use super::{Conflict, Missing, Unusable};
use crate::call::LONGEST_PATIENCE;

const PATH: &str = "/instances/{id}/call/{path}";

/// Method, its word in an operation's id, and whether a body is usual.
const METHODS: [(HttpMethod, &str, bool); 7] = [
    (HttpMethod::Get, "Get", false),
    (HttpMethod::Head, "Head", false),
    (HttpMethod::Options, "Options", false),
    (HttpMethod::Post, "Post", true),
    (HttpMethod::Put, "Put", true),
    (HttpMethod::Patch, "Patch", true),
    (HttpMethod::Delete, "Delete", true),
];

const DESCRIPTION: &str = "\
Path, query, headers and body go on as they are, with the instance's token in its place; the provider's answer comes back as it is, \
whatever its status: also with one that is listed here for a problem of Tieline's. `{path}` may have slashes, and may be empty. Any other method is passed on, too.";

/// Adds it to the document.
pub(super) fn describe(v1: &mut OpenApi) {
    for (method, word, has_body) in METHODS {
        let item = PathItem::new(method, operation(word, has_body));
        match v1.paths.paths.get_mut(PATH) {
            Some(others) => others.merge_operations(item),
            None => {
                v1.paths.paths.insert(PATH.to_owned(), item);
            }
        }
    }
}

fn operation(word: &str, has_body: bool) -> Operation {
    let permission = SecurityRequirement::new("api_key", [Permission::Call.as_str()]);
    let anything = || ContentBuilder::new().build();
    let theirs = ResponseBuilder::new()
        .description(
            "The provider's own answer, which `tieline-answer-head` tells from Tieline's problems.",
        )
        .content("*/*", anything())
        .header(
            "tieline-answer-head",
            header("JSON: pairs of all the provider's headers, as they came."),
        )
        .header(
            "tieline-not-replayed",
            header(
                "Where the provider refused the token: what became of that, and what to do now.",
            ),
        )
        .build();
    let responses = ResponsesBuilder::new()
        .response("default", theirs)
        .responses_from_iter(Missing::responses())
        .responses_from_iter(Conflict::responses())
        .responses_from_iter(Unusable::responses());
    let body = RequestBodyBuilder::new().content("*/*", anything()).build();
    OperationBuilder::new()
        .operation_id(Some(format!("call{word}")))
        .summary(Some("Calls the provider's API with the instance's token."))
        .description(Some(DESCRIPTION))
        .tag("calls")
        .security(permission)
        .parameters(Some([instance(), path(), patience()]))
        .request_body(has_body.then_some(body))
        .responses(responses)
        .build()
}

fn instance() -> Parameter {
    ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .schema(Some(Ref::from_schema_name(InstanceId::name())))
        .build()
}

fn path() -> Parameter {
    let text = Schema::from(ObjectBuilder::new().schema_type(Type::String));
    ParameterBuilder::new()
        .name("path")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some("What follows the provider's API base, byte for byte."))
        .schema(Some(text))
        .build()
}

fn patience() -> Parameter {
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(0))
        .maximum(Some(LONGEST_PATIENCE));
    ParameterBuilder::new()
        .name("tieline-patience")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "For how many seconds the call may be held back. It is not passed on.",
        ))
        .schema(Some(Schema::from(seconds)))
        .build()
}
