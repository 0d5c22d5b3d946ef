//! Whether the URLs of a descriptor can be used, and what stands in their places.

use super::{AccountFact, Capture, ProviderDescriptor, Stated};
use crate::{Format, template};

impl ProviderDescriptor {
    pub(super) fn validate_endpoints(&self, problems: &mut Vec<String>) {
        let oauth2 = self.oauth2();
        let (code, given) = (
            self.authentication.has_front_channel(),
            self.authentication.is_given(),
        );
        let device = oauth2.device.map(|device| device.endpoint);
        let required = [
            (
                "authorization_endpoint",
                code.then_some(oauth2.authorization_endpoint),
            ),
            ("token_endpoint", (!given).then_some(oauth2.token_endpoint)),
            ("api.base", Some(self.api.base)),
            ("refresh_endpoint", oauth2.refresh_endpoint),
            ("revocation_endpoint", oauth2.revocation_endpoint.known()),
            ("device.endpoint", device),
        ];
        let origins = self
            .api
            .origins
            .iter()
            .map(|origin| ("api.origins", Some(*origin)));
        for (name, value) in required.into_iter().chain(origins) {
            let Some(value) = value else { continue };
            if value.is_empty() {
                problems.push(format!("{name} is missing"));
            } else if template::url(value, |_| Some("a"))
                .map_or(true, |url| url.scheme() != "https")
            {
                problems.push(format!(
                    "{name} {value:?} is not an https URL without fragment and credentials"
                ));
            }
            // Facts are captured when an account is connected, and only calls come after that.
            self.validate_placeholders(name, value, name == "api.base", problems);
        }
        if let Stated::Known(check) = self.api.health_check {
            if !check.path.starts_with('/') {
                problems.push(format!(
                    "the health check's path {:?} does not start with a slash",
                    check.path
                ));
            }
            let asked = template::placeholders(check.path);
            if let AccountFact::Capture(name) = check.account_id
                && self.is_from_browser(name)
                && !asked.contains(&name)
            {
                problems.push(format!(
                    "api.health_check.account_id {name:?} comes through the browser, where anybody can write it: ask for it \
                     in the health check's path"
                ));
            }
            for name in asked {
                if !self.captures(name) {
                    problems.push(format!(
                        "the health check's path asks for {{{name}}}, and nothing captures it"
                    ));
                }
            }
        }
    }

    /// Every placeholder is a parameter, and in a host one that can only be a label; elsewhere it may be a captured fact.
    pub(super) fn validate_placeholders(
        &self,
        place: &str,
        template: &str,
        takes_captures: bool,
        problems: &mut Vec<String>,
    ) {
        let in_host = template::host_placeholders(template);
        for name in template::placeholders(template) {
            let mapping = self
                .mappings
                .iter()
                .find(|mapping| mapping.parameter.as_str() == name);
            let fits = match mapping.map(|mapping| mapping.format) {
                Some(Format::HostLabel) => true,
                Some(Format::OneOf(words)) => {
                    let mut texts = words.iter().map(|(_, text)| *text);
                    !in_host.contains(&name) || texts.all(template::is_host_label)
                }
                Some(Format::Text | Format::Url) => !in_host.contains(&name),
                None => takes_captures && !in_host.contains(&name) && self.captures(name),
            };
            if !fits {
                problems.push(format!(
                    "{place} asks for {{{name}}}, which is no parameter that fits there"
                ));
            }
            if mapping.is_some_and(|mapping| !mapping.required && mapping.default.is_none()) {
                problems.push(format!(
                    "{place} asks for {{{name}}}, which may be left out: make it required, or give it a default"
                ));
            }
        }
    }

    /// Whether a fact of this name comes with the callback, and not with the tokens.
    fn is_from_browser(&self, name: &str) -> bool {
        let oauth2 = self.oauth2();
        let has = |captures: &[Capture]| captures.iter().any(|capture| capture.name == name);
        has(oauth2.callback.captures) && !has(oauth2.answer.captures)
    }

    /// Whether a fact of this name is kept when an account is connected.
    fn captures(&self, name: &str) -> bool {
        let oauth2 = self.oauth2();
        let mut captures = oauth2
            .callback
            .captures
            .iter()
            .chain(oauth2.answer.captures);
        captures.any(|capture| capture.name == name)
    }
}
