//! Who asks: for which tenant, and what they may do there.
//!
//! A handler says in its signature what it takes to be let in: [`Reading`], [`Connecting`], [`Calling`], [`Handing`] or
//! [`Administering`]. Each is the engine of the caller's tenant, and there is no other way to one.

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use tieline_core::Secret;
use tieline_engine::{Engine, OWNER};
use tieline_store::{Binding, Permission, Permissions};

use crate::Problem;
use crate::front_door::FrontDoor;

/// Whoever was let in, as the routes find them.
#[derive(Clone)]
pub(crate) struct Caller {
    engine: Engine,
    permissions: Permissions,
    /// What may tie an authorization of theirs to them; the first is the usual one.
    bindings: &'static [Binding],
}

/// Where the control socket's owner receives the callback, and everybody else doesn't.
const OF_THE_OWNER: &[Binding] = &[Binding::Local, Binding::Confirm];
const OF_A_HOST: &[Binding] = &[Binding::Confirm];
/// Where the host sees in the browser who is signed in.
const OF_AN_EMBEDDING_HOST: &[Binding] = &[Binding::Confirm, Binding::Session];

impl Caller {
    /// Whoever owns the store may do everything, as the tenant `default`.
    pub(crate) fn owner(engine: &Engine) -> Self {
        Self {
            engine: engine.acting_as(OWNER),
            permissions: Permission::ALL.iter().copied().collect(),
            bindings: OF_THE_OWNER,
        }
    }

    /// What ties the authorization that they ask for to them.
    pub(crate) fn binding(&self, asked: Option<Binding>) -> Result<Binding, Problem> {
        match asked {
            Some(asked) if self.bindings.contains(&asked) => Ok(asked),
            Some(_) => Err(Problem::no_such_binding(self.bindings)),
            None => Ok(self.bindings.first().copied().unwrap_or(Binding::Confirm)),
        }
    }

    /// The engine of their tenant, which notes that they act.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn permissions(&self) -> Permissions {
        self.permissions
    }

    pub(crate) fn may(&self, permission: Permission) -> Result<Engine, Problem> {
        if self.permissions.contains(permission) {
            return Ok(self.engine.clone());
        }
        Err(Problem::not_permitted(permission))
    }
}

/// Lets in whoever holds an API key (RFC 6750 section 2.1).
pub(crate) async fn authenticate(
    State(door): State<FrontDoor>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = bearer(request.headers()).ok_or_else(Problem::unauthenticated)?;
    let holder = door.engine.authenticate(&key).await?;
    let holder = holder.ok_or_else(Problem::unauthenticated)?;
    let engine = door.engine.for_tenant(&holder.tenant);
    request.extensions_mut().insert(Caller {
        engine: engine.acting_as(&holder.actor()),
        permissions: holder.permissions,
        bindings: match door.signed_in {
            Some(_) => OF_AN_EMBEDDING_HOST,
            None => OF_A_HOST,
        },
    });
    Ok(next.run(request).await)
}

/// The one credential of a request; two are none.
fn bearer(headers: &HeaderMap) -> Option<Secret> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (Some(only), None) = (all.next(), all.next()) else {
        return None;
    };
    let (scheme, key) = only.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| Secret::new(key.trim_matches(' ')))
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Self>().cloned();
        caller.ok_or_else(Problem::unauthenticated)
    }
}

macro_rules! lets_in {
    ($($(#[$doc:meta])* $name:ident: $permission:ident),+) => {$(
        $(#[$doc])*
        pub(crate) struct $name(pub(crate) Engine);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                let caller = parts.extensions.get::<Caller>();
                let caller = caller.ok_or_else(Problem::unauthenticated)?;
                caller.may(Permission::$permission).map(Self)
            }
        }
    )+};
}

lets_in! {
    /// For whoever may read.
    Reading: Read,
    /// For whoever may connect, change and disconnect instances.
    Connecting: Connect,
    /// For whoever may call with an instance's token, and have it refreshed.
    Calling: Call,
    /// For whoever may be handed an access token.
    Handing: Token,
    /// For whoever may manage apps, keys, webhooks and tenants.
    Administering: Admin
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn headers(values: &[&[u8]]) -> HeaderMap {
        let values = values.iter().map(|value| HeaderValue::from_bytes(value));
        values
            .filter_map(Result::ok)
            .map(|value| (AUTHORIZATION, value))
            .collect()
    }

    #[test]
    fn one_bearer_is_a_credential_and_nothing_else_is() {
        let key = |values: &[&[u8]]| bearer(&headers(values)).map(|key| key.expose().to_owned());
        assert_eq!(key(&[b"Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(key(&[b"bearer  abc "]).as_deref(), Some("abc"));
        assert_eq!(key(&[b"Basic abc"]), None);
        assert_eq!(key(&[b"Bearer"]), None);
        assert_eq!(key(&[b"Bearer \xff"]), None);
        assert_eq!(key(&[b"Bearer a", b"Bearer a"]), None);
        assert_eq!(key(&[]), None);
    }

    proptest! {
        #[test]
        fn no_header_is_too_strange(value in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = bearer(&headers(&[&value]));
        }
    }
}
