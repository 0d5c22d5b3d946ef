//! What the OpenAPI document promises of an answer: its status, its headers, its type and its shape.

use std::sync::LazyLock;

use serde_json::{Value, json};

use crate::host::Answer;

/// The document, with answers that may have no members but those that it names.
static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::to_value(tieline_server::openapi()).unwrap();
    close(&mut document);
    document
});

/// An operation of the document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) says: &'static Value,
}

impl Operation {
    pub(crate) fn id(&self) -> &'static str {
        self.says["operationId"].as_str().unwrap()
    }

    pub(crate) fn is_tagged(&self, tag: &str) -> bool {
        let tags = self.says["tags"].as_array().unwrap();
        tags.iter().any(|it| it == tag)
    }

    /// The statuses that it may be answered with.
    pub(crate) fn statuses(&self) -> impl Iterator<Item = &'static String> + use<> {
        self.says["responses"].as_object().unwrap().keys()
    }

    /// Whether it may be answered with a status.
    pub(crate) fn may_be(&self, status: &str) -> bool {
        self.statuses().any(|it| it == status)
    }

    /// Whether it takes a parameter there.
    pub(crate) fn takes(&self, place: &str) -> bool {
        let parameters = self.says["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|it| it["in"] == place)
    }
}

/// All operations of the document.
pub(crate) fn operations() -> impl Iterator<Item = Operation> {
    let paths = DOCUMENT["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object().unwrap().iter();
        operations.map(move |(method, says)| Operation { method, path, says })
    })
}

/// Sees that an answer is as the document says, and tells which one it is, if it is one to an operation: of which operation, and
/// under which status the document has it.
#[track_caller]
pub(crate) fn hold(method: &str, path: &str, answer: &Answer) -> Option<(String, String)> {
    let operation = operation(method, path)?;
    let id = operation.id().to_owned();
    let responses = &operation.says["responses"];
    let status = answer.status.as_str();
    let is_the_providers = answer.headers.contains_key("tieline-answer-head");
    let of_its_own = responses.get(status).filter(|_| !is_the_providers);
    let status = if of_its_own.is_some() {
        status
    } else {
        "default"
    };
    let seen = Some((id.clone(), status.to_owned()));
    let response = responses.get(status);
    let Some(response) = response else {
        panic!("{id} is not said to be answered with {answer:?}");
    };
    let response = resolved(response);
    assert!(
        answer.headers.contains_key("x-request-id"),
        "{id}: {answer:?}"
    );
    let Some(content) = response.get("content").and_then(Value::as_object) else {
        assert!(
            answer.text.is_empty(),
            "{id} is said to have no body: {answer:?}"
        );
        return seen;
    };
    // To HEAD there is no body.
    if is_the_providers || method == "HEAD" {
        return seen;
    }
    let kind = answer.headers["content-type"].to_str().unwrap();
    let kind = kind.split(';').next().unwrap_or_default();
    let Some(said) = content.get(kind) else {
        panic!("{id} is not said to be answered with {kind}: {answer:?}");
    };
    let value = match kind.ends_with("json") {
        true => answer.json(),
        false => answer.text.clone().into(),
    };
    valid(&id, &said["schema"], &value);
    seen
}

#[track_caller]
fn valid(id: &str, schema: &Value, value: &Value) {
    let mut schema = schema.clone();
    // Where its references lead.
    schema["components"] = DOCUMENT["components"].clone();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(value)
        .map(|it| it.to_string())
        .collect();
    assert!(errors.is_empty(), "{id}: {errors:?} in {value}");
}

/// The operation of a request; of two paths that fit, the one with fewer parameters.
fn operation(method: &str, path: &str) -> Option<Operation> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |operation: &Operation| {
        operation.method.eq_ignore_ascii_case(method) && fits(operation.path, path)
    };
    let all = operations().filter(fits);
    all.min_by_key(|operation| operation.path.matches('{').count())
}

fn fits(template: &str, path: &str) -> bool {
    if let Some(before) = template.strip_suffix("/call/{path}") {
        let Some((start, _)) = path.split_once("/call/") else {
            return false;
        };
        return fits(before, start);
    }
    let (template, path): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    let mut pairs = template.iter().zip(&path);
    template.len() == path.len() && pairs.all(|(said, is)| said.starts_with('{') || said == is)
}

fn resolved(value: &'static Value) -> &'static Value {
    match value.get("$ref").and_then(Value::as_str) {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')).unwrap(),
        None => value,
    }
}

/// No schema that stands for itself takes members that it doesn't name.
fn close(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut().unwrap();
    let parts: Vec<String> = schemas.values().flat_map(parts).collect();
    for (name, schema) in schemas {
        let is_object = schema.get("properties").is_some() || schema.get("allOf").is_some();
        if is_object && schema.get("additionalProperties").is_none() && !parts.contains(name) {
            schema["unevaluatedProperties"] = json!(false);
        }
    }
}

/// The names of those that a schema takes over.
fn parts(schema: &Value) -> Vec<String> {
    let all = schema["allOf"].as_array().into_iter().flatten();
    all.filter_map(|part| part["$ref"].as_str()?.rsplit('/').next())
        .map(str::to_owned)
        .collect()
}

/// The smallest body that an operation is said to take.
pub(crate) fn example(operation: Operation) -> Value {
    let content = &operation.says["requestBody"]["content"];
    smallest(&content["application/json"]["schema"])
}

fn smallest(schema: &'static Value) -> Value {
    let schema = resolved(schema);
    let required = schema["required"].as_array().into_iter().flatten();
    match schema["type"].as_str().unwrap_or("null") {
        "object" => required
            .map(|name| {
                let name = name.as_str().unwrap();
                (name.to_owned(), smallest(&schema["properties"][name]))
            })
            .collect(),
        "string" => "text".into(),
        "integer" => 7.into(),
        "array" => json!([]),
        _ => Value::Null,
    }
}
