//! The pages of the authorization endpoint, for a person in a browser.

use url::Url;

use crate::reply::Reply;
use crate::vendor::Vendor;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:4rem auto;padding:0 1rem;\
    }:root{color-scheme:light dark}button,select{font:inherit;padding:.4rem 1rem;margin-right:.5rem}code{word-break:break-all}";

/// What a consent page is about.
pub(crate) struct Asks<'a> {
    /// Where it is answered.
    pub(crate) action: &'a str,
    /// Who can answer it.
    pub(crate) accounts: &'a [usize],
    pub(crate) redirect: &'a Url,
    pub(crate) scope: &'a str,
    pub(crate) ticket: &'a str,
}

/// Asks for consent: who asks, for what, and who approves.
pub(crate) fn consent(vendor: &Vendor, asks: &Asks<'_>) -> String {
    let accounts = asks.accounts.iter();
    let options: String = accounts
        .filter_map(|account| vendor.rules.accounts.get(*account))
        .map(|account| format!("<option>{}</option>", escape(&account.name)))
        .collect();
    let body = format!(
        "<p>The application <code>{client}</code> asks for access to your account: <strong>{scope}</strong>.</p>\n\
         <p>Then you go back to <code>{origin}</code>.</p>\n\
         <form method=\"post\" action=\"{action}\">\n\
         <input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">\n\
         <p><label>Account <select name=\"account\">{options}</select></label></p>\n\
         <button name=\"decision\" value=\"approve\">Approve</button>\
         <button name=\"decision\" value=\"deny\">Deny</button>\n\
         </form>",
        client = escape(&vendor.client.id),
        scope = escape(asks.scope),
        origin = escape(&asks.redirect.origin().ascii_serialization()),
        action = escape(asks.action),
        ticket = escape(asks.ticket),
    );
    document(vendor, &body)
}

/// Says why the request goes no further.
pub(crate) fn refusal(vendor: &Vendor, reason: &str) -> String {
    document(
        vendor,
        &format!(
            "<p>This request can't be answered: <strong>{}</strong>.</p>",
            escape(reason)
        ),
    )
}

/// A page that is not kept, not framed and runs nothing.
pub(crate) fn reply(status: u16, page: String) -> Reply {
    let mut reply = Reply::new(status, "text/html;charset=utf-8", page);
    let policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'";
    reply
        .headers
        .push(("content-security-policy".to_owned(), policy.to_owned()));
    reply
        .headers
        .push(("cache-control".to_owned(), "no-store".to_owned()));
    reply
        .headers
        .push(("referrer-policy".to_owned(), "no-referrer".to_owned()));
    reply
}

fn document(vendor: &Vendor, body: &str) -> String {
    let title = escape(&vendor.rules.title);
    // The empty icon keeps browsers from asking the API for one.
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><link rel=\"icon\" href=\"data:,\">\
         <title>{title} (sandbox)</title><style>{STYLE}</style></head>\n\
         <body><main>\n<h1>{title}</h1>\n<p>A sandbox that plays {title}. Nothing here is real.</p>\n{body}\n</main></body>\n</html>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    #[test]
    fn markup_is_escaped() {
        assert_eq!(
            super::escape("<a href=\"x\">'&lt;"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp;lt;"
        );
    }
}
