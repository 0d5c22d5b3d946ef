//! The facts that Tieline keeps beside the tokens, and the tokens that come beside the tokens.

use tieline::core::descriptor::{Capture, OAuth2};

use super::markdown::code;

/// What is kept.
pub(crate) fn facts(oauth2: &OAuth2) -> Vec<String> {
    let mut facts = captures(oauth2);
    facts.extend(oauth2.answer.user_path.map(|path| {
        format!(
            "The answer may bring a second set of tokens in {}, which speaks for the user: it becomes an instance of its \
             own.",
            code(path)
        )
    }));
    facts
}

fn captures(oauth2: &OAuth2) -> Vec<String> {
    let mut told: Vec<&Capture> = Vec::new();
    for capture in oauth2
        .callback
        .captures
        .iter()
        .chain(oauth2.answer.captures)
    {
        if !told.contains(&capture) {
            told.push(capture);
        }
    }
    let fact = |capture: &Capture| {
        let (name, field) = (code(capture.name), code(capture.field));
        let place = match (
            oauth2.callback.captures.contains(capture),
            oauth2.answer.captures.contains(capture),
        ) {
            (true, true) => "of callback and token answer",
            (true, false) => "of the callback",
            _ => "of the token answer",
        };
        let part = match (capture.after, capture.before) {
            ("", "") => String::new(),
            (after, "") => format!(": what follows {}", code(after)),
            ("", before) => format!(": what stands before {}", code(before)),
            (after, before) => {
                format!(": what stands between {} and {}", code(after), code(before))
            }
        };
        let from = if capture.name == capture.field {
            String::new()
        } else {
            format!(", from {field}")
        };
        format!("Tieline keeps {name}{from} {place}{part}.")
    };
    told.into_iter().map(fact).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn what_comes_along_is_told() {
        assert_eq!(
            facts(invented::SHOPS.oauth2()),
            [
                "Tieline keeps `realm`, from `realmId` of the callback.",
                "The answer may bring a second set of tokens in `authed_user`, which speaks for the user: it becomes an \
                 instance of its own.",
            ]
        );
    }
    #[test]
    fn a_fact_that_keeps_its_name_is_named_once() {
        let mut oauth2 = OAuth2::DEFAULT;
        oauth2.callback.captures = const { &[Capture::whole("shop", "shop")] };
        assert_eq!(facts(&oauth2), ["Tieline keeps `shop` of the callback."]);
    }
}
