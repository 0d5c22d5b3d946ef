//! The descriptor is valid, goes by the crate's name, and its endpoints stand where the vendor's do.

use tieline_core::template;

use crate::findings::{Findings, Stuck};
use crate::parameters;
use crate::subject::Subject;
use crate::vendor::Vendor;

pub(crate) fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let descriptor = subject.provider.descriptor();
    for problem in descriptor.validate() {
        findings.add(problem.to_string());
    }
    let (id, package) = (descriptor.id, &subject.package);
    let is_named_after_it = package
        .strip_suffix(id)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('-'));
    findings.expect(is_named_after_it, || {
        format!("the crate {package} and the `id` {id:?} must agree: name the crate tieline-{id}, or correct `id`")
    });

    examine_places(subject, &Vendor::of(subject)?, findings)
}

/// Host and path of each endpoint, as they are for the vendor's first account.
fn examine_places(
    subject: &Subject,
    vendor: &Vendor,
    findings: &mut Findings,
) -> Result<(), Stuck> {
    let descriptor = subject.provider.descriptor();
    let oauth2 = descriptor.oauth2();
    let client = ("the-client-id", "the-client-secret");
    let parameters = parameters::resolve(subject.provider, client, &vendor.given(0)?)?;
    // What comes with the tokens is not known yet.
    let base = descriptor
        .api
        .base_capture
        .is_none()
        .then_some(descriptor.api.base);
    let endpoints = [
        (
            "authorization_endpoint",
            Some(oauth2.authorization_endpoint),
            "authorization",
        ),
        ("token_endpoint", Some(oauth2.token_endpoint), "token"),
        (
            "revocation_endpoint",
            oauth2.revocation_endpoint.known(),
            "revocation",
        ),
        (
            "device.endpoint",
            oauth2.device.map(|device| device.endpoint),
            "device",
        ),
        ("api.base", base, "api"),
    ];
    for (field, endpoint, part) in endpoints {
        let value = |name: &str| Some(parameters.in_template(name).unwrap_or("a"));
        let Some(Ok(url)) = endpoint.map(|endpoint| template::url(endpoint, value)) else {
            continue;
        };
        let member = if part == "api" { "base" } else { "path" };
        let host = vendor.hosts(part).into_iter().next();
        let path = vendor.at(&format!("{part}.{member}")).as_str();
        let path = path.map(|path| path.replace("{client_id}", client.0));
        let has = [
            ("host", url.host_str().unwrap_or_default(), host.as_deref()),
            ("path", url.path(), path.as_deref()),
        ];
        for (what, stated, vendors) in has {
            let Some(vendors) = vendors else { continue };
            let is_same = stated.trim_end_matches('/') == vendors.trim_end_matches('/');
            findings.expect(is_same, || {
                format!("`{field}` has the {what} {stated:?}, the vendor's is {vendors:?}")
            });
        }
    }
    Ok(())
}
