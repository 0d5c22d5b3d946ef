//! What comes back through the browser is believed only as far as it is proved: signature, host, and where it may come to.

use tieline_core::http::CallbackQuery;
use tieline_oauth::{CallbackRefusal, check_callback};
use url::form_urlencoded;

use crate::findings::{Findings, Stuck};
use crate::parameters::REDIRECT_URI;
use crate::stage::{Consent, Stage};
use crate::subject::Subject;

/// Where a command line listens.
const LOOPBACK: &str = "http://127.0.0.1:8917/callback";

type Pairs = Vec<(String, String)>;

pub(crate) async fn examine(subject: &Subject, findings: &mut Findings) -> Result<(), Stuck> {
    let stage = Stage::set(subject).await?;
    // Said first: what is wrong here, no consent survives.
    examine_declared(&stage, findings);
    let consent = stage.consent(&stage.parameters, 0).await?;
    examine_denial(&stage, findings).await?;
    examine_signature(&stage, &consent, findings);
    examine_host(&stage, &consent, findings);
    examine_redirect_uris(&stage, findings).await
}

/// A person who says no is told so, and nothing is exchanged.
async fn examine_denial(stage: &Stage, findings: &mut Findings) -> Result<(), Stuck> {
    let started = stage.start(REDIRECT_URI)?;
    let denied = stage
        .sandbox
        .deny(started.url.as_str())
        .await
        .map_err(|error| error.to_string())?;
    let query = stage.query_of(&denied);
    let told = check_callback(stage.provider, &stage.parameters, &query);
    findings.expect(matches!(told, Err(CallbackRefusal::Denied { .. })), || {
        format!("the person denies, and that is judged {told:?}; look at `callback`")
    });
    Ok(())
}

/// Whether callbacks are signed: the descriptor says what the vendor does.
fn examine_declared(stage: &Stage, findings: &mut Findings) {
    let declared = stage.provider.descriptor().oauth2().callback.signature;
    match (is_signed(stage), declared.is_some()) {
        (true, false) => findings
            .add("the vendor signs its callbacks, and nobody looks; state `callback.signature`"),
        (false, true) => {
            findings.add("the vendor doesn't sign its callbacks; look at `callback.signature`");
        }
        _ => {}
    }
}

fn is_signed(stage: &Stage) -> bool {
    let signature = stage.vendor.at("authorization.callback_signature");
    !signature.is_null()
}

/// Where the vendor signs its callbacks, one in which anything was changed is refused.
fn examine_signature(stage: &Stage, consent: &Consent, findings: &mut Findings) {
    if !is_signed(stage) {
        return;
    }
    for at in 0..consent.query.pairs().len() {
        let mut changed = consent.query.pairs().to_vec();
        let name = changed[at].0.clone();
        if name == "state" {
            // Whose callback it is was looked up by the state before; what it says is signed all the same.
            continue;
        }
        changed[at].1.push('0');
        expect_refused(stage, &changed, &format!("another {name}"), findings);
        let mut missing = consent.query.pairs().to_vec();
        missing.remove(at);
        expect_refused(stage, &missing, &format!("no {name}"), findings);
    }
    let mut more = consent.query.pairs().to_vec();
    more.push(("more".to_owned(), "1".to_owned()));
    expect_refused(stage, &more, "a parameter more", findings);
}

fn expect_refused(stage: &Stage, pairs: &Pairs, what: &str, findings: &mut Findings) {
    let told = check_callback(stage.provider, &stage.parameters, &query(pairs));
    findings.expect(told.is_err(), || {
        format!("a signed callback with {what} is followed; look at `callback.signature`")
    });
}

/// Where the callback names a host, only the one where the authorization was started is taken, well signed or not.
fn examine_host(stage: &Stage, consent: &Consent, findings: &mut Findings) {
    let host = stage.vendor.at("authorization.host").as_str();
    let Some((parameter, _)) = stage
        .vendor
        .at("authorization.callback")
        .as_object()
        .into_iter()
        .flatten()
        .find(|(_, text)| {
            host.is_some_and(|host| host.contains('{') && text.as_str() == Some(host))
        })
    else {
        return;
    };
    let evil = ["evil.example", "other.example", ""].into_iter();
    let own = consent.query.get(parameter).unwrap_or_default();
    // A host of the same vendor, but somebody else's.
    let (_, domain) = own.split_once('.').unwrap_or_default();
    for wrong in evil.map(str::to_owned).chain([
        format!("another.{domain}"),
        format!("{own}.evil.example"),
        format!("evil.example/.{domain}"),
    ]) {
        let mut pairs = consent.query.pairs().to_vec();
        for (name, value) in &mut pairs {
            if name == parameter {
                value.clone_from(&wrong);
            }
        }
        let pairs = stage.sandbox.sign(pairs);
        let told = check_callback(stage.provider, &stage.parameters, &query(&pairs));
        findings.expect(told.is_err(), || {
            format!("a callback from {wrong:?} is followed; look at `callback.host`")
        });
    }
}

/// Whether plain http on this machine may be come back to: the descriptor says what the vendor does.
async fn examine_redirect_uris(stage: &Stage, findings: &mut Findings) -> Result<(), Stuck> {
    let oauth2 = stage.provider.descriptor().oauth2();
    let Ok(started) = stage.start(LOOPBACK) else {
        let https_only = stage.vendor.at("authorization.https_redirect_uri_only");
        findings.expect(
            https_only == true,
            || "the vendor takes http on loopback; look at `https_redirect_uri_only`",
        );
        return Ok(());
    };
    let taken = stage.sandbox.consent(started.url.as_str()).await.is_ok();
    findings.expect(taken && !oauth2.https_redirect_uri_only, || {
        "the vendor takes no http redirect URI, not even on loopback; state `https_redirect_uri_only`"
    });
    Ok(())
}

fn query(pairs: &Pairs) -> CallbackQuery {
    let text = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    CallbackQuery::parse(&text)
}
