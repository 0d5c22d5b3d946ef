//! A descriptor that states what nothing proves.

use tieline_core::descriptor::{ProviderDescriptor, hours};
use tieline_testkit::Promise::Quirks;

use super::{described, subject};
use crate::departing::strict;
use crate::kinds::{basic, key};
use crate::providers::acme;

#[track_caller]
fn idle(descriptor: ProviderDescriptor, fields: &[&str]) {
    let breach = Quirks.check(&subject(described(descriptor))).err();
    let findings = breach.map(|breach| breach.findings).unwrap_or_default();
    let told: Vec<_> = fields
        .iter()
        .map(|field| format!("without `{field}` every promise is kept: nothing proves it"))
        .collect();
    assert_eq!(findings.len(), told.len(), "{findings:?}");
    for (finding, told) in findings.iter().zip(told) {
        assert!(finding.contains(&told), "{told} is not in: {finding}");
    }
}

#[test]
fn origins_to_which_nothing_goes() {
    let roomy = acme(|descriptor, _| descriptor.api.origins = &["https://files.acme.example"]);
    idle(roomy, &["api.origins"]);
    let roomy = key(|descriptor| descriptor.api.origins = &["https://files.acme-key.example"]);
    idle(roomy, &["api.origins"]);
}

#[test]
fn a_lifetime_that_answers_tell_anyway() {
    idle(
        acme(|_, oauth2| oauth2.answer.default_expires_in = Some(hours(1))),
        &["answer.default_expires_in"],
    );
}

#[test]
fn words_that_the_vendor_never_says() {
    idle(
        strict(|_, oauth2| {
            oauth2.answer.errors = &[("never_said", "invalid_grant")];
            oauth2.answer.error_path = Some("error");
            oauth2.answer.requires = &["scope"];
        }),
        &["answer.error_path", "answer.errors", "answer.requires"],
    );
}

#[test]
fn what_is_broken_proves_nothing() {
    let wrong = basic(|descriptor| descriptor.sources = &[]);
    let told = Quirks.check(&subject(described(wrong))).unwrap_err();
    let told = told.to_string();
    assert!(
        told.contains("can't be told while DocsCompleteness is broken"),
        "{told}"
    );
}
