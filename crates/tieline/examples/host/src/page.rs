//! The one page there is to see.

use axum::response::Html;
use tieline::store::Instance;

/// Whose accounts these are, and what to do with them. A user's name is letters here, and an id is a number.
pub(crate) fn home(user: &str, accounts: &[Instance]) -> Html<String> {
    let user = user.replace(|c: char| !c.is_alphanumeric(), "");
    let accounts: String = accounts
        .iter()
        .map(|account| {
            let id = account.id;
            format!(
                "<li>{id}: <a href=\"/accounts/{id}/profile\">profile</a>\n\
                 <form method=\"post\" action=\"/accounts/{id}/disconnect\"><button>Disconnect</button></form></li>\n"
            )
        })
        .collect();
    Html(format!(
        "<!doctype html>\n<title>A host</title>\n<p>{user} is signed in.</p>\n<ul>{accounts}</ul>\n\
         <form method=\"post\" action=\"/connect\"><button>Connect GitHub</button></form>\n"
    ))
}
