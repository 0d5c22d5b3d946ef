//! A code that is typed on another device becomes tokens, where the vendor has that; waiting and refusal are understood.

use tieline_core::Clock as _;
use tieline_core::descriptor::Step;
use tieline_oauth::{DeviceAuthorization, DeviceRefusal, Poll, TokenClient};

use super::tokens;
use crate::device;
use crate::findings::{Findings, Stuck};
use crate::stage::Stage;
use crate::subject::Subject;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let offered = !stage.vendor.at("device").is_null();
    match (subject.provider.descriptor().oauth2().device, offered) {
        (None, false) => return Ok(()),
        (None, true) => {
            return Err("the vendor lets people type a code on another device, and the descriptor says nothing of it; look at `device`".to_owned());
        }
        (Some(_), false) => {
            return Err("the vendor has no device authorization; look at `device`".to_owned());
        }
        (Some(_), true) => {}
    }
    let tokens = device::connect(&stage, &stage.parameters, 0).await?;
    tokens::examine(&stage, Step::Exchange, &tokens, findings);

    let client = stage.client();
    let mut waiting = start(&stage, client).await?;
    let undecided = poll(&stage, client, &mut waiting).await;
    findings.expect(matches!(undecided, Ok(Poll::Pending)), || {
        format!("nobody has decided yet, and that is judged {undecided:?}; look at `device.token` and `answer`")
    });
    stage
        .sandbox
        .deny_device(&waiting.user_code)
        .map_err(|error| error.to_string())?;
    let denied = poll(&stage, client, &mut waiting).await;
    findings.expect(matches!(denied, Err(DeviceRefusal::Denied { .. })), || {
        format!("the person denies, and that is judged {denied:?}; look at `answer.errors`")
    });

    // Polled at once: the vendor asks for patience, and gets it.
    let mut hasty = start(&stage, client).await?;
    let wait = |device: &DeviceAuthorization| device.wait(stage.clock.now());
    let (asked, mut last) = (wait(&hasty), Ok(Poll::Pending));
    for _ in 0..2 {
        last = client.poll_device(&mut hasty).await;
    }
    let patient = matches!(last, Ok(Poll::Pending)) && wait(&hasty) > asked;
    findings.expect(patient, || {
        format!("the vendor asks to be polled less often, and that is judged {last:?}; look at `answer.errors`")
    });
    Ok(())
}

async fn start(stage: &Stage, client: TokenClient<'_>) -> Result<DeviceAuthorization, Stuck> {
    let started = client.device_authorization().await;
    started.map_err(|failure| stage.explain(Step::DeviceAuthorization, &failure))
}

/// Polls after the interval that was asked for.
async fn poll(
    stage: &Stage,
    client: TokenClient<'_>,
    device: &mut DeviceAuthorization,
) -> Result<Poll, DeviceRefusal> {
    stage.clock.advance(device.wait(stage.clock.now()));
    client.poll_device(device).await
}
