//! The set-up page of one provider: everything a person needs from "register an app" to a connected account.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::Stated;
use tieline::core::words::{calls, window};

use super::files::{MARK, PROVIDERS, Page};
use super::markdown::{Document, text};
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
        "These steps collect what the account's owner gives. If there is none of it yet, see [create an \
         application](#create-an-application)."
    } else {
        "These steps collect the credentials of an app that is registered already. If you have none yet, [create an \
         application](#create-an-application)."
    };
    document.block(&format!("{steps} {}", portal(descriptor)));
    document.numbered(descriptor.guide.locate_credentials);
}

fn create_application(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "Create an application");
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

fn portal(descriptor: &ProviderDescriptor) -> String {
    format!(
        "The developer portal is <{}>.",
        descriptor.guide.developer_portal
    )
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
            document.block(
                "Where statements differ, keep to the tightest limit of each window. Tieline does not hold calls back: \
                 the provider's own answer to a call too many is handed on.",
            );
            document.table(
                [
                    "Limit",
                    "Counted per",
                    "Tightest of its window",
                    "Stated by",
                ],
                limits.iter().map(|limit| {
                    [
                        format!("{} per {}", calls(limit.calls), window(limit.per)),
                        text(limit.counted_per),
                        yes_no(limit.kept),
                        text(limit.stated_by),
                    ]
                }),
            );
        }
    }
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
                "## Create an application",
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
