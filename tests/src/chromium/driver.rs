//! The process that starts browsers and speaks to them.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tokio::sync::oneshot::{self, error::RecvError};
use tokio::time::timeout;

use super::mode::Mode;
use super::window::Window;

const CURE: &str = "`cargo xtask test` finds or installs chromium and chromedriver";

/// A driver or browser that says nothing for this long has failed; nothing waits for it to pass.
pub(super) const LAST_RESORT: Duration = Duration::from_secs(60);

/// Ends the process group and takes its folder away as soon as its input ends: with the test's process, however that ends.
const KEEPER: &str = r#"
    trap '' HUP INT QUIT TERM PIPE
    cat > /dev/null
    tries=25
    while kill -s KILL -- "-$1" 2> /dev/null && [ "$tries" -gt 0 ]; do
        tries=$((tries - 1))
        sleep 0.02
    done
    # Who is dying may still be writing.
    rm -rf -- "$2" 2> /dev/null || { sleep 0.2; rm -rf -- "$2"; }
"#;

/// Where programs put what they keep.
const HOMES: [&str; 4] = ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"];

/// How every browser is started. Nothing in it asks anybody for anything but what a test opens.
const ARGUMENTS: &[&str] = &[
    "--headless",
    // Root, as whom tests run in containers, has none; the pages are our own.
    "--no-sandbox",
    "--disable-gpu",
    // Containers have little.
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    // A page that needs something from elsewhere must fail here.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--lang=en-US",
    // Pictures are the same wherever they are taken.
    "--hide-scrollbars",
    "--force-color-profile=srgb",
];

/// A chromedriver on a loopback port of its own; gone with all its browsers and their files when it is dropped, or the process
/// ends.
#[derive(Debug)]
pub struct Chromium {
    address: String,
    folder: PathBuf,
    driver: Child,
    keeper: Child,
}

impl Chromium {
    /// Starts it and waits until it listens.
    ///
    /// # Panics
    /// When there is no `chromedriver` on the `PATH`, or it does not start.
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("tieline-chromium.")
            .tempdir()
            .unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            // Whatever a browser keeps, it keeps here.
            .envs(HOMES.map(|name| (name, folder.path())))
            // The keeper's to end, and not a terminal's.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("can't run chromedriver: {error}; {CURE}"));
        let stdout = driver.stdout.take().unwrap();
        let folder = folder.keep();
        let mut started = Self {
            keeper: keep(driver.id(), &folder),
            driver,
            folder,
            address: String::new(),
        };
        let port = timeout(LAST_RESORT, port(stdout)).await;
        let port = port.ok().and_then(Result::ok);
        let port = port.unwrap_or_else(|| panic!("chromedriver does not listen; {CURE}"));
        started.address = format!("http://127.0.0.1:{port}");
        started
    }

    /// Where its browsers keep what they keep.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Opens a window of a browser of its own: with an empty cookie jar.
    ///
    /// # Panics
    /// When the browser does not start.
    pub async fn open(&self, mode: Mode) -> Window {
        Window::open(&self.address, mode).await
    }
}

/// A browser of its own, of the driver at this address.
pub(super) async fn connect(address: &str) -> Client {
    let capabilities = json!({
        "browserName": "chrome",
        "goog:chromeOptions": { "args": ARGUMENTS },
        "goog:loggingPrefs": { "browser": "ALL" },
        "timeouts": { "pageLoad": 60_000, "script": 60_000 },
    });
    let client = ClientBuilder::new(HttpConnector::new())
        .capabilities(capabilities.as_object().cloned().unwrap_or_default())
        .connect(address)
        .await;
    client.unwrap_or_else(|error| panic!("chromium does not start: {error}; {CURE}"))
}

impl Drop for Chromium {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // Who is not waited for is not gone, for the keeper.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
        let _ = self.keeper.wait();
    }
}

fn keep(group: u32, folder: &Path) -> Child {
    Command::new("sh")
        .args(["-c", KEEPER, "keeper"])
        .arg(group.to_string())
        .arg(folder)
        // What a terminal sends to the tests is not for the keeper.
        .process_group(0)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The driver says it in a line such as `ChromeDriver was started successfully on port 40123.`
async fn port(stdout: ChildStdout) -> Result<u16, RecvError> {
    let (told, port) = oneshot::channel();
    std::thread::spawn(move || {
        let mut told = Some(told);
        // Read to the end, so that it can always write.
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let port = line.split_once("started successfully on port ");
            let port = port.and_then(|(_, port)| port.trim_end_matches('.').parse().ok());
            if let Some(port) = port
                && let Some(told) = told.take()
            {
                let _ = told.send(port);
            }
        }
    });
    port.await
}
