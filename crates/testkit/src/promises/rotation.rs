//! What the descriptor says of rotation and lifetimes is what the vendor does.

use std::time::Duration;

use serde_json::Value;
use tieline_core::Secret;
use tieline_core::descriptor::{OnReuse, Rotates, Rotation, Stated};
use tieline_oauth::{Outcome, Tokens};

use crate::findings::{Findings, Stuck};
use crate::stage::Stage;
use crate::subject::Subject;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let stated = &subject.provider.descriptor().oauth2().rotation;
    examine_lifetimes(&stage, stated, findings);
    let connection = stage.connect().await?;
    let Some(old) = stage.refresh_token(&connection)? else {
        examine_none(stated, findings);
        return Ok(());
    };
    let refreshed = stage.refresh(old).await?;
    let (rotates, current) = observe(&stage, old, &refreshed).await?;
    let ledger = stage.sandbox.ledger();
    findings.expect(stated.rotates == rotates, || {
        format!(
            "`rotation.rotates` is {:?}, the vendor's is {rotates:?}",
            stated.rotates
        )
    });
    let dies = !ledger.is_live_access_token(connection.tokens.set.access_token.expose());
    let agrees = match stated.old_access_token_dies {
        Some(stated) => stated == dies,
        None => stage.vendor.is_unverified("token.old_access_token_dies"),
    };
    findings.expect(agrees, || {
        format!(
            "`rotation.old_access_token_dies` is {:?}, the vendor's is {dies}",
            stated.old_access_token_dies
        )
    });
    let opt_in = stage.vendor.at("token.refresh_is_opt_in") == &Value::Bool(true);
    findings.expect(stated.opt_in.is_some() == opt_in, || {
        "`rotation.opt_in` is to be stated exactly if apps must ask the vendor for refresh tokens"
    });
    if rotates != Rotates::Never {
        examine_reuse(&stage, stated, old, &current, findings).await;
    }
    Ok(())
}

/// Whether a refresh brings another refresh token: at once, after a while, or never; and the one that is current then.
async fn observe(
    stage: &Stage,
    old: &Secret,
    refreshed: &Tokens,
) -> Result<(Rotates, Secret), Stuck> {
    let new = refreshed.set.refresh_token.as_ref().unwrap_or(old);
    if new != old {
        return Ok((Rotates::Always, new.duplicate()));
    }
    let Some(seconds) = stage
        .vendor
        .seconds("token.refresh_token_rotates_after_seconds")
    else {
        return Ok((Rotates::Never, old.duplicate()));
    };
    stage.clock.advance(Duration::from_secs(seconds));
    let later = stage.refresh(old).await?;
    let new = later.set.refresh_token.as_ref().unwrap_or(old);
    Ok((Rotates::Sometimes, new.duplicate()))
}

/// Without refresh tokens, nothing is stated of them; and whether access tokens expire is.
fn examine_none(stated: &Rotation, findings: &mut Findings) {
    let nothing = Rotation {
        rotates: Rotates::NoRefreshToken,
        access_token_lifetime: stated.access_token_lifetime,
        ..Rotation::UNKNOWN
    };
    findings.expect(*stated == nothing, || {
        format!("there are no refresh tokens, and `rotation` states facts about them: {stated:?}")
    });
}

/// Spends a spent refresh token again: within the window if there is one, and after it.
async fn examine_reuse(
    stage: &Stage,
    stated: &Rotation,
    old: &Secret,
    current: &Secret,
    findings: &mut Findings,
) {
    let window = stage
        .vendor
        .seconds("token.refresh_token_reuse_window_seconds")
        .unwrap_or_default();
    findings.expect(stated.reuse_window.as_secs() == window, || {
        format!(
            "`rotation.reuse_window` is {} s, the vendor's is {window} s",
            stated.reuse_window.as_secs()
        )
    });
    if window > 0 {
        let again = stage.client().refresh(old).await;
        findings.expect(
            again.is_ok(),
            || "a spent refresh token doesn't work in its window; look at `refresh`",
        );
        stage.clock.advance(Duration::from_secs(window + 1));
    }
    match stage.client().refresh(old).await {
        Ok(_) => findings.add("a spent refresh token works again; look at `rotation.rotates`"),
        Err(failure) => findings.expect(matches!(failure.outcome, Outcome::Dead), || {
            format!("a spent refresh token is judged {:?}; look at `answer.dead_refresh_token`: {failure}", failure.outcome.to_string())
        }),
    }
    let on_reuse = match stage
        .sandbox
        .ledger()
        .is_current_refresh_token(current.expose())
    {
        true => OnReuse::Fails,
        false => OnReuse::RevokesFamily,
    };
    findings.expect(stated.on_reuse == on_reuse, || {
        format!(
            "`rotation.on_reuse` is {:?}, the vendor's is {on_reuse:?}",
            stated.on_reuse
        )
    });
}

fn examine_lifetimes(stage: &Stage, stated: &Rotation, findings: &mut Findings) {
    for (field, stated, place) in [
        (
            "access_token_lifetime",
            stated.access_token_lifetime,
            "token.access_token_lifetime_seconds",
        ),
        (
            "refresh_token_lifetime",
            stated.refresh_token_lifetime,
            "token.refresh_token_lifetime_seconds",
        ),
    ] {
        let seconds = stage.vendor.seconds(place);
        let agrees = match stated {
            Stated::Known(stated) => Some(stated.as_secs()) == seconds,
            Stated::None(_) => seconds.is_none(),
            // Told by the completeness of the documentation.
            Stated::Unknown => true,
        };
        let says = |seconds: Option<u64>| {
            seconds.map_or("none".to_owned(), |seconds| format!("{seconds} s"))
        };
        findings.expect(agrees, || {
            format!(
                "`rotation.{field}` is {}, the vendor's is {}",
                says(stated.known().map(|stated| stated.as_secs())),
                says(seconds)
            )
        });
    }
}
