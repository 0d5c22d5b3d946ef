//! The set-up page of one provider: everything a person needs from "register an app" to a connected account.

use std::collections::BTreeSet;

use tieline::ProviderDescriptor;
use tieline::core::descriptor::{AccountFact, Stated, TokenPlacement};
use tieline::core::words::{list, number, window};

use super::files::{MARK, PROVIDERS, Page};
use super::markdown::{Document, code, text};
use super::words::{label, yes_no};
use super::{give, tables, tokens};

/// Renders the page.
pub(crate) fn render(descriptor: &ProviderDescriptor) -> Page {
    let mut head = Document::default();
    head.block(&format!(
        "{MARK} from crates/providers/{}. Do not edit. -->",
        descriptor.id
    ));
    head.heading(1, &format!("{} API provider setup", text(descriptor.name)));
    lead(&mut head, descriptor);

    let mut body = Document::default();
    locate_credentials(&mut body, descriptor);
    create_application(&mut body, descriptor);
    notes(&mut body, descriptor);
    rate_limits(&mut body, descriptor);
    give::section(&mut body, descriptor);
    tokens::section(&mut body, descriptor);
    api(&mut body, descriptor);
    troubleshooting(&mut body, descriptor);
    sources(&mut body, descriptor);

    Page {
        path: format!("{PROVIDERS}/{}.md", descriptor.id),
        text: head.with_contents(&body).finish(),
    }
}

fn lead(document: &mut Document, descriptor: &ProviderDescriptor) {
    let (name, vendor) = (text(descriptor.name), text(descriptor.vendor));
    let used: Vec<_> = descriptor
        .mappings
        .iter()
        .map(|mapping| {
            let (label, key) = (label(mapping.parameter), code(mapping.parameter.as_str()));
            format!("**{}** as the {label} ({key})", text(mapping.credential))
        })
        .collect();
    document.block(&format!(
        "Before you can connect {name} accounts, you must register an app with {vendor}. Tieline then takes the \
         app's {}.",
        list(&used)
    ));
    tables::credentials(document, descriptor);
    let id = code(descriptor.id);
    let aliases: Vec<_> = descriptor.aliases.iter().map(|alias| code(alias)).collect();
    document.block(&match aliases.as_slice() {
        [] => format!("Tieline knows this provider as {id}."),
        aliases => format!(
            "Tieline knows this provider as {id}, and also as {}.",
            list(aliases)
        ),
    });
}

fn locate_credentials(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "Locate credentials for authentication");
    document.block(&format!(
        "These steps collect the credentials of an app that is registered already. If you have none yet, [create an \
         application](#create-an-application). {}",
        portal(descriptor)
    ));
    document.numbered(descriptor.guide.locate_credentials);
}

fn create_application(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "Create an application");
    document.block(&format!(
        "You may be asked for your [callback URL](#callback-url), so settle it first. {}",
        portal(descriptor)
    ));
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
                        format!("{} calls per {}", number(limit.calls), window(limit.per)),
                        text(limit.counted_per),
                        yes_no(limit.kept),
                        text(limit.stated_by),
                    ]
                }),
            );
        }
    }
}

fn api(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(2, "API calls");
    let api = &descriptor.api;
    let mut facts = vec![match api.base_capture {
        None => format!("Relative paths are joined to {}.", code(api.base)),
        Some(capture) => format!(
            "Relative paths are joined to the {} of the connection, or else to {}.",
            code(capture),
            code(api.base)
        ),
    }];
    let origins: BTreeSet<_> = api
        .origins
        .iter()
        .copied()
        .chain([origin(api.base)])
        .map(code)
        .collect();
    let origins: Vec<_> = origins.into_iter().collect();
    facts.push(format!(
        "An access token is sent to {} and nowhere else.",
        list(&origins)
    ));
    facts.push(match api.token_placement {
        TokenPlacement::Authorization(scheme) => {
            format!(
                "It is sent as {}.",
                code(&format!("Authorization: {scheme} <access token>"))
            )
        }
        TokenPlacement::Header(name) => format!(
            "It is sent as {}.",
            code(&format!("{name}: <access token>"))
        ),
    });
    match api.health_check {
        Stated::Unknown => facts.push("No health check is known yet.".to_owned()),
        Stated::None(why) => facts.push(format!(
            "There is no call that serves as a health check: {why}."
        )),
        Stated::Known(check) => {
            let call = code(&format!("GET {}{}", api.base, check.path));
            facts.push(format!(
                "The health check is {call}. Accounts are told apart by {}, and listed under {}.",
                account_fact(check.account_id),
                account_fact(check.account_label)
            ));
        }
    }
    document.bullets(facts);
}

fn account_fact(fact: AccountFact) -> String {
    match fact {
        AccountFact::Field(path) => format!("the field {} of its answer", code(path)),
        AccountFact::Capture(name) => format!("the {} that came with the tokens", code(name)),
    }
}

/// Scheme, host and port of an absolute URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..]
        .find('/')
        .map_or(url, |slash| &url[..host + slash])
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
