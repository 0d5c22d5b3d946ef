//! What is stored of a secret that is only ever looked up: states, tickets, links and API keys.

use sha2::{Digest as _, Sha256};

/// A plain hash will do, unlike for a password: nobody guesses 256 random bits, however fast guesses can be tried.
pub(crate) fn lookup_hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
