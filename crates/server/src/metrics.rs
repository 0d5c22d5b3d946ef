//! `GET /metrics`: what there is to count, for Prometheus. docs/metrics.md says what each series is.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use tieline_engine::Engine;
use tieline_store::{DEFAULT_TENANT, Status};
use tokio::time::Instant;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caller::Administering;
use crate::{Problem, nothing_here};

/// Upper bounds of the buckets, in seconds.
const BUCKETS: [f64; 10] = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 40.0];
/// What was timed is put into its bucket as often.
const BETWEEN_UPKEEP: Duration = Duration::from_secs(5);

/// What this process has counted. Cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<PrometheusHandle>);

impl Metrics {
    /// Counts from now on, for the whole process.
    ///
    /// # Errors
    /// When something else counts already.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn install() -> Result<Self, BuildError> {
        let builder = PrometheusBuilder::new().set_buckets(&BUCKETS)?;
        let handle = Arc::new(builder.install_recorder()?);
        let kept = Arc::downgrade(&handle);
        tokio::spawn(async move {
            while let Some(handle) = kept.upgrade() {
                handle.run_upkeep();
                drop(handle);
                tokio::time::sleep(BETWEEN_UPKEEP).await;
            }
        });
        Ok(Self(handle))
    }

    /// All of it as it is now, with what only the store and the engine know.
    async fn shown(&self, engine: &Engine) -> Result<Response, Problem> {
        let census = engine.store().census().await?;
        for status in Status::ALL {
            let count = census.get(status).copied().unwrap_or_default();
            gauge!("tieline_instances", "status" => status.as_str()).set(count as f64);
        }
        gauge!("tieline_refused_apps").set(engine.refused_apps().len() as f64);
        let mut response = self.0.render().into_response();
        let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        response.headers_mut().insert(CONTENT_TYPE, text);
        Ok(response)
    }
}

/// What both faces share.
#[derive(Clone)]
pub(crate) struct Counted {
    engine: Engine,
    metrics: Metrics,
}

/// `GET /metrics` for the operator.
pub(crate) fn for_the_operator(engine: Engine, metrics: Metrics) -> Router {
    let (routes, _) = operators_routes().split_for_parts();
    routes.with_state(Counted { engine, metrics })
}

pub(crate) fn operators_routes() -> OpenApiRouter<Counted> {
    OpenApiRouter::default().routes(routes!(operators))
}

/// `GET /metrics` for whoever can connect: for an address that only the operator's machines reach.
pub fn open_metrics(engine: Engine, metrics: Metrics) -> Router {
    Router::new()
        .route("/metrics", get(everybodys))
        .fallback(nothing_here)
        .with_state(Counted { engine, metrics })
}

/// Counts what there is to count, for Prometheus; for the operator, where the server counts.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "metrics",
    tag = "operations",
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, description = "One line for each series.", body = String, content_type = "text/plain"),
    )
)]
async fn operators(
    State(counted): State<Counted>,
    Administering(engine): Administering,
) -> Result<Response, Problem> {
    if engine.tenant() != DEFAULT_TENANT {
        return Err(tieline_engine::EngineError::NotTheOperator.into());
    }
    counted.metrics.shown(&counted.engine).await
}

async fn everybodys(State(counted): State<Counted>) -> Result<Response, Problem> {
    counted.metrics.shown(&counted.engine).await
}

/// Counts and times a request, by the template of its path.
pub(crate) async fn measured(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", MatchedPath::as_str).to_owned();
    let method = method(request.method());
    let begun = Instant::now();
    let response = next.run(request).await;
    let status = response.status().as_u16().to_string();
    histogram!("tieline_http_request_duration_seconds", "route" => route.clone(), "method" => method)
        .record(begun.elapsed());
    counter!("tieline_http_requests_total", "route" => route, "method" => method, "status" => status)
        .increment(1);
    response
}

/// Anybody can make up a method.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
