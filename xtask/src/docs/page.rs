//! The set-up page of one provider: everything a person needs from "register an app" to a connected account.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::{CountedTogether, RateLimit, Stated};
use tieline::core::words::{calls, window};

use super::files::{MARK, PROVIDERS, Page};
use super::markdown::{Document, slug, text};
use super::words::yes_no;
use super::{api, give, lead, owner, tokens};

/// Renders the page.
pub(crate) fn render(descriptor: &ProviderDescriptor) -> Page {
    let mut head = Document::default();
    head.block(&format!(
        "{MARK} from crates/providers/{}. Do not edit. -->",
        descriptor.id
    ));
    head.heading(1, &format!("{} API provider setup", text(descriptor.name)));
    lead::lead(&mut head, descriptor);

    let mut body = Document::default();
    locate_credentials(&mut body, descriptor);
    create_application(&mut body, descriptor);
    notes(&mut body, descriptor);
    rate_limits(&mut body, descriptor);
    give::section(&mut body, descriptor);
    if descriptor.authentication.is_given() {
        owner::section(&mut body, descriptor);
    } else {
        tokens::section(&mut body, descriptor);
    }
    api::section(&mut body, descriptor);
    troubleshooting(&mut body, descriptor);
    sources(&mut body, descriptor);

    Page {
        path: format!("{PROVIDERS}/{}.md", descriptor.id),
        text: head.with_contents(&body).finish(),
    }
}

fn locate_credentials(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "Locate credentials for authentication");
    let steps = if descriptor.authentication.is_given() {
        "These steps collect what the account's owner gives. If there is none of it yet,"
    } else {
        "These steps collect the credentials of an app that is registered already. If you have none yet,"
    };
    let title = preparation(descriptor);
    document.block(&format!(
        "{steps} [{}](#{}). {}",
        title.to_lowercase(),
        slug(title),
        portal(descriptor)
    ));
    document.numbered(descriptor.guide.locate_credentials);
}

fn create_application(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, preparation(descriptor));
    let first = if descriptor.authentication.is_given() {
        let vendor = text(descriptor.vendor);
        format!("{vendor} wants no app: these steps prepare what the account's owner gives. ")
    } else if descriptor.authentication.has_front_channel() {
        "You may be asked for your [callback URL](#callback-url), so settle it first. ".to_owned()
    } else {
        String::new()
    };
    document.block(&format!("{first}{}", portal(descriptor)));
    document.numbered(descriptor.guide.create_application);
}

/// What there must be before anybody can connect.
fn preparation(descriptor: &ProviderDescriptor) -> &'static str {
    if descriptor.authentication.is_given() {
        "Prepare an account"
    } else {
        "Create an application"
    }
}

fn portal(descriptor: &ProviderDescriptor) -> String {
    let url = descriptor.guide.developer_portal;
    if descriptor.authentication.is_given() {
        // No developer is needed: it may as well be a page for users.
        format!("{}'s page for this is <{url}>.", text(descriptor.vendor))
    } else {
        format!("The developer portal is <{url}>.")
    }
}

fn notes(document: &mut Document, descriptor: &ProviderDescriptor) {
    if !descriptor.guide.notes.is_empty() {
        document.heading(2, "Notes");
        document.bullets(descriptor.guide.notes);
    }
}

fn rate_limits(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "Rate limits");
    let vendor = text(descriptor.vendor);
    match descriptor.rate_limits {
        Stated::Unknown => document.block("Not known yet."),
        Stated::None(why) => document.block(&format!("{vendor} states none: {why}.")),
        Stated::Known(limits) => {
            let differ = limits.iter().any(|limit| competes(limit, limits));
            let keep = if differ {
                "Where statements differ, keep to the tightest limit of each window. "
            } else {
                ""
            };
            let held = if limits.iter().any(is_held) {
                "Tieline holds calls back that would be too many."
            } else {
                "Tieline does not hold calls back for these."
            };
            document.block(&format!(
                "{keep}{held} What the provider answers to a call too many is handed on, and calls pause for as long as its \
                 `Retry-After` says."
            ));
            limits_table(document, limits, differ);
        }
    }
}

/// Whether calls are held back for the sake of a limit.
fn is_held(limit: &RateLimit) -> bool {
    limit.kept && limit.counted_together != CountedTogether::Method
}

/// Whether another statement speaks of the same calls in the same window.
fn competes(limit: &RateLimit, limits: &[RateLimit]) -> bool {
    let same = limits
        .iter()
        .filter(|other| other.counted_per == limit.counted_per && other.per == limit.per);
    same.count() > 1
}

fn limits_table(document: &mut Document, limits: &[RateLimit], differ: bool) {
    let row = |limit: &RateLimit| {
        [
            format!("{} per {}", calls(limit.calls), window(limit.per)),
            text(limit.counted_per),
            text(limit.stated_by),
        ]
    };
    if !differ {
        document.table(
            ["Limit", "Counted per", "Stated by"],
            limits.iter().map(row),
        );
        return;
    }
    document.table(
        [
            "Limit",
            "Counted per",
            "Tightest of its window",
            "Stated by",
        ],
        limits.iter().map(|limit| {
            let [said, counted_per, stated_by] = row(limit);
            let tightest = yes_no(limit.kept || !competes(limit, limits));
            [said, counted_per, tightest, stated_by]
        }),
    );
}

fn troubleshooting(document: &mut Document, descriptor: &ProviderDescriptor) {
    if !descriptor.guide.troubleshooting.is_empty() {
        document.heading(2, "Troubleshooting");
        let troubles = descriptor.guide.troubleshooting.iter();
        document.table(
            ["What you see", "What to do"],
            troubles.map(|trouble| [trouble.symptom.to_owned(), trouble.cure.to_owned()]),
        );
    }
}

fn sources(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "Sources");
    document.block("Where the facts on this page were read, and when.");
    let sources = descriptor.sources.iter();
    document.table(
        ["Source", "Verified", "For"],
        sources.map(|source| {
            [
                format!("<{}>", source.url),
                source.verified_on.to_owned(),
                source.tells.to_owned(),
            ]
        }),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    fn headings(descriptor: &ProviderDescriptor) -> Vec<String> {
        let text = render(descriptor).text;
        let lines = text
            .lines()
            .filter(|line| line.starts_with("## ") || line.starts_with("### "));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn a_page_of_keys_has_neither_callback_url_nor_tokens() {
        assert_eq!(
            headings(&invented::DESK),
            [
                "## Locate credentials for authentication",
                "## Prepare an account",
                "## Rate limits",
                "## Give the parameters to Tieline",
                "### Optional parameters",
                "### Check and connect",
                "## What the account's owner gives",
                "## API calls",
                "## Sources",
            ]
        );
        for descriptor in [&invented::DESK, &invented::VAULT] {
            let page = render(descriptor).text.to_lowercase();
            for word in [
                "oauth.",
                "callback",
                "access token",
                "refresh token",
                "consent",
            ] {
                assert!(!page.contains(word), "{word} is in {page}");
            }
        }
    }

    /// The section on rate limits.
    fn limits(limits: &'static [RateLimit]) -> String {
        let mut document = Document::default();
        let rate_limits_known = ProviderDescriptor {
            rate_limits: Stated::Known(limits),
            ..invented::DESK
        };
        rate_limits(&mut document, &rate_limits_known);
        document.finish()
    }

    #[test]
    fn only_statements_on_the_same_calls_and_window_compete() {
        const MINUTE: std::time::Duration = std::time::Duration::from_secs(60);
        const APART: &[RateLimit] = &[
            RateLimit::new(200, MINUTE, "desk of plan A", "docs"),
            RateLimit::new(400, MINUTE, "desk of plan B", "docs").told(),
        ];
        const DIFFERING: &[RateLimit] = &[
            RateLimit::new(200, MINUTE, "app", "docs"),
            RateLimit::new(400, MINUTE, "app", "portal").told(),
            RateLimit::new(9, MINUTE, "user", "docs").told(),
        ];
        let apart = limits(APART);
        assert_eq!(
            apart,
            "## Rate limits\n\nTieline holds calls back that would be too many. What the provider answers to a call too many is \
             handed on, and calls pause for as long as its `Retry-After` says.\n\n| Limit | Counted per | Stated by |\n| --- | --- | --- |\n\
             | 200 calls per minute | desk of plan A | docs |\n\
             | 400 calls per minute | desk of plan B | docs |\n"
        );
        const BY_METHOD: &[RateLimit] = &[RateLimit::new(1, MINUTE, "method", "docs").of_method()];
        assert!(limits(BY_METHOD).contains("does not hold calls back for these."));
        let differing = limits(DIFFERING);
        assert_eq!(
            differing,
            "## Rate limits\n\nWhere statements differ, keep to the tightest limit of each window. Tieline holds \
             calls back that would be too many. What the provider answers to a call too many is handed on, and calls pause for \
             as long as its `Retry-After` says.\n\n\
             | Limit | Counted per | Tightest of its window | Stated by |\n| --- | --- | --- | --- |\n\
             | 200 calls per minute | app | yes | docs |\n\
             | 400 calls per minute | app | no | portal |\n\
             | 9 calls per minute | user | yes | docs |\n"
        );
    }

    #[test]
    fn whoever_gives_a_key_prepares_an_account() {
        let desk = render(&invented::DESK).text;
        for words in [
            "If there is none of it yet, [prepare an account](#prepare-an-account). Acme Desk's page for this is <",
            "\n- [Prepare an account](#prepare-an-account)\n",
        ] {
            assert!(desk.contains(words), "{words} is not in {desk}");
        }
        let lower = desk.to_lowercase();
        assert!(
            !lower.contains("portal is") && !lower.contains("oauth"),
            "{desk}"
        );
    }

    #[test]
    fn only_a_browser_has_a_callback_url() {
        for (descriptor, expected) in [
            (&invented::SHOPS, true),
            (&invented::TV, false),
            (&invented::ROBOTS, false),
        ] {
            let page = render(descriptor).text;
            assert_eq!(page.contains("### Callback URL"), expected, "{page}");
            assert_eq!(page.contains("(#callback-url)"), expected, "{page}");
            assert!(page.contains("## Tokens and refresh"), "{page}");
        }
    }

    #[test]
    fn every_page_leads_to_what_is_unusual() {
        let page = render(&invented::TV).text;
        let link = "See also [what Acme TV does unusually](../reference/unusual.md#acme-tv).";
        assert!(page.contains(link), "{page}");
    }
}
