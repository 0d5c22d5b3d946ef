//! A person at a terminal: what they type unseen.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, tcgetattr};

use crate::home::Home;

const FRESHDESK: &str = include_str!("../../../../tests/vendors/freshdesk.json");
/// Ada's, as the rules have it.
const KEY: &str = "invented-key-of-ada-1815";
/// A command that takes so long hangs.
const LAST_RESORT: Duration = Duration::from_secs(60);

/// The side of whoever types and looks, and the side of the command.
fn terminal() -> (File, File) {
    let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&controller).unwrap();
    unlockpt(&controller).unwrap();
    let name = ptsname(&controller, Vec::new()).unwrap();
    let mut options = File::options();
    let terminal = options.read(true).write(true).open(name.to_str().unwrap());
    (File::from(controller), terminal.unwrap())
}

/// What the terminal shows so far.
fn seen(controller: &mut File) -> String {
    let flags = fcntl_getfl(&*controller).unwrap();
    fcntl_setfl(&*controller, flags | OFlags::NONBLOCK).unwrap();
    let mut bytes = [0; 1024];
    let read = controller.read(&mut bytes).unwrap_or_default();
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

#[tokio::test]
async fn a_secret_from_standard_input_is_asked_for_and_typed_unseen() {
    let (home, _sandbox) = Home::at("freshdesk", FRESHDESK).await;
    let (mut controller, terminal) = terminal();
    let connect = ["connect", "freshdesk", "--set-file", "api.key=-", "--set"];
    let connect = [&connect[..], &["subdomain=analytical-engines"]].concat();
    let child = home
        .command(&connect)
        .stdin(Stdio::from(terminal.try_clone().unwrap()))
        .spawn()
        .unwrap();
    let is_hidden = async {
        // What is typed before is thrown away.
        while tcgetattr(&terminal)
            .unwrap()
            .local_modes
            .contains(LocalModes::ECHO)
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LAST_RESORT, is_hidden).await.unwrap();
    controller.write_all(format!("{KEY}\n").as_bytes()).unwrap();
    let ran = tokio::time::timeout(LAST_RESORT, child.wait_with_output());
    let ran = ran.await.unwrap().unwrap();
    let stderr = String::from_utf8(ran.stderr).unwrap();
    assert!(ran.status.success(), "{stderr}");
    let question = "API key (api.key; what you type is not shown): ";
    assert!(stderr.contains(question), "{stderr}");
    let seen = seen(&mut controller);
    assert!(!seen.contains(KEY) && !stderr.contains(KEY), "{seen:?}");
}
