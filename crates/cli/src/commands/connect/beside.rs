//! The second instance of a consent that brings two sets of tokens.

use serde_json::json;
use tieline::store::{Event, Instance};

use crate::desk::Desk;
use crate::error::CliError;

/// More than any one run writes, where nobody else does anything meanwhile.
const EVENTS: u32 = 50;

/// Up to where events are written.
pub(super) async fn newest_event(desk: &Desk) -> Result<i64, CliError> {
    let newest = desk.events(1).await?;
    Ok(newest.first().map_or(0, |event| event.id))
}

/// The instances that were made beside this one since then: their events say so.
pub(super) async fn made_since(
    desk: &Desk,
    newest: i64,
    instance: &Instance,
) -> Result<Vec<Instance>, CliError> {
    let events = events_since(desk, newest).await?;
    let ids = events
        .into_iter()
        .filter(|event| event.kind == "instance.connected")
        .filter(|event| event.detail["beside"] == json!(instance.id.0))
        .filter_map(|event| event.instance);
    let mut made = Vec::new();
    for id in ids {
        made.push(desk.instance(id).await?);
    }
    Ok(made)
}

/// All of them: a server may have written many for others while somebody consented.
async fn events_since(desk: &Desk, newest: i64) -> Result<Vec<Event>, CliError> {
    let mut limit = EVENTS;
    loop {
        let mut events = desk.events(limit).await?;
        let is_all = events.len() < limit as usize;
        if is_all || events.last().is_none_or(|oldest| oldest.id <= newest) {
            events.retain(|event| event.id > newest);
            return Ok(events);
        }
        limit = limit.saturating_mul(4);
    }
}
