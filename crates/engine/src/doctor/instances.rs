//! Instances: those that need a person, and those that something is still to be done about.

use std::time::Duration;

use tieline_core::clock::saturating_add;
use tieline_core::{InstanceId, Timestamp};
use tieline_store::{Instance, QuarantineKind, Status, StoreError};

use super::report::{NAMED, counted};
use super::{Area, Few, Finding, PAGE, State};
use crate::Engine;
use crate::engine::DEFAULT_TENANT;
use crate::error::explain;
use crate::recovery::is_replay_safe;
use crate::rejected::next_try;

/// A disconnect that lasts no longer may be under way.
const UNDER_WAY: Duration = Duration::from_secs(60);

impl Engine {
    pub(super) async fn examine_instances(&self) -> Result<Vec<Finding>, StoreError> {
        let mut findings = self.of_status(Status::ReconnectRequired, reconnect).await?;
        findings.extend(self.of_status(Status::Unreadable, unreadable).await?);
        findings.extend(self.leaving().await?);
        findings.extend(self.uncertain().await?);
        findings.extend(self.rejections().await?);
        findings.extend(self.quarantined().await?);
        let is_well = findings.iter().all(|it| it.state == State::Fine);
        let census = self.shared.store.census().await?;
        if is_well && census.values().sum::<u64>() > 0 {
            let what = "no instance needs anything";
            findings.push(Finding::fine(Area::Instance, what));
        }
        Ok(findings)
    }

    /// The first ones with a status; the others the database counts.
    async fn of_status(
        &self,
        status: Status,
        finding: fn(&Instance) -> Finding,
    ) -> Result<Vec<Finding>, StoreError> {
        let store = &self.shared.store;
        let all = store.census().await?.remove(&status).unwrap_or_default();
        let first = store.unwell(status, InstanceId(0), NAMED as u32).await?;
        let mut few = Few::default();
        few.count(all.saturating_sub(first.len() as u64));
        for instance in &first {
            few.add(|| finding(instance));
        }
        let what = format!("instances are {status}");
        Ok(few.told(&what, "`tieline instances list` shows all of a tenant's"))
    }

    async fn leaving(&self) -> Result<Vec<Finding>, StoreError> {
        let (mut few, mut after) = (Few::default(), InstanceId(0));
        let now = self.shared.clock.now();
        loop {
            let store = &self.shared.store;
            let page = store.unwell(Status::Deleting, after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for instance in &page {
                if saturating_add(instance.status_since, UNDER_WAY) <= now {
                    few.add(|| still_leaving(instance));
                }
            }
        }
        Ok(few.told(
            "disconnects are not confirmed",
            "they are tried again by themselves while `tieline serve` runs",
        ))
    }

    async fn uncertain(&self) -> Result<Vec<Finding>, StoreError> {
        let (mut few, mut after) = (Few::default(), InstanceId(0));
        loop {
            let page = self.shared.store.unsettled("", after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for instance in &page {
                few.add(|| self.unknown_outcome(instance));
            }
        }
        Ok(few.told(
            "refreshes have an outcome that is not known",
            "they are settled by themselves while `tieline serve` runs",
        ))
    }

    async fn rejections(&self) -> Result<Vec<Finding>, StoreError> {
        let (mut few, mut after) = (Few::default(), InstanceId(0));
        loop {
            let page = self.shared.store.rejected(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.id;
            for instance in &page {
                few.add(|| rejection(instance));
            }
        }
        Ok(few.told(
            "instances have had their refresh rejected",
            "they are tried again by themselves",
        ))
    }

    /// What will be done by itself depends on what the provider does with a refresh token that it sees twice.
    fn unknown_outcome(&self, instance: &Instance) -> Finding {
        let since = instance.uncertain_since;
        let since = since.or(instance.intent.as_ref().map(|intent| intent.at));
        let since = since.unwrap_or(instance.refreshed_at);
        let is_safe = self.provider(&instance.provider).is_ok_and(|provider| {
            let rotation = provider.descriptor().oauth2().rotation;
            is_replay_safe(&rotation, since, self.shared.clock.now())
        });
        let cure = match instance.expires_at {
            Some(end) if !is_safe && end > self.shared.clock.now() => format!(
                "nothing by hand: its access token is used until {}, then the provider is asked again",
                second(end)
            ),
            _ => "nothing by hand: the provider is asked again by itself, when the token is wanted or while `tieline serve` \
                  runs"
                .to_owned(),
        };
        let what = format!(
            "{}: the outcome of a refresh is not known since {}",
            named(instance),
            second(since)
        );
        about(instance, Finding::notice(Area::Instance, what, cure))
    }

    async fn quarantined(&self) -> Result<Vec<Finding>, StoreError> {
        let (groups, all) = self.shared.store.quarantine_groups(NAMED as u32).await?;
        let mut few = Few::default();
        few.count(all.saturating_sub(groups.len() as u64));
        for group in &groups {
            few.add(|| {
                let why = match group.kind {
                    QuarantineKind::Conflict => "somebody else had refreshed it meanwhile",
                    QuarantineKind::Undecodable => "they could not be understood",
                };
                let (id, tenant) = (group.instance, of_tenant(&group.tenant));
                let what = format!(
                    "instance {id}{tenant}: {} in quarantine ({}), the last of {}: {why}",
                    counted(group.answers, "answer"),
                    group.kind,
                    second(group.last)
                );
                let cure = format!(
                    "they may hold tokens, and are kept sealed as evidence; `tieline instances check {id}` says whether the \
                     instance works"
                );
                Finding {
                    instance: Some(id),
                    ..Finding::notice(Area::Instance, what, cure)
                }
            });
        }
        Ok(few.told(
            "instances have answers in quarantine",
            "they are kept sealed as evidence",
        ))
    }
}

fn reconnect(instance: &Instance) -> Finding {
    let what = format!(
        "{} must be reconnected{}",
        named(instance),
        explain(instance.cause)
    );
    let finding = Finding::wrong(Area::Instance, what, connect_again(instance));
    about(instance, finding)
}

fn unreadable(instance: &Instance) -> Finding {
    let what = format!("{} has tokens that don't open", named(instance));
    let finding = Finding::wrong(Area::Instance, what, connect_again(instance));
    about(instance, finding)
}

fn still_leaving(instance: &Instance) -> Finding {
    let what = format!(
        "{}: it is being disconnected since {}, and the provider has not confirmed it",
        named(instance),
        second(instance.status_since)
    );
    let cure = format!(
        "it is tried again by itself while `tieline serve` runs, and deleted anyway after a day; `tieline instances \
         disconnect {} --force` deletes it now",
        instance.id
    );
    about(instance, Finding::notice(Area::Instance, what, cure))
}

fn rejection(instance: &Instance) -> Finding {
    let what = format!(
        "{}: its refresh was rejected {} for no reason that is known",
        named(instance),
        match instance.rejections {
            1 => "once".to_owned(),
            tries => format!("{tries} times"),
        }
    );
    let next = next_try(instance).map_or_else(String::new, |at| format!(" at {}", second(at)));
    let cure = format!(
        "it is tried again{next} or when the token is next wanted after that; `tieline instances refresh {}` tries now",
        instance.id
    );
    about(instance, Finding::notice(Area::Instance, what, cure))
}

/// The command line speaks for the default tenant.
fn connect_again(instance: &Instance) -> String {
    let (provider, id, tenant) = (&instance.provider, instance.id, &instance.tenant);
    if tenant == DEFAULT_TENANT {
        format!("`tieline connect {provider} --instance {id}`")
    } else {
        format!("have somebody of tenant {tenant:?} connect it again, as instance {id}")
    }
}

fn named(instance: &Instance) -> String {
    let known = instance.name.as_ref().or(instance.account_label.as_ref());
    let known = known.map_or_else(String::new, |name| format!(" ({name})"));
    let tenant = of_tenant(&instance.tenant);
    format!(
        "{}: instance {}{known}{tenant}",
        instance.provider, instance.id
    )
}

/// Nobody needs to be told that there is but one.
pub(super) fn of_tenant(tenant: &str) -> String {
    if tenant == DEFAULT_TENANT {
        String::new()
    } else {
        format!(" of tenant {tenant:?}")
    }
}

/// For people: without fractions of a second.
pub(super) fn second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second())
        .unwrap_or(at)
        .to_string()
}

fn about(instance: &Instance, finding: Finding) -> Finding {
    Finding {
        provider: Some(instance.provider.clone()),
        app: Some(instance.app),
        instance: Some(instance.id),
        ..finding
    }
}
