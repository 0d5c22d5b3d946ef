//! The kit itself: sound providers keep every promise, and each way of being wrong breaks the promise that is about it.

mod apps;
mod broken;
mod callbacks;
mod departing;
mod devices;
mod hooks;
mod keys;
mod kinds;
mod masked;
mod places;
mod providers;
mod quirks;
mod rotating;
mod sound;
mod undescribed;
mod unrefreshed;

use std::path::Path;

use tieline_core::{ProviderDescriptor, ProviderSetup};
use tieline_testkit::{Breach, Promise, Subject};

/// A sound provider, as if this were its crate; a provider of the house has its own.
fn reviewed(provider: &'static dyn ProviderSetup) -> Subject {
    let (id, here) = (provider.descriptor().id, env!("CARGO_MANIFEST_DIR"));
    let own = Path::new(here).with_file_name("providers").join(id);
    let folder = if own.exists() { own } else { here.into() };
    Subject::new(provider, folder, format!("tieline-{id}"))
}

/// A provider that is to be compared with the sound one of the same name.
fn subject(provider: &'static dyn ProviderSetup) -> Subject {
    reviewed(provider).unreviewed()
}

/// What is broken. The last promise is about the others, which it checks again and again: it has tests of its own.
fn breaches(subject: &Subject) -> Vec<Breach> {
    let promises = Promise::ALL.iter();
    promises
        .filter(|promise| **promise != Promise::Quirks)
        .filter_map(|promise| promise.check(subject).err())
        .collect()
}

/// Whether a provider breaks exactly these promises, one of them with all these words.
#[track_caller]
fn assert_broken(provider: &'static dyn ProviderSetup, promises: &[Promise], words: &[&str]) {
    let breaches = breaches(&subject(provider));
    let broken: Vec<_> = breaches.iter().map(|breach| breach.promise).collect();
    assert_eq!(broken, promises, "{breaches:?}");
    let is_told = |breach: &Breach| {
        let told = breach.to_string();
        words.iter().all(|word| told.contains(word))
    };
    assert!(
        breaches.iter().any(is_told),
        "{words:?} is not told: {breaches:?}"
    );
}

fn described(descriptor: ProviderDescriptor) -> &'static dyn ProviderSetup {
    Box::leak(Box::new(providers::Described(Box::leak(Box::new(
        descriptor,
    )))))
}
