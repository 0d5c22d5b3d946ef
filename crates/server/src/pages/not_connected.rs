//! What somebody who is signed in sees when an account that they were connecting isn't: everything, since the app is theirs to mend.

use axum::response::Response;
use http::StatusCode;
use tieline_engine::EngineError;

use super::door;
use super::session::Signed;
use super::words::words;
use crate::Problem;

/// Nothing where no app of theirs has this callback URL.
pub(crate) async fn not_connected(
    signed: &Signed,
    context: &str,
    error: &EngineError,
) -> Result<Option<Response>, EngineError> {
    let (engine, pages) = (&signed.engine, &signed.pages);
    let apps = engine.apps().await?;
    let Some(app) = apps.into_iter().find(|app| app.context == context) else {
        return Ok(None);
    };
    let descriptor = engine.registry().provider(&app.provider)?.descriptor();
    let status = Problem::told(error).status;
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST);
    let text = words(error, descriptor);
    let back = pages.path(&format!("/apps/{}", app.id));
    let next = Some((back, format!("Back to {}", app.name)));
    Ok(Some(door::told(
        &pages.base,
        status,
        "Not connected",
        &text,
        next,
    )))
}
