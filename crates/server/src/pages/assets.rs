//! `/assets`: the style sheet, the little script and the icon, all our own.

use std::sync::OnceLock;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use http::HeaderValue;
use sha2::{Digest as _, Sha256};

const STYLE: &str = include_str!("../../assets/tieline.css");
const SCRIPT: &str = include_str!("../../assets/tieline.js");
const ICON: &str = include_str!("../../assets/tieline.svg");

/// For all pages, those of the front door too.
pub(crate) fn routes() -> Router {
    Router::new()
        .route(
            "/assets/tieline.css",
            get(|| asset("text/css; charset=utf-8", STYLE)),
        )
        .route("/assets/tieline.svg", get(|| asset("image/svg+xml", ICON)))
        .route(
            "/assets/tieline.js",
            get(|| asset("text/javascript; charset=utf-8", SCRIPT)),
        )
}

/// Tells this style sheet and script from those of other releases.
pub(crate) fn tag() -> &'static str {
    static TAG: OnceLock<String> = OnceLock::new();
    TAG.get_or_init(|| {
        let mut hash = Sha256::new();
        hash.update(STYLE);
        hash.update(SCRIPT);
        hash.update(ICON);
        let hash = hash.finalize();
        hash.iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    })
}

/// Pages name them with the tag in the address, so that a browser asks for each once.
async fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    let fixed = HeaderValue::from_static;
    let headers = [
        (header::CONTENT_TYPE, fixed(kind)),
        (
            header::CACHE_CONTROL,
            fixed("public, max-age=31536000, immutable"),
        ),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
    ];
    (headers, text)
}
