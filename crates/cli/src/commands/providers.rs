//! `tieline providers`: what this program can connect to.

use std::fmt::Write as _;

use tieline::core::descriptor::Stated;
use tieline::core::parameters::variable;
use tieline::core::{Format, words};
use tieline::{ProviderDescriptor, Registry};

use super::kinds;
use super::plain::plain;
use crate::args::Providers;
use crate::error::CliError;
use crate::output::{BOLD, Output, facts, table};

pub(crate) fn run(command: &Providers, output: &Output) -> Result<(), CliError> {
    let registry = Registry::discover()?;
    match command {
        Providers::List => {
            let descriptors: Vec<_> = registry
                .iter()
                .map(|provider| provider.descriptor())
                .collect();
            output.answer(&descriptors, || {
                let rows: Vec<_> = descriptors
                    .iter()
                    .map(|known| {
                        [
                            known.id.to_owned(),
                            known.name.to_owned(),
                            known.category.to_string(),
                            kinds::word(known).to_owned(),
                            known.aliases.join(", "),
                        ]
                    })
                    .collect();
                table(["ID", "NAME", "CATEGORY", "CONNECTED BY", "ALIASES"], &rows)
            })
        }
        Providers::Show { provider } => {
            let descriptor = registry.provider(provider)?.descriptor();
            output.answer(descriptor, || page(descriptor))
        }
    }
}

/// What the generated setup page says, in the width of a terminal.
fn page(descriptor: &ProviderDescriptor) -> String {
    let guide = descriptor.guide;
    let mut text = format!("{BOLD}{}{BOLD:#} ({})\n\n", descriptor.name, descriptor.id);
    let _ = writeln!(text, "{}\n", mapping_table(descriptor));
    let preparation = if descriptor.authentication.is_given() {
        "Prepare an account"
    } else {
        "Create an application"
    };
    let step = |step| format!("{step}.");
    section(
        &mut text,
        "Locate credentials",
        guide.locate_credentials,
        step,
    );
    section(&mut text, preparation, guide.create_application, step);
    section(&mut text, "Notes", guide.notes, |_| "-".to_owned());
    let _ = writeln!(text, "{}\n", endpoints(descriptor));
    let _ = writeln!(
        text,
        "Connect an account: tieline connect {}",
        descriptor.id
    );
    text
}

fn mapping_table(descriptor: &ProviderDescriptor) -> String {
    let rows: Vec<_> = descriptor
        .mappings
        .iter()
        .map(|row| {
            [
                row.credential.into(),
                row.parameter.to_string(),
                row.set_by.to_string(),
                variable(descriptor.id, row).unwrap_or_default(),
            ]
        })
        .collect();
    let credential = format!("{} CREDENTIAL", descriptor.vendor.to_uppercase());
    let mut text = table([&credential, "PARAMETER", "SET BY", "ENVIRONMENT"], &rows);
    for row in descriptor.mappings {
        if let Format::OneOf(choices) = row.format {
            let choices: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let _ = write!(
                text,
                "\n{} is one of {}",
                row.parameter,
                words::list(&choices)
            );
        }
    }
    text
}

fn endpoints(descriptor: &ProviderDescriptor) -> String {
    let oauth2 = descriptor.oauth2();
    let limits: Vec<_> = descriptor
        .rate_limits
        .known()
        .unwrap_or_default()
        .iter()
        .map(|limit| {
            let (calls, window) = (words::calls(limit.calls), words::window(limit.per));
            format!("{calls} per {window}, per {}", limit.counted_per)
        })
        .collect();
    let device = oauth2.device.map_or("", |device| device.endpoint);
    let revocation = match oauth2.revocation_endpoint {
        // There is nothing that anybody issued.
        _ if descriptor.authentication.is_given() => "",
        Stated::Known(url) => url,
        Stated::None(_) => "none",
        Stated::Unknown => "not known",
    };
    let portal = if descriptor.authentication.is_given() {
        "page"
    } else {
        "portal"
    };
    facts(&[
        ("aliases", descriptor.aliases.join(", ")),
        (portal, descriptor.guide.developer_portal.to_owned()),
        ("accounts", kinds::sentence(descriptor).to_owned()),
        ("authorize", oauth2.authorization_endpoint.to_owned()),
        ("device", device.to_owned()),
        ("token", oauth2.token_endpoint.to_owned()),
        ("revoke", revocation.to_owned()),
        ("scopes", oauth2.scopes.join(" ")),
        ("API", descriptor.api.base.to_owned()),
        ("limits", limits.join("; ")),
    ])
}

fn section(text: &mut String, title: &str, entries: &[&str], mark: impl Fn(usize) -> String) {
    if entries.is_empty() {
        return;
    }
    let _ = writeln!(text, "{BOLD}{title}{BOLD:#}");
    for (number, entry) in (1..).zip(entries) {
        let _ = writeln!(text, "  {} {}", mark(number), plain(entry));
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tieline::core::descriptor::{
        Authentication, DeviceAuthorization, OAuth2, RateLimit, SetupGuide,
    };
    use tieline::{ParameterKey, ParameterMapping};

    use super::*;

    const OAUTH2: OAuth2 = OAuth2 {
        token_endpoint: "https://acme.example/token",
        ..OAuth2::DEFAULT
    };
    const MAPPINGS: &[ParameterMapping] = &[
        ParameterMapping::account_key("API Key"),
        ParameterMapping {
            format: Format::OneOf(&[("eu", "eu1"), ("us", "us2")]),
            ..ParameterMapping::new("Region", ParameterKey::new("acme.region"))
        },
    ];

    fn shown(authentication: Authentication) -> String {
        let page = page(&ProviderDescriptor {
            authentication,
            ..ProviderDescriptor::new("acme", "Acme", MAPPINGS)
        });
        anstream::adapter::strip_str(&page).to_string()
    }

    #[test]
    fn a_guide_is_told_without_marks_and_leads_to_the_command() {
        const MINUTE: Duration = Duration::from_secs(60);
        const LIMITS: &[RateLimit] = &[RateLimit::new(1, MINUTE, "method and desk", "docs")];
        let desk = page(&ProviderDescriptor {
            aliases: &["acmedesk"],
            authentication: Authentication::ApiKey,
            rate_limits: Stated::Known(LIMITS),
            guide: SetupGuide {
                developer_portal: "https://acme.example/keys",
                locate_credentials: &["Click **Keys**, or read [how](https://acme.example/how)."],
                create_application: &["Ask for a login at `acme.example`."],
                ..SetupGuide::DEFAULT
            },
            ..ProviderDescriptor::new("acme", "Acme", &MAPPINGS[..1])
        });
        insta::assert_snapshot!(anstream::adapter::strip_str(&desk).to_string(), @r"
        Acme (acme)

        ACME CREDENTIAL  PARAMETER  SET BY    ENVIRONMENT
        API Key          api.key    end user

        Locate credentials
          1. Click Keys, or read how (https://acme.example/how).

        Prepare an account
          1. Ask for a login at acme.example.

        aliases    acmedesk
        page       https://acme.example/keys
        accounts   the account's owner gives a key
        limits     1 call per minute, per method and desk

        Connect an account: tieline connect acme
        ");
    }

    #[test]
    fn a_page_has_no_rows_that_mean_nothing() {
        insta::assert_snapshot!(shown(Authentication::ApiKey), @r"
        Acme (acme)

        ACME CREDENTIAL  PARAMETER    SET BY    ENVIRONMENT
        API Key          api.key      end user
        Region           acme.region  tenant    ACME_ACME_REGION
        acme.region is one of eu and us

        accounts   the account's owner gives a key

        Connect an account: tieline connect acme
        ");
        let device = OAuth2 {
            device: Some(DeviceAuthorization::new("https://acme.example/device")),
            ..OAUTH2
        };
        let all = [
            Authentication::DeviceAuthorization(device),
            Authentication::ClientCredentials(OAUTH2),
            Authentication::Basic,
        ];
        let facts = all.map(|kind| {
            let page = shown(kind);
            let (page, _) = page.rsplit_once("\n\nConnect").unwrap();
            page.rsplit_once("\n\n").unwrap().1.to_owned()
        });
        insta::assert_snapshot!(facts.join("\n"), @r"
        accounts   a person types a code on another device
        device     https://acme.example/device
        token      https://acme.example/token
        revoke     not known
        accounts   the app itself is the account
        token      https://acme.example/token
        revoke     not known
        accounts   the account's owner gives name and password
        ");
    }
}
