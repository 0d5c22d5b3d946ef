//! What can go wrong, once for all operations.

use std::collections::BTreeMap;

use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Responses};
use utoipa::{IntoResponses, ToSchema};

use super::complete::{header, request_id};
use crate::Problem;

/// A status with which problems are answered, and its name among the document's components.
pub(super) struct Status {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    description: &'static str,
}

macro_rules! statuses {
    ($($constant:ident, $name:ident = $code:literal: $description:literal;)+) => {
        $(
            pub(super) const $constant: Status = Status {
                code: $code,
                name: stringify!($name),
                description: $description,
            };
        )+

        const ALL: &[Status] = &[$($constant),+];
    };
}

statuses! {
    BAD_REQUEST, BadRequest = "400": "What was sent can't be read, or can't be done.";
    UNAUTHENTICATED, Unauthenticated = "401": "There is no API key that is good.";
    NOT_PERMITTED, NotPermitted = "403": "The API key may not do this.";
    MISSING, Missing = "404": "There is no such thing; another tenant's is none.";
    TOO_SLOW, TooSlow = "408": "The body stopped coming.";
    CONFLICT, Conflict = "409": "Things stand otherwise than this needs.";
    TOO_LONG, TooLong = "413": "The body is longer than 1 MiB.";
    NOT_JSON, NotJson = "415": "The body is no JSON, or doesn't say so.";
    UNUSABLE, Unusable = "422": "What was sent can be read, and does not do.";
    FAILED, Failed = "500": "Something in the server failed.";
    UNAVAILABLE, Unavailable = "503": "The provider, or the store, is not available now.";
}

macro_rules! says {
    ($($name:ident: $constant:ident),+) => {$(
        #[doc = concat!("Said by handlers whose answer may be ", stringify!($constant), ".")]
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                BTreeMap::from([($constant.code.to_owned(), $constant.reference())])
            }
        }
    )+};
}

says! {
    Missing: MISSING,
    Conflict: CONFLICT,
    Unusable: UNUSABLE,
    Failed: FAILED,
    Unavailable: UNAVAILABLE
}

impl Status {
    fn reference(&self) -> RefOr<Response> {
        Ref::from_response_name(self.name).into()
    }

    /// Adds this one to what an operation may be answered.
    pub(super) fn add_to(&self, responses: &mut Responses) {
        let of_this_status = responses.responses.entry(self.code.to_owned());
        of_this_status.or_insert_with(|| self.reference());
    }
}

/// Each of them, by its name.
pub(super) fn responses() -> impl Iterator<Item = (&'static str, Response)> {
    ALL.iter().map(|status| (status.name, response(status)))
}

fn response(status: &Status) -> Response {
    let problem = Ref::from_schema_name(<Problem as ToSchema>::name());
    let content = ContentBuilder::new().schema(Some(problem)).build();
    let mut response = ResponseBuilder::new()
        .description(status.description)
        .content("application/problem+json", content)
        .header("x-request-id", request_id());
    if status.code == UNAUTHENTICATED.code {
        response = response.header("www-authenticate", header("`Bearer`."));
    }
    if [CONFLICT.code, UNAVAILABLE.code].contains(&status.code) {
        let text = "Seconds after which the same request makes sense again, where anybody says so.";
        response = response.header("retry-after", header(text));
    }
    response.build()
}
