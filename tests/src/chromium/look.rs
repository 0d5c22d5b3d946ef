//! What holds for every page, and a picture of it.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::window::Window;

impl Window {
    /// Takes a picture of the page, and sees that it is fit for everybody: nothing of it is beyond the right edge, axe-core
    /// objects to nothing, and the browser complained of nothing on the way here.
    ///
    /// # Panics
    /// With what is wrong.
    pub async fn look(&self, name: &str) {
        self.screenshot(name).await;
        self.must_fit().await;
        self.must_be_accessible().await;
        self.no_console_errors().await;
    }

    /// Writes a picture of the whole page to `target/screenshots`, named after the page and the window's mode.
    ///
    /// # Panics
    /// When it can't be taken or written.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        let (width, height) = self.size().await;
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let picture = json!({ "captureBeyondViewport": true, "clip": clip });
        let picture = self.devtools("Page.captureScreenshot", picture).await;
        let picture = picture["data"].as_str().unwrap_or_default();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("{name}-{}.png", self.mode));
        fs::write(&path, STANDARD.decode(picture).unwrap()).unwrap();
        path
    }

    /// Nobody has to scroll to the right.
    ///
    /// # Panics
    /// Where something is beyond the right edge.
    pub async fn must_fit(&self) {
        let (width, _) = self.size().await;
        let room = self.mode.width.pixels();
        let url = self.url().await;
        assert!(
            width <= f64::from(room),
            "in {} the page at {url} is {width} pixels wide",
            self.mode
        );
    }

    /// Width and height of what there is to see, in CSS pixels.
    async fn size(&self) -> (f64, f64) {
        let metrics = self.devtools("Page.getLayoutMetrics", json!({})).await;
        let size = &metrics["cssContentSize"];
        (
            size["width"].as_f64().unwrap(),
            size["height"].as_f64().unwrap(),
        )
    }
}
