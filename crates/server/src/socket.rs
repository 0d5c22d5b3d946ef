//! The control socket: `control.sock` in the data folder, for its owner alone.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

const NAME: &str = "control.sock";
/// Where the socket is made before it is anybody's to see.
const MAKING: &str = "control.new";
/// What `sun_path` holds besides the zero at its end; 103 on other systems than Linux.
const LONGEST_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Why there is no control socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The path doesn't fit, and there is no way around it here.
    #[error(
        "the path of the control socket {} is longer than the {LONGEST_PATH} bytes that the system takes: choose a data \
         folder with a shorter path, or one behind a symbolic link",
        path.display()
    )]
    TooLong {
        /// The path.
        path: PathBuf,
    },
    /// The operating system says no.
    #[error(
        "can't make the control socket {}: {why}; the data folder must be on a file system that has sockets",
        path.display()
    )]
    Io {
        /// The path.
        path: PathBuf,
        /// What it says.
        why: io::Error,
    },
}

/// A socket that only the owner of the data folder can connect to. It listens.
#[derive(Debug)]
pub struct ControlSocket {
    file: SocketFile,
    listener: UnixListener,
}

/// The socket's name in the data folder, which goes when this is dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

impl ControlSocket {
    /// Makes the socket, mode 0600, in the place of one that a killed process left behind. Only the holder of the data
    /// folder's lock may: it alone knows that what is there is nobody's.
    ///
    /// # Errors
    /// When the path is too long, or the operating system says no.
    pub fn bind(data_dir: &Path) -> Result<Self, SocketError> {
        let path = data_dir.join(NAME);
        match bind(data_dir, &path) {
            Ok(listener) => Ok(Self {
                file: SocketFile(path),
                listener,
            }),
            Err(why) if is_too_long(&why) => Err(SocketError::TooLong { path }),
            Err(why) => Err(SocketError::Io { path, why }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.file.0
    }

    /// What to accept from, and the name, to be dropped as soon as nobody new is to come.
    pub fn into_parts(self) -> (UnixListener, SocketFile) {
        (self.listener, self.file)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // The next server replaces what can't be removed.
        let _ = fs::remove_file(&self.0);
    }
}

/// Binds in a folder that nobody else may enter, and moves the socket to its place when its mode is right: at no moment
/// can anybody else connect.
fn bind(data_dir: &Path, path: &Path) -> io::Result<UnixListener> {
    let making = data_dir.join(MAKING);
    remove_folder(&making)?;
    DirBuilder::new().mode(0o700).create(&making)?;
    let made = make(&making, path);
    let removed = remove_folder(&making);
    let listener = made?;
    removed?;
    Ok(listener)
}

fn make(making: &Path, path: &Path) -> io::Result<UnixListener> {
    let new = making.join(NAME);
    let listener = within_limits(making, UnixListener::bind)?;
    fs::set_permissions(&new, Permissions::from_mode(0o600))?;
    fs::rename(&new, path)?;
    Ok(listener)
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Connects to the control socket of a data folder.
///
/// # Errors
/// When there is none, or nobody listens any more.
pub async fn connect(data_dir: &Path) -> io::Result<UnixStream> {
    if data_dir.join(NAME).as_os_str().len() <= LONGEST_PATH {
        return UnixStream::connect(data_dir.join(NAME)).await;
    }
    let folder = File::open(data_dir)?;
    UnixStream::connect(through(&folder)).await
}

/// Does something with the path of the socket in a folder, or with a short way to it.
fn within_limits<T>(folder: &Path, with: impl Fn(PathBuf) -> io::Result<T>) -> io::Result<T> {
    let path = folder.join(NAME);
    if path.as_os_str().len() <= LONGEST_PATH {
        return with(path);
    }
    let folder = File::open(folder)?;
    with(through(&folder)).map_err(|error| match error.kind() {
        // Not Linux, or nothing at /proc.
        io::ErrorKind::NotFound => io::ErrorKind::InvalidFilename.into(),
        _ => error,
    })
}

/// The socket by the number of its open folder, which Linux takes in the place of a long path.
fn through(folder: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(NAME)
}

fn is_too_long(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidFilename
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mode of a socket, and whether somebody can connect to it.
    async fn found(folder: &Path) -> (u32, bool) {
        let mode = fs::metadata(folder.join(NAME)).map(|file| file.permissions().mode());
        let connected = connect(folder).await.is_ok();
        (mode.unwrap_or_default() & 0o777, connected)
    }

    #[tokio::test]
    async fn a_socket_is_its_owners_and_goes_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let socket = ControlSocket::bind(folder.path()).unwrap();
        assert_eq!(found(folder.path()).await, (0o600, true));
        let (listener, name) = socket.into_parts();
        drop(name);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(listener);
    }

    #[tokio::test]
    async fn what_a_killed_process_left_behind_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let (listener, name) = ControlSocket::bind(folder.path()).unwrap().into_parts();
        std::mem::forget(name);
        drop(listener);
        fs::create_dir(folder.path().join(MAKING)).unwrap();
        fs::write(folder.path().join(MAKING).join(NAME), "").unwrap();
        assert_eq!(found(folder.path()).await, (0o600, false));
        let _socket = ControlSocket::bind(folder.path()).unwrap();
        assert_eq!(found(folder.path()).await, (0o600, true));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_long_path_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(100)).join("e".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        let socket = ControlSocket::bind(&deep).unwrap();
        assert_eq!(found(&deep).await, (0o600, true));
        assert_eq!(socket.path(), deep.join(NAME));
    }
}
