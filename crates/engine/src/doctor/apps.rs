//! Apps: those that their providers refuse, those that lack something, and those whose endpoints changed under them.

use std::collections::BTreeMap;

use tieline_core::{AppId, ProviderSetup};
use tieline_store::{App, InstanceQuery, StoreError};

use super::report::counted;
use super::{Area, Few, Finding, PAGE};
use crate::{Engine, EngineError};

const SEE: &str = "`tieline apps list` shows all of a tenant's apps";

impl Engine {
    /// What is found, and which providers have an app.
    pub(super) async fn examine_apps(
        &self,
    ) -> Result<(Vec<Finding>, Vec<&'static dyn ProviderSetup>), StoreError> {
        let mut providers: BTreeMap<String, &'static dyn ProviderSetup> = BTreeMap::new();
        let (mut refused, mut unfit, mut unused) = (Few::default(), Few::default(), Few::default());
        let (mut after, mut all) = (AppId(0), 0);
        loop {
            let page = self.shared.store.all_apps(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            all += page.len() as u64;
            for app in page {
                if let Ok(provider) = self.provider(&app.provider) {
                    providers.insert(app.provider.clone(), provider);
                }
                if app.trouble.is_some() {
                    refused.add(|| refusal(&app));
                }
                let engine = self.for_tenant(&app.tenant);
                let Err(error) = engine.app_parameters(&app).await else {
                    continue;
                };
                if engine.is_used(&app).await? {
                    unfit.add(|| unfit_app(&app, &error, Finding::wrong));
                } else {
                    // As it is while somebody registers it.
                    unused.add(|| unfit_app(&app, &error, Finding::notice));
                }
            }
        }
        let mut findings = refused.told("apps are refused by their providers", SEE);
        findings.extend(unfit.told("apps can't be used", SEE));
        findings.extend(unused.told("apps can't be used, and have no instance yet", SEE));
        if findings.is_empty() && all > 0 {
            let what = format!(
                "{}, with all that is needed, and none refused",
                counted(all, "app")
            );
            findings.push(Finding::fine(Area::App, what));
        }
        Ok((findings, providers.into_values().collect()))
    }

    /// Whether an instance points to it.
    async fn is_used(&self, app: &App) -> Result<bool, StoreError> {
        let query = InstanceQuery {
            app: Some(app.id),
            limit: 1,
            ..InstanceQuery::of(&*app.tenant)
        };
        Ok(!self.shared.store.instances(query).await?.is_empty())
    }
}

fn refusal(app: &App) -> Finding {
    let since = app.trouble_since.map_or_else(String::new, |since| {
        format!(" since {}", super::instances::second(since))
    });
    let finding = Finding::wrong(
        Area::App,
        format!(
            "{} is refused{since}: {}",
            named(app),
            app.trouble.as_deref().unwrap_or_default()
        ),
        format!(
            "correct it, in the configuration or with `tieline apps set {} --set-file PARAMETER=FILE`; the next refresh tries it",
            app.id
        ),
    );
    about(app, finding)
}

fn unfit_app(
    app: &App,
    error: &EngineError,
    finding: impl FnOnce(Area, String, String) -> Finding,
) -> Finding {
    let (area, what) = match error {
        EngineError::Store(StoreError::Unreadable { .. }) => {
            (Area::Keys, "has parameters that don't open")
        }
        EngineError::Store(_) => (Area::Store, "can't be looked at"),
        EngineError::EndpointsChanged { .. } => (Area::App, "was made for other endpoints"),
        EngineError::UnknownProvider(_) => (Area::App, "is of a provider that is not known here"),
        _ => (Area::App, "can't be used as it is"),
    };
    let cure = match error {
        EngineError::Store(StoreError::Unreadable { .. }) => format!(
            "{error}\nrestore a backup with its master key, or register the app again with `tieline apps create {}`",
            app.provider
        ),
        error => error.to_string(),
    };
    about(app, finding(area, format!("{} {what}", named(app)), cure))
}

fn named(app: &App) -> String {
    let tenant = super::instances::of_tenant(&app.tenant);
    format!("{}: app {} ({}){tenant}", app.provider, app.id, app.name)
}

fn about(app: &App, finding: Finding) -> Finding {
    Finding {
        provider: Some(app.provider.clone()),
        app: Some(app.id),
        ..finding
    }
}
