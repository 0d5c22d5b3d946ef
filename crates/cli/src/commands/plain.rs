//! The guides' Markdown as a terminal shows it: words, without marks.

/// Without `**` and backticks; `[text](url)` becomes `text (url)`.
pub(super) fn plain(markdown: &str) -> String {
    let mut rest = markdown;
    let mut text = String::with_capacity(markdown.len());
    while let Some((before, label, url, after)) = link(rest) {
        text.push_str(&format!("{before}{label} ({url})"));
        rest = after;
    }
    text.push_str(rest);
    text.replace("**", "").replace('`', "")
}

/// The first link: what stands before it, its text, its URL, and what follows.
fn link(text: &str) -> Option<(&str, &str, &str, &str)> {
    let (before, rest) = text.split_once("](")?;
    let (before, label) = before.rsplit_once('[')?;
    let (url, after) = rest.split_once(')')?;
    Some((before, label, url, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        for (markdown, expected) in [
            ("Open **Apps**, then `a.b`.", "Open Apps, then a.b."),
            (
                "[Its guide](https://acme.example/a) and `[b](https://b.example)` differ.",
                "Its guide (https://acme.example/a) and b (https://b.example) differ.",
            ),
            ("a[0](", "a[0]("),
            ("a](b)", "a](b)"),
            ("plain", "plain"),
        ] {
            assert_eq!(plain(markdown), expected);
        }
    }
}
