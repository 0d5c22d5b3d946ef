//! A device asks whether its user has approved (RFC 8628, section 3.4).

use super::{Ask, required, tokens};
use crate::device::Poll;
use crate::grants::Approved;
use crate::ledger::Outcome;
use crate::reply::{Done, Failure, refuse};
use crate::server::State;

pub(super) fn answer(ask: &Ask<'_>, state: &mut State) -> Result<Done, Failure> {
    let errors = &ask.rules.errors;
    let code = required(
        ask.form,
        "device_code",
        &errors.invalid_request,
        "device_code is missing",
    )?;
    match state.devices.poll(code, ask.now) {
        Poll::Unknown => Err(refuse(&errors.dead_code, "the device code is unknown")),
        Poll::Spent => Err(refuse(&errors.dead_code, "the device code was used before")),
        Poll::Expired => Err(refuse(&errors.expired_token, "the device code has expired")),
        Poll::TooEarly => Err(refuse(
            &errors.slow_down,
            "the device asked again too early",
        )),
        Poll::Denied => Err(refuse(&errors.access_denied, "the user denied")),
        Poll::Open => {
            let refused = refuse(&errors.authorization_pending, "nobody has decided yet");
            Ok(Done {
                outcome: Outcome::Pending,
                ..refused.into_done()
            })
        }
        Poll::Approved(account, asked) => {
            ask.check_host(account)?;
            let (_, reply) = tokens::of_new_grant(ask, state, Approved { account, asked })?;
            state.devices.spend(code);
            Ok(Done {
                reply,
                outcome: Outcome::Exchanged,
            })
        }
    }
}
