//! Opening a store, and what all of its parts share.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tieline_core::{Clock, Timestamp};
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::backend::Backend;
use crate::claim::{DATABASE, DEPLOYMENT, RESTORED, claim, unlock_or_create};
use crate::folder::Folder;
use crate::keyring::Keyring;
use crate::lock::Lock;
use crate::openings::Openings;
#[cfg(feature = "postgres")]
use crate::postgres;
use crate::sqlite::{self, Sqlite};
use crate::{AdoptionReason, MasterKey, Purpose, StoreError, StoreOptions, StorePlace};

/// An open store. Cheap to clone; all clones are the same store.
///
/// Times are kept to the microsecond. A call whose caller goes away is either done or not done, never half.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
    /// Who acts through this clone, for the events that the store writes by itself.
    actor: Option<Arc<str>>,
}

struct Inner {
    backend: Box<dyn Backend>,
    /// Read while something is sealed *and until it is written*, so that a rotation that takes it for writing knows that
    /// every blob of the old key has landed.
    keyring: RwLock<Keyring>,
    clock: Arc<dyn Clock>,
    /// `None` where there is none.
    folder: Option<Folder>,
    deployment: String,
    /// Which database this is, where it can say so.
    identity: Option<String>,
    adoption: Mutex<Option<AdoptionReason>>,
    openings: Openings,
    /// One rotation at a time.
    rotation: tokio::sync::Mutex<()>,
    lock: Mutex<Option<Lock>>,
}

impl Store {
    /// Opens the store at a place, or makes one there.
    ///
    /// Before anything is written the schema is checked and every data key is unwrapped and verified. A schema older than this
    /// release's is migrated; in a folder after a backup into `<data_dir>/backups/`.
    ///
    /// # Errors
    /// Each names the place and the cure: another process has the folder, it cannot be written, what lies there is not a store, the
    /// schema is newer, the master key is another one, the database cannot be reached.
    pub async fn open(options: StoreOptions) -> Result<Self, StoreError> {
        let StoreOptions {
            place,
            master_key,
            deployment,
            clock,
        } = options;
        let parts = Parts {
            master_key,
            deployment,
            clock,
        };
        match place {
            StorePlace::Folder(path) => {
                let folder = Folder::prepare(&path)?;
                let lock = Lock::take(&folder)?;
                let found = sqlite::inspect(&folder.database()).await?;
                Keyring::unlock(&found.keys, parts.master_key.duplicate())?;
                let sqlite = Sqlite::open(&folder, &found, parts.clock.now()).await?;
                parts.start(Box::new(sqlite), Some((folder, lock))).await
            }
            #[cfg(feature = "postgres")]
            StorePlace::Postgres(address) => {
                let address = postgres::Address::parse(&address)?;
                let keys = postgres::inspect(&address).await?;
                Keyring::unlock(&keys, parts.master_key.duplicate())?;
                let postgres = postgres::Postgres::open(address).await?;
                parts.start(Box::new(postgres), None).await
            }
            #[cfg(not(feature = "postgres"))]
            StorePlace::Postgres(_) => Err(StoreError::WithoutPostgres),
        }
    }

    /// Whether a data folder has a store in it, so that a first start can be told from a lost master key.
    pub fn exists(data_dir: &Path) -> bool {
        data_dir
            .join("store.db")
            .metadata()
            .is_ok_and(|file| file.len() > 0)
    }

    /// Closes the database and releases the folder. Every later call on any clone fails with [`StoreError::Closed`].
    pub async fn close(&self) {
        self.inner.backend.close().await;
        self.inner
            .lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// The data folder, as an absolute path; `None` where the store is not in one.
    pub fn data_dir(&self) -> Option<&Path> {
        self.inner.folder.as_ref().map(Folder::path)
    }

    /// The name of the deployment that this process was started as.
    pub fn deployment(&self) -> &str {
        &self.inner.deployment
    }

    /// Why nothing may be refreshed here before [`adopt`](Self::adopt); `None` when all is well. A copy under the same
    /// deployment name that was not restored by [`restore`](Self::restore) is not noticed.
    pub fn adoption_required(&self) -> Option<AdoptionReason> {
        self.inner
            .adoption
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Makes this store the one that refreshes. To be called only when the store that it is a copy of never will again.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn adopt(&self) -> Result<(), StoreError> {
        self.backend()
            .set_marks(&[
                (DEPLOYMENT, Some(&self.inner.deployment)),
                (RESTORED, None),
                (DATABASE, self.inner.identity.as_deref()),
            ])
            .await?;
        *self
            .inner
            .adoption
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// How many writes of refreshes may share a commit, where they do: for measuring what that is worth.
    #[doc(hidden)]
    pub fn set_batch_size(&self, most: usize) {
        self.backend().set_batch_size(most);
    }

    /// The same store, which notes who acts in the events it writes with what they do: `owner`, or `api-key:` and the key's id.
    #[must_use]
    pub fn acting_as(&self, actor: Option<&str>) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            actor: actor.map(Arc::from),
        }
    }

    /// How many blobs were opened since the start, for each purpose; what stays opened in memory counts again with each
    /// [use](Self::count_use).
    pub fn openings(&self) -> BTreeMap<Purpose, u64> {
        self.inner.openings.read()
    }

    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.inner.backend
    }

    pub(crate) fn actor(&self) -> Option<&str> {
        self.actor.as_deref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// The keyring, to seal with. Keep the guard until what was sealed is written.
    pub(crate) async fn keyring(&self) -> RwLockReadGuard<'_, Keyring> {
        self.inner.keyring.read().await
    }

    /// Reads the keyring again, which another process may have changed.
    pub(crate) async fn renew_keyring(&self) -> Result<(), StoreError> {
        let rows = self.backend().keyring().await?;
        self.inner.keyring.write().await.learn(&rows)
    }

    /// Seals and writes; if the key that sealed was removed meanwhile, by another process, once more with the one of now.
    pub(crate) async fn sealing<S, T, W: Future<Output = Result<T, StoreError>>>(
        &self,
        seal: impl Fn(&Keyring) -> Result<S, StoreError>,
        write: impl Fn(S) -> W,
    ) -> Result<T, StoreError> {
        let keyring = self.keyring().await;
        match write(seal(&keyring)?).await {
            Err(StoreError::KeyRemoved) => {}
            written => return written,
        }
        drop(keyring);
        self.renew_keyring().await?;
        let keyring = self.keyring().await;
        write(seal(&keyring)?).await
    }

    pub(crate) fn keyring_lock(&self) -> &RwLock<Keyring> {
        &self.inner.keyring
    }

    pub(crate) fn rotation(&self) -> &tokio::sync::Mutex<()> {
        &self.inner.rotation
    }

    pub(crate) fn counters(&self) -> &Openings {
        &self.inner.openings
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("data_dir", &self.data_dir())
            .field("deployment", &self.deployment())
            .finish_non_exhaustive()
    }
}

/// What a store is opened with, its place apart.
struct Parts {
    master_key: MasterKey,
    deployment: String,
    clock: Arc<dyn Clock>,
}

impl Parts {
    /// From an open database to an open store.
    async fn start(
        self,
        backend: Box<dyn Backend>,
        mut home: Option<(Folder, Lock)>,
    ) -> Result<Store, StoreError> {
        let keyring = unlock_or_create(&*backend, self.master_key, self.clock.now()).await?;
        let identity = backend.identity().await?;
        let adoption = claim(&*backend, &self.deployment, identity.as_deref()).await?;
        // The lock proves that no other process refreshes: whoever held a lease is gone.
        let released = backend.release_leases().await?;
        if released > 0 {
            tracing::info!(released, "leases of an earlier process released");
        }
        if let Some((folder, lock)) = &mut home {
            lock.sign(folder)?;
        }
        let (folder, lock) = home.unzip();
        Ok(Store {
            actor: None,
            inner: Arc::new(Inner {
                backend,
                keyring: RwLock::new(keyring),
                clock: self.clock,
                folder,
                deployment: self.deployment,
                identity,
                adoption: Mutex::new(adoption),
                openings: Openings::default(),
                rotation: tokio::sync::Mutex::new(()),
                lock: Mutex::new(lock),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    //! A disk that is full: SQLite's own page limit plays its part.

    use tieline_core::InstanceId;

    use super::*;
    use crate::testing::{TENANT, app, new_instance, options, tokens};
    use crate::{InstanceQuery, Store};

    async fn open_with_pages(home: &Path, pages: u32) -> Store {
        let options = options(home);
        let folder = Folder::prepare(&home.join("data")).unwrap();
        let lock = Lock::take(&folder).unwrap();
        let found = sqlite::inspect(&folder.database()).await.unwrap();
        let backend = Sqlite::open(&folder, &found, Timestamp::UNIX_EPOCH)
            .await
            .unwrap();
        backend.limit_pages_to(pages).await;
        let parts = Parts {
            master_key: options.master_key,
            deployment: options.deployment,
            clock: options.clock,
        };
        parts
            .start(Box::new(backend), Some((folder, lock)))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_loses_nothing() {
        let home = tempfile::tempdir().unwrap();
        let store = open_with_pages(home.path(), 60).await;
        let app = app(&store).await;
        let mut stored: Vec<InstanceId> = Vec::new();
        let error = loop {
            assert!(stored.len() < 10_000, "the limit is never reached");
            match store
                .insert_instance(&new_instance(app.id, &stored.len().to_string()))
                .await
            {
                Ok(instance) => stored.push(instance.id),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, StoreError::Full { .. }), "{error}");
        assert!(error.is_transient());
        assert!(error.to_string().contains("store.db"), "{error}");
        assert!(stored.len() > 10, "{} stored", stored.len());

        // A transaction that hits the limit, too, leaves the writing connection usable.
        let big = "x".repeat(1 << 20);
        let full = store
            .backend()
            .set_marks(&[("a", Some("b")), ("big", Some(&big))])
            .await;
        assert!(matches!(full, Err(StoreError::Full { .. })), "{full:?}");
        assert_eq!(store.backend().mark("a").await.unwrap(), None);
        store
            .backend()
            .set_marks(&[("b", Some("still writable"))])
            .await
            .unwrap();
        // A row that grows might need a page.
        let change = crate::Relabel::default();
        store
            .relabel(crate::testing::TENANT, stored[0], &change)
            .await
            .unwrap()
            .unwrap();
        store.close().await;

        // With room again, everything that was reported as stored is there, and nothing else.
        let store = Store::open(options(home.path())).await.unwrap();
        let query = InstanceQuery {
            limit: 20_000,
            ..InstanceQuery::of(TENANT)
        };
        assert_eq!(store.instances(query).await.unwrap().len(), stored.len());
        for (n, id) in stored.iter().enumerate() {
            let instance = store.instance(TENANT, *id).await.unwrap().unwrap();
            let token = store.access_token(&instance, Purpose::Check).await.unwrap();
            assert_eq!(token, tokens(&n.to_string()).access_token);
        }
        store
            .insert_instance(&new_instance(app.id, "more"))
            .await
            .unwrap();
        store.close().await;
    }
}
