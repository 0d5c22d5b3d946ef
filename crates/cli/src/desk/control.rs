//! HTTP over the control socket of the server that holds the store.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tieline::core::parameters::ParameterProblems;
use tieline::engine::EngineError;
use tieline::server::wire::{Health, StoreStatus};
use tieline::server::{Problem, connect};
use tieline::store::AdoptionReason;
use url::form_urlencoded;

use crate::error::CliError;

/// A server that says nothing for so long is not there.
const TIME_TO_SAY_HELLO: Duration = Duration::from_secs(5);
/// Those of a provider's answer, and ours.
const MOST_HEADERS: usize = 1_000;

/// The server that holds a data folder.
#[derive(Debug)]
pub(crate) struct Control {
    data_dir: PathBuf,
    health: Health,
}

impl Control {
    /// The server that holds this data folder, if one answers.
    pub(crate) async fn find(data_dir: &Path) -> Result<Option<Self>, CliError> {
        let health = Health {
            status: String::new(),
            version: String::new(),
            pid: 0,
        };
        let mut control = Self {
            data_dir: std::path::absolute(data_dir)?,
            health,
        };
        let hello = control.get("/healthz");
        let Ok(Ok(health)) = tokio::time::timeout(TIME_TO_SAY_HELLO, hello).await else {
            return Ok(None);
        };
        control.health = health;
        Ok(Some(control))
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The process, and its release.
    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    pub(crate) async fn adoption_required(&self) -> Result<Option<AdoptionReason>, CliError> {
        let status: StoreStatus = self.get("/v1/store").await?;
        Ok(status.adoption_required)
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        self.ask(Method::GET, path, None).await
    }

    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, CliError> {
        self.ask(Method::POST, path, body).await
    }

    /// Sends a request, and reads the JSON of its answer.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, CliError> {
        let answer = self.send(request(method, path, body)?).await?;
        let answer = self.whole(answer).await?;
        // Nothing reads like null.
        let text: &[u8] = match &answer.body()[..] {
            b"" => b"null",
            text => text,
        };
        serde_json::from_slice(text).map_err(|_| self.is_another_release())
    }

    /// Sends a request; an answer that is no success is an error.
    pub(super) async fn open(
        &self,
        method: Method,
        path: &str,
    ) -> Result<Response<Incoming>, CliError> {
        let answer = self.send(request(method, path, None)?).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(self.refused(&self.read(answer).await?))
    }

    /// Sends a request, and reads the answer, whatever its status.
    pub(super) async fn exchange(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, CliError> {
        let answer = self.send(request.map(Full::new)).await?;
        self.read(answer).await
    }

    async fn whole(&self, answer: Response<Incoming>) -> Result<Response<Bytes>, CliError> {
        let answer = self.read(answer).await?;
        if answer.status().is_success() {
            Ok(answer)
        } else {
            Err(self.refused(&answer))
        }
    }

    async fn read(&self, answer: Response<Incoming>) -> Result<Response<Bytes>, CliError> {
        let (parts, body) = answer.into_parts();
        let body = body
            .collect()
            .await
            .map_err(|error| self.broke_off(&error))?;
        Ok(Response::from_parts(parts, body.to_bytes()))
    }

    /// Each request has a connection of its own: a command sends few.
    async fn send(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, CliError> {
        // HTTP/1.1 wants one, and a socket has none.
        let host = HeaderValue::from_static("localhost");
        request.headers_mut().insert(HOST, host);
        let stream = connect(&self.data_dir)
            .await
            .map_err(|error| self.broke_off(&error))?;
        let (mut sender, connection) = http1::Builder::new()
            .max_headers(MOST_HEADERS)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|error| self.broke_off(&error))?;
        // What goes wrong there, whoever reads the answer is told.
        tokio::spawn(async move {
            let _ = connection.await;
        });
        let sent = sender.send_request(request).await;
        sent.map_err(|error| self.broke_off(&error))
    }

    /// What the server says went wrong.
    pub(super) fn refused(&self, answer: &Response<Bytes>) -> CliError {
        match serde_json::from_slice::<Problem>(answer.body()) {
            Ok(problem) => refusal(problem),
            Err(_) => self.is_another_release(),
        }
    }

    pub(super) fn broke_off(&self, error: &dyn std::error::Error) -> CliError {
        CliError::Gone(format!(
            "the connection to process {}, which holds the data folder {}, broke off: {error}; see whether it still \
             runs, and what it logs. What it had begun with the provider, it finishes",
            self.health.pid,
            self.data_dir.display()
        ))
    }

    pub(super) fn is_another_release(&self) -> CliError {
        CliError::Failure(format!(
            "the answer of process {}, which holds the data folder, can't be read: it is release {}, this is {}; use \
             the same for both",
            self.health.pid,
            self.health.version,
            env!("CARGO_PKG_VERSION")
        ))
    }
}

/// The error that the same failure would have been here.
pub(super) fn refusal(problem: Problem) -> CliError {
    if problem.problems.is_empty() {
        return CliError::There(Box::new(problem));
    }
    EngineError::Parameters(ParameterProblems(problem.problems)).into()
}

fn request(
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Request<Full<Bytes>>, CliError> {
    let bytes = body
        .map(serde_json::to_vec)
        .transpose()?
        .unwrap_or_default();
    let mut request = Request::new(Full::new(Bytes::from(bytes)));
    *request.method_mut() = method;
    *request.uri_mut() = path
        .parse()
        .map_err(|_| CliError::Failure(format!("{path} is not a path")))?;
    if body.is_some() {
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(CONTENT_TYPE, json);
    }
    Ok(request)
}

/// A path with a query: what is null is left out.
pub(super) fn with_query(path: &str, query: &impl Serialize) -> Result<String, CliError> {
    let mut pairs = form_urlencoded::Serializer::new(String::new());
    if let Value::Object(members) = serde_json::to_value(query)? {
        for (name, value) in members {
            match value {
                Value::Null => {}
                Value::String(text) => {
                    pairs.append_pair(&name, &text);
                }
                other => {
                    pairs.append_pair(&name, &other.to_string());
                }
            }
        }
    }
    Ok(format!("{path}?{}", pairs.finish()))
}
