//! What a host calls an instance, and finds it by.

use crate::EngineError;

/// The longest name of an instance, in characters.
const LONGEST_NAME: usize = 200;
/// The longest name that a host has for a user, in bytes.
const LONGEST_USER: usize = 256;
/// The longest tag, in characters.
const LONGEST_TAG: usize = 64;
/// The most tags that an instance has.
const MOST_TAGS: usize = 20;

/// What a host calls an instance, and finds it by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Label {
    pub(crate) name: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) tags: Vec<String>,
}

/// A name that can be shown on one line.
pub(crate) fn check_name(name: Option<&str>) -> Result<(), EngineError> {
    match name {
        Some(name) if !is_line(name, LONGEST_NAME) => Err(EngineError::Unusable {
            field: "name",
            why: "is 1 to 200 characters, none of them a control character".to_owned(),
        }),
        _ => Ok(()),
    }
}

/// A host's name for a person: opaque here, and compared byte for byte.
pub(crate) fn check_user(user: &str) -> Result<(), EngineError> {
    if user.is_empty() || user.len() > LONGEST_USER || user.chars().any(char::is_control) {
        return Err(EngineError::Unusable {
            field: "user",
            why: "is your own name for the person: 1 to 256 bytes, no control character".to_owned(),
        });
    }
    Ok(())
}

/// Tags, sorted, each once.
pub(crate) fn checked_tags(mut tags: Vec<String>) -> Result<Vec<String>, EngineError> {
    tags.sort();
    tags.dedup();
    if tags.len() > MOST_TAGS || tags.iter().any(|tag| !is_line(tag, LONGEST_TAG)) {
        return Err(EngineError::Unusable {
            field: "tags",
            why: "are at most 20, of 1 to 64 characters each, none of them a control character"
                .to_owned(),
        });
    }
    Ok(tags)
}

fn is_line(text: &str, longest: usize) -> bool {
    !text.is_empty() && text.chars().count() <= longest && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_sorted_and_each_stands_once() {
        let tags = |words: &[&str]| checked_tags(words.iter().map(|word| (*word).into()).collect());
        assert_eq!(tags(&["b", "a", "b"]).unwrap(), ["a", "b"]);
        assert!(tags(&[""]).is_err());
        assert!(tags(&["a\nb"]).is_err());
        assert!(tags(&["ü".repeat(64).as_str()]).is_ok());
        assert!(tags(&["ü".repeat(65).as_str()]).is_err());
        let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        assert!(checked_tags(many).is_err());
    }

    #[test]
    fn names_and_users_stand_on_one_line() {
        assert!(check_name(None).is_ok());
        assert!(check_name(Some("Ada's books")).is_ok());
        assert!(check_name(Some("")).is_err());
        assert!(check_name(Some("a\u{1b}[31m")).is_err());
        assert!(check_user("ada").is_ok());
        assert!(check_user("").is_err());
        assert!(check_user("a\r\nb").is_err());
        assert!(check_user(&"a".repeat(257)).is_err());
    }
}
