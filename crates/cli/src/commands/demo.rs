//! `tieline demo`: the whole story of one account, against a sandbox that plays the provider strictly.
//!
//! Nothing is pretended: the engine talks to the sandbox over real sockets and keeps its store on a real disk, and each
//! step that matters is judged by the sandbox's ledger, not by what the engine says of itself.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use serde::Serialize;
use tempfile::TempDir;
use tieline::core::http::CallbackQuery;
use tieline::core::{Clock as _, ManualClock, ParameterKey, SystemClock};
use tieline::engine::{Arrival, AuthorizeOptions, Engine, NewApp, Revocation};
use tieline::store::{App, Instance, MasterKey, Store, StoreOptions};
use tieline::{Configuration, InstanceId, Registry};
use tieline_sandbox::{Sandbox, VendorRules};

use crate::error::CliError;
use crate::output::{BAD, FAINT, GOOD, Output, shown};
use crate::signal::{FINISHED_HERE, unless_interrupted};

const PROVIDER: &str = "infusionsoft";
/// How the provider behaves, written from its documentation and not from our descriptor.
const RULES: &str = include_str!("../../../../tests/vendors/infusionsoft.json");
const CALLBACK_URL: &str = "https://localhost:8917/callback";
const CONCURRENT_CALLERS: usize = 20;
const PROBE: &str = "/v1/account/profile";

/// One step of the story.
#[derive(Debug, Serialize)]
struct Step<'a> {
    step: &'a str,
    ok: bool,
    provider: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<InstanceId>,
    detail: String,
}

/// Tells the story, and remembers whose it is.
struct Teller<'a> {
    output: &'a Output,
    instance: Option<InstanceId>,
}

/// The stage: a provider, an engine with a store of its own, and a clock that we turn.
struct Stage {
    sandbox: Sandbox,
    engine: Engine,
    clock: Arc<ManualClock>,
    /// Gone with the stage.
    _folder: TempDir,
}

pub(crate) async fn run(output: &Output) -> Result<(), CliError> {
    let mut teller = Teller {
        output,
        instance: None,
    };
    let stage = Stage::set().await?;
    let told = unless_interrupted(output, FINISHED_HERE, stage.play(&mut teller)).await;
    stage.engine.shutdown().await;
    if let Err(error) = &told {
        teller.tell("failed", false, error.to_string())?;
    }
    told
}

impl Teller<'_> {
    fn tell(&self, step: &str, ok: bool, detail: String) -> Result<(), CliError> {
        let told = Step {
            step,
            ok,
            provider: PROVIDER,
            instance: self.instance,
            detail,
        };
        let (mark, style) = if ok { ("ok", GOOD) } else { ("no", BAD) };
        self.output.line(&told, || {
            format!(
                "{style}{mark}{style:#}  {step:11} {FAINT}│{FAINT:#} {}",
                shown(&told.detail)
            )
        })
    }

    /// Tells a step that the ledger has judged; a wrong one ends the story.
    fn judge(&self, step: &str, as_it_should: bool, detail: String) -> Result<(), CliError> {
        if as_it_should {
            return self.tell(step, true, detail);
        }
        Err(CliError::Failure(format!(
            "{step}: the sandbox's ledger disagrees: {detail}"
        )))
    }
}

impl Stage {
    async fn set() -> Result<Self, CliError> {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let rules =
            VendorRules::from_json(RULES).map_err(|error| CliError::Failure(error.to_string()))?;
        let sandbox = Sandbox::start(rules, Arc::clone(&clock) as _).await?;
        let folder = tempfile::tempdir()?;
        let (master_key, _) = MasterKey::load_or_create(&folder.path().join("master.key"))?;
        let store = Store::open(StoreOptions {
            place: folder.path().join("data").into(),
            master_key,
            deployment: "demo".to_owned(),
            clock: Arc::clone(&clock) as _,
        })
        .await?;
        let engine = Engine::builder(Registry::discover()?, store)
            .configuration(configuration(&sandbox)?)
            .clock(Arc::clone(&clock) as _)
            .build()?;
        Ok(Self {
            sandbox,
            engine,
            clock,
            _folder: folder,
        })
    }

    async fn play(&self, teller: &mut Teller<'_>) -> Result<(), CliError> {
        teller.tell(
            "sandbox",
            true,
            format!(
                "plays {PROVIDER} at {}, as strictly as the real one",
                self.sandbox.base_url()
            ),
        )?;
        let app = self.register(teller).await?;
        let instance = self.connect(&app, teller).await?;
        teller.instance = Some(instance.id);
        self.check(&instance, teller).await?;
        self.call("call", &instance, teller).await?;
        self.refresh_when_due(&instance, teller).await?;
        self.refresh_on_401(&instance, teller).await?;
        self.refresh_once_for_all(&instance, teller).await?;
        self.disconnect(&instance, teller).await?;
        let refreshes = self.sandbox.ledger().refreshes();
        teller.tell(
            "end",
            true,
            format!(
                "{refreshes} refreshes in the sandbox's ledger, no token lost, nothing left behind"
            ),
        )
    }

    /// Credential → parameter → app.
    async fn register(&self, teller: &Teller<'_>) -> Result<App, CliError> {
        let registry = self.engine.registry();
        let known: Vec<_> = registry
            .mappings()
            .filter(|(provider, _)| provider.id == PROVIDER)
            .map(|(_, row)| row)
            .collect();
        let told: Vec<_> = known
            .iter()
            .map(|row| format!("{} → {}", row.credential, row.parameter))
            .collect();
        teller.tell("mapping", true, told.join(", "))?;
        let app = self
            .engine
            .create_app(NewApp {
                provider: PROVIDER.to_owned(),
                ..NewApp::default()
            })
            .await?;
        teller.tell(
            "app",
            true,
            format!("app {} registered, callback {CALLBACK_URL}", app.id),
        )?;
        Ok(app)
    }

    /// The front channel, with the sandbox's own user in the browser's place.
    async fn connect(&self, app: &App, teller: &mut Teller<'_>) -> Result<Instance, CliError> {
        let started = self.engine.authorize(app, AuthorizeOptions::LOCAL).await?;
        teller.tell(
            "authorize",
            true,
            format!(
                "scope {}, state and PKCE verifier kept; off to the consent page",
                started.scopes.join(" ")
            ),
        )?;
        let callback = self
            .sandbox
            .consent(&started.authorization_url)
            .await
            .map_err(|error| CliError::Failure(error.to_string()))?;
        teller.tell(
            "consent",
            true,
            "the user approves; the provider sends them back with a code".to_owned(),
        )?;
        let query = callback.split_once('?').map_or("", |(_, query)| query);
        let instance = self
            .engine
            .call_back(&Arrival::Local(started.id), &CallbackQuery::parse(query))
            .await?;
        teller.instance = Some(instance.id);
        let ledger = self.sandbox.ledger();
        let codes = ledger.token_requests("authorization_code");
        let expires = instance
            .expires_at
            .map(|at| at.to_string())
            .unwrap_or_default();
        teller.judge(
            "exchange",
            codes == 1 && ledger.grants_alive() == 1,
            format!(
                "one exchange; tokens sealed as generation {}, good until {expires}",
                instance.generation
            ),
        )?;
        Ok(instance)
    }

    async fn check(&self, instance: &Instance, teller: &Teller<'_>) -> Result<(), CliError> {
        let account = self.engine.instance(instance.id).check().await?;
        let label = account.label.unwrap_or_default();
        teller.tell(
            "check",
            true,
            format!(
                "the account is {label} of {}",
                account.id.unwrap_or_default()
            ),
        )
    }

    async fn call(
        &self,
        step: &str,
        instance: &Instance,
        teller: &Teller<'_>,
    ) -> Result<(), CliError> {
        let response = self.engine.instance(instance.id).call(probe()?).await?;
        let status = response.status();
        teller.judge(
            step,
            status.is_success(),
            format!("GET {PROBE} answers {status}"),
        )
    }

    /// A day later the access token is about to expire: the next call refreshes first.
    async fn refresh_when_due(
        &self,
        instance: &Instance,
        teller: &Teller<'_>,
    ) -> Result<(), CliError> {
        self.clock.advance(Duration::from_secs(24 * 60 * 60));
        let before = self.sandbox.ledger().refreshes();
        self.call("a day on", instance, teller).await?;
        self.judge_refresh(
            "refresh",
            instance,
            before,
            "the token was due: refreshed before the call",
            teller,
        )
        .await
    }

    /// The provider drops the access token early: 401, one refresh, one replay.
    async fn refresh_on_401(
        &self,
        instance: &Instance,
        teller: &Teller<'_>,
    ) -> Result<(), CliError> {
        self.sandbox.expire_access_tokens();
        let before = self.sandbox.ledger().refreshes();
        self.call("replay", instance, teller).await?;
        self.judge_refresh(
            "401",
            instance,
            before,
            "answered 401: refreshed once, and the call was replayed",
            teller,
        )
        .await
    }

    /// Many callers, one expired token that may be spent once.
    async fn refresh_once_for_all(
        &self,
        instance: &Instance,
        teller: &Teller<'_>,
    ) -> Result<(), CliError> {
        self.clock.advance(Duration::from_secs(25 * 60 * 60));
        let before = self.sandbox.ledger().refreshes();
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..CONCURRENT_CALLERS {
            let handle = self.engine.instance(instance.id);
            let request = probe()?;
            callers.spawn(async move { handle.call(request).await });
        }
        while let Some(called) = callers.join_next().await {
            let status = called
                .map_err(|error| CliError::Failure(error.to_string()))??
                .status();
            if !status.is_success() {
                return Err(CliError::Failure(format!("a caller was answered {status}")));
            }
        }
        let detail = format!("{CONCURRENT_CALLERS} callers at once on an expired token");
        self.judge_refresh("race", instance, before, &detail, teller)
            .await
    }

    async fn judge_refresh(
        &self,
        step: &str,
        instance: &Instance,
        before: usize,
        detail: &str,
        teller: &Teller<'_>,
    ) -> Result<(), CliError> {
        let ledger = self.sandbox.ledger();
        let refreshes = ledger.refreshes() - before;
        let now = self.engine.instance(instance.id).load().await?;
        let kept = refreshes == 1 && ledger.grants_alive() == 1;
        teller.judge(
            step,
            kept,
            format!(
                "{detail}; refreshes in the ledger: {refreshes}; generation {}",
                now.generation
            ),
        )
    }

    async fn disconnect(&self, instance: &Instance, teller: &Teller<'_>) -> Result<(), CliError> {
        let gone = self.engine.instance(instance.id).disconnect(false).await?;
        let told = match gone.revocation {
            Revocation::Revoked => "revoked at the provider, then deleted",
            Revocation::NotOffered => "this provider offers no revocation; tokens deleted here",
            Revocation::Unconfirmed => "deleted",
        };
        let left = self.engine.instance(instance.id).load().await.is_err();
        teller.judge("disconnect", left, told.to_owned())
    }
}

/// What an operator would put into `tieline.toml` or the environment, with the sandbox in the provider's place.
fn configuration(sandbox: &Sandbox) -> Result<Configuration, CliError> {
    let (client_id, client_secret) = sandbox.client();
    let values = [
        (ParameterKey::OAUTH_API_KEY, client_id.to_owned()),
        (ParameterKey::OAUTH_API_SECRET, client_secret.to_owned()),
        (ParameterKey::OAUTH_CALLBACK_URL, CALLBACK_URL.to_owned()),
        (
            ParameterKey::OAUTH_AUTHORIZATION_URL,
            sandbox.authorization_endpoint(),
        ),
        (ParameterKey::OAUTH_TOKEN_URL, sandbox.token_endpoint()),
        (ParameterKey::BASE_URL, sandbox.api_base()),
    ];
    let environment = values.map(|(key, value)| (key.environment_name(PROVIDER), value));
    Ok(Configuration::from_parts(None, environment)?)
}

fn probe() -> Result<Request<Bytes>, CliError> {
    Request::get(PROBE)
        .body(Bytes::new())
        .map_err(|error| CliError::Failure(error.to_string()))
}
