//! The commands that connect an account, and what is given with them.

use tieline::ProviderDescriptor;
use tieline::core::Format;
use tieline::core::descriptor::Authentication;
use tieline::core::words::list;

use super::examples::{self, connect};
use super::markdown::{Document, code, text};

/// Adds the sections.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.heading(3, "Check and connect");
    document.block(
        "The first command shows which values Tieline found and where; the second connects an account.",
    );
    let explain = format!("tieline config explain {}", descriptor.id);
    document.code_block("sh", &format!("{explain}\n{}", connect(descriptor, "")));
    given_when_connecting(document, descriptor);
    match descriptor.authentication {
        Authentication::DeviceAuthorization(_) => document.block(TYPE_THE_CODE),
        Authentication::AuthorizationCode(_) if descriptor.oauth2().device.is_some() => {
            document.heading(3, "Connect from another device");
            document.block(
                "The machine on which Tieline runs needs no browser, and no callback URL that anybody reaches:",
            );
            document.code_block("sh", &connect(descriptor, " --device"));
            document.block(TYPE_THE_CODE);
        }
        _ => {}
    }
}

const TYPE_THE_CODE: &str = "Tieline prints an address and a code. Open the address on any device, sign in, type the code and consent; \
     `tieline connect` waits until you have.";

/// What belongs to one account, and how it is given.
fn given_when_connecting(document: &mut Document, descriptor: &ProviderDescriptor) {
    let given = examples::of_account(descriptor);
    if given.is_empty() {
        return;
    }
    let all = list(&given.iter().map(named).collect::<Vec<_>>());
    let (belong, them) = if given.len() == 1 {
        ("belongs", "it")
    } else {
        ("belong", "them")
    };
    let mut sentences = vec![format!(
        "{all} {belong} to the account: whoever connects it gives {them}."
    )];
    sentences.push("At a terminal, `tieline connect` asks for what is left out.".to_owned());
    if let Some((secret, _)) = given.iter().find(|(mapping, _)| mapping.secret) {
        sentences.push(format!(
            "A secret never stands on the command line: you type it unseen. A script gives it on standard input, with \
             {}, or names a file in place of `-`.",
            code(&format!("--set-file {}=-", secret.parameter))
        ));
    }
    sentences.push(format!(
        "A program gives {them} as the parameters of {}.",
        code(if descriptor.authentication.is_given() {
            "Engine::give"
        } else {
            "Engine::authorize"
        })
    ));
    document.block(&sentences.join(" "));
    let open: Vec<_> = given
        .iter()
        .filter(|(mapping, _)| !mapping.secret)
        .map(|(mapping, _)| code(mapping.parameter.as_str()))
        .collect();
    if !open.is_empty() {
        document.block(&format!(
            "Where Tieline is run for a single tenant, its operator may set {} in the file or the environment. That \
             holds for accounts with which nothing else is given.",
            list(&open)
        ));
    }
}

/// `**Shop** (`acme.shop`)`, with the example's value where that says nothing of itself.
fn named((mapping, value): &examples::Example) -> String {
    let (credential, key) = (text(mapping.credential), code(mapping.parameter.as_str()));
    if mapping.secret || mapping.format == Format::Text {
        format!("**{credential}** ({key})")
    } else {
        format!("**{credential}** ({key}; {} is an example)", code(value))
    }
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
    fn what_belongs_to_an_account_is_given_with_the_command() {
        assert_eq!(
            rendered(&invented::DESK),
            "### Check and connect\n\nThe first command shows which values Tieline found and where; the second \
             connects an account.\n\n```sh\ntieline config explain acme-desk\ntieline connect acme-desk --set \
             subdomain=acme\n```\n\n**API Key** (`api.key`) and **Domain** (`subdomain`; `acme` is an \
             example) belong to the account: whoever connects it gives them. At a terminal, `tieline connect` asks for \
             what is left out. A secret never stands on the command line: you type it unseen. A script gives it on \
             standard input, with `--set-file api.key=-`, or names a file in place of `-`. A program gives them as the \
             parameters of `Engine::give`.\n\n\
             Where Tieline is run for a single tenant, its operator may set `subdomain` in the file or the \
             environment. That holds for accounts with which nothing else is given.\n"
        );
        let robots = rendered(&invented::ROBOTS);
        assert!(
            robots.ends_with("tieline connect acme-robots\n```\n"),
            "{robots}"
        );
    }

    #[test]
    fn a_code_for_another_device_has_its_section() {
        let device = "### Connect from another device\n";
        let shops = rendered(&invented::SHOPS);
        assert!(shops.contains(device), "{shops}");
        assert!(
            shops.contains("\ntieline connect acme-shops --device --set acme.shop=acme\n"),
            "{shops}"
        );
        assert!(
            shops.contains("**Shop** (`acme.shop`; `acme` is an example) belongs to")
                && shops.contains("as the parameters of `Engine::authorize`."),
            "{shops}"
        );
        let tv = rendered(&invented::TV);
        assert!(
            !tv.contains(device) && tv.contains("sign in, type the code"),
            "{tv}"
        );
        assert!(!rendered(&invented::VAULT).contains("type the code"));
    }
}
