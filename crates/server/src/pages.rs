//! What people see, rendered here and without scripts.

use askama::Template;

/// A page with one thing to say.
#[derive(Template)]
#[template(path = "message.html")]
pub(crate) struct MessagePage {
    pub(crate) title: String,
    pub(crate) text: String,
}

/// Where a connect link leads.
#[derive(Template)]
#[template(path = "connect.html")]
pub(crate) struct ConnectPage {
    pub(crate) provider: String,
    pub(crate) vendor: String,
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) problem: Option<String>,
}

/// What the account's owner is asked for.
pub(crate) struct Wanted {
    pub(crate) key: String,
    /// The provider's word for it.
    pub(crate) credential: String,
}
