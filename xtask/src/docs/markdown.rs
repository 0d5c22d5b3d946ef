//! Markdown as text: escaping, anchors, and a document that grows block by block.

use std::fmt::Write as _;

/// A Markdown document in the making: blocks with one empty line between them.
#[derive(Default)]
pub(crate) struct Document {
    text: String,
    /// Level and text of each heading, for links to them.
    headings: Vec<(usize, String)>,
}

impl Document {
    /// Adds a heading of the given level.
    pub(crate) fn heading(&mut self, level: usize, heading: &str) {
        self.block(&format!("{} {heading}", "#".repeat(level)));
        self.headings.push((level, heading.to_owned()));
    }

    /// Adds a paragraph, or any other block that is already Markdown.
    pub(crate) fn block(&mut self, markdown: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(markdown.trim_end());
        self.text.push('\n');
    }

    /// Adds a numbered list.
    pub(crate) fn numbered(&mut self, items: &[&str]) {
        let lines = items
            .iter()
            .enumerate()
            .map(|(at, item)| format!("{}. {item}\n", at + 1));
        self.block(&lines.collect::<String>());
    }

    /// Adds a list of bullets.
    pub(crate) fn bullets(&mut self, items: impl IntoIterator<Item = impl AsRef<str>>) {
        let mut list = String::new();
        for item in items {
            let _ = writeln!(list, "- {}", item.as_ref());
        }
        self.block(&list);
    }

    /// Adds a table; its cells are Markdown in which only the cell's own borders are still to be escaped.
    pub(crate) fn table<const N: usize>(
        &mut self,
        head: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) {
        let mut table = row(head);
        table.push_str(&row(["---"; N]));
        for cells in rows {
            table.push_str(&row(cells));
        }
        self.block(&table);
    }

    /// Adds a block of code.
    pub(crate) fn code_block(&mut self, language: &str, code: &str) {
        self.block(&format!("```{language}\n{}\n```", code.trim_end()));
    }

    /// Adds another document, headings included.
    pub(crate) fn append(&mut self, other: Self) {
        self.block(&other.text);
        self.headings.extend(other.headings);
    }

    /// Adds links to all headings of level 2 of `body`, then `body` itself.
    pub(crate) fn with_contents(mut self, body: &Self) -> Self {
        let sections = body.headings.iter().filter(|(level, _)| *level == 2);
        self.block("On this page:");
        self.bullets(sections.map(|(_, heading)| format!("[{heading}](#{})", slug(heading))));
        self.block(&body.text);
        self
    }

    /// The finished text: it ends with exactly one line break.
    pub(crate) fn finish(self) -> String {
        self.text
    }
}

/// Plain text as Markdown that shows just that text.
pub(crate) fn text(plain: &str) -> String {
    let chars: Vec<char> = plain.chars().collect();
    let mut escaped = String::new();
    for (at, &c) in chars.iter().enumerate() {
        // An underscore between two letters is no emphasis.
        let inside_a_word = at > 0
            && chars[at - 1].is_alphanumeric()
            && chars.get(at + 1).is_some_and(|next| next.is_alphanumeric());
        match c {
            '_' if inside_a_word => {}
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '#' | '~' => escaped.push('\\'),
            _ => {}
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

/// Plain text as a span of code.
pub(crate) fn code(plain: &str) -> String {
    if plain.contains('`') {
        format!("`` {plain} ``")
    } else {
        format!("`{plain}`")
    }
}

/// The anchor that a heading gets on GitHub: lower case, no punctuation, dashes for spaces.
pub(crate) fn slug(heading: &str) -> String {
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .flat_map(|c| if c == ' ' { '-' } else { c }.to_lowercase())
        .collect()
}

fn row<const N: usize>(cells: [impl AsRef<str>; N]) -> String {
    let cells = cells.map(|cell| cell.as_ref().replace('|', "\\|").replace('\n', " "));
    format!("| {} |\n", cells.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_shows_as_it_is() {
        assert_eq!(text("client_id"), "client_id");
        assert_eq!(
            text("_id* <b>[x](y) `z`"),
            "\\_id\\* \\<b\\>\\[x\\](y) \\`z\\`"
        );
        assert_eq!(code("a`b"), "`` a`b ``");
    }

    #[test]
    fn cells_do_not_break_their_table() {
        let mut document = Document::default();
        document.table(["A|B"], [[code("full|x")], ["two\nlines".to_owned()]]);
        let table = "| A\\|B |\n| --- |\n| `full\\|x` |\n| two lines |\n";
        assert_eq!(document.finish(), table);
    }

    #[test]
    fn blocks_are_apart_and_the_end_is_one_line_break() {
        let mut document = Document::default();
        document.heading(1, "Acme");
        document.block("Text.\n\n");
        let mut more = Document::default();
        more.heading(2, "More");
        document.append(more);
        assert_eq!(document.headings.len(), 2);
        assert_eq!(document.finish(), "# Acme\n\nText.\n\n## More\n");
    }

    #[test]
    fn slugs_are_those_of_github() {
        assert_eq!(slug("Create an application"), "create-an-application");
        assert_eq!(
            slug("Who sets it? (`oauth.api.key`)"),
            "who-sets-it-oauthapikey"
        );
    }
}
