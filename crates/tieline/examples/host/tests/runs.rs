//! The example runs, and the sandbox's ledger is as it says.

use std::process::Command;

#[test]
fn an_account_is_connected_called_and_disconnected_and_nobody_else_can() {
    let ran = Command::new(env!("CARGO_BIN_EXE_host"))
        .arg("--once")
        .env_clear()
        .output()
        .unwrap();
    let told = String::from_utf8(ran.stdout.clone()).unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let lines: Vec<_> = told.lines().collect();
    let [grace_first, lands, profile, grace, leaves, ledger] = lines[..] else {
        assert_eq!(told, "six lines");
        return;
    };
    assert_eq!(
        grace_first,
        "Grace comes back from Ada's consent: 403 Forbidden"
    );
    assert_eq!(lands, "Ada comes back from her own, and lands at /");
    assert!(profile.starts_with("Ada's profile: {"), "{profile}");
    assert!(profile.contains("ada-byron"), "{profile}");
    assert_eq!(grace, "Grace asks for it: 404 Not Found");
    assert_eq!(leaves, "Ada disconnects: 200 OK");
    // The health check at the connecting, and the profile.
    assert_eq!(
        ledger,
        "The sandbox's ledger: 2 consents, 1 exchange, 2 calls, 1 revocation"
    );
}
