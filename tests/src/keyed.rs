//! A vendor whose accounts are opened by a key that their owner gives.

use serde_json::{Value, json};
use tieline_core::prelude::*;

use crate::stage::Stage;

/// Ada's first key, the one she has made since, and Grace's.
pub const KEYS: [&str; 3] = ["ada-key-CANARY-1", "ada-key-CANARY-2", "grace-key-CANARY"];

/// Changes the vendor's file: its accounts have keys, and nothing else opens anything; Ada has two.
pub fn with_keys(rules: &mut Value) {
    for part in ["authorization", "token", "revocation"] {
        rules[part] = Value::Null;
    }
    let account = |name: &str, sub: &str, key: &str| json!({ "name": name, "sub": sub, "email": format!("{name}@example.com"), "display": name, "api_key": key });
    rules["accounts"] = json!([
        account("ada", "u-1001", KEYS[0]),
        account("ada", "u-1001", KEYS[1]),
        account("grace", "u-1002", KEYS[2]),
    ]);
    rules["api"]["key"] = "{account.api_key}".into();
    rules["api"]["token"] = json!({ "header": "x-acme-key" });
}

/// A stage of such a vendor.
pub async fn keyed() -> Stage {
    const MAPPINGS: &[ParameterMapping] = &[ParameterMapping::account_key("Personal key")];
    Stage::edited(with_keys, |descriptor| ProviderDescriptor {
        authentication: Authentication::ApiKey,
        mappings: MAPPINGS,
        api: Api {
            token_placement: TokenPlacement::Header("X-Acme-Key"),
            ..descriptor.api
        },
        ..descriptor
    })
    .await
}
