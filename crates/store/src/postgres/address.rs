//! Where a PostgreSQL database is, from an address that may hold a password and is therefore never shown.

use std::path::PathBuf;

use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;
use tieline_core::Secret;
use url::Url;

use crate::StoreError;

/// What may stand in the query of an address; the driver would write anything else into a log.
const KNOWN: &[&str] = &[
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// A parsed address.
pub(crate) struct Address {
    /// Without user, password and options: to be shown.
    pub(crate) place: PathBuf,
    pub(super) options: PgConnectOptions,
}

impl Address {
    /// # Errors
    /// [`StoreError::BadAddress`], which shows nothing of it: a password with a character that is not escaped may be anywhere in it.
    pub(crate) fn parse(address: &Secret) -> Result<Self, StoreError> {
        let bad = |why| StoreError::BadAddress { why };
        let url = Url::parse(address.expose().trim()).map_err(|_| bad("it is no URL"))?;
        if !["postgres", "postgresql"].contains(&url.scheme()) {
            return Err(bad("it does not begin with postgres://"));
        }
        let database = url.path().trim_start_matches('/');
        let misplaced = |text: &str| text.contains(['@', ':', '/']);
        if misplaced(database)
            || url.fragment().is_some()
            || url.query().is_some_and(|query| query.contains('@'))
        {
            return Err(bad("its parts are not where they belong"));
        }
        if url
            .query_pairs()
            .any(|(key, _)| !KNOWN.contains(&&*key) && !key.starts_with("options["))
        {
            return Err(bad("it has an option that is unknown"));
        }
        let options = PgConnectOptions::from_url(&url)
            .map_err(|_| bad("one of its options has an impossible value"))?
            .disable_statement_logging();
        let host = match options.get_socket() {
            Some(socket) => format!("{}", socket.display()),
            None => options.get_host().to_owned(),
        };
        let database = options
            .get_database()
            .unwrap_or(options.get_username())
            .to_owned();
        Ok(Self {
            place: PathBuf::from(format!(
                "postgres://{host}:{}/{database}",
                options.get_port()
            )),
            options: options.application_name("tieline"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(address: &str) -> Result<Address, StoreError> {
        Address::parse(&Secret::new(address))
    }

    #[test]
    fn an_address_is_shown_without_user_and_password() {
        for (address, shown) in [
            (
                "postgres://ada:s3cret@db.example.com/books",
                "postgres://db.example.com:5432/books",
            ),
            (
                "postgresql://ada:s3%2Fcr%40et@127.0.0.1:6543/books?sslmode=require",
                "postgres://127.0.0.1:6543/books",
            ),
            (
                "postgres:///books?host=/run/postgresql&user=ada&password=s3cret",
                "postgres:///run/postgresql:5432/books",
            ),
        ] {
            let place = parse(address).unwrap().place;
            assert_eq!(place.to_str().unwrap(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_not_repeated() {
        for address in [
            "s3cret",
            "mysql://ada:s3cret@db/books",
            "postgres://ada:12/s3cret@db/books",
            "postgres://ada:12?s3cret@db/books",
            "postgres://ada:12#s3cret@db/books",
            "postgres://ada:s3/cret@db/books",
            "postgres://ada@db/books?passwd=s3cret",
            "postgres://ada@db/books?sslmode=s3cret",
            "postgres://ada@db/books?port=s3cret",
        ] {
            let Err(error) = parse(address) else {
                panic!("{address} was taken");
            };
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("s3") && !shown.contains("cret"), "{shown}");
            assert!(error.to_string().contains("postgres://"), "{error}");
        }
    }
}
