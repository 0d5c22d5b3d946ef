//! What can be typed about hosts: tenants and their API keys.

use clap::Subcommand;
use clap::builder::{NonEmptyStringValueParser, PossibleValuesParser, TypedValueParser};
use tieline::ApiKeyId;
use tieline::store::Permission;

#[derive(Debug, Subcommand)]
pub(crate) enum Tenants {
    /// Make one
    Create {
        /// Its id: 1 to 64 of a-z, 0-9, '.', '_' and '-', the first a letter or a digit
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// What to call it
        #[arg(long)]
        name: Option<String>,
    },
    /// List them
    List,
    /// Give one another name
    Rename {
        /// The tenant's id
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
        /// Its new name; left out, it has none
        name: Option<String>,
    },
    /// Delete one that has neither apps nor instances, with its API keys
    Delete {
        /// The tenant's id
        #[arg(value_parser = NonEmptyStringValueParser::new())]
        tenant: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeys {
    /// Make one, and print it: this once
    Create {
        /// What to call it
        #[arg(long)]
        name: Option<String>,
        /// For whom it speaks
        #[arg(long, default_value = "default")]
        tenant: String,
        /// What it may do; again for more. None implies another
        #[arg(
            long = "permission",
            value_name = "PERMISSION",
            value_delimiter = ',',
            default_value = "read,connect,call",
            value_parser = permission()
        )]
        permissions: Vec<Permission>,
    },
    /// List them, without the keys themselves
    List {
        /// Only those of this tenant
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Make one good for nothing, for ever
    Revoke {
        /// The API key's id
        key: ApiKeyId,
    },
}

fn permission() -> impl TypedValueParser<Value = Permission> {
    let words = Permission::ALL.iter().map(|permission| permission.as_str());
    PossibleValuesParser::new(words).try_map(|word| word.parse())
}
