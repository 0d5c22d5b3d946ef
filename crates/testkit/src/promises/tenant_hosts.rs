//! Where the host differs from tenant to tenant, no text that a person gives leads anywhere else.

use tieline_core::parameters::Given;
use tieline_core::{
    Configuration, Format, ParameterKey, ParameterMapping, Parameters, Secret, template,
};
use url::Url;

use crate::findings::{Findings, Stuck};
use crate::subject::Subject;
use crate::vendor::Vendor;

/// One label a line, as a string of JSON, and whether it may be used.
const LABELS: &str = include_str!("../../host-labels.txt");

pub(crate) fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let descriptor = subject.provider.descriptor();
    let oauth2 = descriptor.oauth2();
    let endpoints = [
        (
            "authorization_endpoint",
            Some(oauth2.authorization_endpoint),
        ),
        ("token_endpoint", Some(oauth2.token_endpoint)),
        ("refresh_endpoint", oauth2.refresh_endpoint),
        ("revocation_endpoint", oauth2.revocation_endpoint.known()),
        (
            "device.endpoint",
            oauth2.device.map(|device| device.endpoint),
        ),
        ("api.base", Some(descriptor.api.base)),
    ];
    let labels = labels()?;
    let vendor = Vendor::of(subject)?;
    let hosts = endpoints.iter().filter_map(|(_, endpoint)| *endpoint);
    let in_hosts: Vec<_> = hosts.flat_map(template::host_placeholders).collect();
    for mapping in descriptor.end_user_parameters() {
        let key = mapping.parameter;
        if !is_label(mapping, &in_hosts) {
            continue;
        }
        for (label, fine) in &labels {
            let taken = given(subject, &vendor, mapping, label)?.is_some();
            let says = if taken { "takes" } else { "does not take" };
            findings.expect(taken == *fine, || {
                format!("{key} {says} {label:?}; make its `format` HostLabel")
            });
        }
    }
    for (field, endpoint) in endpoints {
        let Some(endpoint) = endpoint else { continue };
        for name in template::host_placeholders(endpoint) {
            for (label, fine) in &labels {
                examine_label(field, endpoint, name, label, *fine, findings);
            }
        }
    }
    Ok(())
}

/// Whether it is to be a label: it says so, or stands in a host and may be any text.
fn is_label(mapping: &ParameterMapping, in_hosts: &[&str]) -> bool {
    match mapping.format {
        Format::HostLabel => true,
        Format::Text | Format::Url => in_hosts.contains(&mapping.parameter.as_str()),
        Format::OneOf(_) => false,
    }
}

/// The parameters with this label given for one of them, if they are taken.
fn given(
    subject: &Subject,
    vendor: &Vendor,
    mapping: &ParameterMapping,
    label: &str,
) -> Result<Option<Parameters>, Stuck> {
    let mut given: Given = vendor
        .given(0)?
        .into_iter()
        .filter(|(key, _)| is_end_users(subject, key))
        .map(|(key, value)| (key, Secret::new(value)))
        .collect();
    given.insert(mapping.parameter.to_string(), Secret::from(label));
    let descriptor = subject.provider.descriptor();
    let credentials = descriptor
        .parameters()
        .filter(|row| row.required && row.default.is_none())
        .filter(|row| !is_end_users(subject, row.parameter.as_str()))
        .map(|row| {
            let text = match row.parameter {
                ParameterKey::OAUTH_CALLBACK_URL => "https://host.example/callback",
                _ => "text",
            };
            (
                row.parameter.environment_name(descriptor.id),
                text.to_owned(),
            )
        });
    let configuration =
        Configuration::from_parts(None, credentials).map_err(|error| error.to_string())?;
    let parameters = configuration
        .resolve(subject.provider, &Given::new())
        .map_err(|problems| problems.to_string())?;
    Ok(parameters.with_end_user(&given).ok())
}

fn is_end_users(subject: &Subject, key: &str) -> bool {
    let mut rows = subject.provider.descriptor().end_user_parameters();
    rows.any(|row| row.parameter.as_str() == key)
}

/// Fills one place of a host with a label, and everything else with what is harmless.
fn examine_label(
    field: &str,
    endpoint: &str,
    name: &str,
    label: &str,
    fine: bool,
    findings: &mut Findings,
) {
    let filled = template::url(endpoint, |place| {
        Some(if place == name { label } else { "a" })
    });
    let expected = endpoint.replace(&format!("{{{name}}}"), label);
    match filled {
        Ok(url) => {
            let host = Url::parse(&expected.replace(['{', '}'], "")).ok();
            let same = host.is_some_and(|expected| expected.host_str() == url.host_str());
            findings.expect(fine && same, || {
                format!("`{field}` with {label:?} leads to {:?}", url.host_str())
            });
        }
        Err(problem) => findings.expect(!fine, || {
            format!("`{field}` does not take {label:?}: {problem}")
        }),
    }
}

fn labels() -> Result<Vec<(String, bool)>, Stuck> {
    let lines = LABELS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "));
    lines
        .map(|line| {
            let (label, verdict) = line
                .rsplit_once(' ')
                .ok_or_else(|| format!("host-labels.txt: {line}"))?;
            let label = serde_json::from_str(label.trim())
                .map_err(|error| format!("host-labels.txt: {line}: {error}"))?;
            Ok((label, verdict == "accept"))
        })
        .collect()
}
