//! Files that are replaced atomically, so that a failed write does not change the earlier file.
//!
//! A new file in the same folder takes the name of the earlier one. The system does not allow that for a file that is
//! mounted, as into a container, or whose folder is not writable. Then the earlier file is overwritten.

use std::collections::hash_map::RandomState;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The most links that Linux follows.
const MAX_LINKS: usize = 40;

/// Replaces a file, and creates its folder. Its contents are on the disk before they have its name. The file that a link
/// names is replaced, and the link stays. A file keeps its permissions.
///
/// # Errors
///
/// If the file cannot be written. Then it is unchanged, unless only its contents could be replaced.
pub fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let path = &target(path);
    create_folder(path)?;
    let earlier = fs::metadata(path).ok().filter(Metadata::is_file);
    let permissions = earlier.map(|metadata| metadata.permissions());
    match replace_atomically(path, contents, permissions.clone()) {
        Err(error) if permissions.is_some() && is_irreplaceable(&error) => overwrite(path, contents),
        replaced => replaced,
    }
}

/// Returns an error if a file cannot be created or replaced.
///
/// # Errors
///
/// With the reason.
pub fn check_writable(path: &Path) -> io::Result<()> {
    let path = &target(path);
    create_folder(path)?;
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let exists = path.is_file();
    if exists {
        OpenOptions::new().append(true).open(path)?;
    }
    let unfinished = unfinished(path);
    match File::create_new(&unfinished) {
        Ok(_) => fs::remove_file(unfinished),
        Err(error) if exists && is_irreplaceable(&error) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Returns the path of the file that a link names, whether or not the file exists; or else the path itself.
#[must_use]
pub fn target(path: &Path) -> PathBuf {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(next) = fs::read_link(&target) else { break };
        target = target.parent().unwrap_or(Path::new("")).join(next);
    }
    // Only files are replaced, not a pipe or a device that a link names.
    let is_other = fs::metadata(&target).is_ok_and(|metadata| !metadata.is_file());
    if is_other { path.to_owned() } else { target }
}

/// Returns whether an existing file cannot be replaced, but maybe overwritten: it is mounted, or its folder is not writable.
fn is_irreplaceable(error: &io::Error) -> bool {
    use io::ErrorKind::{CrossesDevices, PermissionDenied, ReadOnlyFilesystem, ResourceBusy};
    matches!(error.kind(), CrossesDevices | PermissionDenied | ReadOnlyFilesystem | ResourceBusy)
}

fn replace_atomically(path: &Path, contents: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    let unfinished = unfinished(path);
    let written = write_unnamed(&unfinished, contents, permissions.clone())
        .or_else(|_| write(File::create_new(&unfinished)?, contents, permissions).map(drop));
    let replaced = written.and_then(|()| fs::rename(&unfinished, path));
    if replaced.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    replaced
}

fn overwrite(path: &Path, contents: &[u8]) -> io::Result<()> {
    write(OpenOptions::new().write(true).truncate(true).open(path)?, contents, None).map(drop)
}

/// The name of a file until it is complete. It is random: other runs may write to the same folder, also in containers, whose
/// processes have the same number.
fn unfinished(path: &Path) -> PathBuf {
    let random = RandomState::new().build_hasher().finish();
    path.with_file_name(format!(".{random:016x}.unfinished"))
}

/// Writes a file that has no name until it is complete: nothing is left of it if the process is killed.
#[cfg(target_os = "linux")]
fn write_unnamed(path: &Path, contents: &[u8], permissions: Option<Permissions>) -> io::Result<()> {
    use nix::fcntl::{AT_FDCWD, AtFlags, OFlag};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = OpenOptions::new().write(true).custom_flags(OFlag::O_TMPFILE.bits()).open(folder)?;
    let file = write(file, contents, permissions)?;
    let _ = fs::remove_file(path);
    let opened = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(nix::unistd::linkat(AT_FDCWD, &*opened, AT_FDCWD, path, AtFlags::AT_SYMLINK_FOLLOW)?)
}

/// Only Linux has files without a name, and not on every file system.
#[cfg(not(target_os = "linux"))]
fn write_unnamed(_path: &Path, _contents: &[u8], _permissions: Option<Permissions>) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn write(mut file: File, contents: &[u8], permissions: Option<Permissions>) -> io::Result<File> {
    file.write_all(contents)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.sync_data()?;
    Ok(file)
}

/// Makes a write beyond the size limit of files (`ulimit -f`) fail: by default it ends the process.
pub fn survive_size_limit() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        // The handler stays when the stream of signals is dropped.
        let _ = signal(SignalKind::from_raw(nix::libc::SIGXFSZ));
    }
}

fn create_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reports/run.json");
        for contents in ["first", "2nd"] {
            check_writable(&path).unwrap();
            replace(&path, contents.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), contents);
            assert_eq!(names(path.parent().unwrap()), ["run.json"]);
        }
        // A file is not a folder.
        check_writable(&path.join("run.json")).unwrap_err();
        check_writable(folder.path()).unwrap_err();
    }

    #[test]
    fn a_failed_replacement_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // A folder cannot be replaced by a file.
        let path = folder.path().join("run.json");
        fs::create_dir_all(path.join("full")).unwrap();
        replace(&path, b"contents").unwrap_err();
        assert_eq!(names(folder.path()), ["run.json"]);
    }

    #[test]
    fn a_file_is_written_by_several_threads_at_the_same_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
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
        assert_eq!(names(folder.path()), ["run.json"]);
    }

    #[test]
    fn a_check_changes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        check_writable(&path).unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
        replace(&path, b"contents").unwrap();
        check_writable(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "contents");
    }

    #[test]
    fn a_name_may_be_as_long_as_the_file_system_allows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(format!("{}.json", "n".repeat(250)));
        check_writable(&path).unwrap();
        replace(&path, b"contents").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "contents");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_its_file_is_replaced() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let [link, chained, file] =
            ["latest.json", "reports/link.json", "runs/7.json"].map(|name| folder.path().join(name));
        fs::create_dir(folder.path().join("reports")).unwrap();
        symlink("reports/link.json", &link).unwrap();
        symlink("../runs/7.json", &chained).unwrap();
        // Before and after the file exists.
        for contents in ["first", "2nd"] {
            check_writable(&link).unwrap();
            replace(&link, contents.as_bytes()).unwrap();
            assert!(link.is_symlink() && chained.is_symlink());
            assert_eq!(fs::read_to_string(&file).unwrap(), contents);
            assert_eq!(names(file.parent().unwrap()), ["7.json"]);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_names_itself_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        std::os::unix::fs::symlink("run.json", &path).unwrap();
        check_writable(&path).unwrap();
        replace(&path, b"contents").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "contents");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_overwritten_only_if_it_cannot_be_replaced() {
        use nix::errno::Errno;
        let is_irreplaceable = |errno: Errno| is_irreplaceable(&errno.into());
        for errno in [Errno::EACCES, Errno::EBUSY, Errno::EPERM, Errno::EROFS, Errno::EXDEV] {
            assert!(is_irreplaceable(errno), "{errno}");
        }
        // The contents would be lost.
        for errno in [Errno::EDQUOT, Errno::EFBIG, Errno::EIO, Errno::ENOSPC] {
            assert!(!is_irreplaceable(errno), "{errno}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_a_link_names_is_not_replaced() {
        use nix::sys::stat::Mode;
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let [link, pipe] = ["run.json", "pipe"].map(|name| folder.path().join(name));
        nix::unistd::mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        replace(&link, b"contents").unwrap();
        assert_eq!(fs::read_to_string(&link).unwrap(), "contents");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo());
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_keeps_its_permissions() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        for mode in [0o600, 0o640, 0o664] {
            fs::write(&path, "first").unwrap();
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            replace(&path, b"2nd").unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }
}
