//! How the vendor behaves: its file, found and read.

use serde_json::Value;
use tieline_core::descriptor::Step;
use tieline_core::dotted_path;
use tieline_sandbox::VendorRules;

use crate::findings::Stuck;
use crate::parameters::Facts;
use crate::subject::Subject;

/// A vendor's file: what the sandbox plays, and what the descriptor is compared with.
#[derive(Debug)]
pub(crate) struct Vendor {
    pub(crate) rules: VendorRules,
    file: Value,
}

impl Vendor {
    /// Reads `tests/vendors/<id>.json` in the subject's folder or the nearest above it.
    pub(crate) fn of(subject: &Subject) -> Result<Self, Stuck> {
        let id = subject.provider.descriptor().id;
        let name = format!("tests/vendors/{id}.json");
        let mut candidates = subject.folder.ancestors().map(|folder| folder.join(&name));
        let path = candidates.find(|path| path.is_file()).ok_or_else(|| {
            format!(
                "there is no {name} in {} or any folder above it; write down there how {id} behaves, from its \
                 documentation and not from the descriptor, in the form of Tieline's tests/vendors/acme.json",
                subject.folder.display()
            )
        })?;
        let told = |what: String| format!("{}: {what}", path.display());
        let text = std::fs::read_to_string(&path).map_err(|error| told(error.to_string()))?;
        let rules = VendorRules::from_json(&text).map_err(|error| told(error.to_string()))?;
        let file = serde_json::from_str(&text).map_err(|error| told(error.to_string()))?;
        if rules.id() != id {
            return Err(told(format!(
                "its id is {:?}, the descriptor's is {id:?}",
                rules.id()
            )));
        }
        Ok(Self { rules, file })
    }

    /// What stands at a path of the file; null where nothing does.
    pub(crate) fn at(&self, path: &str) -> &Value {
        dotted_path::at(&self.file, path).unwrap_or(&Value::Null)
    }

    /// Whether what stands at a path is played although nobody verified it: a descriptor need not say it.
    pub(crate) fn is_unverified(&self, path: &str) -> bool {
        self.texts("unverified").contains(&path)
    }

    /// A lifetime; `None` where the vendor's file has none.
    pub(crate) fn seconds(&self, path: &str) -> Option<u64> {
        self.at(path).as_u64()
    }

    /// Whether there are refresh tokens.
    pub(crate) fn has_refresh_tokens(&self) -> bool {
        !self.at("token.refresh").is_null()
    }

    pub(crate) fn texts(&self, path: &str) -> Vec<&str> {
        let items = self
            .at(path)
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        items.iter().filter_map(Value::as_str).collect()
    }

    /// The name of the account of this number.
    pub(crate) fn account(&self, number: usize) -> Result<&str, Stuck> {
        self.accounts().get(number).copied().ok_or_else(|| {
            "the vendor's file needs two `accounts`, to see whether they are told apart".to_owned()
        })
    }

    /// What is given to connect the account of this number, by parameter key: the file's `given`, with the account's facts
    /// in their places.
    pub(crate) fn given(&self, number: usize) -> Result<Facts, Stuck> {
        let account = self.at(&format!("accounts.{number}"));
        let templates = self.at("given").as_object();
        let filled = templates.into_iter().flatten().map(|(key, template)| {
            let template = template.as_str().unwrap_or_default();
            let fact = template
                .strip_prefix("{account.")
                .and_then(|rest| rest.strip_suffix('}'));
            let text = match fact {
                Some(fact) => account[fact].as_str().ok_or_else(|| {
                    format!("`given` asks for {template}, and account {number} has no such fact")
                })?,
                None => template,
            };
            Ok((key.clone(), text.to_owned()))
        });
        filled.collect()
    }

    /// The names of those who can consent.
    pub(crate) fn accounts(&self) -> Vec<&str> {
        let items = self
            .at("accounts")
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        items
            .iter()
            .filter_map(|account| account["name"].as_str())
            .collect()
    }

    /// The body of the answer that brings tokens at this step.
    pub(crate) fn answer_to(&self, step: Step) -> &Value {
        match self.at("token.refresh_answer.body") {
            Value::Null => self.at("token.answer.body"),
            body if step == Step::Refresh => body,
            _ => self.at("token.answer.body"),
        }
    }

    /// Whether answers with tokens hold this placeholder.
    pub(crate) fn answers_with(&self, placeholder: &str) -> bool {
        self.at("token.answer.body")
            .to_string()
            .contains(placeholder)
    }

    /// The paths of fields below `path` that tell something about the account.
    pub(crate) fn account_fields(&self, path: &str) -> Vec<String> {
        let mut found = Vec::new();
        collect_account_fields(self.at(path), String::new(), &mut found);
        found
    }
}

fn collect_account_fields(value: &Value, path: String, found: &mut Vec<String>) {
    let below = |step: &str| {
        if path.is_empty() {
            step.to_owned()
        } else {
            format!("{path}.{step}")
        }
    };
    match value {
        Value::String(text) if text.contains("{account.") => found.push(path),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect_account_fields(item, below(&at.to_string()), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                collect_account_fields(field, below(name), found);
            }
        }
        _ => {}
    }
}
