//! The schema's history: numbered, forward only, compiled in.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Each with its number. What was released is never edited, only added to.
pub(super) const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("migrations/0001_first.sql")),
    (
        2,
        "parameters",
        include_str!("migrations/0002_parameters.sql"),
    ),
    (3, "recovery", include_str!("migrations/0003_recovery.sql")),
    (4, "host", include_str!("migrations/0004_host.sql")),
    (
        5,
        "contested",
        include_str!("migrations/0005_contested.sql"),
    ),
    (6, "pages", include_str!("migrations/0006_pages.sql")),
];

/// The number of the schema that these migrations lead to.
pub(super) fn latest(migrations: &[(i64, &'static str, &'static str)]) -> i64 {
    migrations
        .iter()
        .map(|(number, ..)| *number)
        .max()
        .unwrap_or_default()
}

pub(super) fn migrator(migrations: &[(i64, &'static str, &'static str)]) -> Migrator {
    let migrations = migrations
        .iter()
        .map(|(number, name, sql)| {
            Migration::new(
                *number,
                (*name).into(),
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    // The lock file has made sure that nobody else migrates.
    migrator.set_locking(false);
    migrator
}
