//! Freshdesk, by the API key of an agent.

use tieline_core::prelude::*;

/// Freshdesk with an agent's API key, over HTTP Basic. Each helpdesk has a host of its own.
#[derive(Debug)]
pub struct Freshdesk;

static DESCRIPTOR: ProviderDescriptor = ProviderDescriptor {
    aliases: &["freshdeskv2"],
    category: Category::HelpDesk,
    authentication: Authentication::ApiKey,
    api: Api {
        base: "https://{subdomain}.freshdesk.com",
        token_placement: TokenPlacement::BasicUser("X"),
        health_check: Stated::Known(HealthCheck {
            path: "/api/v2/agents/me",
            account_id: AccountFact::Field("id"),
            account_label: AccountFact::Field("contact.email"),
        }),
        ..Api::DEFAULT
    },
    rate_limits: Stated::Known(&[
        RateLimit::new(200, minutes(1), "helpdesk of plan Growth", SUPPORT)
            .of_account()
            .in_headers(LEFT),
        RateLimit::new(400, minutes(1), "helpdesk of plan Pro", SUPPORT).of_account(),
        RateLimit::new(700, minutes(1), "helpdesk of plan Enterprise", SUPPORT).of_account(),
    ]),
    guide: SetupGuide {
        developer_portal: "https://support.freshdesk.com/en/support/solutions/articles/215517",
        locate_credentials: &[
            "Sign in to your helpdesk, and note what stands before `.freshdesk.com` in its address.",
            "Click your profile picture, and choose **Profile Settings**.",
            "On the right, click **View API key**, and solve the captcha.",
            "Copy the key.",
        ],
        create_application: &[
            "There is no app to register. Whoever connects needs an agent's login, at a helpdesk \
             with the plan Growth or a higher one, or in a trial.",
            "So that the connection does not hang on one person, have an administrator add an agent \
             for it under **Admin**, **Team**, **Agents**, **New Agent**. An agent may cost a seat.",
            "Give that agent only the roles that your calls need: its key can do what it can.",
            "Activate the agent by the mail that Freshdesk sends, sign in as that agent, and take \
             the key as described above.",
        ],
        notes: &[
            "The free plan has no API, and shows no key.",
            "Every agent has one key. It lasts until it is reset under **Profile Settings**, which \
             ends it for every app that uses it.",
            "Freshdesk shows keys only to agents who have verified their mail address.",
            "All apps of a helpdesk count together.",
            "Disconnecting leaves the key alive: reset it if nothing else uses it.",
        ],
        troubleshooting: &[
            Trouble::new(
                "401 with `invalid_credentials`, or “You have to be logged in”",
                "Copy the key again. It may have been reset, or belong to another helpdesk.",
            ),
            Trouble::new(
                "404",
                "Check `subdomain`: only what stands before `.freshdesk.com`.",
            ),
            Trouble::new(
                "403",
                "The agent's role, or the plan, does not allow the call.",
            ),
            Trouble::new(
                "No **View API key** in the profile",
                "The plan is free, or the agent is not verified.",
            ),
            Trouble::new("429", "Wait as `Retry-After` says."),
        ],
    },
    sources: &[
        Source::new(
            "https://support.freshdesk.com/en/support/solutions/articles/215517",
            "2026-11",
            "the way to the key, verified agents, the free plan, resetting",
        ),
        Source::new(
            "https://support.freshdesk.com/support/solutions/articles/225439-what-are-the-rate-limits-for-the-api-calls-to-freshdesk",
            "2024-03",
            "rate limits",
        ),
        Source::new(
            "https://docs.nexla.com/user-guides/connectors/freshdesk_api/freshdesk_api_auth",
            "2026-11",
            "HTTP Basic with the key, the plan Growth",
        ),
        Source::new(
            "https://github.com/sjkingo/python-freshdesk",
            "2026-11",
            "the answer to a dead key, Retry-After; fields of the health check",
        ),
    ],
    ..ProviderDescriptor::new("freshdesk", "Freshdesk", MAPPINGS)
};

const SUPPORT: &str = "Freshdesk's support pages, March 2024";

const LEFT: QuotaHeaders = QuotaHeaders::new("x-ratelimit-total", "x-ratelimit-remaining");

const MAPPINGS: &[ParameterMapping] = &[
    ParameterMapping::host_label("Helpdesk domain", ParameterKey::SUBDOMAIN),
    ParameterMapping::account_key("API key"),
];

impl ProviderSetup for Freshdesk {
    fn descriptor(&self) -> &'static ProviderDescriptor {
        &DESCRIPTOR
    }
}

register_provider!(Freshdesk);
