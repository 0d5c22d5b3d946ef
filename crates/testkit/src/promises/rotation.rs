//! What the descriptor says of rotation and lifetimes is what the vendor does.

use tieline_core::Secret;
use tieline_core::descriptor::{OnReuse, Rotates, Rotation};
use tieline_oauth::Outcome;

use crate::findings::{Findings, Stuck};
use crate::stage::Stage;
use crate::subject::Subject;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let stated = &subject.provider.descriptor().oauth2().rotation;
    examine_lifetimes(&stage, stated, findings);
    let connection = stage.connect().await?;
    let Some(old) = stage.refresh_token(&connection)? else {
        examine_none(&stage, stated, findings);
        return Ok(());
    };
    let refreshed = stage.refresh(old).await?;
    let ledger = stage.sandbox.ledger();
    let rotates = if ledger.is_current_refresh_token(old.expose()) {
        Rotates::Never
    } else {
        Rotates::Always
    };
    findings.expect(stated.rotates == rotates, || {
        format!(
            "`rotation.rotates` is {:?}, the vendor's is {rotates:?}",
            stated.rotates
        )
    });
    let dies = !ledger.is_live_access_token(connection.tokens.set.access_token.expose());
    findings.expect(
        stated
            .old_access_token_dies
            .is_none_or(|stated| stated == dies),
        || {
            format!(
                "`rotation.old_access_token_dies` is {:?}, the vendor's is {dies}",
                stated.old_access_token_dies
            )
        },
    );
    if rotates == Rotates::Always
        && let Some(current) = &refreshed.set.refresh_token
    {
        examine_reuse(&stage, stated, old, current, findings).await;
    }
    Ok(())
}

/// Without refresh tokens, nothing is stated of them; and whether access tokens expire is.
fn examine_none(stage: &Stage, stated: &Rotation, findings: &mut Findings) {
    let lives = stage.vendor.seconds("token.access_token_lifetime_seconds");
    findings.expect(stated.access_token_lifetime.is_some() == lives.is_some(), || {
        "without refresh tokens, `rotation.access_token_lifetime` is to be stated exactly if access tokens expire"
    });
    let nothing = Rotation {
        rotates: Rotates::NoRefreshToken,
        access_token_lifetime: stated.access_token_lifetime,
        ..Rotation::UNKNOWN
    };
    findings.expect(*stated == nothing, || {
        format!("there are no refresh tokens, and `rotation` states facts about them: {stated:?}")
    });
}

/// Spends a spent refresh token again.
async fn examine_reuse(
    stage: &Stage,
    stated: &Rotation,
    old: &Secret,
    current: &Secret,
    findings: &mut Findings,
) {
    match stage.client().refresh(old).await {
        Ok(_) => findings.add("a spent refresh token works again; look at `rotation.rotates`"),
        Err(failure) => findings.expect(matches!(failure.outcome, Outcome::Dead), || {
            format!("a spent refresh token is judged {:?}; look at `answer.dead_refresh_token`: {failure}", failure.outcome.to_string())
        }),
    }
    findings.expect(stated.reuse_window.is_zero(), || {
        format!(
            "`rotation.reuse_window` is {} s, the vendor has none",
            stated.reuse_window.as_secs()
        )
    });
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
        findings.expect(
            stated.is_none_or(|stated| Some(stated.as_secs()) == seconds),
            || {
                format!(
                    "`rotation.{field}` is {} s, the vendor's is {}",
                    stated.unwrap_or_default().as_secs(),
                    seconds.map_or("none".to_owned(), |seconds| format!("{seconds} s"))
                )
            },
        );
    }
}
