//! The first lines of a set-up page: what a person needs before accounts can be connected.

use tieline::core::SetBy;
use tieline::core::descriptor::Authentication;
use tieline::core::words::list;
use tieline::{ParameterMapping, ProviderDescriptor};

use super::examples::is_needed;
use super::markdown::{Document, code, slug, text};
use super::tables;
use super::words::label_at;

/// Adds them.
pub(crate) fn lead(document: &mut Document, descriptor: &ProviderDescriptor) {
    document.block(&needed(descriptor));
    tables::credentials(document, descriptor);
    let (id, name) = (code(descriptor.id), text(descriptor.name));
    let aliases: Vec<_> = descriptor.aliases.iter().map(|alias| code(alias)).collect();
    let known_as = match aliases.as_slice() {
        [] => format!("Tieline knows this provider as {id}."),
        aliases => format!(
            "Tieline knows this provider as {id}, and also as {}.",
            list(aliases)
        ),
    };
    document.block(&format!(
        "{known_as} See also [what {name} does unusually](../reference/unusual.md#{}).",
        slug(&name)
    ));
}

/// What there must be, by whose it is.
fn needed(descriptor: &ProviderDescriptor) -> String {
    let (name, vendor) = (text(descriptor.name), text(descriptor.vendor));
    let of_app = credentials(descriptor, |mapping| mapping.set_by != SetBy::EndUser);
    let of_account = credentials(descriptor, |mapping| mapping.set_by == SetBy::EndUser);
    let mut sentences = Vec::new();
    if descriptor.authentication.is_given() {
        sentences.push(format!(
            "To connect {name} accounts you need no app: each account's owner gives {}.",
            list(&of_account)
        ));
        if !of_app.is_empty() {
            let all = list(&of_app);
            sentences.push(format!("Tieline also takes {all}, for all accounts."));
        }
        return sentences.join(" ");
    }
    sentences.push(format!(
        "Before you can connect {name} accounts, you must register an app with {vendor}. Tieline then takes the \
         app's {}.",
        list(&of_app)
    ));
    sentences.extend(match descriptor.authentication {
        Authentication::ClientCredentials(_) => {
            Some("The app itself is the account: nobody consents.".to_owned())
        }
        Authentication::DeviceAuthorization(_) => {
            Some("Accounts are connected with a code that is typed on another device.".to_owned())
        }
        _ => None,
    });
    if !of_account.is_empty() {
        let all = list(&of_account);
        sentences.push(format!("Whoever connects an account also gives {all}."));
    }
    sentences.join(" ")
}

/// What the provider calls a credential, and what it is here.
fn credentials(
    descriptor: &ProviderDescriptor,
    belongs: impl Fn(&ParameterMapping) -> bool,
) -> Vec<String> {
    let needed = descriptor
        .mappings
        .iter()
        .filter(|mapping| is_needed(mapping) && belongs(mapping));
    needed
        .map(|mapping| {
            let label = label_at(descriptor.id, mapping.parameter);
            let key = code(mapping.parameter.as_str());
            format!("**{}** as the {label} ({key})", text(mapping.credential))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn each_kind_says_what_it_needs() {
        let app = "Tieline then takes the app's **Client ID** as the API key (`oauth.api.key`)";
        assert_eq!(
            needed(&invented::DESK),
            "To connect Acme Desk accounts you need no app: each account's owner gives **API Key** as the API key \
             (`api.key`) and **Domain** as the subdomain (`subdomain`)."
        );
        assert_eq!(
            needed(&invented::VAULT),
            "To connect Acme Vault accounts you need no app: each account's owner gives **Sign-in name** as the \
             username (`username`) and **Password** as the password (`password`)."
        );
        assert_eq!(
            needed(&invented::TV),
            format!(
                "Before you can connect Acme TV accounts, you must register an app with Acme TV. {app}. Accounts are \
                 connected with a code that is typed on another device."
            )
        );
        assert_eq!(
            needed(&invented::ROBOTS),
            format!(
                "Before you can connect Acme Robots accounts, you must register an app with Acme Robots. {app} and \
                 **Client secret** as the API secret (`oauth.api.secret`). The app itself is the account: nobody \
                 consents."
            )
        );
        assert_eq!(
            needed(&invented::SHOPS),
            format!(
                "Before you can connect Acme Shops accounts, you must register an app with Acme. {app}, **Client \
                 secret** as the API secret (`oauth.api.secret`) and **Redirect URL** as the callback URL \
                 (`oauth.callback.url`). Whoever connects an account also gives **Shop** as the acme shop \
                 (`acme.shop`)."
            )
        );
    }
}
