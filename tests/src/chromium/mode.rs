//! What a page has to look right in.

use std::fmt;

/// How a window shows pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode {
    /// How much room there is.
    pub width: Width,
    /// What the person prefers.
    pub scheme: Scheme,
    /// Whether the scripts of pages run.
    pub scripts: bool,
}

/// How much room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 360 pixels, as on a phone, which honours a page's `viewport`.
    Narrow,
    /// 1280 pixels, as on a desk.
    Wide,
}

/// What the person prefers: `prefers-color-scheme`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Mode {
    /// Light, and with scripts.
    pub const WIDE: Self = Self {
        width: Width::Wide,
        scheme: Scheme::Light,
        scripts: true,
    };

    /// All that there are.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for width in [Width::Narrow, Width::Wide] {
            for scheme in [Scheme::Light, Scheme::Dark] {
                all.extend([true, false].map(|scripts| Self {
                    width,
                    scheme,
                    scripts,
                }));
            }
        }
        all
    }
}

impl Width {
    /// In CSS pixels.
    #[must_use]
    pub const fn pixels(self) -> u32 {
        match self {
            Self::Narrow => 360,
            Self::Wide => 1280,
        }
    }
}

impl Scheme {
    /// As CSS says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// As in the names of pictures: `360-dark-nojs`.
impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scripts = if self.scripts { "" } else { "-nojs" };
        write!(f, "{}-{}{scripts}", self.width.pixels(), self.scheme.name())
    }
}
