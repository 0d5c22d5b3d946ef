//! What is left of a cluster that nobody needs any more: nothing.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tieline_tests::postgres::{Cluster, shared};
use tokio::time::{interval, timeout};

/// Tells this test's own program to play the process that is killed.
const VICTIM: &str = "TIELINE_TEST_POSTGRES_VICTIM";

/// The server of a cluster, and its children.
fn processes(folder: &Path) -> Vec<String> {
    let lock = fs::read_to_string(folder.join("data/postmaster.pid")).unwrap();
    let server = lock.lines().next().unwrap();
    let output = Command::new("ps")
        .args(["-A", "-o", "pid=", "-o", "ppid="])
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let found: Vec<String> = listed
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|words| words.contains(&server))
        .map(|words| words[0].to_owned())
        .collect();
    assert!(found.len() > 3, "{found:?} of {listed}");
    found
}

/// Those that live; a zombie only waits for the system to forget it.
fn alive(processes: &[String]) -> String {
    let output = Command::new("ps")
        .args(["-o", "stat=", "-o", "args=", "-p", &processes.join(",")])
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    listed
        .lines()
        .filter(|line| !line.starts_with('Z'))
        .collect()
}

#[tokio::test]
async fn nothing_is_left_after_drop() {
    let cluster = Cluster::start().await.unwrap();
    let folder = cluster.folder().to_owned();
    let processes = processes(&folder);
    assert_ne!(alive(&processes), "");
    drop(cluster);
    assert_eq!(alive(&processes), "");
    assert!(!folder.exists());
}

#[tokio::test]
async fn nothing_is_left_of_a_crashed_one_after_a_panic() {
    let cluster = Cluster::start().await.unwrap();
    let folder = cluster.folder().to_owned();
    let processes = processes(&folder);
    let panicked = tokio::spawn(async move {
        cluster.crash().await.unwrap();
        assert_eq!(alive(&processes), "");
        assert!(cluster.folder().exists());
        cluster.crash().await.unwrap();
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert!(!folder.exists());
}

/// Plays both parts: the one who kills, and in another process, the one who is killed.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the two parts have nothing else to talk through"
)]
#[tokio::test]
async fn nothing_is_left_of_a_killed_process() {
    if env::var_os(VICTIM).is_some() {
        println!("\nfolder={}", shared().await.folder().display());
        std::future::pending::<()>().await;
    }
    let mut victim = Command::new(env::current_exe().unwrap())
        .args([
            "--exact",
            "gone::nothing_is_left_of_a_killed_process",
            "--nocapture",
        ])
        .env(VICTIM, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let folder = lines.find_map(|line| line.unwrap().strip_prefix("folder=").map(PathBuf::from));
    let folder = folder.unwrap();
    let processes = processes(&folder);

    victim.kill().unwrap();
    victim.wait().unwrap();
    let is_over = async {
        let mut looks = interval(Duration::from_millis(10));
        while folder.exists() || !alive(&processes).is_empty() {
            looks.tick().await;
        }
    };
    // The keeper is nobody's child by now, so that it can only be looked for.
    timeout(Duration::from_secs(60), is_over).await.unwrap();
}
