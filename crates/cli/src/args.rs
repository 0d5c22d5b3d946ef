//! What can be typed.

mod hosts;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use ipnet::IpNet;
use tieline::{AppId, InstanceId};
use url::Url;

pub(crate) use hosts::{ApiKeys, Tenants};

/// Connects third-party accounts and keeps their tokens valid.
#[derive(Debug, Parser)]
#[command(
    name = "tieline",
    version,
    propagate_version = true,
    max_term_width = 100,
    subcommand_required = true
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Common {
    /// Where instances are kept [default: $XDG_DATA_HOME/tieline, else ~/.local/share/tieline]
    #[arg(
        long,
        global = true,
        value_name = "FOLDER",
        env = "TIELINE_DATA_DIR",
        hide_env = true
    )]
    pub(crate) data_dir: Option<PathBuf>,
    /// Keep instances in this PostgreSQL database instead, such as postgres://user@host/database. Others can read a command
    /// line, so a password goes elsewhere: into TIELINE_STORE, which takes the whole address, or ~/.pgpass
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) store: Option<String>,
    /// The configuration file [default: ./tieline.toml, else $XDG_CONFIG_HOME/tieline/tieline.toml]. Where a server holds the
    /// data folder (`tieline serve`), what it was started with counts
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "TIELINE_CONFIG",
        hide_env = true
    )]
    pub(crate) config: Option<PathBuf>,
    /// Print JSON for programs instead of text for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// What to log on standard error: off, error, warn, info, debug, trace, or a filter such as tieline_engine=debug
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        default_value = "warn",
        env = "TIELINE_LOG",
        hide_env = true
    )]
    pub(crate) log: String,
    /// How to log
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "text",
        env = "TIELINE_LOG_FORMAT",
        hide_env = true
    )]
    pub(crate) log_format: LogFormat,
}

/// A line an event for people, or a JSON object an event for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Tell the whole story against a sandbox: no account, no network
    Demo,
    /// Connect an account: by consent, in a browser or on another device, or with what its owner gives
    Connect(Connect),
    /// The providers this program knows
    #[command(subcommand)]
    Providers(Providers),
    /// Which credential of which provider is which parameter
    Mappings {
        /// Only this provider's
        provider: Option<String>,
    },
    /// The configuration
    #[command(subcommand)]
    Config(Config),
    /// Registered applications
    #[command(subcommand)]
    Apps(Apps),
    /// Connected accounts
    #[command(subcommand)]
    Instances(Instances),
    /// Tenants: on whose behalf API keys speak
    #[command(subcommand)]
    Tenants(Tenants),
    /// API keys: who may work through the server, and what they may do
    #[command(subcommand)]
    ApiKeys(ApiKeys),
    /// Hold the data folder and work for all other commands, until Ctrl-C or SIGTERM
    Serve(Serve),
    /// Find what is wrong with the store, the configuration, apps and accounts, and what to do about each thing
    ///
    /// Ends with 0 where nothing is wrong; else with the first of these that is: 1 the store, its keys or the clock, 3 the
    /// configuration or an app, 4 an account that must be connected again, 5 a provider that can't be reached.
    Doctor(Doctor),
    /// The keys that seal what is stored
    #[command(subcommand)]
    Keys(Keys),
    /// Write a copy of the store to a file
    Backup {
        /// The file to write; never overwritten
        file: PathBuf,
    },
    /// Put a backup in the data folder's place
    Restore {
        /// The backup
        file: PathBuf,
        /// Move a store that is there already aside
        #[arg(long)]
        force: bool,
    },
    /// Declare this copy of the store to be the one that refreshes
    Adopt,
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Serve the API and the pages for browsers at this address, such as 127.0.0.1:8080
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where browsers and providers reach that from outside [default: the address itself, if it is this machine's own]
    #[arg(long, value_name = "URL", env = "TIELINE_PUBLIC_URL", hide_env = true)]
    pub(crate) public_url: Option<Url>,
    /// Serve /metrics at this address, to whoever asks: without an API key
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// Let webhooks be in this range of addresses, such as 10.1.0.0/16; again for more. Else they are at public ones alone
    #[arg(
        long = "webhook-range",
        value_name = "RANGE",
        env = "TIELINE_WEBHOOK_RANGES",
        hide_env = true,
        value_delimiter = ','
    )]
    pub(crate) webhook_ranges: Vec<IpNet>,
    /// Try it out: play Infusionsoft here, with a store that is gone in the end, and an API key that is told
    #[arg(long)]
    pub(crate) sandbox: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Don't ask the providers whether they can be reached
    #[arg(long)]
    pub(crate) offline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Id or alias of the provider
    pub(crate) provider: String,
    /// Which of your apps at that provider [default: the one named like the provider, made if need be]
    #[arg(long, value_name = "NAME", conflicts_with = "instance")]
    pub(crate) app: Option<String>,
    /// What to call the instance
    #[arg(long, conflicts_with = "instance")]
    pub(crate) name: Option<String>,
    /// Reconnect this instance in place; its id stays
    #[arg(long, value_name = "ID")]
    pub(crate) instance: Option<InstanceId>,
    /// Consent on another device, with a code that you type there, where the provider offers that
    #[arg(long)]
    pub(crate) device: bool,
    /// The local port to which the provider sends you back, if no callback URL is given or configured [default: 8917]
    #[arg(long, value_name = "PORT", conflicts_with = "callback_url")]
    pub(crate) callback_port: Option<u16>,
    /// The callback URL as registered with the provider, if it is neither configured nor the local one; the app keeps it
    #[arg(long, value_name = "URL")]
    pub(crate) callback_url: Option<String>,
    /// Print the address instead of opening a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    #[command(flatten, next_help_heading = "What the account's owner gives")]
    pub(crate) parameters: ParameterValues,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Providers {
    /// List them
    List,
    /// Show one: its mapping table, guide, limits and how accounts are connected
    Show {
        /// Id or alias
        provider: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Show each parameter, its value or [redacted], and exactly where it came from
    Explain {
        /// Id or alias of the provider
        provider: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Apps {
    /// List them
    List,
    /// Show one; secrets stay hidden
    Show {
        /// The app's id
        app: AppId,
    },
    /// Register an app
    Create {
        /// Id or alias of the provider
        provider: String,
        /// Its name among your apps at that provider [default: the provider's id]
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        parameters: ParameterValues,
    },
    /// Change an app's parameters; this is how a client secret is rotated
    Set {
        /// The app's id
        app: AppId,
        #[command(flatten)]
        parameters: ParameterValues,
    },
    /// Delete an app to which no instance points
    Delete {
        /// The app's id
        app: AppId,
    },
}

/// Parameters on the command line. Secrets come from files, since others can read a command line.
#[derive(Debug, Args)]
pub(crate) struct ParameterValues {
    /// Set a parameter that is no secret
    #[arg(long = "set", value_name = "PARAMETER=VALUE")]
    pub(crate) values: Vec<String>,
    /// Set a parameter to what a file holds; - is standard input
    #[arg(long = "set-file", value_name = "PARAMETER=FILE")]
    pub(crate) files: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Instances {
    /// List them
    List {
        /// Only those of this provider
        #[arg(long)]
        provider: Option<String>,
    },
    /// Show one, with what happened to it last
    Show {
        /// The instance's id
        instance: InstanceId,
    },
    /// Print a valid access token, refreshed first if need be
    Token {
        /// The instance's id
        instance: InstanceId,
    },
    /// Ask the provider whose account it is, which proves the token
    Check {
        /// The instance's id
        instance: InstanceId,
    },
    /// Call the provider's API
    Call(Call),
    /// Refresh now, due or not
    Refresh {
        /// The instance's id
        instance: InstanceId,
    },
    /// Revoke at the provider and delete
    Disconnect {
        /// The instance's id
        instance: InstanceId,
        /// Delete even if the provider can't be asked
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The instance's id
    pub(crate) instance: InstanceId,
    /// The path, relative to the API's base, such as /v1/contacts?limit=1
    pub(crate) path: String,
    /// The method
    #[arg(long, short = 'X', default_value = "GET")]
    pub(crate) method: http::Method,
    /// A header, as in 'Content-Type: application/json'
    #[arg(long = "header", short = 'H', value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<String>,
    /// The body; @FILE reads a file, @- standard input
    #[arg(long, short = 'd')]
    pub(crate) data: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Keys {
    /// Seal everything anew with a fresh data key; with --master, wrap the data keys with another master key
    Rotate {
        /// The file of the new master key, made if it isn't there
        #[arg(long, value_name = "FILE")]
        master: Option<PathBuf>,
    },
}
