//! Nothing that a descriptor says unusually is idle: with each such fact taken away, another promise breaks.

use serde_json::Value;
use tieline_core::ProviderSetup;
use tieline_core::descriptor::{Authentication, OAuth2, ProviderDescriptor};

use crate::findings::{Findings, Stuck};
use crate::promise::Promise;
use crate::removal::{REMOVALS, Without};
use crate::subject::Subject;

/// Fields that say what people call things, and notes that may be there or not.
const NAMES: &[&str] = &[
    "aliases",
    "category",
    "guide.notes",
    "id",
    "mappings",
    "name",
    "vendor",
];

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let descriptor = subject.provider.descriptor();
    let facts = facts(descriptor)?;
    for quirk in descriptor.quirks() {
        let is_fact = facts.iter().any(|fact| {
            let inner = quirk.field.strip_prefix(fact.as_str());
            inner.is_some_and(|inner| inner.is_empty() || inner.starts_with('.'))
        });
        findings.expect(is_fact || quirk.field == "authentication", || {
            format!(
                "`{}` is told to be unusual, and is the default",
                quirk.field
            )
        });
    }
    // What is broken already can't notice anything.
    if let Some(promise) = noticed_by(subject, subject.provider).await {
        return Err(format!(
            "whether each fact is proved can't be told while {promise:?} is broken"
        ));
    }
    for field in &facts {
        let Some((_, remove)) = REMOVALS.iter().find(|(name, _)| name == field) else {
            findings.add(format!(
                "nobody knows how to take `{field}` away; add it to the kit's removals"
            ));
            continue;
        };
        let without = Without::of(subject.provider, *remove);
        match noticed_by(subject, without).await {
            Some(promise) => note(descriptor.id, field, promise),
            None => findings.add(format!(
                "without `{field}` every promise is kept: nothing proves it; take it out, or have the vendor's file say \
                 what it is for"
            )),
        }
    }
    Ok(())
}

/// The first promise that breaks.
async fn noticed_by(subject: &Subject, provider: &'static dyn ProviderSetup) -> Option<Promise> {
    let changed = Subject::new(provider, &subject.folder, &subject.package).unreviewed();
    for promise in Promise::ALL {
        if promise != Promise::Quirks && promise.is_broken_by(&changed).await {
            return Some(promise);
        }
    }
    None
}

/// The fields in which a descriptor differs from one of its kind that says nothing.
fn facts(descriptor: &ProviderDescriptor) -> Result<Vec<String>, Stuck> {
    let plain = ProviderDescriptor {
        authentication: match descriptor.authentication {
            Authentication::AuthorizationCode(_) => {
                Authentication::AuthorizationCode(OAuth2::DEFAULT)
            }
            Authentication::DeviceAuthorization(_) => {
                Authentication::DeviceAuthorization(OAuth2::DEFAULT)
            }
            Authentication::ClientCredentials(_) => {
                Authentication::ClientCredentials(OAuth2::DEFAULT)
            }
            given => given,
        },
        ..ProviderDescriptor::new(descriptor.id, descriptor.name, &[])
    };
    let json = |descriptor: &ProviderDescriptor| {
        serde_json::to_value(descriptor).map_err(|error| error.to_string())
    };
    let mut facts = Vec::new();
    differences(
        &json(descriptor)?,
        &json(&plain)?,
        String::new(),
        &mut facts,
    );
    facts.retain(|field| !NAMES.contains(&field.as_str()));
    Ok(facts)
}

/// Goes down as long as both sides have the same fields, and no further than to what can be taken away. What kind of
/// authentication it is does not stand in a path.
fn differences(is: &Value, plain: &Value, path: String, found: &mut Vec<String>) {
    if is == plain {
        return;
    }
    if let (Value::Object(is), Value::Object(plain)) = (is, plain)
        && is.keys().eq(plain.keys())
        && REMOVALS.iter().all(|(name, _)| *name != path)
    {
        for (name, value) in is {
            let below = if path.starts_with("authentication") || path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let is_kind = matches!(
                below.as_str(),
                "authorization_code" | "device_authorization" | "client_credentials"
            ) && path == "authentication";
            let below = if is_kind {
                "authentication".to_owned()
            } else {
                below
            };
            differences(value, &plain[name], below, found);
        }
        return;
    }
    found.push(path);
}

/// A line of the table of who notices what, for whoever asks to see it (`-- --nocapture`).
#[expect(
    clippy::print_stdout,
    reason = "a test's output is shown only to those who ask for it"
)]
fn note(provider: &str, field: &str, promise: Promise) {
    println!("{provider} | `{field}` | {promise:?}");
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const KINDS: [Authentication; 5] = [
        Authentication::AuthorizationCode(OAuth2::DEFAULT),
        Authentication::DeviceAuthorization(OAuth2::DEFAULT),
        Authentication::ClientCredentials(OAuth2::DEFAULT),
        Authentication::ApiKey,
        Authentication::Basic,
    ];

    fn plain(authentication: Authentication) -> ProviderDescriptor {
        ProviderDescriptor {
            authentication,
            ..ProviderDescriptor::new("acme", "Acme", &[])
        }
    }

    /// The same, with another text in the place of every value.
    fn changed(value: &Value) -> Value {
        match value {
            Value::Object(fields) if !fields.contains_key("nanos") => fields
                .iter()
                .map(|(name, value)| (name.clone(), changed(value)))
                .collect(),
            _ => Value::from("changed"),
        }
    }

    #[test]
    fn every_field_can_be_taken_away() {
        let known: BTreeSet<&str> = REMOVALS.iter().map(|(name, _)| *name).collect();
        assert_eq!(known.len(), REMOVALS.len(), "each once");
        let mut met = BTreeSet::new();
        for kind in KINDS {
            let plain = serde_json::to_value(plain(kind)).unwrap();
            let mut other = changed(&plain);
            if kind.is_given() {
                // What kind it is is no field that could be taken away.
                other["authentication"] = plain["authentication"].clone();
            }
            let mut fields = Vec::new();
            differences(&other, &plain, String::new(), &mut fields);
            for field in fields {
                let is_known = NAMES.contains(&&*field) || known.contains(&*field);
                assert!(is_known, "{kind:?}: nobody knows how to take {field} away");
                met.insert(field);
            }
        }
        let unmet: Vec<_> = known
            .iter()
            .chain(NAMES)
            .filter(|name| !met.contains(**name))
            .collect();
        assert_eq!(unmet, Vec::<&&str>::new(), "no such field");
    }

    #[test]
    fn taking_a_field_away_leaves_it_as_nobody_said_anything() {
        for kind in KINDS {
            let mut descriptor = plain(kind);
            for (_, remove) in REMOVALS {
                remove(&mut descriptor);
            }
            assert_eq!(
                facts(&descriptor).unwrap(),
                Vec::<String>::new(),
                "{kind:?}"
            );
            let told = descriptor.quirks();
            let told = told.iter().filter(|quirk| quirk.field != "authentication");
            assert_eq!(
                told.count(),
                0,
                "{kind:?}: what is the default is not unusual"
            );
        }
    }
}
