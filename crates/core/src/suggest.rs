//! "Did you mean …?"

/// The candidate nearest to `text`, if one is near enough to be a slip of the finger.
pub fn closest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(text, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= (candidate.len() / 4).max(2) && *distance < candidate.len()
        })
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_slips_and_not_strangers() {
        let keys = [
            "oauth.api.key",
            "oauth.api.secret",
            "oauth.token.refresh_url",
        ];
        assert_eq!(closest("oauth.api.secert", keys), Some("oauth.api.secret"));
        assert_eq!(
            closest("oauth.token.refresh.url", keys),
            Some("oauth.token.refresh_url")
        );
        assert_eq!(closest("colour", keys), None);
    }
}
