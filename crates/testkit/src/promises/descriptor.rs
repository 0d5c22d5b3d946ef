//! The descriptor is valid, goes by the crate's name, and its endpoints stand where the vendor's do.

use tieline_core::template;

use crate::findings::{Findings, Stuck};
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

    let vendor = Vendor::of(subject)?;
    let oauth2 = descriptor.oauth2();
    let endpoints = [
        (
            "authorization_endpoint",
            Some(oauth2.authorization_endpoint),
            "authorization.path",
        ),
        ("token_endpoint", Some(oauth2.token_endpoint), "token.path"),
        (
            "revocation_endpoint",
            oauth2.revocation_endpoint.known(),
            "revocation.path",
        ),
        (
            "device.endpoint",
            oauth2.device.map(|device| device.endpoint),
            "device.path",
        ),
        ("api.base", Some(descriptor.api.base), "api.base"),
    ];
    for (field, endpoint, place) in endpoints {
        let Some(Ok(url)) = endpoint.map(|endpoint| template::url(endpoint, |_| Some("a"))) else {
            continue;
        };
        let Some(path) = vendor.at(place).as_str() else {
            continue;
        };
        findings.expect(
            url.path().trim_end_matches('/') == path.trim_end_matches('/'),
            || {
                format!(
                    "`{field}` has the path {:?}, the vendor's is {path:?}",
                    url.path()
                )
            },
        );
    }
    Ok(())
}
