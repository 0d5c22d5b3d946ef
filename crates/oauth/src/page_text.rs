//! What a page says, for whoever can't look at it.

/// Elements whose content nobody sees.
const UNSEEN: [&str; 5] = ["head", "script", "style", "template", "title"];

/// Elements that stand within a line.
const WITHIN: [&str; 8] = ["a", "b", "code", "em", "i", "small", "span", "strong"];

/// The text of a page, roughly as a browser would show it, in one line. Good enough for an error page, and never markup: what is
/// taken for text here is still to be escaped.
pub(crate) fn page_text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = match after.strip_prefix("!--") {
            Some(comment) => ("", comment.split_once("-->").map_or("", |(_, rest)| rest)),
            None => after.split_once('>').unwrap_or((after, "")),
        };
        let end = |c: char| c.is_ascii_whitespace() || c == '/';
        let name = tag.trim_start_matches('/').split(end).next();
        let name = name.unwrap_or_default().to_ascii_lowercase();
        rest = match UNSEEN.contains(&&*name) && !tag.starts_with('/') {
            true => behind(after, &name),
            false => after,
        };
        if !WITHIN.contains(&&*name) {
            text.push(' ');
        }
    }
    text.push_str(rest);
    let text = unescaped(&text);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// From the end tag of this name on.
fn behind<'a>(html: &'a str, name: &str) -> &'a str {
    let end = format!("</{name}");
    let mut places = html.match_indices("</").map(|(at, _)| html.get(at..));
    let tag = places.find_map(|rest| {
        let start = rest?.get(..end.len())?;
        start.eq_ignore_ascii_case(&end).then_some(rest?)
    });
    tag.unwrap_or_default()
}

/// The references that error pages have. `&amp;` is the last, so that nothing is read twice.
fn unescaped(text: &str) -> String {
    [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&apos;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (name, character)| {
        text.replace(name, character)
    })
}

#[cfg(test)]
mod tests {
    use super::page_text;

    #[test]
    fn what_can_be_seen_is_told_in_one_line() {
        for (html, expected) in [
            ("", ""),
            ("plain", "plain"),
            (
                "<!doctype html><html><HEAD><title>oops</title><style>p { color: red }</style></HEAD>\n<body><h1>oops!</h1>\
                 <pre><strong>error</strong>: invalid_redirect_uri</pre><script>if (1 < 2) {}</script>\
                 <p>it&#39;s &lt;b&gt; &amp;amp; all</p><!-- <p>not this --></body>",
                "oops! error: invalid_redirect_uri it's <b> &amp; all",
            ),
            ("a<br>b<br/>c", "a b c"),
            ("cut <p", "cut"),
            ("<script>never ends", ""),
            ("<!-- never ends", ""),
            ("<header>seen</header>", "seen"),
        ] {
            assert_eq!(page_text(html), expected, "{html}");
        }
    }
}
