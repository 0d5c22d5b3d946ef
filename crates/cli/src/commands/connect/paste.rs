//! Nothing of ours listens at the redirect URI: the person brings the address back by hand.

use tieline::engine::Started;
use tieline::engine::authorize::TIME_TO_CONSENT;
use tieline::store::Instance;

use super::browser::{is_foreign, too_late};
use crate::desk::Desk;
use crate::error::CliError;
use crate::input;
use crate::output::Output;

/// Whoever mistypes so often is no person.
const TRIES: usize = 5;

/// Takes addresses from standard input until one is the callback of this authorization.
pub(super) async fn paste(
    desk: &Desk,
    started: &Started,
    output: &Output,
) -> Result<Instance, CliError> {
    let wait = tokio::time::sleep(TIME_TO_CONSENT);
    tokio::pin!(wait);
    let mut refused: Option<CliError> = None;
    for _ in 0..TRIES {
        if let Some(error) = &refused {
            output.notice(&format!("{error}.\nPaste the whole address again:"));
        }
        let line = tokio::select! {
            line = input::line() => line?,
            () = &mut wait => return Err(too_late()),
        };
        let Some(line) = line else {
            break;
        };
        refused = Some(match query(&line) {
            None => not_an_address(),
            Some(query) => match desk.call_back(started.id, query).await {
                Ok(instance) => return Ok(instance),
                Err(error) if is_foreign(&error) => not_this_one(&error),
                Err(error) => return Err(error),
            },
        });
    }
    Err(refused.unwrap_or_else(|| {
        CliError::Usage("no address was pasted, so nothing was connected; start again".to_owned())
    }))
}

fn query(line: &str) -> Option<&str> {
    let (_, query) = line.trim().split_once('?')?;
    query.split('#').next()
}

fn not_an_address() -> CliError {
    CliError::Usage(
        "that is not the address of the callback: it has a question mark, then code=… and state=…"
            .to_owned(),
    )
}

fn not_this_one(error: &CliError) -> CliError {
    CliError::Failure(format!("that address was not taken: {error}"))
}
