//! The callback: where the user goes back to, and with what.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use url::{Host, Url};

use crate::form::Form;
use crate::reply::Reply;
use crate::rules::AuthorizationRules;
use crate::vendor::Vendor;

/// Where the user goes back to.
pub(crate) struct Callback {
    /// As the client wrote it: the token request must repeat it to the letter.
    pub(crate) redirect_uri: String,
    pub(crate) url: Url,
    state: Option<String>,
}

impl Callback {
    /// Where a request wants its user sent. Whatever is wrong with `client_id` or `redirect_uri` is shown and never
    /// redirected.
    pub(crate) fn read(
        vendor: &Vendor,
        rules: &AuthorizationRules,
        query: &Form,
    ) -> Result<Self, &'static str> {
        if query.repeats("client_id") || query.repeats("redirect_uri") {
            return Err("client_id or redirect_uri is repeated");
        }
        let id = query.get("client_id").ok_or("client_id is missing")?;
        if id != vendor.client.id {
            return Err("client_id is unknown");
        }
        let redirect_uri = query.get("redirect_uri").ok_or("redirect_uri is missing")?;
        let url = Url::parse(redirect_uri).map_err(|_| "redirect_uri is not an absolute URI")?;
        if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
            return Err("redirect_uri has a fragment or a user in it");
        }
        let https_only = rules.https_redirect_uri_only;
        let is_local = !https_only && url.scheme() == "http" && is_loopback(&url);
        if url.scheme() != "https" && !is_local {
            return Err("redirect_uri must be https, or http on loopback where that is taken");
        }
        let state = query.get("state").map(str::to_owned);
        Ok(Self {
            redirect_uri: redirect_uri.to_owned(),
            url,
            state,
        })
    }

    /// 303, so that the browser drops the form (RFC 9700, section 4.12).
    pub(crate) fn redirect<'a>(
        &self,
        vendor: &Vendor,
        rules: &AuthorizationRules,
        parameters: impl Iterator<Item = (&'a str, String)>,
    ) -> Reply {
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(parameters);
            query.extend_pairs(self.state.iter().map(|state| ("state", state)));
            if rules.issuer_in_callback {
                query.append_pair("iss", &vendor.base_url);
            }
        }
        if let Some(rules) = &rules.callback_signature {
            let pairs: Vec<_> = url.query_pairs().into_owned().collect();
            let signature = signature(&pairs, vendor.client.secret.expose());
            url.query_pairs_mut()
                .append_pair(&rules.parameter, &signature);
        }
        let location = ("location".to_owned(), url.into());
        Reply {
            status: 303,
            headers: vec![location],
            body: Vec::new(),
        }
    }
}

/// HMAC-SHA256 in lower-case hex over parameters as a form writes them, sorted by name.
pub(crate) fn signature(parameters: &[(String, String)], secret: &str) -> String {
    let mut parameters: Vec<_> = parameters.iter().collect();
    parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
    let text = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(parameters)
        .finish();
    // A key may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    let digest = mac.finalize().into_bytes();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_are_encoded_parameters_in_the_order_of_their_names() {
        // echo -n 'code=a%26b&shop=x.example&timestamp=1' | openssl dgst -sha256 -hmac key
        let pairs = [("timestamp", "1"), ("shop", "x.example"), ("code", "a&b")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            signature(&pairs, "key"),
            "6b8b082c4bd4417c1e6ecc0d642967076878cdbe79b6ecc769cc91f3012ca2b4"
        );
    }
}
