//! The callback URL: what to register with the provider.

use tieline::ProviderDescriptor;

use super::examples::local_callback_url;
use super::markdown::{Document, text};

/// Adds the section, for a provider that sends a browser back.
pub(crate) fn section(document: &mut Document, descriptor: &ProviderDescriptor) {
    if !descriptor.authentication.has_front_channel() {
        return;
    }
    document.heading(3, "Callback URL");
    let (vendor, url) = (text(descriptor.vendor), local_callback_url(descriptor));
    document.block(&format!("To connect accounts from the command line of your own machine, register this callback URL with {vendor}:"));
    document.code_block("text", url);
    document.block(if descriptor.oauth2().https_redirect_uri_only {
        "It must be HTTPS there, and nothing on your machine answers HTTPS at that address. After you consent, the \
         browser therefore shows an error page: copy the whole address from its address bar, and paste it into the \
         terminal where `tieline connect` is waiting."
    } else {
        "`tieline connect` listens there until you have consented."
    });
    document.block(
        "For another port or URL, set `oauth.callback.url` to it. Where nobody sets that, `tieline connect` uses the URL \
         above, with the port that `--callback-port` names; `--callback-url` gives the app another URL, which it keeps. \
         If a program of yours embeds Tieline, register the callback URL at which that program is reached. In any case, \
         the registered URL and the one that you give to Tieline must agree to the last character.",
    );
}
