//! Files of reports: replaced as a whole, or appended to in one piece.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Replaces a file. Its contents are complete before they have its name, so that no reader sees half of a report.
pub(super) fn replace(path: &Path, contents: &str) -> io::Result<()> {
    let mut file = unfinished(path)?;
    file.write_all(contents.as_bytes())?;
    file.as_file().sync_data()?;
    file.persist(path)?;
    Ok(())
}

/// Appends to a file with one write, so that those of several processes do not mix, except on network file systems
/// without atomic appends. Begins a new line if the last one of the file is incomplete.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    create_folder(path)?;
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
    let mut contents = String::with_capacity(line.len() + 1);
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        // Another process may have truncated the file.
        if file.read(&mut last)? == 1 && last != *b"\n" {
            contents.push('\n');
        }
    }
    contents.push_str(line);
    file.write_all(contents.as_bytes())
}

/// Returns the path of a file without links, `.` and `..`, as far as its folders exist.
pub(super) fn resolved(path: &Path) -> PathBuf {
    let mut rest = Vec::new();
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for folder in absolute.ancestors() {
        if let Ok(folder) = folder.canonicalize() {
            return rest.into_iter().rev().fold(folder, |path, name| path.join(name));
        }
        rest.extend(folder.file_name());
    }
    absolute
}

/// Returns an error if a file cannot be replaced.
pub(super) fn check_replaceable(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    unfinished(path).map(drop)
}

/// Returns an error if a file cannot be appended to.
pub(super) fn check_appendable(path: &Path) -> io::Result<()> {
    create_folder(path)?;
    let is_new = !path.exists();
    OpenOptions::new().append(true).create(true).open(path)?;
    if is_new { fs::remove_file(path) } else { Ok(()) }
}

/// Creates a file next to `path`, which is removed unless it gets its name.
fn unfinished(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    create_folder(path)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".contract-").suffix(".unfinished");
    // By default only the user may read it, but a pipeline may collect reports as another user.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    builder.tempfile_in(folder)
}

fn create_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("reports/run.json");
        for contents in ["first", "2nd"] {
            check_replaceable(&path).unwrap();
            replace(&path, contents).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), contents);
            assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1);
        }
        check_replaceable(folder.path()).unwrap_err();
        // A file is not a folder.
        check_replaceable(&path.join("run.json")).unwrap_err();
    }

    #[test]
    fn a_check_creates_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        check_appendable(&path).unwrap();
        check_replaceable(&path).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn different_paths_of_a_file_are_resolved_to_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        assert_eq!(resolved(&folder.path().join("./r.json")), resolved(&path));
        assert_eq!(resolved(Path::new("missing/./r.json")), resolved(Path::new("./missing/r.json")));
        #[cfg(unix)]
        {
            fs::write(&path, "").unwrap();
            let link = folder.path().join("link.json");
            std::os::unix::fs::symlink(&path, &link).unwrap();
            assert_eq!(resolved(&link), resolved(&path));
        }
        assert_ne!(resolved(&folder.path().join("other.json")), resolved(&path));
    }

    #[test]
    fn an_incomplete_line_stays_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        append(&path, "1\n").unwrap();
        fs::write(&path, "1\n{\"half").unwrap();
        append(&path, "2\n").unwrap();
        append(&path, "3\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n{\"half\n2\n3\n");
    }

    #[test]
    fn lines_of_concurrent_runs_do_not_mix() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        std::thread::scope(|scope| {
            for writer in 0..8 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..50 {
                        append(path, &format!("{}\n", writer.to_string().repeat(2_000))).unwrap();
                    }
                });
            }
        });
        let history = fs::read_to_string(&path).unwrap();
        // A blank line is possible: a writer may read the end of the file while another one writes it.
        let lines: Vec<&str> = history.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 400);
        for line in lines {
            assert!(line.len() == 2_000 && line.bytes().all(|byte| byte == line.as_bytes()[0]), "{line}");
        }
    }
}
