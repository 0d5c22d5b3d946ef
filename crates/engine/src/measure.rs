//! What an engine counts, through the `metrics` facade: nothing, where the host has no recorder.
//!
//! Labels are few and bounded: providers, and words from closed lists; never a tenant, an app or an instance. What is counted here
//! stands in docs/metrics.md.

use http::{Response, StatusCode};
use metrics::counter;
use tieline_core::AppId;
use tieline_oauth::TokenFailure;

use crate::error_name::of_outcome;
use crate::{Engine, EngineError};

/// A request that asked the provider for new tokens.
pub(crate) fn refresh<T>(provider: &'static str, answer: &Result<T, TokenFailure>) {
    let outcome = match answer {
        Ok(_) => "ok",
        Err(failure) => of_outcome(&failure.outcome),
    };
    counter!("tieline_refreshes_total", "provider" => provider, "outcome" => outcome).increment(1);
}

/// An authorization that came to its end.
pub(crate) fn authorization<T>(provider: &'static str, end: &Result<T, EngineError>) {
    let outcome = match end {
        Ok(_) => "connected",
        Err(error) => error.name(),
    };
    counter!("tieline_authorizations_total", "provider" => provider, "outcome" => outcome)
        .increment(1);
}

/// A request to the provider's API.
pub(crate) fn call<B, E>(provider: &'static str, answer: &Result<Response<B>, E>) {
    let status = match answer {
        Ok(response) => class(response.status()),
        Err(_) => "none",
    };
    counter!("tieline_provider_calls_total", "provider" => provider, "status" => status)
        .increment(1);
}

/// An attempt to tell a webhook of an event.
pub(crate) fn delivery(outcome: &'static str) {
    counter!("tieline_webhook_deliveries_total", "outcome" => outcome).increment(1);
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}

impl Engine {
    /// The apps, of whatever tenant, that their providers refuse, as far as this process knows.
    pub fn refused_apps(&self) -> Vec<AppId> {
        self.shared.breakers.open()
    }
}
