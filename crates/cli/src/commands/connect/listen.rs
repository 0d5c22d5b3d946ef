//! The callback comes to a listener of ours.

use tieline::engine::Started;
use tieline::engine::authorize::TIME_TO_CONSENT;
use tieline::store::Instance;

use super::browser::{is_foreign, too_late};
use super::page::{Arrived, CallbackListener};
use crate::desk::Desk;
use crate::error::CliError;
use crate::output::Output;

/// Takes callbacks until one is this authorization's.
pub(super) async fn listen(
    desk: &Desk,
    started: &Started,
    mut listener: CallbackListener,
    output: &Output,
) -> Result<Instance, CliError> {
    let wait = tokio::time::sleep(TIME_TO_CONSENT);
    tokio::pin!(wait);
    loop {
        let Arrived { query, answer } = tokio::select! {
            arrived = listener.next() => arrived?,
            () = &mut wait => return Err(too_late()),
        };
        let connected = desk.call_back(started.id, &query).await;
        let shown = answer.finish(match &connected {
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        });
        match connected {
            Err(error) if is_foreign(&error) => {
                output.notice(&format!("A callback was ignored: {error}"));
            }
            connected => {
                listener.close(shown).await;
                return connected;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stage::Stage;
    use super::*;

    async fn listening(stage: &Stage, listener: CallbackListener) -> Result<Instance, CliError> {
        listen(&stage.desk(), &stage.started, listener, &Output::new(false)).await
    }

    #[tokio::test]
    async fn strangers_are_ignored_and_the_person_who_comes_back_is_connected() {
        let (stage, listener) = Stage::set("/connected").await;
        let browser = async {
            for stranger in ["", "?code=x", "?code=x&state=made-up", "?state=a&state=b"] {
                let page = stage.page(&format!("/connected{stranger}")).await;
                assert!(
                    page.contains("<h1>Not connected</h1>"),
                    "{stranger}: {page}"
                );
            }
            assert_eq!(stage.sandbox.ledger().exchanges(), 0);
            let url = &stage.started.authorization_url;
            let callback = stage.sandbox.consent(url).await.unwrap();
            stage.page(stage.path(&callback)).await
        };
        let (instance, page) = tokio::join!(listening(&stage, listener), browser);
        assert!(page.contains("<h1>Connected</h1>"), "{page}");
        let stored = stage.instances().await;
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].id, instance.unwrap().id);
        assert_eq!(stage.sandbox.ledger().exchanges(), 1);
        stage.engine.shutdown().await;
    }

    #[tokio::test]
    async fn a_refusal_with_our_state_ends_the_waiting() {
        let (stage, listener) = Stage::set("/:x/*").await;
        let browser = async {
            let url = &stage.started.authorization_url;
            let callback = stage.sandbox.deny(url).await.unwrap();
            stage.page(stage.path(&callback)).await
        };
        let (refused, page) = tokio::join!(listening(&stage, listener), browser);
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("access was denied"), "{refused}");
        assert!(page.contains("<h1>Not connected</h1>"), "{page}");
        assert_eq!(stage.sandbox.ledger().exchanges(), 0);
        assert!(stage.instances().await.is_empty());
        stage.engine.shutdown().await;
    }
}
