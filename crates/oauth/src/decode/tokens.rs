//! From a token object to a token set: strict on the access token, lenient on everything else.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tieline_core::clock::saturating_add;
use tieline_core::descriptor::{Step, TokenAnswer};
use tieline_core::{Secret, Timestamp, TokenSet};

use super::{Fields, Warnings, expiry, id_token, lookup, text};

/// Longer access tokens are refused, in bytes.
const LONGEST_TOKEN: usize = 64 * 1024;

/// What an answer is read against.
pub(crate) struct Context<'a> {
    pub(crate) answer: &'a TokenAnswer,
    /// The issuer identifier, where the provider states one.
    pub(crate) issuer: Option<&'a str>,
    pub(crate) step: Step,
    pub(crate) now: Timestamp,
    /// The refresh token that was sent, on refresh: it stays unless the answer brings another.
    pub(crate) current: Option<&'a Secret>,
}

/// Why a token object is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It is none; says what is wrong with it.
    Unreadable(String),
    /// Its ID token was issued by somebody else.
    IssuerMismatch,
}

/// Reads a token object; `root` is the whole answer that it stands in.
pub(crate) fn token_set(
    context: &Context<'_>,
    root: &Map<String, Value>,
    object: &Map<String, Value>,
    warnings: &mut Warnings,
) -> Result<TokenSet, Refusal> {
    let Context { answer, .. } = *context;
    let own = Fields { answer, object };
    let users = user_object(answer, root, object).map(|object| Fields { answer, object });
    // Whoever asks for the user's token alone gets no other.
    let (fields, users) = match (own.get("access_token"), users) {
        (None, Some(users)) if users.get("access_token").is_some() => (users, None),
        (_, users) => (own, users),
    };
    let access_token = access_token(fields.get("access_token"))
        .map_err(|what| unreadable("access_token", what))?;
    context.check_token_type(&fields, warnings)?;
    context.check_required(&fields, root, warnings)?;
    context.check_issuer(&fields)?;
    let mut set = context.set(access_token, &fields, warnings);
    if set.refresh_token.is_none() {
        set.refresh_token = context.current.map(Secret::duplicate);
    }
    set.captures = captures(answer, root, object);
    set.user = users.and_then(|users| context.users_set(&users, &set, warnings));
    // What can't be refreshed would be given up at an end that may not be its own.
    if set.refresh_token.is_some() {
        let users_expiry = set.user.as_ref().and_then(|user| user.expires_at);
        set.expires_at = set.expires_at.or(users_expiry);
    }
    Ok(set)
}

impl Context<'_> {
    /// What stands beside an access token.
    fn set(&self, access_token: Secret, fields: &Fields<'_>, warnings: &mut Warnings) -> TokenSet {
        let told = expiry::access_token(fields, self.now, warnings);
        let usual = self.answer.default_expires_in;
        TokenSet {
            refresh_token: refresh_token(fields, warnings),
            expires_at: told.or_else(|| Some(saturating_add(self.now, usual?))),
            refresh_expires_at: expiry::refresh_token(fields, self.now, warnings),
            scopes: scopes(fields, warnings),
            ..TokenSet::of(access_token)
        }
    }

    /// The second token set. It keeps its own refresh token; the one that was sent is not its.
    fn users_set(
        &self,
        fields: &Fields<'_>,
        main: &TokenSet,
        warnings: &mut Warnings,
    ) -> Option<Box<TokenSet>> {
        match access_token(Some(fields.get("access_token")?)) {
            Ok(access_token) => Some(Box::new(TokenSet {
                captures: main.captures.clone(),
                ..self.set(access_token, fields, warnings)
            })),
            Err(what) => {
                warnings.add("user.access_token", what);
                None
            }
        }
    }

    /// A missing type is Bearer. Another one is refused on exchange (RFC 6749 section 7.1); on refresh that would throw
    /// the rotated token away.
    fn check_token_type(
        &self,
        fields: &Fields<'_>,
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        let known = match fields.get("token_type") {
            None => true,
            Some(Value::String(kind)) => {
                let mut bearers = ["", "bearer"]
                    .iter()
                    .chain(self.answer.token_type_means_bearer);
                bearers.any(|bearer| bearer.eq_ignore_ascii_case(kind.trim()))
            }
            Some(_) => false,
        };
        if known {
            Ok(())
        } else if self.step == Step::Refresh {
            warnings.add(
                "token_type",
                "it is not Bearer; the token is used as one all the same",
            );
            Ok(())
        } else {
            Err(unreadable("token_type", "it is not Bearer"))
        }
    }

    /// What is missing is refused on exchange; on refresh that, too, would throw the rotated token away.
    fn check_required(
        &self,
        fields: &Fields<'_>,
        root: &Map<String, Value>,
        warnings: &mut Warnings,
    ) -> Result<(), Refusal> {
        let is_missing = |name: &&&str| {
            let value = fields.get(name).or_else(|| lookup(root, name));
            value.is_none_or(|value| value.as_str() == Some(""))
        };
        for missing in self.answer.requires.iter().filter(is_missing) {
            if self.step != Step::Refresh {
                return Err(unreadable(missing, "it is missing"));
            }
            warnings.add(*missing, "it is missing; the tokens are taken all the same");
        }
        Ok(())
    }

    /// An ID token comes straight from the token endpoint, so that TLS vouches for it in place of its signature
    /// (OpenID Connect Core 1.0 section 3.1.3.7). One that can't be read is not used for anything.
    fn check_issuer(&self, fields: &Fields<'_>) -> Result<(), Refusal> {
        let claimed = fields
            .get("id_token")
            .and_then(Value::as_str)
            .and_then(id_token::issuer);
        match (claimed, self.issuer) {
            (Some(claimed), Some(known)) if claimed != known => Err(Refusal::IssuerMismatch),
            _ => Ok(()),
        }
    }
}

fn unreadable(field: &str, what: &str) -> Refusal {
    Refusal::Unreadable(format!("{field}: {what}"))
}

/// Non-empty `VSCHAR` (RFC 6749 appendix A.12): it will stand in a header.
fn access_token(value: Option<&Value>) -> Result<Secret, &'static str> {
    match value {
        None => Err("it is missing"),
        Some(Value::String(token)) if token.is_empty() => Err("it is empty"),
        Some(Value::String(token)) if token.len() > LONGEST_TOKEN => {
            Err("it is longer than 64 KiB")
        }
        Some(Value::String(token)) if token.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) => {
            Ok(Secret::new(token.as_str()))
        }
        Some(Value::String(_)) => Err("it holds characters other than visible ASCII"),
        Some(_) => Err("it is not a string"),
    }
}

/// A new refresh token. Empty and null ones mean that the old one stays (RFC 6749 section 6).
fn refresh_token(fields: &Fields<'_>, warnings: &mut Warnings) -> Option<Secret> {
    let value = fields.get("refresh_token")?;
    match value {
        Value::String(token) => (!token.is_empty()).then(|| Secret::new(token.as_str())),
        Value::Number(number) => {
            warnings.add(
                "refresh_token",
                "it is a number; its digits are taken for the token",
            );
            Some(Secret::new(number.to_string()))
        }
        _ => {
            warnings.add("refresh_token", "it is not a string, and not taken");
            None
        }
    }
}

fn user_object<'a>(
    answer: &TokenAnswer,
    root: &'a Map<String, Value>,
    object: &'a Map<String, Value>,
) -> Option<&'a Map<String, Value>> {
    let path = answer.user_path?;
    lookup(object, path)
        .or_else(|| lookup(root, path))?
        .as_object()
}

fn scopes(fields: &Fields<'_>, warnings: &mut Warnings) -> Vec<String> {
    let TokenAnswer {
        scope_separator,
        scope_ends_at,
        ..
    } = *fields.answer;
    let written: Vec<String> = match fields.get("scope") {
        None => Vec::new(),
        Some(Value::String(scopes)) if scope_separator.trim().is_empty() => {
            scopes.split_whitespace().map(str::to_owned).collect()
        }
        Some(Value::String(scopes)) => scopes.split(scope_separator).map(str::to_owned).collect(),
        Some(Value::Array(scopes)) => scopes.iter().filter_map(text).collect(),
        Some(_) => {
            warnings.add("scope", "it is neither a string nor an array");
            Vec::new()
        }
    };
    let cut = |scope: &String| {
        let scope = scope_ends_at
            .and_then(|end| scope.split(end).next())
            .unwrap_or(scope);
        Some(scope.trim().to_owned()).filter(|scope| !scope.is_empty())
    };
    written.iter().filter_map(cut).collect()
}

/// Facts to keep, from the text as the provider wrote it.
fn captures(
    answer: &TokenAnswer,
    root: &Map<String, Value>,
    object: &Map<String, Value>,
) -> BTreeMap<String, String> {
    let found = answer.captures.iter().filter_map(|capture| {
        let written = text(lookup(object, capture.field).or_else(|| lookup(root, capture.field))?)?;
        Some((capture.name.to_owned(), capture.of(&written)?.to_owned()))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tieline_core::descriptor::Capture;

    fn read(
        answer: &TokenAnswer,
        step: Step,
        object: Value,
    ) -> Result<(TokenSet, Vec<String>), Refusal> {
        let Value::Object(object) = object else {
            panic!("not an object")
        };
        let current = Secret::new("R0");
        let current = (step == Step::Refresh).then_some(&current);
        let context = Context {
            answer,
            issuer: Some("https://acme.example"),
            step,
            now: Timestamp::UNIX_EPOCH,
            current,
        };
        let mut warnings = Warnings::default();
        let set = token_set(&context, &object, &object, &mut warnings)?;
        Ok((
            set,
            warnings
                .into_inner()
                .into_iter()
                .map(|warning| warning.field)
                .collect(),
        ))
    }

    #[test]
    fn an_odd_token_type_is_refused_on_exchange_and_told_on_refresh() {
        for kind in [json!("dpop"), json!(123), json!({})] {
            let object = json!({"access_token": "a", "token_type": kind});
            assert!(
                read(&TokenAnswer::DEFAULT, Step::Exchange, object.clone()).is_err(),
                "{kind}"
            );
            let (set, warned) = read(&TokenAnswer::DEFAULT, Step::Refresh, object).unwrap();
            assert_eq!(
                (set.access_token.expose(), warned),
                ("a", vec!["token_type".to_owned()])
            );
        }
    }

    #[test]
    fn a_refresh_token_stays_unless_another_comes() {
        for none in [json!(null), json!(""), json!(false), json!({})] {
            let object = json!({"access_token": "a", "refresh_token": none});
            let (set, _) = read(&TokenAnswer::DEFAULT, Step::Refresh, object.clone()).unwrap();
            assert_eq!(set.refresh_token, Some(Secret::new("R0")), "{none}");
            let (set, _) = read(&TokenAnswer::DEFAULT, Step::Exchange, object).unwrap();
            assert_eq!(set.refresh_token, None, "{none}");
        }
    }

    #[test]
    fn scopes_are_cut_and_captures_are_not() {
        let answer = TokenAnswer {
            scope_ends_at: Some('|'),
            captures: &[Capture {
                name: "tenant",
                field: "scope",
                after: "full|",
                before: ".acme.example",
            }],
            ..TokenAnswer::DEFAULT
        };
        let object = json!({"access_token": "a", "scope": "full|hl214.acme.example"});
        let (set, _) = read(&answer, Step::Exchange, object).unwrap();
        assert_eq!(set.scopes, ["full"]);
        assert_eq!(
            set.captures,
            BTreeMap::from([("tenant".to_owned(), "hl214".to_owned())])
        );
    }

    #[test]
    fn the_users_tokens_never_inherit_the_refresh_token_that_was_sent() {
        let answer = TokenAnswer {
            user_path: Some("authed_user"),
            ..TokenAnswer::DEFAULT
        };
        let object = json!({"access_token": "bot", "authed_user": {"access_token": "person"}});
        let (set, _) = read(&answer, Step::Refresh, object).unwrap();
        assert_eq!(set.refresh_token, Some(Secret::new("R0")));
        assert_eq!(set.user.unwrap().refresh_token, None);
        let (set, warned) = read(
            &answer,
            Step::Refresh,
            json!({"access_token": "bot", "authed_user": {"access_token": 1}}),
        )
        .unwrap();
        assert!(set.user.is_none());
        assert_eq!(warned, ["user.access_token"]);
    }

    #[test]
    fn required_fields_are_required_on_exchange_and_missed_on_refresh() {
        let answer = TokenAnswer {
            requires: &["instance_url"],
            ..TokenAnswer::DEFAULT
        };
        for missing in [
            json!({"access_token": "a"}),
            json!({"access_token": "a", "instance_url": ""}),
        ] {
            let (set, warned) = read(&answer, Step::Refresh, missing.clone()).unwrap();
            assert_eq!(
                (set.access_token.expose(), warned),
                ("a", vec!["instance_url".to_owned()])
            );
            let refusal = read(&answer, Step::Exchange, missing).unwrap_err();
            assert_eq!(
                refusal,
                Refusal::Unreadable("instance_url: it is missing".to_owned())
            );
        }
        for step in [Step::Exchange, Step::Refresh] {
            let whole = json!({"access_token": "a", "instance_url": "x"});
            assert_eq!(read(&answer, step, whole).unwrap().1, Vec::<String>::new());
        }
    }

    #[test]
    fn access_tokens_are_bounded() {
        let of = |length: usize| {
            read(
                &TokenAnswer::DEFAULT,
                Step::Refresh,
                json!({"access_token": "a".repeat(length)}),
            )
            .is_ok()
        };
        assert!(of(LONGEST_TOKEN));
        assert!(!of(LONGEST_TOKEN + 1));
    }
}
