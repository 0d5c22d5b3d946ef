//! Breaks the rule that new tokens are durable before anyone sees them, so that the fault harness can be seen to notice.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tieline_core::{InstanceId, Secret, failpoint};

use crate::due::{Due, due};
use crate::lease::Attempt;
use crate::recovery::Urgency;
use crate::{AccessToken, InstanceHandle};

/// Tokens that are seen before they are stored, with their generation.
static EARLY: Mutex<Option<HashMap<InstanceId, (Secret, i64)>>> = Mutex::new(None);

/// Shows a token that is not stored, and takes its time to store it.
pub(crate) async fn show_early(attempt: &Attempt, access_token: &Secret) {
    if !failpoint::is_sabotaged("use-before-commit") {
        return;
    }
    let shown = (access_token.duplicate(), attempt.instance.generation + 1);
    EARLY
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .get_or_insert_default()
        .insert(attempt.instance.id, shown);
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// What was shown early, if the rule is to be broken.
pub(crate) async fn seen_early(handle: &InstanceHandle) -> Option<AccessToken> {
    if !failpoint::is_sabotaged("use-before-commit") {
        return None;
    }
    let instance = handle.load().await.ok()?;
    let descriptor = handle
        .engine
        .provider(&instance.provider)
        .ok()?
        .descriptor();
    let now = handle.engine.shared.clock.now();
    if due(&instance, &descriptor.oauth2().rotation, now) != Due::Now {
        return None;
    }
    handle.engine.fly(&instance, Urgency::Due).ok()?;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let early = EARLY.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = early.as_ref().and_then(|early| early.get(&handle.id));
        if let Some((token, generation)) = shown
            && *generation > instance.generation
        {
            return Some(AccessToken {
                token: token.duplicate(),
                expires_at: None,
                generation: *generation,
            });
        }
    }
    None
}
