//! Connects an account without a browser's detour: once, however often its form arrives.

use tieline_core::{ProviderDescriptor, Secret};
use tieline_engine::{EngineError, GiveOptions, KeptAnswer, Once};
use tieline_store::App;
use tokio::time::sleep;

use super::act::{connected, given};
use super::form::Form;
use super::session::Signed;

/// As often somebody who has sent it twice asks what came of the first.
const PATIENCE: u32 = 60;

/// The address of the account's page.
///
/// # Errors
/// What is wrong with what was given, or that the provider refuses it.
pub(super) async fn give(
    signed: &Signed,
    app: &App,
    descriptor: &ProviderDescriptor,
    form: &Form,
) -> Result<String, EngineError> {
    let hash = form.hash();
    // The form holds a word of the page's own: shown anew, it connects anew.
    let key = format!("page {hash:02x?}");
    let mut asked = 0;
    loop {
        let options = GiveOptions {
            instance_name: form.filled("name"),
            parameters: given(descriptor, form),
            ..GiveOptions::default()
        };
        let (engine, pages, app) = (signed.engine.clone(), signed.pages.clone(), app.clone());
        let work = async move {
            let given = engine.give(&app, options).await;
            let address = given.map(|instance| connected(&pages, &instance));
            let kept = address.as_ref().ok().map(|address| KeptAnswer {
                status: 303,
                text: Secret::new(address.clone()),
            });
            (address, kept)
        };
        match signed.engine.once(&key, hash, work).await {
            Ok(Once::Done(address)) => return address,
            Ok(Once::Again(answer)) => return Ok(answer.text.expose().to_owned()),
            Err(EngineError::RequestUnderWay { retry_after }) if asked < PATIENCE => {
                asked += 1;
                sleep(retry_after).await;
            }
            Err(error) => return Err(error),
        }
    }
}
