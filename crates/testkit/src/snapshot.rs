//! Text that people review, kept in the provider's crate.

use std::path::PathBuf;

use crate::findings::Stuck;
use crate::subject::Subject;

/// Compares with `tests/snapshots/<id>.<name>.txt` in the provider's folder; `UPDATE_SNAPSHOTS=1` writes it instead.
pub(crate) fn compare(subject: &Subject, name: &str, text: &str) -> Result<(), Stuck> {
    let file = format!(
        "tests/snapshots/{}.{name}.txt",
        subject.provider.descriptor().id
    );
    let path = subject.folder.join(&file);
    if subject.reviewing && is_to_be_written() {
        return write(&path, text).map_err(|error| format!("{}: {error}", path.display()));
    }
    let cure = "if it is right, run the test again with UPDATE_SNAPSHOTS=1 and review the file before it lands";
    match std::fs::read_to_string(&path) {
        Ok(reviewed) if reviewed == text => Ok(()),
        Ok(reviewed) => Err(format!(
            "{file} was reviewed as\n{reviewed}and is now\n{text}{cure}"
        )),
        Err(error) => Err(format!(
            "{file} can't be read ({error}), and would be\n{text}{cure}"
        )),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "not a parameter of a provider: whether snapshots are written is for whoever runs the tests to say"
)]
fn is_to_be_written() -> bool {
    std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1")
}

fn write(path: &PathBuf, text: &str) -> std::io::Result<()> {
    path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
    std::fs::write(path, text)
}
