//! `tieline demo`: on an empty home, to the end.

use crate::home::Home;

#[tokio::test]
async fn tells_the_whole_story_and_leaves_nothing_behind() {
    let home = Home::new();
    let ran = home.run(&["demo", "--json"]).await.ok();
    let steps: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = steps
        .iter()
        .map(|step| step["step"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "sandbox",
            "mapping",
            "app",
            "authorize",
            "consent",
            "exchange",
            "check",
            "call",
            "a day on",
            "refresh",
            "replay",
            "401",
            "race",
            "disconnect",
            "end",
        ]
    );
    for step in &steps {
        assert_eq!(
            (&step["ok"], &step["provider"]),
            (&true.into(), &"infusionsoft".into()),
            "{step}"
        );
    }
    let instance = &steps[5]["instance"];
    assert!(
        instance.is_u64() && steps[0].get("instance").is_none(),
        "{instance}"
    );
    assert!(
        steps[14]["detail"]
            .as_str()
            .unwrap()
            .starts_with("3 refreshes in the sandbox's ledger")
    );
    assert_eq!(
        std::fs::read_dir(home.path()).unwrap().count(),
        0,
        "the home is as empty as before"
    );
}
