//! What is measured, and against what.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::Method;
use tempfile::TempDir;
use tieline_core::SystemClock;
use tieline_store::{MasterKey, Store, StoreOptions, StorePlace};

use super::load::Target;
use super::machine::resident;
use super::nginx::{Nginx, Serves};
use super::peers::{Peer, filler};
use super::refreshing::Refreshing;
use super::report::Measure;
use super::rounds::{Contender, Pace, Work, in_turns};
use super::served::{Served, UPSTREAM_BODY};

/// What is asked of the upstream.
const PATH: &str = "/v2/contacts";

/// Writes that share a commit, as the store has it by default.
const SHARED: usize = 512;

/// Callers who refresh at once.
const CALLERS: [usize; 2] = [200, 2_000];

/// What a run needs.
#[derive(Debug, Clone)]
pub struct Bench {
    /// `tieline`.
    pub binary: PathBuf,
    /// nginx, unless it is left out.
    pub nginx: Option<PathBuf>,
    /// A folder on the disk that the store is measured on; what is made there is gone in the end.
    pub folder: PathBuf,
    /// How long, and how often.
    pub pace: Pace,
}

impl Bench {
    /// Measures everything.
    ///
    /// # Errors
    /// When something does not start, or a contender fails.
    pub async fn run(&self, mut told: impl FnMut(&Measure)) -> io::Result<Vec<Measure>> {
        let upstream = Peer::start(UPSTREAM_BODY).await?;
        let served = Served::begin(self.binary.clone(), upstream.address).await?;
        let mut measures = Vec::new();
        let mut add = |measure: Measure| {
            told(&measure);
            measures.push(measure);
        };
        add(self.token_reads(&served).await?);
        add(self.calls(&served, &upstream).await?);
        // It would share the disk.
        drop(served);
        for callers in CALLERS {
            add(self.refreshes(callers).await?);
        }
        Ok(measures)
    }

    async fn token_reads(&self, served: &Served) -> io::Result<Measure> {
        let target = served.tokens()?;
        let length = target.ask_once().await?.len();
        let bytes = filler(length);
        let route = Peer::start(&bytes).await?;
        let same = |address| Target::new(address, &Method::POST, &["/token".to_owned()], None);
        let mut contenders = vec![
            answers("tieline serve", target, served.pid()),
            answers("a bare axum route", same(route.address)?, route.pid()),
        ];
        let nginx = self.nginx(&Serves::Bytes(bytes)).await?;
        if let Some(nginx) = &nginx {
            let target = same(nginx.address)?;
            contenders.push(answers("nginx, return 200", target, Some(nginx.pid())));
        }
        let about = format!(
            "Token read: POST /v1/instances/{{id}}/token, {length} bytes, {} connections",
            self.pace.connections
        );
        self.measure("token", about, "requests", &contenders).await
    }

    async fn calls(&self, served: &Served, upstream: &Peer) -> io::Result<Measure> {
        let same = |address| Target::new(address, &Method::GET, &[PATH.to_owned()], None);
        let mut contenders = vec![
            answers("tieline serve", served.calls(PATH)?, served.pid()),
            answers(
                "the upstream, asked directly",
                same(upstream.address)?,
                upstream.pid(),
            ),
        ];
        let nginx = self.nginx(&Serves::Upstream(upstream.address)).await?;
        if let Some(nginx) = &nginx {
            let target = same(nginx.address)?;
            contenders.push(answers("nginx, proxy_pass", target, Some(nginx.pid())));
        }
        let about = format!(
            "Call: GET /v1/instances/{{id}}/call{PATH}, {} bytes, {} connections",
            UPSTREAM_BODY.len(),
            self.pace.connections
        );
        self.measure("call", about, "requests", &contenders).await
    }

    async fn refreshes(&self, callers: usize) -> io::Result<Measure> {
        let folder = tempfile::tempdir_in(&self.folder)?;
        let store = open(&folder).await.map_err(io::Error::other)?;
        let store = Refreshing::fill(store, callers).await;
        let store = store.map_err(io::Error::other)?;
        let contender = |name: &str, batch| Contender {
            name: name.to_owned(),
            work: Work::Refreshes {
                store: store.clone(),
                callers,
                batch,
            },
            process: None,
        };
        let contenders = [
            contender("shared commits", SHARED),
            contender("one commit for each write", 1),
        ];
        let about = format!(
            "Durable refreshes in the store, {callers} at once, a provider that takes 20 ms"
        );
        let name = format!("refreshes-{callers}");
        let measured = self.measure(&name, about, "refreshes", &contenders).await;
        store.store.close().await;
        measured
    }

    async fn measure(
        &self,
        name: &str,
        about: String,
        unit: &'static str,
        contenders: &[Contender],
    ) -> io::Result<Measure> {
        let samples = in_turns(contenders, self.pace).await?;
        let rows = contenders.iter().zip(samples).map(|(contender, samples)| {
            let resident = contender.process.and_then(resident);
            (contender.name.clone(), samples, resident)
        });
        Ok(Measure::of(name, about, unit, rows.collect()))
    }

    async fn nginx(&self, serves: &Serves) -> io::Result<Option<Nginx>> {
        match &self.nginx {
            Some(program) => Nginx::start(program, &self.folder, serves).await.map(Some),
            None => Ok(None),
        }
    }
}

fn answers(name: &str, target: Target, process: Option<u32>) -> Contender {
    Contender {
        name: name.to_owned(),
        work: Work::Answers(target),
        process,
    }
}

async fn open(folder: &TempDir) -> Result<Store, Box<dyn std::error::Error + Send + Sync>> {
    let home: &Path = folder.path();
    let store = Store::open(StoreOptions {
        place: StorePlace::Folder(home.join("data")),
        master_key: MasterKey::load_or_create(&home.join("master.key"))?.0,
        deployment: "bench".to_owned(),
        clock: Arc::new(SystemClock),
    });
    Ok(store.await?)
}
