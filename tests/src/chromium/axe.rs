//! Whether everybody can use a page, as far as a machine can tell: axe-core says, whom nobody here wrote.

use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::window::Window;

/// Its source.
static AXE: LazyLock<String> = LazyLock::new(|| {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/node_modules/axe-core/axe.min.js");
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!("axe-core can't be read, {path:?}: {error}; `cargo xtask test` installs it")
    })
});

/// All its rules, and that of WCAG 2.2 which it leaves out unless told. It fetches nothing.
const RUN: &str = "axe.run(document, { preload: false, resultTypes: ['violations'], \
                   rules: { 'target-size': { enabled: true } } }).then(found => found.violations)";

impl Window {
    /// What axe-core objects to, one violation each, with its cure.
    pub async fn axe(&self) -> Vec<String> {
        // It waits for timers, which do not run in a page whose scripts do not. Those that did not run before do not run now.
        self.run_scripts(true).await;
        let violations = self.violations().await;
        self.run_scripts(self.mode.scripts).await;
        let violations = violations.as_array().into_iter().flatten();
        violations.map(told).collect()
    }

    /// axe-core objects to nothing.
    ///
    /// # Panics
    /// With what it objects to.
    pub async fn must_be_accessible(&self) {
        let violations = self.axe().await;
        assert!(
            violations.is_empty(),
            "in {} axe-core objects at {}:\n{}",
            self.mode,
            self.url().await,
            violations.join("\n")
        );
    }

    /// In a world of its own, of which the page's policy and scripts know nothing.
    async fn violations(&self) -> Value {
        let tree = self.devtools("Page.getFrameTree", json!({})).await;
        let frame = &tree["frameTree"]["frame"]["id"];
        let world = json!({ "frameId": frame, "worldName": "axe" });
        let world = self.devtools("Page.createIsolatedWorld", world).await;
        let world = &world["executionContextId"];
        let source = json!({ "expression": *AXE, "contextId": world });
        self.evaluate(source).await;
        let run = json!({
            "expression": RUN, "contextId": world, "awaitPromise": true, "returnByValue": true,
        });
        let answer = self.evaluate(run).await;
        let violations = answer["result"]["value"].clone();
        assert!(violations.is_array(), "axe-core says nothing: {answer}");
        violations
    }

    async fn evaluate(&self, script: Value) -> Value {
        let answer = self.devtools("Runtime.evaluate", script).await;
        let failure = &answer["exceptionDetails"];
        assert!(failure.is_null(), "axe-core fails: {failure}");
        answer
    }
}

/// `label (critical): Form elements must have labels`, then the elements, each with what would help.
fn told(violation: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let [id, impact, help] = ["id", "impact", "help"].map(|key| text(&violation[key]));
    let nodes = violation["nodes"].as_array().into_iter().flatten();
    let nodes = nodes.map(|node| {
        let cure = text(&node["failureSummary"]).replace('\n', "\n    ");
        format!("\n  {}\n    {cure}", text(&node["html"]))
    });
    format!("{id} ({impact}): {help}{}", nodes.collect::<String>())
}
