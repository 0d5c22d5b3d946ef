//! Everything that the setup page needs is there.

use std::collections::BTreeSet;

use tieline_core::ProviderDescriptor;
use tieline_core::descriptor::{
    CodeChallenge, RateLimit, Rotates, Rotation, SetupGuide, Source, Stated,
};
use url::Url;

use crate::findings::Findings;

pub(crate) fn examine(descriptor: &ProviderDescriptor, findings: &mut Findings) {
    for (field, text) in [("name", descriptor.name), ("vendor", descriptor.vendor)] {
        findings.expect(!text.trim().is_empty(), || format!("`{field}` is empty"));
    }
    let mut names = BTreeSet::from([descriptor.id]);
    for alias in descriptor
        .aliases
        .iter()
        .filter(|alias| !names.insert(alias))
    {
        findings.add(format!(
            "`aliases` holds {alias:?}, which is taken: once is enough"
        ));
    }
    for mapping in descriptor.mappings {
        let text = mapping.description.trim();
        findings.expect(!text.is_empty() && !text.ends_with('.'), || {
            format!(
                "`description` of {} is to be one sentence without a full stop",
                mapping.parameter
            )
        });
    }
    examine_guide(&descriptor.guide, findings);
    examine_facts(descriptor, findings);
    examine_sources(descriptor.sources, findings);
}

fn examine_guide(guide: &SetupGuide, findings: &mut Findings) {
    findings.expect(
        is_page(guide.developer_portal),
        || "`guide.developer_portal` is to be an https URL",
    );
    let steps = [
        ("guide.locate_credentials", guide.locate_credentials),
        ("guide.create_application", guide.create_application),
    ];
    for (field, steps) in steps {
        findings.expect(!steps.is_empty(), || format!("`{field}` has no steps"));
    }
    findings.expect(!guide.troubleshooting.is_empty(), || {
        "`guide.troubleshooting` is empty: say at least what a dead refresh token and a wrong secret look like"
    });
    let troubles = guide
        .troubleshooting
        .iter()
        .flat_map(|trouble| [trouble.symptom, trouble.cure]);
    let texts = steps
        .into_iter()
        .flat_map(|(_, steps)| steps)
        .chain(guide.notes)
        .copied()
        .chain(troubles);
    findings.expect(
        texts.into_iter().all(|text| !text.trim().is_empty()),
        || "`guide` has an empty text",
    );
}

/// What a provider may lack is stated, one way or the other.
fn examine_facts(descriptor: &ProviderDescriptor, findings: &mut Findings) {
    let oauth2 = descriptor.oauth2();
    stated("api.health_check", &descriptor.api.health_check, findings);
    stated("rate_limits", &descriptor.rate_limits, findings);
    if !descriptor.authentication.is_given() {
        stated("revocation_endpoint", &oauth2.revocation_endpoint, findings);
        examine_rotation(&oauth2.rotation, findings);
    }
    let limits = descriptor.rate_limits.known();
    findings.expect(limits.is_none_or(|limits| !limits.is_empty()), || {
        "`rate_limits` is an empty list: list them, or state that there are none and where that was read"
    });
    let is_whole = |limit: &RateLimit| !limit.counted_per.is_empty() && !limit.stated_by.is_empty();
    findings.expect(
        limits.unwrap_or_default().iter().all(is_whole),
        || "`rate_limits` has one without `counted_per` or `stated_by`",
    );
    if let CodeChallenge::Refused(source) = oauth2.code_challenge {
        findings.expect(
            !source.trim().is_empty(),
            || "`code_challenge` is refused: say where that was read",
        );
    }
}

fn examine_rotation(rotation: &Rotation, findings: &mut Findings) {
    findings.expect(
        rotation.rotates != Rotates::Unknown,
        || "`rotation.rotates` is unknown: look it up",
    );
    stated(
        "rotation.access_token_lifetime",
        &rotation.access_token_lifetime,
        findings,
    );
    if rotation.rotates != Rotates::NoRefreshToken && rotation.idle_limit.is_none() {
        stated(
            "rotation.refresh_token_lifetime",
            &rotation.refresh_token_lifetime,
            findings,
        );
    }
}

fn stated<T>(field: &str, fact: &Stated<T>, findings: &mut Findings) {
    match fact {
        Stated::Unknown => findings.add(format!(
            "`{field}` is unknown: state it, or that there is none and where that was read"
        )),
        Stated::None(source) if source.trim().is_empty() => {
            findings.add(format!(
                "`{field}` is stated to be none: say where that was read"
            ));
        }
        Stated::None(_) | Stated::Known(_) => {}
    }
}

fn examine_sources(sources: &[Source], findings: &mut Findings) {
    findings.expect(
        !sources.is_empty(),
        || "`sources` is empty: say where all of this was read, and when",
    );
    for Source {
        url,
        verified_on,
        tells,
    } in sources
    {
        findings.expect(is_page(url), || {
            format!("`sources` holds {url:?}, which is no https URL")
        });
        findings.expect(is_date(verified_on), || {
            format!("`verified_on` of {url} is {verified_on:?}, which is no month or day")
        });
        findings.expect(!tells.trim().is_empty(), || {
            format!("`tells` of {url} is empty")
        });
    }
}

fn is_page(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| url.scheme() == "https" && url.has_host())
}

/// `YYYY-MM` or `YYYY-MM-DD`.
fn is_date(text: &str) -> bool {
    let mut parts = text
        .split('-')
        .map(|part| part.parse::<u16>().unwrap_or_default());
    let is_month = matches!((parts.next(), parts.next()), (Some(2000..), Some(1..=12)));
    is_month && parts.next().is_none_or(|day| (1..=31).contains(&day)) && parts.next().is_none()
}
