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
    pub(crate) fn read(vendor: &Vendor, query: &Form) -> Result<Self, &'static str> {
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
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err("redirect_uri must be https, or http on loopback");
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
            let signature = signature(&url, vendor.client.secret.expose());
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

/// HMAC-SHA256 in lower-case hex over the parameters of `url`, sorted by name.
fn signature(url: &Url, secret: &str) -> String {
    let mut parameters: Vec<_> = url.query_pairs().collect();
    parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    // A key may have any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(parameters.join("&").as_bytes());
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
    fn signed_are_decoded_parameters_in_the_order_of_their_names() {
        // echo -n 'code=a&b&shop=x.example&timestamp=1' | openssl dgst -sha256 -hmac key
        let url = Url::parse("https://h.example/?timestamp=1&shop=x.example&code=a%26b").unwrap();
        assert_eq!(
            signature(&url, "key"),
            "f8b22f9d3efb6354de831e8cee132531993ec7ed321473e6ca9bb66c21d16b8f"
        );
    }
}
