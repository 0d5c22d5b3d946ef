//! QuickBooks Online, by Intuit.

use tieline_core::prelude::*;

/// QuickBooks Online over OAuth 2.0, authorization code grant. The callback tells which company was picked.
#[derive(Debug)]
pub struct Quickbooks;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    vendor: "Intuit",
    category: Category::Accounting,
    authentication: Authentication::AuthorizationCode(OAuth2 {
        authorization_endpoint: "https://appcenter.intuit.com/connect/oauth2",
        token_endpoint: "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer",
        revocation_endpoint: Stated::Known(
            "https://developer.api.intuit.com/v2/oauth2/tokens/revoke",
        ),
        dead_at_revocation: &[400],
        scopes: &["com.intuit.quickbooks.accounting"],
        https_redirect_uri_only: true,
        callback: Callback {
            captures: &[Capture::whole("realm", "realmId")],
            ..Callback::DEFAULT
        },
        revoke: TokenRequest {
            body: BodyFormat::Json,
            omit: &["token_type_hint"],
            ..TokenRequest::BASIC
        },
        rotation: Rotation {
            rotates: Rotates::Sometimes,
            access_token_lifetime: Stated::Known(hours(1)),
            refresh_token_lifetime: Stated::Known(days(100)),
            ..Rotation::UNKNOWN
        },
        ..OAuth2::DEFAULT
    }),
    api: Api {
        base: "https://{use_sandbox}.api.intuit.com/v3",
        health_check: Stated::Known(HealthCheck {
            path: "/company/{realm}/companyinfo/{realm}",
            account_id: AccountFact::Capture("realm"),
            account_label: AccountFact::Field("CompanyInfo.CompanyName"),
        }),
        ..Api::DEFAULT
    },
    rate_limits: Stated::Known(&[
        RateLimit::new(10, seconds(1), "company and app", INTUIT).of_account(),
        RateLimit::new(500, minutes(1), "company", INTUIT).of_account(),
    ]),
    guide: SetupGuide {
        developer_portal: "https://developer.intuit.com/dashboard",
        locate_credentials: &[
            "Sign in to the Intuit Developer Portal, choose **My Hub**, **App dashboard**, and open \
             your app.",
            "Choose **Keys and credentials**, then **Production** (**Development** for sandbox \
             companies), and turn on **Show credentials**.",
            "Copy the **Client ID** and the **Client secret**.",
            "Under **Settings**, **Redirect URIs**, pick the same environment, and see that your \
             callback URL is listed.",
        ],
        create_application: &[
            "Sign in to the Intuit Developer Portal, and choose **My Hub**, **App dashboard**.",
            "Click the card with the **+**, choose **QuickBooks Online and Payments**, and give the \
             app a name.",
            "Select the scope `com.intuit.quickbooks.accounting`, and finish.",
            "Under **Settings**, **Redirect URIs**, choose **Production** or **Development**, click \
             **Add URI**, and enter your callback URL.",
            "For real companies, open **Keys and credentials**, **Production**, and fill in the \
             questionnaire. The keys appear once Intuit has approved it.",
            "Turn on **Show credentials**, and copy the **Client ID** and the **Client secret**.",
        ],
        notes: &[
            "An app has two pairs of keys. Those of **Development** reach sandbox companies only: \
             set `use_sandbox` to `true` with them.",
            "Callback URLs are `https`, with a domain name and no query. **Production** takes no \
             `localhost`: name one of your own, with `--callback-url` at the command line.",
            "The accounting scope reads and writes: Intuit has none that only reads.",
            "A connection speaks for one company, the one that its user picks. Only an \
             administrator of the company can connect it.",
            "A connection that rests for 100 days ends, and each one does after five years.",
        ],
        troubleshooting: &[
            Trouble::new(
                "“The redirect_uri query parameter value is invalid”",
                "Add the exact callback URL to **Redirect URIs**, in the environment of your keys.",
            ),
            Trouble::new(
                "`invalid_client`",
                "Copy **Client ID** and **Client secret** again, both of the same environment.",
            ),
            Trouble::new(
                "`invalid_grant`",
                "The connection was withdrawn, rested for 100 days, is five years old or was made \
                 with other keys. Connect again.",
            ),
            Trouble::new(
                "403 with `003100`, or 401 with “Accessing Wrong Cluster”",
                "Keys, company and `use_sandbox` are not of the same environment.",
            ),
            Trouble::new("429 with `ThrottleExceeded`", "Wait for 60 seconds."),
        ],
    },
    sources: &[
        Source::new(
            "https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/oauth-2.0",
            "2026-11",
            "endpoints, requests, callback, fields of the token answer",
        ),
        Source::new(
            "https://developer.intuit.com/app/developer/qbo/docs/develop/authentication-and-authorization/faq",
            "2026-11",
            "lifetimes, rotation, redirect URIs",
        ),
        Source::new(
            "https://developer.intuit.com/app/developer/qbo/docs/get-started/get-client-id-and-client-secret",
            "2026-11",
            "keys, the questionnaire",
        ),
        Source::new(
            "https://developer.intuit.com/app/developer/qbo/docs/learn/limits-and-throttles",
            "2026-11",
            "rate limits",
        ),
        Source::new(
            "https://blogs.intuit.com/2025/11/12/important-changes-to-refresh-token-policy",
            "2026-11",
            "five years",
        ),
        Source::new(
            "https://github.com/intuit/oauth-jsclient",
            "2026-11",
            "client authentication, the revocation's JSON",
        ),
    ],
    ..ProviderDescriptor::new("quickbooks", "QuickBooks Online", MAPPINGS)
};

const INTUIT: &str = "Intuit's docs, November 2026";

const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::api_key("Client ID"),
    ParameterMapping::api_secret("Client secret"),
    ParameterMapping::callback_url("Redirect URIs"),
    ParameterMapping {
        required: false,
        format: Format::OneOf(&[("false", "quickbooks"), ("true", "sandbox-quickbooks")]),
        default: Some("false"),
        description: "Whether the keys are those of Development, which reach sandbox companies only",
        ..ParameterMapping::new("Environment", ParameterKey::new("use_sandbox"))
    },
];

impl ProviderSetup for Quickbooks {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

register_provider!(Quickbooks);
