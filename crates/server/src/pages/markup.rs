//! The guides' texts as HTML: bold, code and links, and nothing else of Markdown.

/// HTML that is safe to be shown as it is: everything that is not of these forms is escaped.
pub(super) fn html(text: &str) -> String {
    let mut html = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['*', '`', '[', '<']) {
        let (before, marked) = rest.split_at(at);
        escape(before, &mut html);
        rest = match one(marked, &mut html) {
            Some(after) => after,
            None => {
                let mut letters = marked.chars();
                let letter = letters.next().unwrap_or_default();
                escape(&letter.to_string(), &mut html);
                letters.as_str()
            }
        };
    }
    escape(rest, &mut html);
    html
}

/// What a text begins with, if that is of a form that is known; and what follows.
fn one<'t>(text: &'t str, html: &mut String) -> Option<&'t str> {
    if let Some(rest) = text.strip_prefix("**") {
        let (inner, rest) = rest.split_once("**")?;
        tagged("strong", inner, html);
        return Some(rest);
    }
    if let Some(rest) = text.strip_prefix('`') {
        let (inner, rest) = rest.split_once('`')?;
        tagged("code", inner, html);
        return Some(rest);
    }
    if let Some(rest) = text.strip_prefix('<') {
        let (url, rest) = rest.split_once('>')?;
        link(url, url, html)?;
        return Some(rest);
    }
    let (words, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (url, rest) = rest.split_once(')')?;
    link(url, words, html)?;
    Some(rest)
}

fn tagged(tag: &str, inner: &str, html: &mut String) {
    html.push_str(&format!("<{tag}>"));
    escape(inner, html);
    html.push_str(&format!("</{tag}>"));
}

fn link(url: &str, words: &str, html: &mut String) -> Option<()> {
    if !url.starts_with("https://") {
        return None;
    }
    html.push_str("<a rel=\"noreferrer\" href=\"");
    escape(url, html);
    html.push_str("\">");
    escape(words, html);
    html.push_str("</a>");
    Some(())
}

fn escape(text: &str, html: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            letter => html.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bold_code_and_links_are_shown_and_nothing_else() {
        for (text, expected) in [
            ("Open **Apps**.", "Open <strong>Apps</strong>."),
            ("a `b & c`", "a <code>b &amp; c</code>"),
            (
                "See [the docs](https://a.example/x?y=1&z).",
                "See <a rel=\"noreferrer\" href=\"https://a.example/x?y=1&amp;z\">the docs</a>.",
            ),
            (
                "<https://a.example>",
                "<a rel=\"noreferrer\" href=\"https://a.example\">https://a.example</a>",
            ),
            (
                "<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            ("[x](javascript:alert(1))", "[x](javascript:alert(1))"),
            ("2 * 3 ** 4", "2 * 3 ** 4"),
            ("\"ä\" `", "&quot;ä&quot; `"),
        ] {
            assert_eq!(html(text), expected);
        }
    }
}
