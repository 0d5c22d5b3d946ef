//! What the databases say differently.

use super::row::last_micros;

/// A database's way of saying things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    #[cfg(feature = "postgres")]
    Postgres,
}

impl Dialect {
    /// The placeholder of the value with this number, from 1, where each is used once and in order.
    ///
    /// SQLite looks a numbered one up by its name, among all the names there are: thousands of them take their time.
    pub(crate) fn next_value(self, number: usize) -> String {
        match self {
            Self::Sqlite => {
                let _ = number;
                "?".to_owned()
            }
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("${number}"),
        }
    }

    /// The instant, by the clock that leases go by. `given` is that of the store.
    pub(crate) fn now(self, given: &str) -> &str {
        match self {
            Self::Sqlite => given,
            #[cfg(feature = "postgres")]
            Self::Postgres => "tieline_now()",
        }
    }

    /// When a lease ends that lasts `lease` microseconds from now.
    pub(crate) fn lease_end(self, now: &str, lease: &str) -> String {
        let (now, last) = (self.now(now), last_micros());
        match self {
            Self::Sqlite => format!("min({now} + {lease}, {last})"),
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("least({now} + {lease}, {last})"),
        }
    }

    /// Whether the lease on the row keeps others away.
    pub(crate) fn lease_alive(self, now: &str) -> String {
        let now = self.now(now);
        match self {
            Self::Sqlite => format!("(lease_owner IS NOT NULL AND lease_until > {now})"),
            #[cfg(feature = "postgres")]
            Self::Postgres => format!(
                "(lease_owner IS NOT NULL AND lease_until > {now} AND tieline_alive(lease_owner, intent_at))"
            ),
        }
    }

    /// A JSON object of strings, with the members of another one in place of its own or beside them.
    pub(crate) fn merged(self, old: &str, new: &str) -> String {
        match self {
            Self::Sqlite => format!("json_patch({old}, {new})"),
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("({old}::jsonb || {new}::jsonb)::text"),
        }
    }

    /// What follows the selection of rows that one of several processes takes, so that the others take other rows.
    pub(crate) fn skip_taken(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            #[cfg(feature = "postgres")]
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }

    /// A JSON object with one number in it, as text.
    pub(crate) fn object(self, name: &str, value: &str) -> String {
        match self {
            Self::Sqlite => format!("json_object('{name}', {value})"),
            #[cfg(feature = "postgres")]
            Self::Postgres => format!("json_build_object('{name}', {value})::text"),
        }
    }
}
