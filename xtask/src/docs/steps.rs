//! The requests of the back channel, a row for each.

use tieline::ProviderDescriptor;
use tieline::core::descriptor::{
    Authentication, BodyFormat, ClientAuthentication, Method, OAuth2, Rotates, Stated, TokenRequest,
};

use super::markdown::{code, text};

/// Step, request, and how the app proves itself there.
pub(crate) fn rows(descriptor: &ProviderDescriptor) -> Vec<[String; 3]> {
    let oauth2 = descriptor.oauth2();
    let token = oauth2.token_endpoint;
    let mut rows = Vec::new();
    let (exchange, refreshes) = match descriptor.authentication {
        Authentication::AuthorizationCode(_) => (Some("Exchange of the code"), true),
        Authentication::ClientCredentials(_) => (Some("Request for a token"), false),
        _ => (None, true),
    };
    rows.extend(exchange.map(|name| step(name, &oauth2.exchange, token)));
    if let Some(device) = &oauth2.device {
        rows.push(step(
            "Request for a code to type",
            &device.request,
            device.endpoint,
        ));
        rows.push(step("Exchange of the device code", &device.token, token));
    }
    if refreshes && oauth2.rotation.rotates != Rotates::NoRefreshToken {
        let endpoint = oauth2.refresh_endpoint.unwrap_or(token);
        rows.push(step("Refresh", &oauth2.refresh, endpoint));
    }
    rows.push(revocation(oauth2));
    rows
}

fn step(name: &str, request: &TokenRequest, endpoint: &str) -> [String; 3] {
    let method = match (request.method, request.body) {
        (Method::Get, _) => "GET with a query",
        (Method::Post, BodyFormat::Form) => "POST of a form",
        (Method::Post, BodyFormat::Json) => "POST of JSON",
        (Method::Post, BodyFormat::Query) => "POST with a query",
        (Method::Delete, BodyFormat::Form) => "DELETE with a form",
        (Method::Delete, BodyFormat::Json) => "DELETE with JSON",
        (Method::Delete, BodyFormat::Query) => "DELETE with a query",
    };
    let proof = match request.client_authentication {
        ClientAuthentication::Basic => "HTTP Basic; no credentials among the parameters",
        ClientAuthentication::BasicRaw => {
            "HTTP Basic, id and secret not form-encoded; no credentials among the parameters"
        }
        ClientAuthentication::Body => {
            "`client_id` and `client_secret` among the parameters; no `Authorization` header"
        }
        ClientAuthentication::Public if request.omit.contains(&"client_id") => {
            "not at all: the token is enough"
        }
        ClientAuthentication::Public => "`client_id` among the parameters; no secret",
        ClientAuthentication::BearerSecret => "the secret as a bearer token",
    };
    [
        name.to_owned(),
        format!("{method} to {}", code(endpoint)),
        proof.to_owned(),
    ]
}

fn revocation(oauth2: &OAuth2) -> [String; 3] {
    let none = |why: String| ["Revocation".to_owned(), why, "none".to_owned()];
    match oauth2.revocation_endpoint {
        Stated::Known(endpoint) => step("Revocation", &oauth2.revoke, endpoint),
        Stated::None(why) => none(format!("none: {}", text(why))),
        Stated::Unknown => none("not known yet".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::docs::invented;

    #[test]
    fn each_kind_has_its_steps() {
        let told = |descriptor| -> Vec<String> {
            let rows = rows(descriptor).into_iter();
            rows.map(|[step, request, _]| format!("{step}: {request}"))
                .collect()
        };
        assert_eq!(
            told(&invented::TV),
            [
                "Request for a code to type: POST of a form to `https://tv.acme.example/device`",
                "Exchange of the device code: POST of a form to `https://tv.acme.example/token`",
                "Refresh: POST of a form to `https://tv.acme.example/token`",
                "Revocation: none: its manual names none",
            ]
        );
        assert_eq!(
            told(&invented::ROBOTS),
            [
                "Request for a token: POST of a form to `https://robots.acme.example/token`",
                "Revocation: POST of a form to `https://robots.acme.example/revoke`",
            ]
        );
        let steps: Vec<_> = rows(&invented::SHOPS)
            .into_iter()
            .map(|[step, ..]| step)
            .collect();
        assert_eq!(
            steps,
            [
                "Exchange of the code",
                "Request for a code to type",
                "Exchange of the device code",
                "Refresh",
                "Revocation"
            ]
        );
    }

    #[test]
    fn an_app_that_does_not_prove_itself_is_told() {
        let revoke = TokenRequest {
            omit: &["client_id"],
            ..TokenRequest::with(ClientAuthentication::Public)
        };
        let [.., proof] = step("Revocation", &revoke, "https://acme.example/revoke");
        assert_eq!(proof, "not at all: the token is enough");
    }
}
