//! Connecting with a code that is typed on another device.

use tieline_core::descriptor::Step;
use tieline_core::{Clock as _, Parameters};
use tieline_oauth::{DeviceRefusal, Poll, Tokens};

use crate::findings::Stuck;
use crate::stage::Stage;

/// Asks for a code, has it typed and approved as the vendor's account of this number, and polls.
pub(crate) async fn connect(
    stage: &Stage,
    parameters: &Parameters,
    account: usize,
) -> Result<Tokens, Stuck> {
    let client = stage.client_with(parameters);
    let started = client.device_authorization().await;
    let mut started =
        started.map_err(|failure| stage.explain(Step::DeviceAuthorization, &failure))?;
    let name = stage.vendor.account(account)?;
    stage
        .sandbox
        .approve_device(&started.user_code, Some(name))
        .map_err(|error| format!("the vendor doesn't know the user code: {error}"))?;
    // Nobody polls sooner than that.
    stage.clock.advance(started.wait(stage.clock.now()));
    match client.poll_device(&mut started).await {
        Ok(Poll::Granted(tokens)) => Ok(*tokens),
        Ok(Poll::Pending) => Err(format!(
            "the person has approved, and the answer is taken for \"not yet\"{}; look at `device.token` and `answer`",
            stage
                .refusal(tieline_sandbox::Endpoint::Token)
                .unwrap_or_default()
        )),
        Err(DeviceRefusal::Failed(failure)) => Err(stage.explain(Step::DeviceToken, &failure)),
        Err(over) => Err(over.to_string()),
    }
}
