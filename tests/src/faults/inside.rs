//! Faults that need no process of their own: an engine and a sandbox under one injected clock.

#![expect(
    clippy::unwrap_used,
    reason = "a stage that can't be set is a failed campaign"
)]

use std::fs;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use tieline_core::prelude::*;
use tieline_core::{InstanceId, Secret, TokenSet};
use tieline_engine::EngineError;
use tieline_sandbox::{Act, Endpoint, Outcome};
use tieline_store::{NewInstance, Status};

use super::judge::Tally;
use crate::stage::{Stage, get};

const HOURS: Duration = Duration::from_secs(2 * 60 * 60);

/// The invented provider, which takes a spent refresh token for another half a minute.
pub async fn forgiving() -> Stage {
    Stage::edited(
        |rules| rules["token"]["refresh_token_reuse_window_seconds"] = 30.into(),
        |descriptor| with_rotation(descriptor, |rotation| rotation.reuse_window = seconds(30)),
    )
    .await
}

/// A descriptor with other facts about refresh tokens.
pub fn with_rotation(
    descriptor: ProviderDescriptor,
    change: impl FnOnce(&mut Rotation),
) -> ProviderDescriptor {
    let mut oauth2 = *descriptor.oauth2();
    change(&mut oauth2.rotation);
    ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(oauth2),
        ..descriptor
    }
}

/// Callers who go away at any moment: whatever they began is finished without them.
pub async fn dropped_callers(times: u64, random: &mut Rng) -> Tally {
    let stage = Stage::acme().await;
    let instance = stage.connect().await;
    let mut tally = Tally::default();
    for _ in 0..times {
        stage.clock.advance(HOURS);
        let handle = stage.engine.instance(instance.id);
        let moment = Duration::from_micros(random.u64(0..6_000));
        let asked = tokio::time::timeout(moment, handle.access_token()).await;
        if let Ok(Err(error)) = asked {
            tally.violations.push(format!("a refresh failed: {error}"));
        }
        tally.faults += 1;
    }
    stage.engine.shutdown().await;
    let stage = stage.reopened().await;
    if !stage.holds_the_current_refresh_token(&instance).await {
        tally.lost += 1;
    }
    tally.max_in_flight = stage.sandbox.take_max_in_flight();
    tally.refreshes = stage.sandbox.ledger().refreshes() as u64;
    tally
}

/// The answer to a refresh, cut after each number of bytes in turn.
pub async fn cut_answers() -> Tally {
    let mut tally = Tally::default();
    let (forgiving, strict) = (forgiving().await, Stage::acme().await);
    let kept = forgiving.connect().await;
    for after in 0.. {
        let cut = Act::CommitThenCut { after };
        forgiving.clock.advance(HOURS);
        forgiving.sandbox.script(Endpoint::Token, cut.clone());
        let handle = forgiving.engine.instance(kept.id);
        match handle.access_token().await {
            Ok(token) if forgiving.sandbox.is_live_access_token(token.token.expose()) => {}
            Ok(_) => tally
                .violations
                .push(format!("a token cut at {after} was taken")),
            Err(error) => tally.violations.push(format!("cut at {after}: {error}")),
        }

        let instance = strict.connect().await;
        let (access_token, _) = strict.tokens(&instance).await;
        strict.sandbox.script(Endpoint::Token, cut);
        let is_whole = strict.engine.instance(instance.id).refresh().await.is_ok();
        let (stored, _) = strict.tokens(&instance).await;
        if !is_whole && stored != access_token {
            tally
                .violations
                .push(format!("a token cut at {after} was stored"));
        }
        tally.faults += 2;
        if is_whole {
            break;
        }
        tally.lost += 1;
    }
    if !forgiving.holds_the_current_refresh_token(&kept).await {
        tally
            .violations
            .push("the forgiving provider's instance is lost".to_owned());
    }
    tally
}

/// A client secret that the provider doesn't take, and so many instances that want a refresh.
pub async fn wrong_secret(instances: u64) -> Tally {
    let stage = Stage::acme().await;
    let first = stage.connect().await;
    let (_, refresh_token) = stage.tokens(&first).await;
    let mut ids = vec![first.id];
    for _ in 1..instances {
        let new = NewInstance {
            id: InstanceId::random().unwrap(),
            tenant: first.tenant.clone(),
            app: first.app,
            provider: first.provider.clone(),
            name: None,
            user: None,
            tags: Vec::new(),
            account_id: None,
            account_label: None,
            parameters: Default::default(),
            beside: None,
            tokens: TokenSet {
                refresh_token: refresh_token.as_deref().map(Secret::from),
                expires_at: first.expires_at,
                ..TokenSet::of(Secret::from("access"))
            },
            keep_alive_at: None,
        };
        ids.push(stage.engine.store().insert_instance(&new).await.unwrap().id);
    }
    let stage = stage.with_secret("another").await;
    stage.clock.advance(HOURS);
    let mut tally = Tally::default();
    for id in &ids {
        if stage.engine.instance(*id).access_token().await.is_ok() {
            tally
                .violations
                .push(format!("instance {id} was refreshed"));
        }
        tally.faults += 1;
    }
    let census = stage.engine.store().census().await.unwrap();
    let well = census.get(&Status::Ok).copied().unwrap_or_default();
    tally.lost = ids.len() as u64 - well;
    let requests = stage.sandbox.ledger().token_requests("refresh_token");
    if requests > 1 {
        let told = format!("{requests} requests for one app that is refused");
        tally.violations.push(told);
    }
    tally
}

/// One bit of the database file is another: whatever is noticed, no wrong token is ever sent.
pub async fn flipped_bits(times: u64, random: &mut Rng) -> Tally {
    let stage = Stage::edited(
        |rules| {
            let token = &mut rules["token"];
            token["refresh_token_rotates"] = false.into();
            token["old_access_token_dies"] = false.into();
            let mut answer = token["answer"].clone();
            if let Some(body) = answer["body"].as_object_mut() {
                body.remove("refresh_token");
            }
            token["refresh_answer"] = answer;
        },
        |descriptor| with_rotation(descriptor, |rotation| rotation.rotates = Rotates::Never),
    )
    .await;
    let mut instances = Vec::new();
    for _ in 0..4 {
        instances.push(stage.connect().await);
    }
    stage.engine.shutdown().await;
    let folder = stage.folder.path();
    let whole = fs::read(folder.join("data/store.db")).unwrap();
    let mut tally = Tally::default();
    for _ in 0..times {
        let bit = random.usize(..whole.len() * 8);
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let copy = tempfile::tempdir().unwrap();
        place(&flipped, folder, copy.path());
        tally.faults += 1;
        let Some(engine) = stage.try_open(copy.path()).await else {
            continue;
        };
        for instance in &instances {
            let handle = engine.instance(instance.id);
            let called: Result<_, EngineError> = handle.call(get("/me")).await;
            let refreshed = handle.refresh().await;
            drop((called, refreshed));
        }
        engine.shutdown().await;
    }
    let ledger = stage.sandbox.ledger();
    for reason in [
        "the refresh token is unknown",
        "the access token is not alive",
    ] {
        let wrong = ledger.count(Outcome::Refused { reason });
        if wrong > 0 {
            tally.violations.push(format!("{wrong} requests: {reason}"));
        }
    }
    tally.refreshes = ledger.refreshes() as u64;
    tally
}

fn place(database: &[u8], from: &Path, to: &Path) {
    fs::copy(from.join("master.key"), to.join("master.key")).unwrap();
    fs::create_dir(to.join("data")).unwrap();
    fs::write(to.join("data/store.db"), database).unwrap();
}
