//! What the server's OpenAPI document says of what is neither a struct nor an enum there.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::Secret;

/// The largest integer that every reader of JSON reads exactly.
const LARGEST: i64 = (1 << 53) - 1;

/// An identifier.
pub(crate) fn id(what: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(1))
        .maximum(Some(LARGEST))
        .description(Some(what))
        .into()
}

impl PartialSchema for Secret {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
            .description(Some("A secret: keep it out of logs and addresses."))
            .into()
    }
}

impl ToSchema for Secret {}
