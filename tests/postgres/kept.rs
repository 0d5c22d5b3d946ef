//! What a cluster keeps through a crash, as any PostgreSQL would.

use std::fs;
use std::net::TcpListener;

use sqlx::{Connection as _, PgConnection, query, query_scalar};
use tieline_tests::postgres::{Cluster, shared};

/// What the server logged since its last start.
fn log(cluster: &Cluster) -> String {
    fs::read_to_string(cluster.folder().join("server.log")).unwrap()
}

async fn setting(url: &str, name: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    query_scalar("SELECT current_setting($1)")
        .bind(name)
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn notes(url: &str) -> Vec<String> {
    let mut connection = PgConnection::connect(url).await.unwrap();
    query_scalar("SELECT note FROM notes ORDER BY note")
        .fetch_all(&mut connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn commits_are_synced() {
    let url = shared().await.create_database().await.unwrap();
    for (name, expected) in [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("max_connections", "300"),
        ("listen_addresses", "127.0.0.1"),
        ("unix_socket_directories", ""),
    ] {
        assert_eq!(setting(&url, name).await, expected, "{name}");
    }
}

#[tokio::test]
async fn a_crash_takes_what_is_not_committed_and_nothing_else() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.create_database().await.unwrap();
    let mut open = PgConnection::connect(&url).await.unwrap();
    query("CREATE TABLE notes (note text)")
        .execute(&mut open)
        .await
        .unwrap();
    let mut transaction = open.begin().await.unwrap();
    query("INSERT INTO notes VALUES ('open')")
        .execute(&mut *transaction)
        .await
        .unwrap();
    // A later commit, so that the open transaction's row is in the synced log as well.
    let mut other = PgConnection::connect(&url).await.unwrap();
    query("INSERT INTO notes VALUES ('committed')")
        .execute(&mut other)
        .await
        .unwrap();

    cluster.crash().await.unwrap();
    assert!(transaction.commit().await.is_err());
    assert!(PgConnection::connect(&url).await.is_err());

    cluster.start_again().await.unwrap();
    assert_eq!(notes(&url).await, ["committed"]);
    let log = log(&cluster);
    assert!(log.contains("automatic recovery in progress"), "{log}");
}

#[tokio::test]
async fn a_stopped_server_comes_back_without_recovery() {
    let cluster = Cluster::start().await.unwrap();
    let url = cluster.create_database().await.unwrap();
    let _open = PgConnection::connect(&url).await.unwrap();
    let again = cluster.start_again().await.unwrap_err().to_string();
    assert!(again.contains("the server runs already"), "{again}");

    cluster.stop().await.unwrap();
    assert!(PgConnection::connect(&url).await.is_err());
    let twice = cluster.crash().await.unwrap_err().to_string();
    assert!(twice.contains("the server does not run"), "{twice}");

    cluster.start_again().await.unwrap();
    assert_eq!(setting(&url, "port").await, cluster.port().to_string());
    let log = log(&cluster);
    assert!(log.contains("database system was shut down"), "{log}");
}

#[tokio::test]
async fn a_taken_port_is_passed_over() {
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let ports = [port(&taken), port(&free)];
    drop(free);
    let cluster = Cluster::start_on(ports.into_iter()).await.unwrap();
    assert_eq!(cluster.port(), ports[1]);

    let none = Cluster::start_on([ports[0]].into_iter()).await;
    let none = none.unwrap_err().to_string();
    assert!(none.contains("Address already in use"), "{none}");
}

#[tokio::test]
async fn databases_are_nobody_elses_and_need_the_password() {
    let cluster = shared().await;
    let (one, other) = tokio::join!(cluster.create_database(), cluster.create_database());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_ne!(one, other);
    let (user, rest) = one.rsplit_once('@').unwrap();
    let password = user.rsplit_once(':').unwrap().1;
    let wrong = one.replace(password, "wrong");
    let refused = PgConnection::connect(&wrong).await.unwrap_err().to_string();
    assert!(
        refused.contains("password authentication failed"),
        "{refused}: {rest}"
    );
}
