//! The kit itself: sound providers keep every promise, and each way of being wrong breaks the promise that is about it.

mod broken;
mod hooks;
mod providers;
mod sound;
mod undescribed;
mod unrefreshed;

use tieline_core::{ProviderDescriptor, ProviderSetup};
use tieline_testkit::{Breach, Promise, Subject};

/// Examines a provider as if this were its crate.
fn breaches(provider: &'static dyn ProviderSetup) -> Vec<Breach> {
    let package = format!("tieline-{}", provider.descriptor().id);
    let subject = Subject::new(provider, env!("CARGO_MANIFEST_DIR"), package);
    Promise::ALL
        .iter()
        .filter_map(|promise| promise.check(&subject).err())
        .collect()
}

/// Whether a provider breaks exactly these promises, the first of them with these words.
#[track_caller]
fn assert_broken(provider: &'static dyn ProviderSetup, promises: &[Promise], words: &[&str]) {
    let breaches = breaches(provider);
    let broken: Vec<_> = breaches.iter().map(|breach| breach.promise).collect();
    assert_eq!(broken, promises, "{breaches:?}");
    let told = breaches[0].to_string();
    for word in words {
        assert!(told.contains(word), "{word:?} is not in: {told}");
    }
}

fn described(descriptor: ProviderDescriptor) -> &'static dyn ProviderSetup {
    Box::leak(Box::new(providers::Described(Box::leak(Box::new(
        descriptor,
    )))))
}
