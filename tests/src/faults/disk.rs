//! A disk that is full, and one that is read-only: a tmpfs in the data folder's place, where the machine lets us mount one.

use std::io;
use std::path::Path;

use tokio::process::Command;

use super::judge::{Tally, judge};
use super::world::{World, token};

/// Whether anything could be mounted: `false` where only root may.
///
/// # Errors
/// When the harness itself fails.
pub async fn spoil(world: &mut World, tally: &mut Tally) -> io::Result<bool> {
    end(world, "TERM").await?;
    let data = world.folder().join("data-0");
    let aside = world.folder().join("aside");
    std::fs::rename(&data, &aside)?;
    std::fs::create_dir(&data)?;
    if !mount(&data, &["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs"]).await? {
        std::fs::remove_dir(&data)?;
        std::fs::rename(&aside, &data)?;
        world.servers[0] = Some(world.start(0, &[]).await?);
        return Ok(false);
    }
    for file in std::fs::read_dir(&aside)? {
        let file = file?;
        if file.file_type()?.is_file() {
            std::fs::copy(file.path(), data.join(file.file_name()))?;
        }
    }
    let spoilt = spoil_mounted(world, &data, tally).await;
    end(world, "KILL").await?;
    Command::new("umount").arg(&data).status().await?;
    spoilt.map(|()| true)
}

async fn spoil_mounted(world: &mut World, data: &Path, tally: &mut Tally) -> io::Result<()> {
    world.servers[0] = Some(world.start(0, &[]).await?);
    let filler = data.join("filler");
    // Fails when nothing more fits, which is what is wanted.
    let _ = std::fs::write(&filler, vec![7; 8 << 20]);
    nothing_is_sent(world, "a full disk", tally).await?;
    std::fs::remove_file(&filler)?;
    judge(world, tally).await?;
    read_only(world, data, tally).await?;
    world.servers[0] = Some(world.start(0, &[]).await?);
    judge(world, tally).await
}

/// The next process finds that nothing can be written.
async fn read_only(world: &mut World, data: &Path, tally: &mut Tally) -> io::Result<()> {
    end(world, "TERM").await?;
    if !mount(data, &["-o", "remount,ro"]).await? {
        return Err(io::Error::other("the disk does not become read-only"));
    }
    let before = world.sandbox.ledger().requests().len();
    // It says that it can't, and ends: as good as going on without sending anything.
    if let Ok(server) = world.start(0, &[]).await {
        world.servers[0] = Some(server);
        nothing_is_sent(world, "a read-only disk", tally).await?;
        end(world, "KILL").await?;
    }
    if world.sandbox.ledger().requests().len() > before {
        tally
            .violations
            .push("requests were sent on a read-only disk".to_owned());
    }
    tally.faults += 1;
    if mount(data, &["-o", "remount,rw"]).await? {
        Ok(())
    } else {
        Err(io::Error::other("the disk does not become writable again"))
    }
}

/// Nobody has a file of it open any more.
async fn end(world: &mut World, signal: &str) -> io::Result<()> {
    if let Some(mut server) = world.servers[0].take() {
        server.signal(signal).await?;
        server.ended().await?;
    }
    world.outside.close().await;
    Ok(())
}

async fn nothing_is_sent(world: &World, what: &str, tally: &mut Tally) -> io::Result<()> {
    let before = world.sandbox.ledger().requests().len();
    for account in &world.accounts {
        let answer = token(&world.sockets()[0], account.id).await?;
        if answer.status == 200 {
            let told = format!("instance {} was refreshed on {what}", account.id);
            tally.violations.push(told);
        }
    }
    let sent = world.sandbox.ledger().requests().len() - before;
    if sent > 0 {
        tally
            .violations
            .push(format!("{sent} requests were sent on {what}"));
    }
    tally.faults += 1;
    Ok(())
}

async fn mount(data: &Path, options: &[&str]) -> io::Result<bool> {
    let mut mount = Command::new("mount");
    mount.args(options).arg(data);
    match mount.output().await {
        Ok(done) => Ok(done.status.success()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
