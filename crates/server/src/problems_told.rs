//! The page for hosts names every problem, with the status that it is answered with.

use std::collections::BTreeSet;
use std::path::Path;

use http::StatusCode;
use tieline_engine::Kind;

use crate::problem::status;

/// Those that are of HTTP and of no engine, and their statuses.
const OF_HTTP: &[(&str, &str)] = &[
    ("bad-request", "400"),
    ("body-too-long", "413"),
    ("body-too-slow", "408"),
    ("no-public-url", "422"),
    ("no-such-method", "405"),
    ("no-such-path", "404"),
    ("not-ready", "503"),
    ("not-json", "415"),
    ("not-permitted", "403"),
    ("unauthenticated", "401"),
];

/// A row of the page's table.
struct Row {
    name: String,
    statuses: Vec<String>,
    kinds: Vec<Kind>,
}

#[test]
fn the_page_for_hosts_names_every_problem() {
    let mut known = names(&read("../engine/src/error_name.rs"), "=> \"");
    known.extend(names(&read("../engine/src/held_back.rs"), "=> \""));
    known.extend(names(&read("src/problem.rs"), "Self::new(\""));
    assert!(known.len() > 60, "{known:?}");
    let rows = rows();
    let told: BTreeSet<String> = rows.iter().map(|row| row.name.clone()).collect();
    assert_eq!(told.len(), rows.len(), "a name stands there twice");
    assert_eq!(told, known, "docs/http-api.md names others than there are");
}

#[test]
fn the_page_for_hosts_tells_their_statuses() {
    for row in rows() {
        let of_http = OF_HTTP.iter().find(|(name, _)| *name == row.name);
        let expected: Vec<String> = match of_http {
            Some((_, status)) => vec![(*status).to_owned()],
            None => {
                let kinds = row.kinds.iter();
                kinds
                    .map(|kind| status(&row.name, *kind))
                    .map(|status: StatusCode| status.as_str().to_owned())
                    .collect()
            }
        };
        assert_eq!(row.statuses, expected, "{}", row.name);
    }
}

fn rows() -> Vec<Row> {
    let page = read("../../docs/http-api.md");
    let (_, table) = page.split_once("\n| name | status | kind | |\n").unwrap();
    let lines = table
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let parts =
                |cell: &str| -> Vec<String> { cell.split(", ").map(str::to_owned).collect() };
            Row {
                name: cells[1].trim_matches('`').to_owned(),
                statuses: parts(cells[2]),
                kinds: parts(cells[3])
                    .iter()
                    .map(|word| serde_json::from_value(word.as_str().into()).unwrap())
                    .collect(),
            }
        })
        .collect()
}

/// The words that follow `before` in a source, each up to its quotation mark.
fn names(source: &str, before: &str) -> BTreeSet<String> {
    // What is below tests nothing here.
    let source = source.split("#[cfg(test)]").next().unwrap_or_default();
    let found = source.split(before).skip(1);
    found
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
