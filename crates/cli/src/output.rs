//! Everything the program prints: text for people, JSON for programs. Colours only on a terminal.

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::error::CliError;

/// How to print.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// The answer: as JSON, or as the text that `person` makes.
    pub(crate) fn answer<T: Serialize>(
        &self,
        value: &T,
        person: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if self.json {
            println!("{}", serde_json::to_string_pretty(value)?);
        } else {
            println!("{}", person().trim_end());
        }
        Ok(())
    }

    /// One line of a stream: a JSON object a line, or text.
    pub(crate) fn line<T: Serialize>(
        &self,
        value: &T,
        person: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if self.json {
            println!("{}", serde_json::to_string(value)?);
        } else {
            println!("{}", person());
        }
        Ok(())
    }

    /// Something a person should know that is no part of the answer.
    pub(crate) fn notice(&self, text: &str) {
        eprintln!("{text}");
    }

    pub(crate) fn error(&self, error: &CliError) {
        if self.json {
            let object =
                serde_json::json!({ "error": error.to_string(), "exit_code": error.code() });
            eprintln!("{object}");
        } else {
            // Several problems come a line each: all of them stand below the first.
            let text = error.to_string().replace('\n', "\n       ");
            eprintln!("{BAD}error:{BAD:#} {text}");
        }
    }
}

/// A table with a heading, columns padded to their widest cell.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: [&str; N]| {
        let padded = cells
            .iter()
            .zip(widths)
            .map(|(cell, width)| format!("{cell:width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![format!("{BOLD}{}{BOLD:#}", line(heading))];
    lines.extend(
        rows.iter()
            .map(|row| line(row.each_ref().map(String::as_str))),
    );
    lines.join("\n")
}

/// `name: value` lines, names padded.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let width = facts
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or_default();
    let lines = facts.iter().filter(|(_, value)| !value.is_empty());
    lines
        .map(|(name, value)| format!("{FAINT}{name:width$}{FAINT:#}  {value}"))
        .collect::<Vec<_>>()
        .join("\n")
}
