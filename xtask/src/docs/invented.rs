//! Providers that the tests invent: one of each kind, with what a page may have to say of it.

use tieline::core::descriptor::*;
use tieline::core::{Format, Registry, SetBy};
use tieline::{ParameterKey, ParameterMapping, ProviderDescriptor, ProviderSetup};

#[derive(Debug)]
struct Invented(&'static ProviderDescriptor);

impl ProviderSetup for Invented {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        self.0
    }
}

/// All of them, sorted by id.
pub(crate) fn registry() -> Registry {
    static ALL: [Invented; 5] = [
        Invented(&DESK),
        Invented(&ROBOTS),
        Invented(&SHOPS),
        Invented(&TV),
        Invented(&VAULT),
    ];
    let all = ALL.iter();
    all.fold(Registry::builder(), |builder, one| builder.with(one))
        .build()
        .unwrap()
}

/// Authorization code, with everything that is unusual about it.
pub(crate) static SHOPS: ProviderDescriptor = ProviderDescriptor {
    vendor: "Acme",
    aliases: &["acme-commerce"],
    category: Category::Ecommerce,
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization_endpoint: "https://{acme.shop}.shops.acme.example/authorize",
        token_endpoint: "https://{acme.shop}.shops.acme.example/token",
        revocation_endpoint: Stated::Known("https://{acme.region}.acme.example/revoke"),
        revocable: Revocable::AccessToken,
        device: Some(DeviceAuthorization::new("https://acme.example/device")),
        scopes: &["read"],
        authorization: AuthorizationRequest {
            extra: &[("user_scope", Extra::Scopes(USER_SCOPE))],
            ..AuthorizationRequest::DEFAULT
        },
        callback: Callback {
            host: Some(CallbackHost {
                parameter: "shop",
                host: "{acme.shop}.shops.acme.example",
            }),
            signature: Some(CallbackSignature { parameter: "hmac" }),
            captures: &[Capture::whole("realm", "realmId")],
            ..Callback::DEFAULT
        },
        answer: TokenAnswer {
            user_path: Some("authed_user"),
            ..TokenAnswer::DEFAULT
        },
        rotation: Rotation {
            rotates: Rotates::Sometimes,
            reuse_window: hours(24),
            on_reuse: OnReuse::Fails,
            access_token_lifetime: Stated::Known(hours(1)),
            opt_in: Some("`expiring=1` at the exchange"),
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://{acme.region}.acme.example/v1/{realm}",
        token_placement: TokenPlacement::Header("X-Acme-Token"),
        health_check: Stated::Known(HealthCheck {
            path: "/shop",
            account_id: AccountFact::Fields(&["team.id", "user.id"]),
            account_label: AccountFact::Field("name"),
        }),
        masked_errors: Some(MaskedErrors {
            when: ErrorWhen {
                path: "ok",
                equals: "false",
            },
            code: "error",
            dead_access_token: &["invalid_auth", "token_revoked"],
        }),
        ..Api::DEFAULT
    },
    guide: GUIDE,
    ..ProviderDescriptor::new("acme-shops", "Acme Shops", SHOPS_MAPPINGS)
};

const USER_SCOPE: ParameterKey = ParameterKey::new("acme.user_scope");

const SHOPS_MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("Client ID"),
    ParameterMapping::api_secret("Client secret"),
    ParameterMapping::callback_url("Redirect URL"),
    ParameterMapping::host_label("Shop", ParameterKey::new("acme.shop")),
    ParameterMapping {
        set_by: SetBy::EndUser,
        format: Format::OneOf(&[("live", "api"), ("test", "sandbox")]),
        default: Some("live"),
        description: "Which of the provider's worlds the shop is in",
        ..ParameterMapping::new("World", ParameterKey::new("acme.region"))
    },
    ParameterMapping {
        required: false,
        description: "The scopes to ask for on behalf of the user",
        ..ParameterMapping::new("User scopes", USER_SCOPE)
    },
];

/// An API key, with a host for each account.
pub(crate) static DESK: ProviderDescriptor = ProviderDescriptor {
    category: Category::HelpDesk,
    authentication: Authentication::ApiKey,
    api: Api {
        base: "https://{subdomain}.desk.acme.example",
        token_placement: TokenPlacement::BasicUser("X"),
        health_check: Stated::Known(HealthCheck {
            path: "/me",
            account_id: AccountFact::Field("id"),
            account_label: AccountFact::Field("name"),
        }),
        ..Api::DEFAULT
    },
    guide: GUIDE,
    ..ProviderDescriptor::new(
        "acme-desk",
        "Acme Desk",
        &[
            ParameterMapping::account_key("API Key"),
            ParameterMapping::host_label("Domain", ParameterKey::SUBDOMAIN),
        ],
    )
};

/// Name and password.
pub(crate) static VAULT: ProviderDescriptor = ProviderDescriptor {
    authentication: Authentication::Basic,
    api: Api {
        base: "https://vault.acme.example",
        token_placement: TokenPlacement::BasicPair,
        health_check: Stated::None("the vault answers nobody"),
        ..Api::DEFAULT
    },
    guide: GUIDE,
    ..ProviderDescriptor::new(
        "acme-vault",
        "Acme Vault",
        &[
            ParameterMapping::username("Sign-in name"),
            ParameterMapping::password("Password"),
        ],
    )
};

/// A code that is typed on another device, and nothing else.
pub(crate) static TV: ProviderDescriptor = ProviderDescriptor {
    authentication: Authentication::DeviceAuthorization(OAuth2 {
        token_endpoint: "https://tv.acme.example/token",
        revocation_endpoint: Stated::None("its manual names none"),
        device: Some(DeviceAuthorization::new("https://tv.acme.example/device")),
        rotation: Rotation {
            rotates: Rotates::Always,
            access_token_lifetime: Stated::None("it lives until it is withdrawn"),
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://tv.acme.example/api",
        ..Api::DEFAULT
    },
    guide: GUIDE,
    ..ProviderDescriptor::new(
        "acme-tv",
        "Acme TV",
        &[ParameterMapping::api_key("Client ID")],
    )
};

/// The app is the account.
pub(crate) static ROBOTS: ProviderDescriptor = ProviderDescriptor {
    authentication: Authentication::ClientCredentials(OAuth2 {
        token_endpoint: "https://robots.acme.example/token",
        revocation_endpoint: Stated::Known("https://robots.acme.example/revoke"),
        scopes: &["move", "stop"],
        rotation: Rotation {
            rotates: Rotates::NoRefreshToken,
            access_token_lifetime: Stated::Known(minutes(10)),
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://robots.acme.example/api",
        ..Api::DEFAULT
    },
    guide: GUIDE,
    ..ProviderDescriptor::new(
        "acme-robots",
        "Acme Robots",
        &[
            ParameterMapping::api_key("Client ID"),
            ParameterMapping::api_secret("Client secret"),
        ],
    )
};

const GUIDE: SetupGuide = SetupGuide {
    developer_portal: "https://acme.example/portal",
    locate_credentials: &["Look."],
    create_application: &["Click."],
    ..SetupGuide::DEFAULT
};
