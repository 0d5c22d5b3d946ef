//! From options to a desk: configuration, master key, store, or the server that holds it; and to an orderly end, whatever
//! ends the work.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use tieline::core::SystemClock;
use tieline::engine::{EdgeOptions, Engine, EngineError, OWNER};
use tieline::store::{
    AdoptionReason, Created, MasterKey, Store, StoreError, StoreOptions, StorePlace,
};
use tieline::{Configuration, Registry};
use url::Url;

use crate::args::Common;
use crate::desk::{Control, Desk, Vault};
use crate::environment::{self, GivenMasterKey};
use crate::error::CliError;
use crate::output::{Output, shown};
use crate::signal::{FINISHED_HERE, FINISHED_THERE, unless_interrupted};

/// Finds a desk for the work: the server that holds the store, else an engine of our own, which is shut down however the
/// work ends: a refresh that was started must land.
pub(crate) async fn with_desk(
    common: &Common,
    output: &Output,
    work: impl AsyncFnOnce(&Desk) -> Result<(), CliError>,
) -> Result<(), CliError> {
    with_desk_as_it_is(common, output, async |desk| {
        notice_adoption(desk.adoption_required().await?, output);
        work(desk).await
    })
    .await
}

/// The same, where it is for the work to say what stands in the way of refreshing.
pub(crate) async fn with_desk_as_it_is<T>(
    common: &Common,
    output: &Output,
    work: impl AsyncFnOnce(&Desk) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let registry = Registry::discover()?;
    let configuration = configuration(common)?;
    match vault(common, output).await? {
        Vault::Here(store) => {
            let engine = engine(registry, configuration, store)?.acting_as(OWNER);
            let desk = Desk::Here(engine.clone());
            let done = unless_interrupted(output, FINISHED_HERE, work(&desk)).await;
            engine.shutdown().await;
            done
        }
        Vault::There(control) => {
            configuration.check_providers(&registry)?;
            let desk = Desk::There { control, registry };
            notice_without_effect(&desk, &configuration, output).await?;
            unless_interrupted(output, FINISHED_THERE, work(&desk)).await
        }
    }
}

/// The data folder, if there is no store in it yet, nor anything that would stand in the way of one.
pub(crate) async fn without_store(common: &Common) -> Result<Option<PathBuf>, CliError> {
    let data_dir = data_dir(common)?;
    let is_free = data_dir.is_dir() || !data_dir.exists();
    let is_elsewhere = environment::store(common.store.as_deref())?.is_some();
    if !is_free || is_elsewhere || Store::exists(&data_dir) {
        return Ok(None);
    }
    let is_served = Control::find(&data_dir).await?.is_some();
    Ok((!is_served).then_some(data_dir))
}

/// Opens an engine of our own, for whoever shuts it down.
pub(crate) async fn own_engine(
    common: &Common,
    public_url: Option<Url>,
    edge: EdgeOptions,
    output: &Output,
) -> Result<Engine, CliError> {
    let registry = Registry::discover()?;
    let configuration = configuration(common)?;
    let store = open_store(common, output).await?;
    notice_adoption(store.adoption_required(), output);
    let builder = Engine::builder(registry, store)
        .configuration(configuration)
        .edge(edge);
    Ok(match public_url {
        Some(public_url) => builder.public_url(public_url).build()?,
        None => builder.build()?,
    })
}

fn engine(
    registry: Registry,
    configuration: Configuration,
    store: Store,
) -> Result<Engine, CliError> {
    Ok(Engine::builder(registry, store)
        .configuration(configuration)
        .build()?)
}

/// Finds whoever holds the store for the work. A store that was opened here is closed however the work ends.
pub(crate) async fn with_vault(
    common: &Common,
    output: &Output,
    work: impl AsyncFnOnce(&Vault) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let vault = vault(common, output).await?;
    let finished = match &vault {
        Vault::Here(_) => FINISHED_HERE,
        Vault::There(_) => FINISHED_THERE,
    };
    let done = unless_interrupted(output, finished, work(&vault)).await;
    if let Vault::Here(store) = &vault {
        store.close().await;
    }
    done
}

/// The store, opened here unless a server holds it. The server needs neither master key nor configuration of ours.
async fn vault(common: &Common, output: &Output) -> Result<Vault, CliError> {
    let data_dir = data_dir(common)?;
    let found = match Control::find(&data_dir).await? {
        Some(control) => {
            refuse_other_store(common, &control)?;
            control
        }
        None => match open_store(common, output).await {
            Err(locked) if is_locked(&locked) => {
                // A server may have come up since.
                Control::find(&data_dir).await?.ok_or(locked)?
            }
            opened => return Ok(Vault::Here(opened?)),
        },
    };
    let (theirs, ours) = (&found.health().version, env!("CARGO_PKG_VERSION"));
    if theirs != ours {
        output.notice(&format!(
            "Process {}, which holds the data folder, is release {}, this is {ours}: use the same for both.",
            found.health().pid,
            shown(theirs)
        ));
    }
    Ok(Vault::There(found))
}

/// A store that is named must be the one that is worked on.
fn refuse_other_store(common: &Common, control: &Control) -> Result<(), CliError> {
    if common.store.is_none() {
        return Ok(());
    }
    Err(CliError::Configuration(format!(
        "process {} serves the data folder, and works on a store of its own: leave --store out, or name another folder with \
         --data-dir",
        control.health().pid
    )))
}

/// For what is about the data folder alone.
pub(crate) fn refuse_store(common: &Common) -> Result<(), CliError> {
    match common.store {
        None => Ok(()),
        Some(_) => Err(CliError::Configuration(
            "--store says nothing here: this is about the data folder alone".to_owned(),
        )),
    }
}

fn is_locked(error: &CliError) -> bool {
    matches!(
        error,
        CliError::Engine(EngineError::Store(StoreError::Locked { .. }))
    )
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

/// Says which parameters that are configured for this command have no effect: the server has a configuration of its own.
async fn notice_without_effect(
    desk: &Desk,
    configuration: &Configuration,
    output: &Output,
) -> Result<(), CliError> {
    let (Desk::There { control, .. }, without) = (desk, desk.without_effect(configuration).await?)
    else {
        return Ok(());
    };
    if !without.is_empty() {
        output.notice(&format!(
            "Process {} serves this data folder, and its own configuration counts: what is set here for {} has no effect.",
            control.health().pid,
            shown(&without.join(", "))
        ));
    }
    Ok(())
}

/// Says, of a configuration that is being explained, that it isn't the one that counts.
pub(crate) async fn notice_if_served(common: &Common, output: &Output) -> Result<(), CliError> {
    // Whoever has no data folder is served by nobody.
    let Ok(data_dir) = data_dir(common) else {
        return Ok(());
    };
    if let Some(control) = Control::find(&data_dir).await? {
        output.notice(&format!(
            "Process {} serves this data folder, and its own configuration counts: this is what is set here.",
            control.health().pid
        ));
    }
    Ok(())
}

/// Says that nothing will be refreshed, where that is so.
pub(crate) fn notice_adoption(reason: Option<AdoptionReason>, output: &Output) {
    if let Some(reason) = reason {
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
    let database = environment::store(common.store.as_deref())?;
    // Nothing is asked of a database before the key is there: where that is another's, opening says so.
    let first_start = database.is_some() || !Store::exists(&data_dir);
    let (master_key, key_place) = master_key(first_start, &data_dir)?;
    let first_start = first_start && database.is_none();
    let place = match database {
        Some(url) => StorePlace::Postgres(url),
        None => StorePlace::Folder(data_dir.clone()),
    };
    let options = StoreOptions {
        place,
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
