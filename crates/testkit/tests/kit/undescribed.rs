//! A descriptor that is wrong or silent about names, accounts and documentation, and what else an author may have left out.

use std::path::Path;

use tieline_core::descriptor::*;
use tieline_testkit::Promise::*;
use tieline_testkit::Subject;

use super::{assert_broken, described};
use crate::departing::strict;
use crate::providers::{acme, health_check};

#[test]
fn endpoints_and_names() {
    let elsewhere =
        strict(|_, oauth2| oauth2.token_endpoint = "https://api.infusionsoft.com/oauth/token");
    let all = &[
        Descriptor,
        Wire,
        Exchange,
        ExchangeWrongSecret,
        Refresh,
        Rotation,
        DeadRefreshToken,
        HealthCheck,
        Redaction,
    ];
    let provider = described(elsewhere);
    assert_broken(
        provider,
        all,
        &["`token_endpoint` has the path \"/oauth/token\", the vendor's is \"/token\""],
    );
    assert_broken(
        provider,
        all,
        &[
            "the request went to api.infusionsoft.com/oauth/token",
            "look at `token_endpoint`",
        ],
    );
    let subject = Subject::new(
        described(acme(|_, _| {})),
        env!("CARGO_MANIFEST_DIR"),
        "tieline-acne",
    );
    let told = Descriptor.check(&subject).unwrap_err().to_string();
    assert!(
        told.contains("the crate tieline-acne and the `id` \"acme\" must agree"),
        "{told}"
    );
}

#[test]
fn a_health_check_that_checks_nothing() {
    let with = |check| described(strict(|descriptor, _| descriptor.api.health_check = check));
    let userinfo = "/v1/oauth/connect/userinfo";
    let twins = with(health_check(userinfo, AccountFact::Field("is_admin")));
    assert_broken(
        twins,
        &[HealthCheck],
        &[
            "two accounts have the same id",
            "`api.health_check.account_id`",
        ],
    );
    let nobody = with(health_check(userinfo, AccountFact::Field("nothing")));
    assert_broken(
        nobody,
        &[HealthCheck],
        &["nothing is found for `api.health_check.account_id`"],
    );
    let nowhere = with(health_check("/v9/me", AccountFact::Field("sub")));
    assert_broken(
        nowhere,
        &[Wire, HealthCheck],
        &["status 404", "`api.health_check.path`"],
    );
    let unknown = with(Stated::Unknown);
    assert_broken(
        unknown,
        &[Wire, HealthCheck, DocsCompleteness],
        &["state `api.health_check`"],
    );
}

#[test]
fn incomplete_documentation_is_told_all_at_once() {
    let bare = described(strict(|descriptor, oauth2| {
        descriptor.guide = SetupGuide::DEFAULT;
        descriptor.rate_limits = Stated::Unknown;
        descriptor.sources = &[];
        descriptor.aliases = &["infusionsoft"];
        oauth2.rotation.access_token_lifetime = Stated::Unknown;
    }));
    let words = [
        "`guide.developer_portal`",
        "`guide.locate_credentials`",
        "`guide.create_application`",
        "`guide.troubleshooting`",
        "`rate_limits`",
        "`sources`",
        "`aliases`",
        "`rotation.access_token_lifetime`",
    ];
    assert_broken(bare, &[DocsCompleteness], &words);
    let undated = described(strict(|descriptor, _| {
        descriptor.sources = &[Source {
            url: "http://acme.example",
            verified_on: "2026-13",
            tells: "",
        }];
    }));
    assert_broken(
        undated,
        &[DocsCompleteness],
        &["no https URL", "no month or day", "`tells`"],
    );
}

#[test]
fn a_vendor_that_nobody_described() {
    let subject = Subject::new(
        described(acme(|descriptor, _| descriptor.id = "nobody")),
        "/tmp",
        "tieline-nobody",
    );
    let told = Exchange.check(&subject).unwrap_err().to_string();
    assert!(
        told.contains("there is no tests/vendors/nobody.json in /tmp or any folder above it"),
        "{told}"
    );
    assert!(
        told.contains("from its documentation and not from the descriptor"),
        "{told}"
    );
}

#[test]
fn a_url_that_nobody_reviewed() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("unreviewed");
    std::fs::create_dir_all(folder.join("tests/snapshots")).unwrap();
    let provider = described(acme(|_, oauth2| {
        oauth2.authorization.extra = &[("prompt", Extra::Fixed("consent"))]
    }));
    let subject = Subject::new(provider, &folder, "tieline-acme").unreviewed();
    let snapshot = folder.join("tests/snapshots/acme.authorization_url.txt");
    std::fs::write(&snapshot, "https://acme.example/oauth/authorize\n").unwrap();
    let told = AuthorizationUrl.check(&subject).unwrap_err().to_string();
    assert!(
        told.contains("was reviewed as") && told.contains("  prompt=consent\n"),
        "{told}"
    );
    assert!(told.contains("UPDATE_SNAPSHOTS=1"), "{told}");
    std::fs::remove_file(&snapshot).unwrap();
    let told = AuthorizationUrl.check(&subject).unwrap_err().to_string();
    assert!(told.contains("can't be read"), "{told}");
}
