//! From options to an engine: configuration, master key, store; and to an orderly end, whatever ends the work.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use tieline::core::SystemClock;
use tieline::engine::Engine;
use tieline::store::{Created, MasterKey, Store, StoreOptions};
use tieline::{Configuration, Registry};

use crate::args::Common;
use crate::environment::{self, GivenMasterKey};
use crate::error::CliError;
use crate::output::{Output, shown};
use crate::signal::unless_interrupted;

/// Opens an engine for the work, and shuts it down however the work ends: a refresh that was started must land.
pub(crate) async fn with_engine(
    common: &Common,
    output: &Output,
    work: impl AsyncFnOnce(&Engine) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let registry = Registry::discover()?;
    let configuration = configuration(common)?;
    let store = open_store(common, output).await?;
    notice_adoption(&store, output);
    let engine = Engine::builder(registry, store)
        .configuration(configuration)
        .build()?;
    let done = unless_interrupted(output, work(&engine)).await;
    engine.shutdown().await;
    done
}

/// Opens the store for the work, and closes it however the work ends.
pub(crate) async fn with_store(
    common: &Common,
    output: &Output,
    work: impl AsyncFnOnce(&Store) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let store = open_store(common, output).await?;
    let done = unless_interrupted(output, work(&store)).await;
    store.close().await;
    done
}

pub(crate) fn data_dir(common: &Common) -> Result<PathBuf, CliError> {
    common
        .data_dir
        .clone()
        .map_or_else(environment::default_data_dir, Ok)
}

pub(crate) fn configuration(common: &Common) -> Result<Configuration, CliError> {
    Ok(Configuration::load(common.config.as_deref())?)
}

/// Says that nothing will be refreshed, where that is so.
pub(crate) fn notice_adoption(store: &Store, output: &Output) {
    if let Some(reason) = store.adoption_required() {
        output.notice(&format!(
            "{reason}: nothing is refreshed until `tieline adopt`"
        ));
    }
}

/// The key in a file, made if it isn't there; never inside the data folder, where there is one.
pub(crate) fn load_or_create(
    file: &Path,
    data_dir: Option<&Path>,
) -> Result<(MasterKey, Created), CliError> {
    if let Some(data_dir) = data_dir {
        check_apart(file, data_dir)?;
    }
    Ok(MasterKey::load_or_create(file)?)
}

/// Opens the store. The first time, says where things are and what to keep apart.
async fn open_store(common: &Common, output: &Output) -> Result<Store, CliError> {
    let data_dir = data_dir(common)?;
    let first_start = !Store::exists(&data_dir);
    let (master_key, key_place) = master_key(first_start, &data_dir)?;
    let options = StoreOptions {
        place: data_dir.clone().into(),
        master_key,
        deployment: environment::deployment()?,
        clock: Arc::new(SystemClock),
    };
    let store = Store::open(options).await?;
    if first_start {
        output.notice(&first_words(
            store.data_dir().unwrap_or(&data_dir),
            &key_place,
        ));
    }
    Ok(store)
}

/// The master key, and where it is. It is made only where nothing was ever sealed: a new key would open nothing.
fn master_key(first_start: bool, data_dir: &Path) -> Result<(MasterKey, String), CliError> {
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
        load_or_create(&file, Some(data_dir))?.0
    } else {
        check_apart(&file, data_dir)?;
        MasterKey::load(&file)?
    };
    Ok((key, std::path::absolute(&file)?.display().to_string()))
}

/// Whoever copies the data folder must not copy the key with it.
fn check_apart(key: &Path, data_dir: &Path) -> Result<(), CliError> {
    if !real(key)?.starts_with(real(data_dir)?) {
        return Ok(());
    }
    Err(CliError::Configuration(format!(
        "the master key {} lies inside the data folder {}, so that whoever copies the data has the key too: keep it \
         elsewhere, and say where with TIELINE_MASTER_KEY_FILE",
        key.display(),
        data_dir.display()
    )))
}

/// The path without links, as far as it is there; the rest as it will be made.
fn real(path: &Path) -> Result<PathBuf, CliError> {
    let absolute = std::path::absolute(path)?;
    for there in absolute.ancestors() {
        let (Ok(mut real), Ok(rest)) = (there.canonicalize(), absolute.strip_prefix(there)) else {
            continue;
        };
        for component in rest.components() {
            match component {
                Component::ParentDir => {
                    real.pop();
                }
                component => real.push(component),
            }
        }
        return Ok(real);
    }
    Ok(absolute)
}

fn first_words(data_dir: &Path, key_place: &str) -> String {
    format!(
        "This is a new store.\n  data        {}\n  master key  {}\nBack both up, and keep them apart: together they are \
         your users' accounts; without the key, the data opens for nobody and every account must be connected anew.",
        shown(&data_dir.display().to_string()),
        shown(key_place),
    )
}
