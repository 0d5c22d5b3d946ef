//! The second instance of a consent that brings two sets of tokens.

use serde_json::json;
use tieline::engine::Engine;
use tieline::store::Instance;

use crate::error::CliError;

/// More than any one run writes.
const EVENTS: u32 = 50;

/// Up to where events are written.
pub(super) async fn newest_event(engine: &Engine) -> Result<i64, CliError> {
    let newest = engine.store().events(engine.tenant(), None, 1).await?;
    Ok(newest.first().map_or(0, |event| event.id))
}

/// The instances that were made beside this one since then: their events say so.
pub(super) async fn made_since(
    engine: &Engine,
    newest: i64,
    instance: &Instance,
) -> Result<Vec<Instance>, CliError> {
    let events = engine.store().events(engine.tenant(), None, EVENTS).await?;
    let ids = events
        .into_iter()
        .filter(|event| event.id > newest && event.kind == "instance.connected")
        .filter(|event| event.detail["beside"] == json!(instance.id.0))
        .filter_map(|event| event.instance);
    let mut made = Vec::new();
    for id in ids {
        made.push(engine.instance(id).load().await?);
    }
    Ok(made)
}
