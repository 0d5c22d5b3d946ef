//! Whether a write-ahead log holds anything, told from its length and header as SQLite tells it.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// The length of a log's header.
const HEADER: usize = 32;
/// How much of the header its checksum covers.
const SUMMED: usize = 24;
/// The magic number; its last bit says that the checksum reads its words big-endian.
const MAGIC: u32 = 0x377f_0682;

/// Whether SQLite would look for frames in this log (<https://www.sqlite.org/fileformat2.html#walformat>).
///
/// A process that ends between header and first frame leaves a log of just a header. One whose header is torn is ignored as a whole:
/// a header is only written over frames that are all in the database.
///
/// # Errors
/// The log is there and cannot be read.
pub(super) fn has_frames(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        opened => opened?,
    };
    let mut start = Vec::with_capacity(HEADER + 1);
    file.take(HEADER as u64 + 1).read_to_end(&mut start)?;
    Ok(match start.first_chunk() {
        Some(header) => start.len() > HEADER && is_valid(header),
        None => false,
    })
}

fn is_valid(header: &[u8; HEADER]) -> bool {
    let field = |at: usize| {
        header
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .copied()
            .map(u32::from_be_bytes)
            .unwrap_or_default()
    };
    let (magic, page) = (field(0), field(8));
    let (first, second) = checksum(header.get(..SUMMED).unwrap_or_default(), magic & 1 == 1);
    magic & !1 == MAGIC
        && page.is_power_of_two()
        && (512..=65_536).contains(&page)
        && (field(24), field(28)) == (first, second)
}

/// Over pairs of words, as the section on the checksum algorithm has it.
fn checksum(bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let word = |bytes: [u8; 4]| match big_endian {
        true => u32::from_be_bytes(bytes),
        false => u32::from_le_bytes(bytes),
    };
    let (pairs, _) = bytes.as_chunks::<8>();
    pairs
        .iter()
        .fold((0, 0), |(first, second): (u32, u32), pair| {
            let [a, b, c, d, e, f, g, h] = *pair;
            let first = first.wrapping_add(word([a, b, c, d])).wrapping_add(second);
            let second = second.wrapping_add(word([e, f, g, h])).wrapping_add(first);
            (first, second)
        })
}
