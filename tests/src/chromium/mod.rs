//! Pages in a real browser: Chromium, driven by its WebDriver, and judged by axe-core.
//!
//! [`in_every_mode`] tells a story in a [`Window`] of each [`Mode`]: narrow and wide, light and dark, with scripts and without.
//! A step that does not come off panics, and says what the page had instead; a picture of it is in `target/screenshots`, as of
//! each page that [`Window::look`] was asked about. Steps wait for what they are about, never for a time. Needs a Unix with `sh`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a step that fails is a failed test"
)]

mod axe;
mod console;
mod driver;
mod find;
mod look;
mod mode;
mod stories;
mod vendor;
mod window;

pub use driver::Chromium;
pub use mode::{Mode, Scheme, Width};
pub use stories::{in_every_mode, in_modes};
pub use window::Window;
