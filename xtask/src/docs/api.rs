//! Where calls go, and what they carry.

use std::collections::BTreeSet;

use tieline::ProviderDescriptor;
use tieline::core::descriptor::{AccountFact, MaskedErrors, Stated, TokenPlacement};
use tieline::core::words::list;

use super::markdown::{Document, code};
use super::{places, ways};

/// Adds the section.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
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
    let mut templates = vec![api.base];
    templates.extend(api.origins);
    templates.extend(api.health_check.known().map(|check| check.path));
    facts.extend(places::told(descriptor, &templates));
    facts.extend(credential(descriptor));
    facts.push(health_check(descriptor));
    facts.extend(api.masked_errors.as_ref().map(masked));
    document.bullets(facts);
}

/// Where what proves the instance is sent, and how.
fn credential(descriptor: &ProviderDescriptor) -> [String; 2] {
    let api = &descriptor.api;
    let carried = ways::carried(&descriptor.authentication);
    let (it_is, what) = (carried.it_is, carried.placeholder);
    let origins: BTreeSet<_> = api
        .origins
        .iter()
        .copied()
        .chain([origin(api.base)])
        .map(code)
        .collect();
    let origins: Vec<_> = origins.into_iter().collect();
    let header = |header: &str| code(&format!("{header} {what}"));
    let sent = match api.token_placement {
        TokenPlacement::Authorization(scheme) => {
            format!("sent as {}", header(&format!("Authorization: {scheme}")))
        }
        TokenPlacement::Header(name) => format!("sent as {}", header(&format!("{name}:"))),
        TokenPlacement::BasicUser("") => {
            "sent as the user of HTTP Basic, with an empty password".to_owned()
        }
        TokenPlacement::BasicUser(password) => format!(
            "sent as the user of HTTP Basic, with {} as the password",
            code(password)
        ),
        TokenPlacement::BasicPair => "sent as HTTP Basic".to_owned(),
    };
    [
        format!(
            "{} sent to {} and nowhere else.",
            carried.subject,
            list(&origins)
        ),
        format!("{it_is} {sent}."),
    ]
}

fn health_check(descriptor: &ProviderDescriptor) -> String {
    match descriptor.api.health_check {
        Stated::Unknown => "No health check is known yet.".to_owned(),
        Stated::None(why) => format!("There is no call that serves as a health check: {why}."),
        Stated::Known(check) => {
            let call = code(&format!("GET {}{}", descriptor.api.base, check.path));
            format!(
                "The health check is {call}. Accounts are told apart by {}, and listed under {}.",
                account_fact(check.account_id),
                account_fact(check.account_label)
            )
        }
    }
}

fn account_fact(fact: AccountFact) -> String {
    match fact {
        AccountFact::Field(path) => format!("the field {} of its answer", code(path)),
        AccountFact::Fields(paths) => {
            let paths: Vec<_> = paths.iter().map(|path| code(path)).collect();
            format!("the fields {} of its answer together", list(&paths))
        }
        AccountFact::Capture(name) => format!("the {} that came with the tokens", code(name)),
    }
}

fn masked(masked: &MaskedErrors) -> String {
    let dead: Vec<_> = masked
        .dead_access_token
        .iter()
        .map(|code_| code(code_))
        .collect();
    let (path, equals) = (code(masked.when.path), code(masked.when.equals));
    let mut told = format!(
        "A call that fails may be answered with a status of success: {path} is {equals} then, and {} says why.",
        code(masked.code)
    );
    if !dead.is_empty() {
        told += &format!(
            " Tieline takes {} there for what 401 is elsewhere.",
            list(&dead)
        );
    }
    told
}

/// Scheme, host and port of an absolute URL.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    url[host..]
        .find('/')
        .map_or(url, |slash| &url[..host + slash])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    fn rendered(descriptor: &ProviderDescriptor) -> String {
        let mut document = Document::default();
        section(&mut document, descriptor);
        document.finish()
    }

    #[test]
    fn calls_carry_what_the_kind_gives() {
        assert_eq!(
            rendered(&invented::DESK),
            "## API calls\n\n\
             - Relative paths are joined to `https://{subdomain}.desk.acme.example`.\n\
             - In URLs, `{subdomain}` stands for the **Domain**.\n\
             - The key is sent to `https://{subdomain}.desk.acme.example` and nowhere else.\n\
             - It is sent as the user of HTTP Basic, with `X` as the password.\n\
             - The health check is `GET https://{subdomain}.desk.acme.example/me`. Accounts are told apart by the field \
             `id` of its answer, and listed under the field `name` of its answer.\n"
        );
        let vault = rendered(&invented::VAULT);
        assert!(
            vault.contains(
                "- Name and password are sent to `https://vault.acme.example` and nowhere else.\n\
                 - They are sent as HTTP Basic.\n\
                 - There is no call that serves as a health check: the vault answers nobody.\n"
            ),
            "{vault}"
        );
    }

    #[test]
    fn failures_under_a_status_of_success_are_told() {
        let shops = rendered(&invented::SHOPS);
        for line in [
            "- It is sent as `X-Acme-Token: <access token>`.\n",
            "- A call that fails may be answered with a status of success: `ok` is `false` then, and `error` says why. \
             Tieline takes `invalid_auth` and `token_revoked` there for what 401 is elsewhere.\n",
            "Accounts are told apart by the fields `team.id` and `user.id` of its answer together, and",
        ] {
            assert!(shops.contains(line), "{line} is not in {shops}");
        }
    }
}
