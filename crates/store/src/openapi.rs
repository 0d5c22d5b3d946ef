//! What the server's OpenAPI document says of what is neither a struct nor an enum there.

use std::fmt::Write as _;

use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{PartialSchema, ToSchema};

use crate::{Permission, Permissions};

/// A closed list of words, each with its meaning.
pub(crate) fn words(what: &str, words: &[(&str, &str)]) -> RefOr<Schema> {
    let mut description = format!("{}\n", what.trim());
    for (word, meaning) in words {
        // A text takes whatever is written to it.
        let _ = write!(description, "\n- `{word}`: {}", meaning.trim());
    }
    ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.iter().map(|(word, _)| *word)))
        .description(Some(description))
        .into()
}

impl PartialSchema for Permissions {
    fn schema() -> RefOr<Schema> {
        let permission = Ref::from_schema_name(Permission::name());
        ArrayBuilder::new().items(permission).into()
    }
}

impl ToSchema for Permissions {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((Permission::name().into_owned(), Permission::schema()));
    }
}
