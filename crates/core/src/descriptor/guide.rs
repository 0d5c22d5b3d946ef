//! How a person registers an app with the provider, and where each fact was read.

use std::fmt;

use serde::Serialize;

/// The set-up guide: own words, in Markdown, one step an entry; names of the provider's own in `**bold**`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SetupGuide {
    /// The provider's developer portal.
    pub developer_portal: &'static str,
    /// How to find the credentials of an app that exists.
    pub locate_credentials: &'static [&'static str],
    /// How to make an app.
    pub create_application: &'static [&'static str],
    /// What else one should know: shown once, older names, what registration demands.
    pub notes: &'static [&'static str],
    /// What goes wrong, and the cure.
    pub troubleshooting: &'static [Trouble],
}

/// A symptom and its cure.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Trouble {
    /// What a person sees.
    pub symptom: &'static str,
    /// What to do.
    pub cure: &'static str,
}

/// Where facts were read, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The page.
    pub url: &'static str,
    /// `YYYY-MM`, or `YYYY-MM-DD` where the day is known.
    pub verified_on: &'static str,
    /// What it tells.
    pub tells: &'static str,
}

/// Where a catalogue files a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Books, invoices, payments.
    Accounting,
    /// Messages and teams.
    Collaboration,
    /// Customers and leads.
    Crm,
    /// Source code, builds, issues.
    DeveloperTools,
    /// Shops and orders.
    Ecommerce,
    /// Tickets and support.
    HelpDesk,
    /// None of the others.
    Other,
}

impl SetupGuide {
    /// An empty one.
    pub const DEFAULT: Self = Self {
        developer_portal: "",
        locate_credentials: &[],
        create_application: &[],
        notes: &[],
        troubleshooting: &[],
    };
}

impl Source {
    /// A source; its date is checked while compiling.
    ///
    /// # Panics
    /// On a date that is not `YYYY-MM` or `YYYY-MM-DD`, which in the `static` of a descriptor is a compile error.
    #[expect(
        clippy::panic,
        reason = "in a const context this is the compile error that we want"
    )]
    pub const fn new(url: &'static str, verified_on: &'static str, tells: &'static str) -> Self {
        let date = verified_on.as_bytes();
        let mut at = 0;
        while at < date.len() {
            match (at, date[at]) {
                (4 | 7, b'-') | (0..=3 | 5 | 6 | 8 | 9, b'0'..=b'9') => {}
                _ => panic!("verified_on is YYYY-MM or YYYY-MM-DD"),
            }
            at += 1;
        }
        if date.len() != 7 && date.len() != 10 {
            panic!("verified_on is YYYY-MM or YYYY-MM-DD");
        }
        Self {
            url,
            verified_on,
            tells,
        }
    }
}

impl Trouble {
    /// A symptom and its cure.
    pub const fn new(symptom: &'static str, cure: &'static str) -> Self {
        Self { symptom, cure }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accounting => "Accounting",
            Self::Collaboration => "Collaboration",
            Self::Crm => "CRM",
            Self::DeveloperTools => "Developer tools",
            Self::Ecommerce => "E-commerce",
            Self::HelpDesk => "Help desk",
            Self::Other => "Other",
        })
    }
}
