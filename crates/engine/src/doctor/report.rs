//! What an examination tells.

use serde::{Deserialize, Serialize};
use tieline_core::{AppId, InstanceId};

use crate::Kind;

/// Rows read at once.
pub(super) const PAGE: u32 = 100;
/// So many of a kind are named, and the others counted.
pub(super) const NAMED: usize = 20;

/// What an examination found, what is wrong first. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examination {
    /// One thing each.
    pub findings: Vec<Finding>,
    /// The gravest kind of trouble: the store, its keys or the clock, then the configuration or an app, then an account
    /// that needs a person, then a provider that can't be reached. `None` = nothing is wrong.
    pub trouble: Option<Kind>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// How it is.
    pub state: State,
    /// What was found, in one sentence.
    pub what: String,
    /// What to do about it; a line each, where there are several. `None` where nothing is to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cure: Option<String>,
    /// The provider's id, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The app, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<AppId>,
    /// The instance, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<InstanceId>,
}

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Where things are kept.
    Store,
    /// What seals them.
    Keys,
    /// The time.
    Clock,
    /// What the operator has configured.
    Configuration,
    /// Whether a provider can be reached.
    Provider,
    /// A registered application.
    App,
    /// A connected account.
    Instance,
    /// Where a host is told of events.
    Webhook,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Somebody must do something.
    Wrong,
    /// Good to know; nothing breaks over it.
    Notice,
    /// As it should be.
    Fine,
}

impl Examination {
    /// Sorts what is wrong to the front, and tells the gravest kind of trouble.
    pub fn of(mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.state);
        let gravest = [
            Kind::Failure,
            Kind::Configuration,
            Kind::Reconnect,
            Kind::Unavailable,
        ];
        let is_there = |kind: &Kind| {
            let mut wrong = findings.iter().filter(|it| it.state == State::Wrong);
            wrong.any(|finding| finding.area.kind() == *kind)
        };
        let trouble = gravest.into_iter().find(is_there);
        Self { findings, trouble }
    }
}

impl Area {
    /// The word for it, as it is serialised.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Keys => "keys",
            Self::Clock => "clock",
            Self::Configuration => "configuration",
            Self::Provider => "provider",
            Self::App => "app",
            Self::Instance => "instance",
            Self::Webhook => "webhook",
        }
    }

    /// What kind of trouble it is when something is wrong there.
    const fn kind(self) -> Kind {
        match self {
            Self::Store | Self::Keys | Self::Clock => Kind::Failure,
            Self::Configuration | Self::App | Self::Webhook => Kind::Configuration,
            Self::Instance => Kind::Reconnect,
            Self::Provider => Kind::Unavailable,
        }
    }
}

impl State {
    /// The word for it, as it is serialised.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Notice => "notice",
            Self::Fine => "fine",
        }
    }
}

impl Finding {
    /// Something that is wrong, and what to do about it.
    pub fn wrong(area: Area, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            cure: Some(cure.into()),
            ..Self::new(area, State::Wrong, what)
        }
    }

    /// Something that is good to know.
    pub fn notice(area: Area, what: impl Into<String>, cure: impl Into<String>) -> Self {
        Self {
            cure: Some(cure.into()),
            ..Self::new(area, State::Notice, what)
        }
    }

    /// Something that is as it should be.
    pub fn fine(area: Area, what: impl Into<String>) -> Self {
        Self::new(area, State::Fine, what)
    }

    fn new(area: Area, state: State, what: impl Into<String>) -> Self {
        Self {
            area,
            state,
            what: what.into(),
            cure: None,
            provider: None,
            app: None,
            instance: None,
        }
    }
}

/// Findings of one kind: the first ones, and how many more there are.
#[derive(Debug, Default)]
pub(super) struct Few {
    named: Vec<Finding>,
    more: u64,
}

impl Few {
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) {
        if self.named.len() < NAMED {
            self.named.push(finding());
        } else {
            self.more += 1;
        }
    }

    /// Those that nobody read.
    pub(super) fn count(&mut self, more: u64) {
        self.more += more;
    }

    /// The first ones, then one for all others, which says with `what` what they are and with `cure` how to see them.
    pub(super) fn told(self, what: &str, cure: &str) -> Vec<Finding> {
        let Self { mut named, more } = self;
        if let Some(like) = named.first().filter(|_| more > 0) {
            let rest = Finding {
                what: format!("{more} more {what}"),
                cure: Some(cure.to_owned()),
                ..Finding::new(like.area, like.state, "")
            };
            named.push(rest);
        }
        named
    }
}

/// `1 account`, `2 accounts`.
pub(super) fn counted(count: u64, one: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {one}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble(areas: &[Area]) -> Option<Kind> {
        let wrong = areas.iter().map(|area| Finding::wrong(*area, "", ""));
        Examination::of(wrong.collect()).trouble
    }

    #[test]
    fn the_gravest_trouble_is_told() {
        use Area::{App, Clock, Instance, Provider};
        assert_eq!(trouble(&[Provider]), Some(Kind::Unavailable));
        assert_eq!(trouble(&[Provider, Instance]), Some(Kind::Reconnect));
        assert_eq!(trouble(&[Instance, App]), Some(Kind::Configuration));
        assert_eq!(trouble(&[App, Clock, Instance]), Some(Kind::Failure));
        let notice = Finding::notice(Area::Store, "", "");
        assert_eq!(Examination::of(vec![notice]).trouble, None);
    }

    #[test]
    fn words_are_those_of_the_serialised_form() {
        for area in [Area::Store, Area::Configuration, Area::Instance] {
            assert_eq!(serde_json::json!(area), area.as_str());
        }
        for state in [State::Wrong, State::Notice, State::Fine] {
            assert_eq!(serde_json::json!(state), state.as_str());
        }
    }

    #[test]
    fn twenty_are_named_and_the_others_counted() {
        let mut few = Few::default();
        for _ in 0..25 {
            few.add(|| Finding::notice(Area::Instance, "this one", "wait"));
        }
        few.count(1_000);
        let told = few.told("like it", "list them");
        assert_eq!(told.len(), 21);
        assert_eq!(told[20].what, "1005 more like it");
        assert_eq!(told[20].state, State::Notice);
    }
}
