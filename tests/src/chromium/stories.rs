//! Tells a story in several modes at once.

use std::panic::{AssertUnwindSafe, resume_unwind};

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::driver::{Chromium, LAST_RESORT};
use super::mode::Mode;
use super::window::Window;

/// So many browsers tell stories at once, for all tests of this process: as many as small machines have cores.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Tells the story in a new window of each mode.
///
/// # Panics
/// When it fails in one of them, after saying in which.
pub async fn in_every_mode(story: impl AsyncFn(&Window)) {
    in_modes(&Mode::all(), story).await;
}

/// Tells the story in a new window of each of these modes.
///
/// # Panics
/// When it fails in one of them, after saying in which.
pub async fn in_modes(modes: &[Mode], story: impl AsyncFn(&Window)) {
    let chromium = Chromium::start().await;
    let (chromium, story) = (&chromium, &story);
    join_all(modes.iter().map(|mode| in_mode(chromium, *mode, story))).await;
}

async fn in_mode(chromium: &Chromium, mode: Mode, story: &impl AsyncFn(&Window)) {
    let _turn = AT_ONCE.acquire().await.unwrap();
    let window = chromium.open(mode).await;
    if let Err(panic) = AssertUnwindSafe(story(&window)).catch_unwind().await {
        // A browser that hangs tells nothing.
        let _ = timeout(LAST_RESORT, tell(&window)).await;
        resume_unwind(panic);
    }
    window.close().await;
}

/// Whoever reads of the failure sees where the window was.
#[expect(clippy::print_stderr, reason = "it is read beside the test's failure")]
async fn tell(window: &Window) {
    eprintln!("the story failed {}", window.told().await);
    let told = AssertUnwindSafe(window.screenshot("failed")).catch_unwind();
    if let Ok(picture) = told.await {
        eprintln!("its picture is {}", picture.display());
    }
}
