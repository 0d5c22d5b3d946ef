//! The environment: what can't be read is told, and the master key stays apart from the data.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;

use crate::home::{Home, Ran};

/// Runs a command with one more variable.
async fn with(home: &Home, name: &str, value: &[u8], arguments: &[&str]) -> Ran {
    let mut command = home.command(arguments);
    let output = command.env(name, OsStr::from_bytes(value)).output().await;
    let output = output.unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_variable_that_is_not_utf8_is_named() {
    let home = Home::new();
    for name in ["TIELINE_MASTER_KEY", "TIELINE_DEPLOYMENT"] {
        let refused = with(&home, name, b"\xff", &["apps", "list"]).await;
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.stderr.contains(name), "{}", refused.stderr);
        assert!(!home.data_dir().join("store.db").exists());
    }
    let name = "INFUSIONSOFT_OAUTH_API_KEY";
    let refused = with(&home, name, b"k\xff", &["connect", "infusionsoft"]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("(environment variable INFUSIONSOFT_OAUTH_API_KEY) is not UTF-8"),
        "{}",
        refused.stderr
    );
    let explain = ["config", "explain", "infusionsoft"];
    let explained = with(&home, name, b"k\xff", &explain).await.ok();
    let row = explained.stdout.lines().find(|row| row.contains("api.key"));
    assert!(
        row.unwrap().ends_with(
            "(unusable)  is not UTF-8 (environment variable INFUSIONSOFT_OAUTH_API_KEY)"
        ),
        "{row:?}"
    );
}

#[tokio::test]
async fn a_path_may_be_any_bytes() {
    let home = Home::new();
    let key = home.path().join(OsStr::from_bytes(b"k\xff"));
    let listed = with(
        &home,
        "TIELINE_MASTER_KEY_FILE",
        key.as_os_str().as_bytes(),
        &["apps", "list"],
    );
    listed.await.ok();
    assert!(key.exists());
    assert!(!home.master_key().exists());
}

#[tokio::test]
async fn relative_base_folders_are_ignored_and_a_relative_home_is_refused() {
    let mut home = Home::new();
    home.set("XDG_DATA_HOME", "here");
    home.set("XDG_CONFIG_HOME", "there");
    home.run(&["apps", "list"]).await.ok();
    assert!(home.data_dir().join("store.db").exists() && home.master_key().exists());
    assert!(!home.path().join("here").exists() && !home.path().join("there").exists());
    home.set("HOME", "home");
    let refused = home.run(&["apps", "list"]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(
        refused
            .stderr
            .contains("HOME is \"home\", which is not an absolute path"),
        "{}",
        refused.stderr
    );
}

#[tokio::test]
async fn the_master_key_may_not_lie_in_the_data_folder() {
    let mut home = Home::new();
    std::fs::create_dir(home.path().join("data")).unwrap();
    std::os::unix::fs::symlink("data", home.path().join("link")).unwrap();
    for key in [
        "data/key",
        "./data/deeper/key",
        "link/key",
        "new/../data/key",
    ] {
        home.set("TIELINE_MASTER_KEY_FILE", key);
        let refused = home.run(&["--data-dir", "data", "apps", "list"]).await;
        assert_eq!(refused.code, 3, "{key}: {refused:?}");
        for word in ["inside the data folder", "TIELINE_MASTER_KEY_FILE"] {
            assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
        }
    }
    assert_eq!(
        std::fs::read_dir(home.path().join("data")).unwrap().count(),
        0,
        "nothing was made"
    );
    home.set("TIELINE_MASTER_KEY_FILE", "data.key");
    home.run(&["--data-dir", "data", "apps", "list"]).await.ok();
    let rotated = home
        .run(&[
            "--data-dir",
            "link",
            "keys",
            "rotate",
            "--master",
            "data/key",
        ])
        .await;
    assert_eq!(rotated.code, 3, "{rotated:?}");
    assert!(!home.path().join("data/key").exists());
    std::fs::rename(home.path().join("data.key"), home.path().join("data/key")).unwrap();
    home.set("TIELINE_MASTER_KEY_FILE", "data/key");
    let moved_in = home.run(&["--data-dir", "data", "apps", "list"]).await;
    assert_eq!(moved_in.code, 3, "{moved_in:?}");
}

#[tokio::test]
async fn the_first_start_says_where_things_are_from_anywhere() {
    let mut home = Home::new();
    home.set("TIELINE_MASTER_KEY_FILE", "my.key");
    let ran = home.run(&["--data-dir", "mine", "apps", "list"]).await.ok();
    for name in ["mine", "my.key"] {
        let path = home.path().join(name).display().to_string();
        assert!(ran.stderr.contains(&path), "{path}: {}", ran.stderr);
    }
}

#[tokio::test]
async fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let home = Home::new();
    for (store, why) in [
        (
            "postgres://ada:s3cret@db.example/books",
            "there is a password in --store",
        ),
        (
            "postgres:///books?password=s3cret",
            "there is a password in --store",
        ),
        (
            "mysql://s3cret/books",
            "--store is no address of a PostgreSQL database",
        ),
        // A password that is not escaped makes no URL of it.
        (
            "postgres://ada:12/s3cret@db/books",
            "the address of the database is not understood",
        ),
    ] {
        let refused = home.run(&["apps", "list", "--store", store]).await;
        assert_eq!(refused.code, 3, "{refused:?}");
        assert!(refused.stderr.contains(why), "{refused:?}");
        assert!(!refused.stderr.contains("s3cret"), "{refused:?}");
    }
    // Where nobody listens, it is the address that is asked.
    let asked = home.run(&[
        "apps",
        "list",
        "--store",
        "postgres://ada@127.0.0.1:1/books",
    ]);
    let asked = asked.await;
    assert!(
        asked.stderr.contains("postgres://127.0.0.1:1/books"),
        "{asked:?}"
    );
}
