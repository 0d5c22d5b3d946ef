//! What the text of a parameter must look like, in words.

use tieline::core::Format;

use super::markdown::{Document, code};

/// A format by its name; the words, where there is a choice of them.
pub(crate) fn format(format: Format) -> String {
    match format {
        Format::Text => "text".to_owned(),
        Format::Url => "URL".to_owned(),
        Format::HostLabel => "host label".to_owned(),
        Format::OneOf(words) => {
            let words: Vec<_> = words.iter().map(|(word, _)| code(word)).collect();
            format!("one of {}", words.join(", "))
        }
    }
}

/// Adds the section that says what the names mean.
pub(crate) fn section(document: &mut Document) {
    document.heading(2, "Formats");
    document.bullets([
        "**text**: one line, which neither starts nor ends with a space.",
        "**URL**: absolute and `https`, without fragment, user and password. Plain `http` is taken for loopback \
         addresses only.",
        "**host label**: one label of a host's name, such as `acme` of `acme.example.com`: lower-case letters, digits \
         and inner dashes, 63 at most.",
        "**one of**: one of the words that follow, as it is written there.",
    ]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_words() {
        const REGIONS: Format = Format::OneOf(&[("eu", "eu-1"), ("us", "us-1")]);
        assert_eq!(
            [Format::Text, Format::Url, Format::HostLabel, REGIONS].map(format),
            ["text", "URL", "host label", "one of `eu`, `us`"]
        );
    }
}
