//! The front channel's second half: what came back through the browser (RFC 6749 section 4.1.2, RFC 9207).

use std::collections::BTreeMap;

use tieline_core::descriptor::{CallbackHost, CallbackSignature};
use tieline_core::http::CallbackQuery;
use tieline_core::provider::HookRefusal;
use tieline_core::{OAuthField, Parameters, ProviderSetup, Secret, template};

use crate::signature;

/// A callback that may be followed.
#[derive(Debug)]
pub struct Callback {
    /// The authorization code, for one exchange.
    pub code: Secret,
    /// Facts that came with it and are needed later: never secret.
    pub captures: BTreeMap<String, String>,
}

/// Why a callback is not followed. Nothing is exchanged, and nothing of the query is shown but short names and codes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRefusal {
    /// A parameter stands there more than once (RFC 6749 section 3.1).
    #[error("the callback holds the parameter {name} more than once")]
    Repeated {
        /// The parameter.
        name: String,
    },
    /// An answer to a request that we don't make: tokens through the browser, or a signed response.
    #[error("the callback holds {name}, which was not asked for")]
    NotAskedFor {
        /// The parameter.
        name: &'static str,
    },
    /// No `state`: it can't be told who started this.
    #[error("the callback holds no state; start the authorization again")]
    StateMissing,
    /// No `iss` from a server that always sends one (RFC 9207 section 2.4).
    #[error("{provider}: the callback holds no iss, which the provider always sends")]
    IssuerMissing {
        /// The provider.
        provider: &'static str,
    },
    /// Another server's answer (RFC 9207 section 2.4).
    #[error("{provider}: the callback was issued by another server")]
    IssuerMismatch {
        /// The provider.
        provider: &'static str,
    },
    /// The user, or the provider in their stead, said no.
    #[error("{provider}: access was denied; start the authorization again if that was a mistake")]
    Denied {
        /// The provider.
        provider: &'static str,
    },
    /// The provider refused the authorization request (RFC 6749 section 4.1.2.1).
    #[error(
        "{provider}: the provider refused the authorization request: {code}; check the app's settings there"
    )]
    ProviderError {
        /// The provider.
        provider: &'static str,
        /// The error code; "an unreadable code" where it is none.
        code: String,
    },
    /// Neither code nor error.
    #[error("{provider}: the callback holds no {parameter}")]
    CodeMissing {
        /// The provider.
        provider: &'static str,
        /// The parameter that should hold it.
        parameter: &'static str,
    },
    /// No signature, or not one that the app's secret makes of the other parameters.
    #[error(
        "{provider}: the callback's {parameter} does not sign it: it was altered on the way, or made up; if it happens \
         every time, check {secret}"
    )]
    SignatureMismatch {
        /// The provider.
        provider: &'static str,
        /// The parameter that should sign the others.
        parameter: &'static str,
        /// The client secret, in the provider's words and in ours.
        secret: String,
    },
    /// Another host than the authorization was started with.
    #[error(
        "{provider}: the callback's {parameter} is not the host that the authorization was started with; start again, and \
         sign in where it was started"
    )]
    HostMismatch {
        /// The provider.
        provider: &'static str,
        /// The parameter.
        parameter: &'static str,
    },
    /// The provider's own check refused.
    #[error("{provider}: {refusal}")]
    Hook {
        /// The provider.
        provider: &'static str,
        /// Why.
        refusal: HookRefusal,
    },
}

/// The `state` of a callback: what must be looked up, and found, before anything else is looked at.
///
/// # Errors
/// When a parameter is repeated, an answer was sent that we never ask for, or there is no state.
pub fn state_of(query: &CallbackQuery) -> Result<&str, CallbackRefusal> {
    if let Some(name) = query.repeated() {
        let name = showable(name)
            .unwrap_or("with an unreadable name")
            .to_owned();
        return Err(CallbackRefusal::Repeated { name });
    }
    if let Some(name) = ["response", "access_token", "id_token"]
        .into_iter()
        .find(|name| query.has(name))
    {
        return Err(CallbackRefusal::NotAskedFor { name });
    }
    query.get("state").ok_or(CallbackRefusal::StateMissing)
}

/// Checks a callback whose state was looked up and found: signature, issuer, error, code, host, the provider's own check.
///
/// `parameters` are those that the authorization was started with: they tell the tenant's host.
///
/// # Errors
/// When the callback must not be followed; nothing is exchanged then.
pub fn check_callback(
    provider: &dyn ProviderSetup,
    parameters: &Parameters,
    query: &CallbackQuery,
) -> Result<Callback, CallbackRefusal> {
    state_of(query)?;
    check_signature(provider, parameters, query)?;
    check_issuer(provider, query)?;
    let (id, callback) = (
        provider.descriptor().id,
        &provider.descriptor().oauth2().callback,
    );
    match query.get("error") {
        None => {}
        Some("access_denied") => return Err(CallbackRefusal::Denied { provider: id }),
        Some(code) => {
            let code = showable(code).unwrap_or("an unreadable code").to_owned();
            return Err(CallbackRefusal::ProviderError { provider: id, code });
        }
    }
    let parameter = callback.code_parameter;
    let code = query.get(parameter).ok_or(CallbackRefusal::CodeMissing {
        provider: id,
        parameter,
    })?;
    if let Some(host) = callback.host {
        check_host(id, host, query, parameters)?;
    }
    provider
        .verify_callback(query, parameters)
        .map_err(|refusal| CallbackRefusal::Hook {
            provider: id,
            refusal,
        })?;
    let captures = callback.captures.iter().filter_map(|capture| {
        Some((
            capture.name.to_owned(),
            capture.of(query.get(capture.field)?)?.to_owned(),
        ))
    });
    Ok(Callback {
        code: Secret::new(code),
        captures: captures.collect(),
    })
}

/// Simple string comparison (RFC 3986 section 6.2.1), on errors too.
fn check_issuer(
    provider: &dyn ProviderSetup,
    query: &CallbackQuery,
) -> Result<(), CallbackRefusal> {
    let (id, oauth2) = (provider.descriptor().id, provider.descriptor().oauth2());
    match (query.get("iss"), oauth2.issuer) {
        (Some(told), Some(known)) if told != known => {
            Err(CallbackRefusal::IssuerMismatch { provider: id })
        }
        (None, _) if oauth2.authorization_response_iss_parameter_supported => {
            Err(CallbackRefusal::IssuerMissing { provider: id })
        }
        _ => Ok(()),
    }
}

/// The provider's word for every other parameter, keyed with the client secret.
fn check_signature(
    provider: &dyn ProviderSetup,
    parameters: &Parameters,
    query: &CallbackQuery,
) -> Result<(), CallbackRefusal> {
    let descriptor = provider.descriptor();
    let Some(CallbackSignature { parameter }) = descriptor.oauth2().callback.signature else {
        return Ok(());
    };
    let key = parameters
        .field(OAuthField::ClientSecret)
        .unwrap_or_default();
    let given = query.get(parameter).unwrap_or_default();
    let others = query.pairs().iter().filter(|(name, _)| name != parameter);
    if signature::is_signed(key, others, given) {
        return Ok(());
    }
    let row = descriptor.parameter_for_field(OAuthField::ClientSecret);
    Err(CallbackRefusal::SignatureMismatch {
        provider: descriptor.id,
        parameter,
        secret: row.map_or_else(
            || OAuthField::ClientSecret.to_string(),
            |row| format!("{:?} ({})", row.credential, row.parameter),
        ),
    })
}

/// No other host than the one that the authorization was started with.
fn check_host(
    provider: &'static str,
    CallbackHost { parameter, host }: CallbackHost,
    query: &CallbackQuery,
    parameters: &Parameters,
) -> Result<(), CallbackRefusal> {
    let expected = template::host(host, |name| parameters.in_template(name));
    let told = query.get(parameter).map(str::to_ascii_lowercase);
    if expected.is_ok_and(|expected| told.as_deref() == Some(&*expected)) {
        Ok(())
    } else {
        Err(CallbackRefusal::HostMismatch {
            provider,
            parameter,
        })
    }
}

/// Names and codes are short and made of letters; whatever else came through the browser is not shown.
fn showable(text: &str) -> Option<&str> {
    let is_plain = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    ((1..=40).contains(&text.len()) && is_plain).then_some(text)
}
