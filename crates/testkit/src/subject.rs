//! The provider that is examined, and where its crate is.

use std::path::PathBuf;

use tieline_core::ProviderSetup;

/// A provider to be examined.
#[derive(Debug)]
pub struct Subject {
    pub(crate) provider: &'static dyn ProviderSetup,
    /// The folder of the provider's crate.
    pub(crate) folder: PathBuf,
    /// The name of the provider's crate.
    pub(crate) package: String,
    /// Whether what it shows may become what was reviewed.
    pub(crate) reviewing: bool,
}

impl Subject {
    /// A provider, with the folder that holds its `Cargo.toml` and the name of its package.
    pub fn new(
        provider: &'static dyn ProviderSetup,
        folder: impl Into<PathBuf>,
        package: impl Into<String>,
    ) -> Self {
        Self {
            provider,
            folder: folder.into(),
            package: package.into(),
            reviewing: true,
        }
    }

    /// The same, without a say in how it was reviewed to look: its snapshots are compared and never written.
    #[must_use]
    pub fn unreviewed(self) -> Self {
        Self {
            reviewing: false,
            ..self
        }
    }
}
