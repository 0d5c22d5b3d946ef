//! What a new provider is called: as a folder, in Rust, and by people.

use tieline::ProviderDescriptor;
use tieline::core::ParameterMapping;
use tieline::core::descriptor::{Api, Authentication, OAuth2};

/// The names of a new provider.
pub(super) struct Names {
    /// The provider's id, which is also its folder and its feature.
    pub(super) id: String,
    /// What people call it.
    pub(super) name: String,
    /// The id as part of a path in Rust: `acme_crm`.
    pub(super) module: String,
    /// The id as the name of a type: `AcmeCrm`.
    type_name: String,
}

impl Names {
    /// Derives all names from the id.
    ///
    /// # Errors
    /// When the registry would not take the id, another page has it, or the name is no single line of text.
    pub(super) fn new(id: &str, name: Option<&str>) -> Result<Self, String> {
        if let Some(problem) = fit(id.to_owned().leak()).validate().first() {
            return Err(problem.problem.clone());
        }
        if id == "index" {
            return Err("docs/providers/index.md is the list of all providers".to_owned());
        }
        let words = id
            .split('-')
            .filter(|word| !word.is_empty())
            .map(capitalised);
        let words: Vec<String> = words.collect();
        let mut type_name = words.concat();
        // A type can't start with a digit.
        if type_name.starts_with(|first: char| first.is_ascii_digit()) {
            type_name.insert_str(0, "Provider");
        }
        let name = name.map_or_else(|| words.join(" "), |name| name.trim().to_owned());
        if name.is_empty() || name.contains(char::is_control) {
            return Err(format!("the name {name:?} is to be one line of text"));
        }
        Ok(Self {
            id: id.to_owned(),
            name,
            module: id.replace('-', "_"),
            type_name,
        })
    }

    /// A template with the names in their places.
    pub(super) fn fill(&self, template: &str) -> String {
        // What is valid in JSON is valid in TOML and Rust too: there are no control characters in a name.
        let literal = |text: &str| serde_json::Value::from(text).to_string();
        template
            .replace("{id}", &self.id)
            .replace("{module}", &self.module)
            .replace("{type}", &self.type_name)
            .replace(
                "{description}",
                &literal(&format!("{} for Tieline.", self.name)),
            )
            .replace("{name_literal}", &literal(&self.name))
            .replace("{name}", &self.name)
    }

    /// The name under which the facade offers the provider.
    pub(super) fn offered(&self) -> String {
        if self
            .module
            .starts_with(|first: char| first.is_ascii_digit())
        {
            return format!("provider_{}", self.module);
        }
        if KEYWORDS.contains(&self.module.as_str()) {
            return format!("r#{}", self.module);
        }
        self.module.clone()
    }
}

/// Words that Rust keeps for itself and that may be a vendor's name or id.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

/// A descriptor in which nothing can be wrong but the id.
fn fit(id: &'static str) -> ProviderDescriptor {
    const URL: &str = "https://placeholder.invalid";
    const MAPPINGS: &[ParameterMapping] = &[
        ParameterMapping::api_key("id"),
        ParameterMapping::callback_url("url"),
    ];
    ProviderDescriptor {
        authentication: Authentication::AuthorizationCode(OAuth2 {
            authorization_endpoint: URL,
            token_endpoint: URL,
            ..OAuth2::DEFAULT
        }),
        api: Api {
            base: URL,
            ..Api::DEFAULT
        },
        ..ProviderDescriptor::new(id, id, MAPPINGS)
    }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_ascii_uppercase() + rest
}
