//! The document is whole, tells of every route, and stands among the docs as it is.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::document;

/// Routes that are made without saying what they are, by the file that makes them, and why.
const WITHOUT_A_WORD: &[(&str, usize, &str)] = &[
    ("configuration.rs", 1, "of the control socket alone"),
    ("connecting.rs", 1, "of the control socket alone"),
    ("front_door.rs", 1, "says that there is no HEAD"),
    ("instances.rs", 2, "calls, which are described by hand"),
    ("metrics.rs", 1, "of another address than the API's"),
    ("store.rs", 6, "of the control socket alone"),
];

#[test]
fn the_reference_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    let mut text = document().to_pretty_json().unwrap();
    text.push('\n');
    if is_to_be_written() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == text,
        "docs/reference/openapi.json is not what the code says: run UPDATE_DOCS=1 cargo test -p tieline-server openapi, and \
         review the difference"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test asks whether to write what it compares with"
)]
fn is_to_be_written() -> bool {
    std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1")
}

#[test]
fn every_operation_says_what_it_is() {
    let document = serde_json::to_value(document()).unwrap();
    let tags: BTreeSet<_> = names(&document["tags"]).collect();
    let mut ids = BTreeSet::new();
    for (place, operation) in operations(&document) {
        for text in ["operationId", "summary"] {
            let said = operation[text].as_str().unwrap_or_default();
            assert!(!said.is_empty(), "{place} has no {text}: {operation}");
            assert!(!said.contains("[`"), "{place} links into code: {said}");
        }
        let id = operation["operationId"].as_str().unwrap();
        assert!(
            ids.insert(id.to_owned()),
            "{id} is the id of two operations"
        );
        for tag in operation["tags"].as_array().unwrap() {
            assert!(tags.contains(tag.as_str().unwrap()), "{place}: {tag}");
        }
        let is_secured = place.contains(" /v1/") || place.ends_with(" /metrics");
        assert_eq!(operation.get("security").is_some(), is_secured, "{place}");
        assert_eq!(
            operation.get("x-permission").is_some(),
            is_secured,
            "{place}"
        );
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let in_path = parameters.filter(|parameter| parameter["in"] == "path");
        let in_path: Vec<_> = in_path
            .map(|parameter| format!("{{{}}}", parameter["name"].as_str().unwrap()))
            .collect();
        let segments = place.split(['/', ' ']).filter(|it| it.starts_with('{'));
        assert_eq!(in_path, segments.collect::<Vec<_>>(), "{place}");
    }
    assert!(ids.len() > 50, "{ids:?}");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(document()).unwrap();
    let mut seen = BTreeSet::new();
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                if let Some(Value::String(reference)) = members.get("$ref") {
                    seen.insert(reference.clone());
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
    for reference in &seen {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for kind in ["schemas", "responses"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(seen.contains(&reference), "nothing needs {reference}");
        }
    }
}

#[test]
fn routes_say_what_they_are() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
        let routes = source.matches(".route(").count();
        if routes > 0 {
            found.push((name, routes));
        }
    }
    found.sort();
    let expected = WITHOUT_A_WORD.iter();
    let expected: Vec<_> = expected
        .map(|(name, routes, _)| ((*name).to_owned(), *routes))
        .collect();
    assert_eq!(found, expected, "use routes!(…), or say here why not");
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|item| item["name"].as_str())
}

/// Each operation, by its method and path.
fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}
