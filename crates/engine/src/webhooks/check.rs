//! Of which kinds of events a webhook may ask to be told.

use tieline_core::suggest::closest;
use tieline_store::EVENT_KINDS;

use crate::EngineError;

/// The kinds, each once, if all of them are known.
pub(super) fn known_kinds(mut kinds: Vec<String>) -> Result<Vec<String>, EngineError> {
    let known = || EVENT_KINDS.iter().map(|kind| kind.name);
    kinds.sort();
    kinds.dedup();
    match kinds.iter().find(|kind| known().all(|name| name != *kind)) {
        None => Ok(kinds),
        Some(kind) => Err(EngineError::UnknownEventKind {
            kind: kind.clone(),
            nearest: closest(kind, known()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_and_repetitions_forgiven() {
        let kinds = |kinds: &[&str]| known_kinds(kinds.iter().map(|kind| (*kind).into()).collect());
        assert_eq!(kinds(&[]).unwrap(), Vec::<String>::new());
        let twice = kinds(&["instance.deleted", "app.refused", "instance.deleted"]);
        assert_eq!(twice.unwrap(), ["app.refused", "instance.deleted"]);
        let slip = kinds(&["app.refused", "instance.deletd"]).unwrap_err();
        let told = "there is no kind of event \"instance.deletd\"; did you mean instance.deleted?";
        assert_eq!(slip.to_string(), told);
        let strange = kinds(&["payment"]).unwrap_err().to_string();
        assert_eq!(strange, "there is no kind of event \"payment\"");
    }
}
