//! What tests from the inside share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tieline_core::{AppId, InstanceId, ManualClock, Secret, Timestamp, TokenSet};

use crate::{App, MasterKey, NewApp, NewInstance, Store, StoreOptions};

pub(crate) const TENANT: &str = "default";

pub(crate) fn options(home: &Path) -> StoreOptions {
    StoreOptions {
        place: home.join("data").into(),
        master_key: MasterKey::load_or_create(&home.join("master.key"))
            .unwrap()
            .0,
        deployment: "default".to_owned(),
        clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
    }
}

pub(crate) async fn app(store: &Store) -> App {
    let new = NewApp {
        tenant: TENANT.to_owned(),
        provider: "acme".to_owned(),
        name: "main".to_owned(),
        redirect_uri: None,
        endpoints: BTreeMap::new(),
        context: tieline_core::random::context().unwrap(),
        confirm_url: None,
        return_origins: Vec::new(),
        parameters: BTreeMap::new(),
    };
    store.create_app(new).await.unwrap()
}

pub(crate) fn tokens(name: &str) -> TokenSet {
    TokenSet {
        refresh_token: Some(Secret::new(format!("refresh-{name}"))),
        ..TokenSet::of(Secret::new(format!("access-{name}")))
    }
}

pub(crate) fn new_instance(app: AppId, name: &str) -> NewInstance {
    NewInstance {
        id: InstanceId::random().unwrap(),
        tenant: TENANT.to_owned(),
        app,
        provider: "acme".to_owned(),
        name: None,
        user: None,
        tags: Vec::new(),
        account_id: None,
        account_label: None,
        parameters: BTreeMap::new(),
        beside: None,
        tokens: tokens(name),
        keep_alive_at: None,
    }
}
