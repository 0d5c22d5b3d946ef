//! What tests of every database begin with.

use std::collections::BTreeMap;
use std::time::Duration;

use tieline_core::{AppId, InstanceId, Secret, Timestamp, TokenSet};
use tieline_store::{
    App, BeginRefresh, Begun, CommitRefresh, Committed, Instance, MasterKey, NewApp, NewInstance,
    Purpose, Store,
};

use crate::home::Home;

impl Home {
    pub(crate) fn master_key(&self) -> MasterKey {
        MasterKey::load_or_create(&self.path("master.key"))
            .unwrap()
            .0
    }
}

/// For a statement from outside.
pub(crate) enum Value {
    Id(i64),
    Blob(Vec<u8>),
}

pub(crate) const TENANT: &str = "default";

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn tokens(name: &str) -> TokenSet {
    TokenSet {
        access_token: Secret::new(format!("access-{name}")),
        refresh_token: Some(Secret::new(format!("refresh-{name}"))),
        expires_at: Some(at(1_800_003_600)),
        refresh_expires_at: None,
        scopes: vec!["full".to_owned()],
        user: None,
        captures: BTreeMap::new(),
    }
}

pub(crate) async fn app(store: &Store, tenant: &str, name: &str) -> App {
    store
        .create_app(NewApp {
            tenant: tenant.to_owned(),
            provider: "acme".to_owned(),
            name: name.to_owned(),
            redirect_uri: None,
            endpoints: BTreeMap::new(),
            context: tieline_core::random::context().unwrap(),
            confirm_url: None,
            return_origins: Vec::new(),
            parameters: [(
                "oauth.api.key".to_owned(),
                Secret::new(format!("key-{name}")),
            )]
            .into(),
        })
        .await
        .unwrap()
}

pub(crate) async fn instance(store: &Store, app: &App, name: &str) -> Instance {
    store
        .insert_instance(&new_instance(&app.tenant, app.id, name))
        .await
        .unwrap()
}

pub(crate) fn new_instance(tenant: &str, app: AppId, name: &str) -> NewInstance {
    NewInstance {
        id: InstanceId::random().unwrap(),
        tenant: tenant.to_owned(),
        app,
        provider: "acme".to_owned(),
        name: Some(name.to_owned()),
        user: None,
        tags: Vec::new(),
        account_id: Some("1".to_owned()),
        account_label: None,
        parameters: BTreeMap::new(),
        beside: None,
        tokens: tokens(name),
        keep_alive_at: None,
    }
}

pub(crate) async fn again(store: &Store, instance: &Instance) -> Instance {
    store
        .instance(&instance.tenant, instance.id)
        .await
        .unwrap()
        .unwrap()
}

pub(crate) fn begin(id: InstanceId, generation: i64, attempt: i64) -> BeginRefresh {
    BeginRefresh {
        id,
        generation,
        owner: format!("owner-{attempt}"),
        attempt,
        token_hash: [attempt as u8; 32],
        lease: Duration::from_secs(60),
        in_doubt: true,
        seen: None,
    }
}

pub(crate) fn commit(id: InstanceId, generation: i64, attempt: i64, name: &str) -> CommitRefresh {
    CommitRefresh {
        id,
        generation,
        attempt,
        begun: None,
        tokens: tokens(name),
        keep_alive_at: None,
        now: at(1_800_000_100),
    }
}

pub(crate) async fn opened(home: &Home) -> (Store, Instance) {
    let store = home.open().await;
    let instance = instance(&store, &app(&store, TENANT, "main").await, "a").await;
    (store, instance)
}

pub(crate) async fn access(store: &Store, instance: &Instance) -> Secret {
    store.access_token(instance, Purpose::Check).await.unwrap()
}

pub(crate) fn taken(begun: Begun) -> Instance {
    match begun {
        Begun::Taken(instance) => instance,
        other => panic!("not taken: {other:?}"),
    }
}

pub(crate) fn done(committed: Committed) -> Instance {
    match committed {
        Committed::Done(instance) => instance,
        other => panic!("not done: {other:?}"),
    }
}

pub(crate) fn moved_on(committed: Committed) -> Instance {
    match committed {
        Committed::MovedOn(instance) => instance,
        other => panic!("not moved on: {other:?}"),
    }
}
