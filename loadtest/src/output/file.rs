//! Report files that are replaced atomically, so that a failed write does not change the file of an earlier run.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Replaces a file. Its contents are on the disk before they have its name.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    create_folder(path)?;
    let unfinished = unfinished(path);
    let written = write_unnamed(&unfinished, contents).or_else(|_| write(&unfinished, contents));
    let replaced = written.and_then(|()| fs::rename(&unfinished, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    replaced
}

/// Makes a write beyond the size limit of files (`ulimit -f`) fail: by default it ends the process.
pub(crate) fn survive_size_limit() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // The handler stays when the stream of signals is dropped.
        let _ = signal(SignalKind::from_raw(nix::libc::SIGXFSZ));
    }
}

/// Returns an error if the file cannot be created or replaced.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    create_folder(path)?;
    if path.exists() {
        OpenOptions::new().append(true).open(path)?;
    }
    let unfinished = unfinished(path);
    File::create(&unfinished)?;
    fs::remove_file(unfinished)
}

/// The name of a file until it is complete. It is another one for each write: two runs may write the same report, in
/// one process or in two.
fn unfinished(path: &Path) -> PathBuf {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}-{write}.unfinished", std::process::id()));
    PathBuf::from(name)
}

/// Writes a file that has no name until it is complete: nothing is left of it if the process is killed.
#[cfg(target_os = "linux")]
fn write_unnamed(path: &Path, contents: &[u8]) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = OpenOptions::new().write(true).custom_flags(OFlag::O_TMPFILE.bits()).open(folder)?;
    file.write_all(contents)?;
    file.sync_data()?;
    let _ = fs::remove_file(path);
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(nix::unistd::linkat(AT_FDCWD, &*opened, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}

/// Other systems have no files without a name.
#[cfg(not(target_os = "linux"))]
fn write_unnamed(_path: &Path, _contents: &[u8]) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Writes a file where the system, its file system or a missing `/proc` does not allow one without a name.
fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(contents)?;
    file.sync_data()
}

fn create_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("loadtest-file-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = folder("replaced");
        let path = folder.join("run.json");
        for contents in ["first", "2nd"] {
            replace(&path, contents.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), contents);
            assert_eq!(names(&folder), ["run.json"]);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_failed_replacement_leaves_nothing() {
        let folder = folder("failed");
        // A folder cannot be replaced by a file.
        let path = folder.join("run.json");
        fs::create_dir_all(path.join("full")).unwrap();
        replace(&path, b"contents").unwrap_err();
        assert_eq!(names(&folder), ["run.json"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_unfinished_file_of_another_process_is_kept() {
        let folder = folder("shared");
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("run.json");
        let of_another = folder.join("run.json.unfinished");
        fs::write(&of_another, "half").unwrap();
        check_writable(&path).unwrap();
        replace(&path, b"contents").unwrap();
        assert_eq!(fs::read_to_string(of_another).unwrap(), "half");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_is_written_by_several_threads_at_the_same_time() {
        let folder = folder("threads");
        let path = folder.join("run.json");
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        check_writable(&path).unwrap();
                        replace(&path, b"contents").unwrap();
                    }
                });
            }
        });
        assert_eq!(names(&folder), ["run.json"]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_check_changes_no_file() {
        let folder = folder("checked");
        let path = folder.join("run.json");
        check_writable(&path).unwrap();
        assert_eq!(names(&folder), [""; 0]);
        replace(&path, b"contents").unwrap();
        check_writable(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "contents");
        fs::remove_dir_all(folder).unwrap();
    }
}
