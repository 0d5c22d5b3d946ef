//! The kinds of events that there are: a closed list, in one place.

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventKind {
    /// What an [`Event`](crate::Event) of this kind has as its `kind`.
    pub name: &'static str,
    /// What has happened then, as a sentence without its full stop.
    pub means: &'static str,
}

/// Every kind of event, by name.
pub const EVENT_KINDS: &[EventKind] = &[
    kind("api_key.created", "an API key was made"),
    kind("api_key.revoked", "an API key was revoked"),
    kind("app.changed", "an app was changed"),
    kind("app.created", "an app was registered"),
    kind("app.deleted", "an app was deleted"),
    kind("app.recovered", "the provider takes the app again"),
    kind("app.refused", "the provider refuses the app itself"),
    kind(
        "instance.conflict",
        "a refresh brought tokens that contradict those of another",
    ),
    kind("instance.connected", "an account was connected"),
    kind("instance.deleted", "an account was disconnected"),
    kind("instance.disabled", "an account was taken out of use"),
    kind("instance.enabled", "an account was taken into use again"),
    kind(
        "instance.reconnect_required",
        "only a person can bring the account back",
    ),
    kind(
        "instance.reconnected",
        "an account was connected again, in place",
    ),
    kind(
        "instance.refresh_uncertain",
        "nobody knows what came of a refresh",
    ),
    kind("instance.refreshed", "the account has new tokens"),
    kind("tenant.created", "a tenant was made"),
    kind("tenant.deleted", "a tenant was deleted"),
    kind("webhook.disabled", "a webhook was given up"),
];

const fn kind(name: &'static str, means: &'static str) -> EventKind {
    EventKind { name, means }
}
