//! `cargo xtask tidy`: finds what must not land and what neither compiler nor lints see.

use std::error::Error;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fmt, fs, io};

use clap::Args;

use crate::{root, say};

/// What marks a fact that somebody has yet to look up.
const PLACEHOLDER: &str = "PLACEHOLDER";

/// Where placeholders point to.
const PLACEHOLDER_HOST: &str = "placeholder.invalid";

/// The folders in which a placeholder would be taken for a fact.
const FACTS: &[&str] = &["crates/providers/", "docs/", "tests/"];

/// Folders that are nobody's writing.
const FOREIGN: &[&str] = &[".git", "node_modules", "target"];

/// What would leave a test or a function out. Split, so that this line is not found itself.
const LEFT_OUT: &[&str] = &[
    concat!("#[", "ignore"),
    concat!("```", "ignore"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// Top folders of machines under which people keep their work.
const MACHINE_FOLDERS: &[&str] = &["home", "root", "Users"];

/// Find what must not land: placeholders for facts, paths of a machine, and tests left out.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The workspace to look at.
    #[arg(long, hide = true)]
    root: Option<PathBuf>,
}

/// Something that must not land.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Relative to the repository, with slashes.
    path: String,
    line: usize,
    problem: String,
}

/// Runs the task; the exit code tells whether anything was found.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let root = match &arguments.root {
        Some(root) => root,
        None => root()?,
    };
    let findings = examine(root)?;
    if findings.is_empty() {
        say("tidy");
        return Ok(ExitCode::SUCCESS);
    }
    let mut output = io::stdout().lock();
    for finding in &findings {
        writeln!(output, "{finding}")?;
    }
    Err(summary(findings.len()).into())
}

fn summary(findings: usize) -> String {
    let plural = if findings == 1 { "" } else { "s" };
    format!("{findings} finding{plural} that must not land")
}

/// Everything that must not land, sorted by path and line.
fn examine(root: &Path) -> io::Result<Vec<Finding>> {
    let mut paths = Vec::new();
    collect(root, "", &mut paths)?;
    paths.sort();
    let mut findings = Vec::new();
    for path in paths {
        // What is not text was not written by anybody.
        let Ok(text) = String::from_utf8(fs::read(root.join(&path))?) else {
            continue;
        };
        for (line, words) in (1..).zip(text.lines()) {
            let problems = problems(&path, words);
            findings.extend(problems.into_iter().map(|problem| Finding {
                path: path.clone(),
                line,
                problem,
            }));
        }
    }
    Ok(findings)
}

/// What is wrong with a line.
fn problems(path: &str, line: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let is_fact = FACTS.iter().any(|folder| path.starts_with(folder));
    if is_fact && (holds_word(line, PLACEHOLDER) || line.contains(PLACEHOLDER_HOST)) {
        let excerpt: String = line.trim().chars().take(100).collect();
        problems.push(format!("a placeholder for a fact: {excerpt}"));
    }
    for folder in MACHINE_FOLDERS {
        if holds_machine_path(line, folder) {
            problems.push(format!("a path of somebody's machine, below /{folder}"));
        }
    }
    if path.ends_with(".rs") {
        let left_out = LEFT_OUT.iter().filter(|words| line.contains(**words));
        problems.extend(left_out.map(|words| format!("`{words}`: finish it, or take it out")));
    }
    problems
}

/// Whether the word stands there by itself, not as a part of another.
fn holds_word(line: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        !line[..at].ends_with(is_part) && !line[at + word.len()..].starts_with(is_part)
    })
}

/// Whether an absolute path below the folder stands there; in a URL or a longer path, it is something else.
fn holds_machine_path(line: &str, folder: &str) -> bool {
    let path = format!("/{folder}/");
    let is_inside = |c: char| c.is_alphanumeric() || "-_.~/${}<>*".contains(c);
    line.match_indices(&path)
        .any(|(at, _)| !line[..at].ends_with(is_inside))
}

/// All files below a folder, relative to the root, with slashes.
fn collect(root: &Path, folder: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if FOREIGN.contains(&&*name) {
            continue;
        }
        let path = format!("{folder}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            collect(root, &(path + "/"), paths)?;
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.problem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(root: &Path) -> Vec<String> {
        let findings = examine(root).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn findings_are_counted_in_words() {
        assert_eq!(summary(1), "1 finding that must not land");
        assert_eq!(summary(2), "2 findings that must not land");
    }

    #[test]
    fn the_repository_is_tidy() {
        let told = told(root().unwrap());
        assert!(told.is_empty(), "cargo xtask tidy:\n{}", told.join("\n"));
    }

    #[test]
    fn what_must_not_land_is_found_where_it_stands() {
        let scratch = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = scratch.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let fact =
            "fine\n  vendor: \"PLACEHOLDER\",\nTOKEN_PLACEHOLDERS\nhttps://placeholder.invalid/x\n";
        write("crates/providers/acme/src/lib.rs", fact);
        write("docs/providers/acme.md", "PLACEHOLDER: a step\n");
        write(
            "tests/vendors/acme.json",
            "{ \"source\": \"PLACEHOLDER\" }\n",
        );
        write("CONTRIBUTING.md", fact);
        let left_out: String = LEFT_OUT.iter().map(|words| format!("{words}\n")).collect();
        write("crates/core/tests/lazy.rs", &left_out);
        write("README.md", &left_out);
        let here = MACHINE_FOLDERS[0];
        write(
            ".ci/run",
            &format!(
                "cd /{here}/ada\ncd \"$scratch/{here}/ada\"\ncurl https://acme.example/{here}/ada\n"
            ),
        );
        for folder in FOREIGN {
            write(&format!("{folder}/x.rs"), &left_out);
        }
        fs::write(scratch.path().join("docs/picture.png"), b"\xff PLACEHOLDER").unwrap();
        let of_lazy = LEFT_OUT.iter().zip(1..);
        let of_lazy = of_lazy.map(|(words, line)| {
            format!("crates/core/tests/lazy.rs:{line}: `{words}`: finish it, or take it out")
        });
        let expected: Vec<String> = [
            format!(".ci/run:1: a path of somebody's machine, below /{here}"),
        ]
        .into_iter()
        .chain(of_lazy)
        .chain(
            [
                "crates/providers/acme/src/lib.rs:2: a placeholder for a fact: vendor: \"PLACEHOLDER\",",
                "crates/providers/acme/src/lib.rs:4: a placeholder for a fact: https://placeholder.invalid/x",
                "docs/providers/acme.md:1: a placeholder for a fact: PLACEHOLDER: a step",
                "tests/vendors/acme.json:1: a placeholder for a fact: { \"source\": \"PLACEHOLDER\" }",
            ]
            .map(str::to_owned),
        )
        .collect();
        assert_eq!(told(scratch.path()), expected);
    }
}
