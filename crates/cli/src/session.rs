//! From options to an engine: configuration, master key, store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tieline::core::SystemClock;
use tieline::engine::Engine;
use tieline::store::{Created, MasterKey, Store, StoreOptions};
use tieline::{Configuration, Registry};

use crate::args::Common;
use crate::environment::{self, GivenMasterKey};
use crate::error::CliError;
use crate::output::Output;

pub(crate) fn data_dir(common: &Common) -> Result<PathBuf, CliError> {
    common
        .data_dir
        .clone()
        .map_or_else(environment::default_data_dir, Ok)
}

pub(crate) fn configuration(common: &Common) -> Result<Configuration, CliError> {
    Ok(Configuration::load(common.config.as_deref())?)
}

/// Opens store and engine. The first time, says where things are and what to keep apart.
pub(crate) async fn engine(common: &Common, output: &Output) -> Result<Engine, CliError> {
    let registry = Registry::discover()?;
    let configuration = configuration(common)?;
    let store = store(common, output).await?;
    Ok(Engine::builder(registry, store)
        .configuration(configuration)
        .build()?)
}

pub(crate) async fn store(common: &Common, output: &Output) -> Result<Store, CliError> {
    let data_dir = data_dir(common)?;
    let first_start = !Store::exists(&data_dir);
    let (master_key, key_place) = master_key(first_start)?;
    let options = StoreOptions {
        data_dir: data_dir.clone(),
        master_key,
        deployment: environment::deployment(),
        clock: Arc::new(SystemClock),
    };
    let store = Store::open(options).await?;
    if first_start {
        output.notice(&first_words(&data_dir, &key_place));
    }
    if let Some(reason) = store.adoption_required() {
        output.notice(&format!(
            "{reason}: nothing is refreshed until `tieline adopt`"
        ));
    }
    Ok(store)
}

/// The master key, and where it is. It is made only where nothing was ever sealed: a new key would open nothing.
fn master_key(first_start: bool) -> Result<(MasterKey, String), CliError> {
    let file = match environment::master_key()? {
        GivenMasterKey::Text(text) => {
            return Ok((
                MasterKey::from_text(&text)?,
                "the environment variable TIELINE_MASTER_KEY".to_owned(),
            ));
        }
        GivenMasterKey::File(file) => file,
        GivenMasterKey::Nowhere => environment::default_master_key_file()?,
    };
    let key = if first_start {
        load_or_create(&file)?.0
    } else {
        MasterKey::load(&file)?
    };
    Ok((key, file.display().to_string()))
}

pub(crate) fn load_or_create(file: &Path) -> Result<(MasterKey, Created), CliError> {
    Ok(MasterKey::load_or_create(file)?)
}

fn first_words(data_dir: &Path, key_place: &str) -> String {
    format!(
        "This is a new store.\n  data        {}\n  master key  {key_place}\nBack both up, and keep them apart: \
         together they are your users' accounts; without the key, the data opens for nobody and every account must be \
         connected anew.",
        data_dir.display(),
    )
}
