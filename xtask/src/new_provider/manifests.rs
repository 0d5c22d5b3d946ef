//! A provider's lines in the manifests of the workspace and of the facade: in their order, everything else as it was.

use std::error::Error;

use toml_edit::{Array, DocumentMut, InlineTable, Item, Key, Table, TableLike, Value};

/// The root manifest with the provider among the house's dependencies.
pub(super) fn workspace(text: &str, id: &str) -> Result<String, Box<dyn Error>> {
    let mut manifest: DocumentMut = text.parse()?;
    let package = package(id);
    let mut dependency = InlineTable::new();
    dependency.insert("path", format!("crates/providers/{id}").into());
    let workspace = table(&mut manifest, "workspace")?;
    insert(
        table(workspace, "dependencies")?,
        &package,
        Value::from(dependency),
        |name| name == "tieline" || name.starts_with("tieline-"),
    )?;
    Ok(manifest.to_string())
}

/// The facade's manifest with the provider's feature and dependency, and with it among all providers.
pub(super) fn facade(text: &str, id: &str) -> Result<String, Box<dyn Error>> {
    let mut manifest: DocumentMut = text.parse()?;
    let package = package(id);
    let features = table(&mut manifest, "features")?;
    let all = features
        .get_mut("all-providers")
        .and_then(Item::as_array_mut)
        .ok_or("there is no feature all-providers")?;
    let known: Vec<String> = all
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    insert_text(all, id);
    let dependency = Array::from_iter([format!("dep:{package}")]);
    insert(features, id, Value::from(dependency), |name| {
        known.iter().any(|known| known == name)
    })?;

    let mut dependency = InlineTable::new();
    dependency.insert("workspace", true.into());
    dependency.insert("optional", true.into());
    insert(
        table(&mut manifest, "dependencies")?,
        &package,
        Value::from(dependency),
        |_| true,
    )?;
    Ok(manifest.to_string())
}

fn package(id: &str) -> String {
    format!("tieline-{id}")
}

fn table<'a>(parent: &'a mut Table, name: &str) -> Result<&'a mut Table, String> {
    parent
        .get_mut(name)
        .and_then(Item::as_table_mut)
        .ok_or_else(|| format!("there is no table {name}"))
}

/// Inserts `key` in its place among the neighbours, which are sorted; without any, at the end.
fn insert(
    table: &mut Table,
    key: &str,
    value: Value,
    is_neighbour: impl Fn(&str) -> bool,
) -> Result<(), String> {
    if table.contains_key(key) {
        return Err(format!("{key} is there already"));
    }
    let mut order: Vec<String> = table.iter().map(|(name, _)| name.to_owned()).collect();
    let place = place(&order, key, is_neighbour);
    order.insert(place, key.to_owned());
    TableLike::insert(table, key, Item::Value(value));
    let rank = |key: &Key| order.iter().position(|name| name == key.get());
    table.sort_values_by(|a, _, b, _| rank(a).cmp(&rank(b)));
    Ok(())
}

/// Inserts a text into a sorted list, on a line of its own if the others have one.
fn insert_text(list: &mut Array, text: &str) {
    let first = list.get(0).and_then(|item| item.decor().prefix()?.as_str());
    // What stands before the line is a comment on another.
    let line = first.and_then(|prefix| Some(prefix[prefix.rfind('\n')?..].to_owned()));
    let texts: Vec<String> = list
        .iter()
        .map(|item| item.as_str().unwrap_or_default().to_owned())
        .collect();
    list.insert(place(&texts, text, |_| true), text);
    for (at, item) in list.iter_mut().enumerate() {
        let prefix = match &line {
            Some(line) if item.as_str() == Some(text) => line.as_str(),
            Some(_) => continue,
            None if at == 0 => "",
            None => " ",
        };
        item.decor_mut().set_prefix(prefix);
    }
}

/// Where `new` belongs: before the first neighbour that is greater, or else behind the last.
pub(super) fn place(order: &[String], new: &str, is_neighbour: impl Fn(&str) -> bool) -> usize {
    let neighbours = order
        .iter()
        .enumerate()
        .filter(|(_, name)| is_neighbour(name));
    let mut behind = None;
    for (at, name) in neighbours {
        if name.as_str() > new {
            return at;
        }
        behind = Some(at + 1);
    }
    behind.unwrap_or(order.len())
}
