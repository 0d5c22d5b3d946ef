//! Everything the program prints: text for people, JSON for programs. Colours only on a terminal.
//!
//! What others wrote (a provider's account label, a name, a path) passes [`shown`] on its way to a terminal.

use std::io::{self, Write};

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
            let text = serde_json::to_string_pretty(value)?;
            return self.exactly(format!("{text}\n").as_bytes());
        }
        styled(person().trim_end())
    }

    /// One line of a stream: a JSON object a line, or text.
    pub(crate) fn line<T: Serialize>(
        &self,
        value: &T,
        person: impl FnOnce() -> String,
    ) -> Result<(), CliError> {
        if self.json {
            let text = serde_json::to_string(value)?;
            return self.exactly(format!("{text}\n").as_bytes());
        }
        styled(&person())
    }

    /// These bytes and no others.
    pub(crate) fn exactly(&self, bytes: &[u8]) -> Result<(), CliError> {
        let mut stdout = io::stdout().lock();
        stdout
            .write_all(bytes)
            .and_then(|()| stdout.flush())
            .map_err(CliError::Output)
    }

    /// Something a person should know that is no part of the answer. Its lines are ours: what others wrote must have
    /// passed [`shown`].
    pub(crate) fn notice(&self, text: &str) {
        if self.json {
            to_stderr(&serde_json::json!({ "notice": text }).to_string());
        } else {
            to_stderr(&shown_lines(text));
        }
    }

    /// A question to a person, who types the answer behind it.
    pub(crate) fn question(&self, text: &str) {
        if self.json {
            return self.notice(text);
        }
        let mut stderr = anstream::stderr();
        let _ = write!(stderr, "{} ", shown(text)).and_then(|()| stderr.flush());
    }

    pub(crate) fn error(&self, error: &CliError) {
        self.refusal(&error.to_string(), error.code());
    }

    /// An error in words, and the exit code that goes with it.
    pub(crate) fn refusal(&self, text: &str, code: u8) {
        if self.json {
            to_stderr(&serde_json::json!({ "error": text, "exit_code": code }).to_string());
        } else {
            // Several problems come a line each: all of them stand below the first.
            let text = shown_lines(text).replace('\n', "\n       ");
            to_stderr(&format!("{BAD}error:{BAD:#} {text}"));
        }
    }
}

/// Text for people, with colours where they can be seen.
pub(crate) fn styled(text: &str) -> Result<(), CliError> {
    let mut stdout = anstream::stdout();
    writeln!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(CliError::Output)
}

/// Where standard error can't be written to, there is nobody to tell.
fn to_stderr(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// A text of others, without what moves the cursor, changes colours or reorders what stands around it.
pub(crate) fn shown(text: &str) -> String {
    escaped(text, |_| false)
}

/// As [`shown`], but line breaks stay.
fn shown_lines(text: &str) -> String {
    escaped(text, |c| c == '\n')
}

fn escaped(text: &str, is_fine: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_treacherous(c) && !is_fine(c) {
            escaped.extend(c.escape_unicode());
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Control characters, line and paragraph separators, and the controls of the Unicode bidirectional algorithm (UAX #9).
fn is_treacherous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A table with a heading, columns padded to their widest cell.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let rows: Vec<[String; N]> = rows
        .iter()
        .map(|row| row.each_ref().map(|cell| shown(cell)))
        .collect();
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in &rows {
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
        .map(|(name, value)| format!("{FAINT}{name:width$}{FAINT:#}  {}", shown(value)))
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_others_moves_nothing_on_the_terminal() {
        let hostile = "a\u{1b}[31m\r\n\u{9b}2J\u{202e}\u{2066}\u{200f}\u{2028}z";
        let harmless = r"a\u{1b}[31m\u{d}\u{a}\u{9b}2J\u{202e}\u{2066}\u{200f}\u{2028}z";
        assert_eq!(shown(hostile), harmless);
        assert_eq!(shown_lines("a\nb\tc"), "a\nb\\u{9}c");
        assert_eq!(shown("Zoë 日本 👩‍💻 \\"), "Zoë 日本 👩‍💻 \\");
        assert!(facts(&[("label", hostile.to_owned())]).ends_with(harmless));
        assert!(table(["LABEL"], &[[hostile.to_owned()]]).ends_with(harmless));
    }
}
