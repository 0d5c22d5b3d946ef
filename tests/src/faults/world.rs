//! Everything that a campaign does harm to: the authorization server, the store, the processes and the connected accounts.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use tieline_core::SystemClock;
use tieline_sandbox::{Sandbox, VendorRules};

use super::outside::Outside;
use super::server::{Answer, Server, ServerOptions, ask};
use crate::fault_proxy::FaultProxy;

/// How a provider takes a refresh token that was spent already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// For half a minute, it does.
    Forgiving,
    /// It revokes everything at once.
    Strict,
}

impl Provider {
    /// Its id in the binary under test.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::Forgiving => "forgiving",
            Self::Strict => "strict",
        }
    }
}

/// Where the processes keep their instances.
#[derive(Debug, Clone)]
pub enum Kept {
    /// In the data folder of the one process there is.
    Sqlite,
    /// In a database of a running server, shared by several processes.
    Postgres {
        /// The database, with its password.
        url: String,
        /// How many processes.
        processes: usize,
    },
}

/// What a world is made of.
#[derive(Debug, Clone)]
pub struct WorldOptions {
    /// The binary under test.
    pub binary: PathBuf,
    /// The provider.
    pub provider: Provider,
    /// The store.
    pub kept: Kept,
    /// So many accounts are connected.
    pub accounts: usize,
    /// What each process is told besides, such as a rule to break.
    pub environment: Vec<(String, String)>,
    /// What `tieline serve` is told besides, such as what to log.
    pub arguments: Vec<String>,
    /// How long an access token lives, in seconds. One that lives for less than ten is refreshed each time it is wanted.
    pub lifetime: u64,
    /// Whether token requests go through a proxy that fails on purpose.
    pub through_proxy: bool,
}

/// One connected account, as the harness knows it.
#[derive(Debug, Clone)]
pub struct Account {
    /// The instance's id.
    pub id: i64,
    /// The generation that its present grant began with.
    pub base: i64,
    /// Any token of its present grant.
    pub token: String,
    /// The highest generation that was seen.
    pub seen: i64,
    /// How often it was lost.
    pub lost: usize,
}

/// A sandbox, a store, and everything between.
#[derive(Debug)]
pub struct World {
    /// The other side.
    pub sandbox: Sandbox,
    /// What it is made of.
    pub options: WorldOptions,
    /// The processes; `None` where one has been ended.
    pub servers: Vec<Option<Server>>,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// Whether a process slept and woke: what it sends then may end what another has stored.
    pub has_slept: bool,
    /// What stands between the processes and the token endpoint, if anything does.
    pub proxy: Option<FaultProxy>,
    app: i64,
    folder: TempDir,
    /// The database, read from outside.
    pub outside: Arc<Outside>,
}

impl World {
    /// Starts everything and connects the accounts.
    ///
    /// # Errors
    /// When a part does not start, or an account is not connected.
    pub async fn begin(options: WorldOptions) -> io::Result<Self> {
        let sandbox = Sandbox::start(rules(&options)?, Arc::new(SystemClock)).await?;
        let proxy = match options.through_proxy {
            true => Some(FaultProxy::start(sandbox.address()).await?),
            false => None,
        };
        let processes = match &options.kept {
            Kept::Sqlite => 1,
            Kept::Postgres { processes, .. } => *processes,
        };
        let folder = tempfile::tempdir()?;
        let mut world = Self {
            sandbox,
            servers: Vec::new(),
            accounts: Vec::new(),
            has_slept: false,
            proxy,
            app: 0,
            outside: Arc::new(Outside::of(&options.kept, folder.path())),
            folder,
            options,
        };
        for index in 0..processes {
            let server = world.start(index, &[]).await?;
            world.servers.push(Some(server));
        }
        let new = json!({ "provider": world.options.provider.id(), "parameters": {} });
        let app = expect(world.ask_any("POST", "/v1/apps", Some(&new)).await?, 201)?;
        world.app = app["id"].as_i64().ok_or(io::ErrorKind::InvalidData)?;
        for _ in 0..world.options.accounts {
            let account = world.connect(None).await?;
            world.accounts.push(account);
        }
        Ok(world)
    }

    /// Starts one of the processes, with more environment.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start(&self, index: usize, more: &[(&str, &str)]) -> io::Result<Server> {
        let options = self.server_options(index, more);
        Server::start(&options).await
    }

    /// How one of the processes is started.
    #[must_use]
    pub fn server_options(&self, index: usize, more: &[(&str, &str)]) -> ServerOptions {
        let home = self.folder.path();
        let mut environment = self.environment();
        let more = more.iter();
        environment.extend(more.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        ServerOptions {
            binary: self.options.binary.clone(),
            data_dir: home.join(format!("data-{index}")),
            environment,
            arguments: self.options.arguments.clone(),
            before: String::new(),
        }
    }

    fn environment(&self) -> Vec<(String, String)> {
        let home = self.folder.path().display().to_string();
        let (client_id, secret) = self.sandbox.client();
        let token_url = self.sandbox.token_endpoint();
        let token_url = match &self.proxy {
            Some(proxy) => {
                let host = format!("http://{}", proxy.address());
                token_url.replacen(self.sandbox.base_url(), &host, 1)
            }
            None => token_url,
        };
        let provider = self.options.provider.id().to_uppercase();
        let named = |name: &str| format!("{provider}_{name}");
        let mut environment = vec![
            ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
            ("HOME".to_owned(), home.clone()),
            (
                "TIELINE_MASTER_KEY_FILE".to_owned(),
                format!("{home}/master.key"),
            ),
            (named("OAUTH_API_KEY"), client_id.to_owned()),
            (named("OAUTH_API_SECRET"), secret.to_owned()),
            (
                named("OAUTH_CALLBACK_URL"),
                "https://localhost:8917/callback".to_owned(),
            ),
            (
                named("OAUTH_AUTHORIZATION_URL"),
                self.sandbox.authorization_endpoint(),
            ),
            (named("OAUTH_TOKEN_URL"), token_url),
            (named("BASE_URL"), self.sandbox.api_base()),
        ];
        if let Some(url) = self.sandbox.revocation_endpoint() {
            environment.push((named("OAUTH_TOKEN_REVOKE_URL"), url));
        }
        if let Kept::Postgres { url, .. } = &self.options.kept {
            environment.push(("TIELINE_STORE".to_owned(), url.clone()));
        }
        environment.extend(self.options.environment.iter().cloned());
        environment
    }

    /// One request to any process that runs.
    ///
    /// # Errors
    /// When none does, or it goes before it has answered.
    pub async fn ask_any(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> io::Result<Answer> {
        let server = self.servers.iter().flatten().next();
        let server = server.ok_or(io::ErrorKind::NotConnected)?;
        server.ask(method, path, body).await
    }

    /// The control sockets of the processes that run.
    #[must_use]
    pub fn sockets(&self) -> Vec<PathBuf> {
        let running = self.servers.iter().flatten();
        running.map(|server| server.data_dir().to_owned()).collect()
    }

    /// Connects an account, or one of them anew.
    ///
    /// # Errors
    /// When that fails.
    pub async fn connect(&self, again: Option<&Account>) -> io::Result<Account> {
        let mut connect = json!({ "app": self.app, "parameters": {} });
        if let Some(account) = again {
            connect["instance"] = account.id.into();
        }
        let started = self
            .ask_any("POST", "/v1/authorizations", Some(&connect))
            .await?;
        let started = expect(started, 201)?;
        let url = started["authorization_url"].as_str().unwrap_or_default();
        let callback = self.sandbox.consent(url).await.map_err(io::Error::other)?;
        let query = callback.split_once('?').map_or("", |(_, query)| query);
        let path = format!("/v1/authorizations/{}/callback", started["id"]);
        let body = json!({ "query": query });
        let instance = expect(self.ask_any("POST", &path, Some(&body)).await?, 200)?;
        let id = instance["id"].as_i64().ok_or(io::ErrorKind::InvalidData)?;
        let base = instance["generation"].as_i64().unwrap_or_default();
        let token = self.sandbox.last_access_token().unwrap_or_default();
        Ok(Account {
            id,
            base,
            token,
            seen: base,
            lost: again.map_or(0, |account| account.lost),
        })
    }

    /// The file of the database, where it is one.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.folder.path().join("data-0/store.db")
    }

    /// The folder of everything.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// A valid access token of an instance, from the process with this data folder.
///
/// # Errors
/// When it goes before it has answered.
pub async fn token(data_dir: &Path, id: i64) -> io::Result<Answer> {
    ask(data_dir, "POST", &format!("/v1/instances/{id}/token"), None).await
}

fn expect(answer: Answer, status: u16) -> io::Result<Value> {
    if answer.status == status {
        Ok(answer.body)
    } else {
        Err(io::Error::other(format!("{answer:?}, not {status}")))
    }
}

/// The invented vendor.
fn rules(options: &WorldOptions) -> io::Result<VendorRules> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vendors/acme.json");
    let mut rules: Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    let token = &mut rules["token"];
    token["access_token_lifetime_seconds"] = options.lifetime.into();
    if options.provider == Provider::Forgiving {
        token["refresh_token_reuse_window_seconds"] = 30.into();
    }
    VendorRules::from_json(&rules.to_string()).map_err(io::Error::other)
}
