//! A write-ahead log as a process that was killed, or a power cut, may leave it: whatever is left, the store opens.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tieline_store::{Instance, MasterKey, Purpose, Store, StoreError};

use crate::folder::{assert_unchanged, content, crashed_copy};
use crate::home::{Home, TENANT, app, instance};

/// The log's header, and what stands before each page in it.
const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// A store that was killed while its log held a second instance; the first one is in the database.
struct Crash {
    home: Home,
    folder: PathBuf,
    log: Vec<u8>,
    first: Instance,
    second: Instance,
    copies: u32,
}

#[derive(Debug, Clone, Copy)]
enum Index {
    Kept,
    Missing,
    Empty,
}

impl Crash {
    async fn new() -> Self {
        let home = Home::new().await;
        let store = home.open().await;
        let main = app(&store, TENANT, "main").await;
        let first = instance(&store, &main, "a").await;
        store.close().await;
        let store = home.open().await;
        let second = instance(&store, &main, "b").await;
        let folder = home.path("crashed");
        crashed_copy(&home.data(), &folder);
        store.close().await;
        let log = fs::read(folder.join("store.db-wal")).unwrap();
        Self {
            home,
            folder,
            log,
            first,
            second,
            copies: 0,
        }
    }

    /// From a frame's beginning to the next one's.
    fn frame(&self) -> usize {
        let page = u32::from_be_bytes(*self.log[8..].first_chunk().unwrap());
        FRAME_HEADER + usize::try_from(page).unwrap()
    }

    /// Another copy of the crash, with this log in it.
    fn with_log(&mut self, log: &[u8], index: Index) -> PathBuf {
        self.copies += 1;
        let copy = self.home.path(&format!("copy-{}", self.copies));
        crashed_copy(&self.folder, &copy);
        fs::write(copy.join("store.db-wal"), log).unwrap();
        let shm = copy.join("store.db-shm");
        match index {
            Index::Kept => {}
            Index::Missing => fs::remove_file(shm).unwrap(),
            Index::Empty => fs::write(shm, "").unwrap(),
        }
        copy
    }

    /// A log that SQLite finds impossible keeps it busy for some ten seconds.
    async fn open(&self, folder: &Path, key: MasterKey) -> Result<Store, StoreError> {
        tokio::time::timeout(
            Duration::from_secs(60),
            self.home.try_open(folder, key, "default"),
        )
        .await
        .unwrap_or_else(|_| panic!("opening hangs"))
    }

    /// Opens a copy; returns whether the second instance is there. The first one always is.
    async fn opens(&self, folder: &Path, what: &str) -> bool {
        let store = self
            .open(folder, self.home.master_key())
            .await
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        let found = store.instance(TENANT, self.first.id).await.unwrap();
        let found = found.unwrap_or_else(|| panic!("{what}: the first instance is gone"));
        store.access_token(&found, Purpose::Check).await.unwrap();
        let second = store.instance(TENANT, self.second.id).await.unwrap();
        store.close().await;
        second.is_some()
    }
}

#[tokio::test]
async fn a_log_of_any_length_opens() {
    let mut crash = Crash::new().await;
    let (log, frame) = (crash.log.clone(), crash.frame());
    assert!(log.len() > HEADER + 2 * frame, "{} bytes", log.len());
    for length in [
        0,
        1,
        10,
        HEADER - 1,
        HEADER,
        HEADER + 1,
        HEADER + FRAME_HEADER,
        HEADER + frame - 1,
        HEADER + frame,
        HEADER + frame + 1,
        log.len() - 1,
        log.len(),
    ] {
        for index in [Index::Kept, Index::Missing, Index::Empty] {
            let what = format!("{length} bytes, index {index:?}");
            let copy = crash.with_log(&log[..length], index);
            let second = crash.opens(&copy, &what).await;
            assert_eq!(second, length == log.len(), "{what}");
        }
    }
}

#[tokio::test]
async fn a_log_whose_header_never_reached_the_disk_opens() {
    let mut crash = Crash::new().await;
    for length in [HEADER, HEADER + 1, crash.log.len()] {
        let whole = &crash.log[..length];
        let mut logs = vec![vec![0; length]];
        // Magic number, page size, salt and checksum.
        for byte in [0, 3, 8, 11, 16, 24, 31] {
            let mut log = whole.to_vec();
            log[byte] ^= 0x10;
            logs.push(log);
        }
        for (number, log) in logs.iter().enumerate() {
            for index in [Index::Kept, Index::Missing] {
                let what = format!("{length} bytes, header {number}, index {index:?}");
                let copy = crash.with_log(log, index);
                assert!(!crash.opens(&copy, &what).await, "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_log_without_content_is_looked_at_without_a_trace() {
    let mut crash = Crash::new().await;
    let wrong = MasterKey::create(&crash.home.path("wrong.key")).unwrap();
    let log = crash.log[..HEADER].to_vec();
    let copy = crash.with_log(&log, Index::Missing);
    let before = content(&copy);
    let error = crash.open(&copy, wrong).await.unwrap_err();
    assert!(
        matches!(error, StoreError::WrongMasterKey { .. }),
        "{error}"
    );
    assert_unchanged(&before, &copy);
}
