//! Nothing that is printed on the way holds a secret.

use std::fmt::{Debug, Display};

use tieline_core::Secret;
use tieline_core::http::CallbackQuery;
use tieline_oauth::{TokenTypeHint, check_callback};
use tieline_sandbox::{Act, Endpoint};
use url::form_urlencoded;

use crate::findings::{Findings, Stuck};
use crate::stage::{Connection, Consent, Stage};
use crate::subject::Subject;

/// What was printed, by what it is.
#[derive(Default)]
struct Printed(Vec<(&'static str, String)>);

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    let mut printed = Printed::default();
    let connection = stage.connect().await?;
    print_connection(&stage, &connection, &mut printed);
    let given = subject.provider.descriptor().authentication.is_given();
    if let Some(consent) = &connection.consent {
        print_refused_callbacks(&stage, consent, &mut printed);
        print_used_code(&stage, consent, &mut printed).await?;
    }
    if !given {
        print_failures(&stage, &connection, &mut printed).await?;
    }
    stage.sandbox.expire_access_tokens();
    stage.sandbox.end_keys();
    match stage.account(&connection).await? {
        Ok(account) => printed.debug("Account", &account),
        Err(error) => printed.error("AccountError", &error),
    }

    let ledger = stage.sandbox.ledger();
    let mut secrets: Vec<&str> = ledger.secrets().collect();
    if let Some(Consent { started, .. }) = &connection.consent {
        let ours = [Some(&started.state), started.code_verifier.as_ref()];
        secrets.extend(ours.into_iter().flatten().map(Secret::expose));
    }
    for (what, text) in &printed.0 {
        let is_shown = |secret: &&str| forms_of(secret).iter().any(|form| text.contains(form));
        let shown = secrets.iter().filter(|secret| is_shown(secret)).count();
        findings.expect(shown == 0, || {
            format!("{what} shows secrets when it is printed ({shown}); look at the provider's hooks, and at what they put into errors")
        });
    }
    Ok(())
}

impl Printed {
    fn debug(&mut self, what: &'static str, value: &dyn Debug) {
        self.0.push((what, format!("{value:?} {value:#?}")));
    }

    fn error(&mut self, what: &'static str, error: &(impl Debug + Display)) {
        self.0.push((what, format!("{error} {error:?} {error:#?}")));
    }
}

fn print_connection(stage: &Stage, connection: &Connection, printed: &mut Printed) {
    printed.debug("the provider", &stage.provider);
    printed.debug("Parameters", &connection.parameters);
    if let Some(Consent {
        started,
        query,
        callback,
    }) = &connection.consent
    {
        printed.debug("Authorization", started);
        printed.debug("CallbackQuery", query);
        printed.debug("Callback", callback);
    }
    printed.debug("Tokens", &connection.tokens);
    printed.debug("TokenClient", &stage.client());
    printed.debug("what is captured", &connection.captures());
}

/// The callback once more, without each of its parameters and with a wrong one in its place.
fn print_refused_callbacks(stage: &Stage, consent: &Consent, printed: &mut Printed) {
    let code = consent.callback.code.expose();
    for (changed, _) in consent.query.pairs() {
        for replacement in [None, Some("wrong"), Some(code)] {
            let pairs =
                consent
                    .query
                    .pairs()
                    .iter()
                    .filter_map(|(name, value)| match replacement {
                        None => (name != changed).then_some((name, value.as_str())),
                        Some(other) => Some((name, if name == changed { other } else { value })),
                    });
            let query = form_urlencoded::Serializer::new(String::new())
                .extend_pairs(pairs)
                .finish();
            let query = CallbackQuery::parse(&query);
            match check_callback(stage.provider, &stage.parameters, &query) {
                // A code in the place of a fact is a fact, as far as anybody can tell.
                Ok(_) if replacement == Some(code) => {}
                Ok(callback) => printed.debug("Callback", &callback),
                Err(refusal) => printed.error("CallbackRefusal", &refusal),
            }
        }
    }
}

/// The same code once more, by the app and by one with a wrong secret.
async fn print_used_code(
    stage: &Stage,
    consent: &Consent,
    printed: &mut Printed,
) -> Result<(), Stuck> {
    let wrong = stage.with_secret("not-the-secret")?;
    let Consent {
        started, callback, ..
    } = consent;
    for client in [stage.client(), stage.client_with(&wrong)] {
        let again = client
            .exchange(
                &callback.code,
                &started.redirect_uri,
                started.code_verifier.as_ref(),
            )
            .await;
        printed.token_answer(again);
    }
    Ok(())
}

/// What goes wrong, and an other side that repeats what it was sent.
async fn print_failures(
    stage: &Stage,
    connection: &Connection,
    printed: &mut Printed,
) -> Result<(), Stuck> {
    let set = &connection.tokens.set;
    let wrong = stage.with_secret("not-the-secret")?;
    let (client, stranger) = (stage.client(), stage.client_with(&wrong));
    let token = stage
        .refresh_token(connection)?
        .unwrap_or(&set.access_token);
    printed.token_answer(stranger.refresh(token).await);
    for (status, body) in [
        (400, echo("error", token)),
        (400, echo("error_description", token)),
        (200, echo("acess_token", token)),
    ] {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        stage.sandbox.script(
            Endpoint::Token,
            Act::Answer {
                status,
                headers,
                body,
            },
        );
        printed.token_answer(client.refresh(token).await);
    }
    printed.token_answer(client.refresh(token).await);
    stage.sandbox.revoke_grant(token.expose());
    printed.token_answer(client.refresh(token).await);
    if client.can_revoke() && stage.sandbox.revocation_endpoint().is_some() {
        for client in [stranger, client] {
            if let Err(failure) = client.revoke(token, TokenTypeHint::RefreshToken).await {
                printed.error("RevokeFailure", &failure);
            }
        }
    }
    Ok(())
}

impl Printed {
    fn token_answer(&mut self, answer: Result<tieline_oauth::Tokens, tieline_oauth::TokenFailure>) {
        match answer {
            Ok(tokens) => self.debug("Tokens", &tokens),
            Err(failure) => self.error("TokenFailure", &failure),
        }
    }
}

fn echo(field: &str, token: &Secret) -> Vec<u8> {
    serde_json::json!({ field: token.expose() })
        .to_string()
        .into_bytes()
}

/// A secret as it is, as a form writes it, and as `Debug` does.
fn forms_of(secret: &str) -> [String; 3] {
    [
        secret.to_owned(),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        secret.escape_debug().collect(),
    ]
}
