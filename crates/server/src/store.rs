//! `/v1/store`: what only the holder of the store can do.

use std::path::{Path, PathBuf};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::stream;
use http::{HeaderValue, header};
use serde_json::{Value, json};
use tieline_engine::Examination;
use tieline_store::{BackupReport, MasterKey, MasterRotationReport, Store};
use tokio::sync::mpsc;

use crate::asked::{Asked, Given};
use crate::wire::{DoctorQuery, File, RotationLine, StoreStatus};
use crate::{Problem, Served};

pub(crate) fn routes() -> Router<Served> {
    Router::new()
        .route("/", get(status))
        .route("/doctor", get(doctor))
        .route("/adopt", post(adopt))
        .route("/backup", post(backup))
        .route("/keys/rotate", post(rotate_data_key))
        .route("/keys/master", post(rotate_master_key))
}

async fn status(State(served): State<Served>) -> Json<StoreStatus> {
    let store = served.engine.store();
    Json(StoreStatus {
        data_dir: store.data_dir().map(|folder| folder.display().to_string()),
        deployment: store.deployment().to_owned(),
        adoption_required: store.adoption_required(),
    })
}

async fn doctor(
    State(served): State<Served>,
    Asked(asked): Asked<DoctorQuery>,
) -> Json<Examination> {
    Json(served.engine.examine(asked.online).await)
}

async fn adopt(State(served): State<Served>) -> Result<Json<Value>, Problem> {
    served.engine.store().adopt().await?;
    Ok(Json(json!({ "adopted": true })))
}

async fn backup(
    State(served): State<Served>,
    Given(File { file }): Given<File>,
) -> Result<Json<BackupReport>, Problem> {
    let file = absolute(file)?;
    Ok(Json(served.engine.store().backup(&file).await?))
}

/// The key never crosses the wire: the server reads the file, which whoever asks has made.
async fn rotate_master_key(
    State(served): State<Served>,
    Given(File { file }): Given<File>,
) -> Result<Json<MasterRotationReport>, Problem> {
    let key = MasterKey::load(&absolute(file)?)?;
    Ok(Json(served.engine.store().rotate_master_key(&key).await?))
}

/// Answers with JSON lines: how far it is, and in the end what was done. Whoever goes away stops nothing.
async fn rotate_data_key(State(served): State<Served>) -> Response {
    let (sender, receiver) = mpsc::unbounded_channel();
    let store = served.engine.store().clone();
    tokio::spawn(async move { rotate(&store, &sender).await });
    let lines = stream::unfold(receiver, |mut receiver| async {
        let line: RotationLine = receiver.recv().await?;
        let mut bytes = serde_json::to_vec(&line).ok()?;
        bytes.push(b'\n');
        Some((
            Ok::<_, std::convert::Infallible>(Bytes::from(bytes)),
            receiver,
        ))
    });
    let mut response = Response::new(Body::from_stream(lines));
    let kind = HeaderValue::from_static("application/x-ndjson");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

async fn rotate(store: &Store, lines: &mpsc::UnboundedSender<RotationLine>) {
    // Whoever asked may have gone away.
    let tell = |line| {
        let _ = lines.send(line);
    };
    let rotated = store
        .rotate_data_key(&mut |progress| tell(RotationLine::Progress(progress)))
        .await;
    tell(match rotated {
        Ok(report) => RotationLine::Report(report),
        Err(error) => RotationLine::Problem(Box::new(error.into())),
    });
}

/// The server's working folder is nobody's business.
fn absolute(file: String) -> Result<PathBuf, Problem> {
    if Path::new(&file).is_absolute() {
        Ok(file.into())
    } else {
        Err(Problem::bad_request("name the file by its absolute path"))
    }
}
