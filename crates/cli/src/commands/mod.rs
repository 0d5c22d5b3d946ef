//! One module a command.

mod api_keys;
mod apps;
mod config;
mod connect;
mod demo;
mod doctor;
mod instances;
mod keeping;
mod keys;
mod kinds;
mod mappings;
mod parameters;
mod plain;
mod providers;
mod serve;
mod tenants;

use clap::CommandFactory as _;

use crate::args::{Arguments, Command};
use crate::error::CliError;
use crate::output::Output;

pub(crate) async fn run(arguments: Arguments, output: &Output) -> Result<(), CliError> {
    let common = &arguments.common;
    match arguments.command {
        Command::Demo => demo::run(output).await,
        Command::Connect(connect) => connect::run(common, connect, output).await,
        Command::Providers(command) => providers::run(&command, output),
        Command::Mappings { provider } => mappings::run(provider.as_deref(), output),
        Command::Config(command) => config::run(common, &command, output).await,
        Command::Apps(command) => apps::run(common, command, output).await,
        Command::Instances(command) => instances::run(common, command, output).await,
        Command::Tenants(command) => tenants::run(common, command, output).await,
        Command::ApiKeys(command) => api_keys::run(common, command, output).await,
        Command::Serve(serve) => serve::run(common, serve, output).await,
        Command::Doctor(doctor) => doctor::run(common, &doctor, output).await,
        Command::Keys(command) => keys::run(common, command, output).await,
        Command::Backup { file } => keeping::backup(common, &file, output).await,
        Command::Restore { file, force } => keeping::restore(common, &file, force, output).await,
        Command::Adopt => keeping::adopt(common, output).await,
        Command::Completions { shell } => {
            // clap_complete panics where it can't write; we don't.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "tieline", &mut script);
            output.exactly(&script)
        }
    }
}
