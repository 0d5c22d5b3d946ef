//! A provider's lines where there is no manifest: the facade's `pub use`, and the summary of the documentation.

use std::error::Error;

use super::manifests::place;
use super::names::Names;

/// The facade's source with the line that links the provider.
pub(super) fn link(text: &str, names: &Names) -> Result<String, Box<dyn Error>> {
    let id = |line: &str, next: Option<&&str>| {
        let feature = line
            .strip_prefix("#[cfg(feature = \"")?
            .strip_suffix("\")]")?;
        let link = format!("pub use tieline_{} as ", feature.replace('-', "_"));
        // Engine and server are linked by features of their own names too, and are no providers.
        let is_provider = next?.starts_with(&link) && !["engine", "server"].contains(&feature);
        is_provider.then(|| feature.to_owned())
    };
    let lines = [
        format!("#[cfg(feature = \"{}\")]", names.id),
        format!("pub use tieline_{} as {};", names.module, names.offered()),
    ];
    insert(text, &names.id, &lines, id)
}

/// The summary with a link to the provider's page.
pub(super) fn list(text: &str, names: &Names) -> Result<String, Box<dyn Error>> {
    let title = |line: &str, _: Option<&&str>| {
        let (title, page) = line.strip_prefix("- [")?.split_once("](")?;
        page.starts_with("providers/").then(|| title.to_lowercase())
    };
    let line = format!("- [{}](providers/{}.md)", names.name, names.id);
    insert(text, &names.name.to_lowercase(), &[line], title)
}

/// Inserts lines in their place among those in which `name` finds one, given each line and the next.
fn insert(
    text: &str,
    new: &str,
    new_lines: &[String],
    name: impl Fn(&str, Option<&&str>) -> Option<String>,
) -> Result<String, Box<dyn Error>> {
    let mut lines: Vec<&str> = text.lines().collect();
    let found = (0..lines.len()).filter_map(|at| Some((at, name(lines[at], lines.get(at + 1))?)));
    let (at, names): (Vec<usize>, Vec<String>) = found.unzip();
    let last = *at.last().ok_or("there is no provider to stand beside")?;
    let at = at
        .get(place(&names, new, |_| true))
        .copied()
        .unwrap_or(last + new_lines.len());
    lines.splice(at..at, new_lines.iter().map(String::as_str));
    Ok(lines.join("\n") + "\n")
}
