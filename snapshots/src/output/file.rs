//! Files of reports to which each run appends in one piece.

use programs::files::target;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Appends to a file with one write, so that those of several processes do not mix, except on network file systems
/// without atomic appends. Begins a new line if the last one of the file is incomplete.
pub(super) fn append(path: &Path, line: &str) -> io::Result<()> {
    let path = &target(path);
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
    let path = target(path);
    let absolute = std::path::absolute(&path).unwrap_or(path);
    for folder in absolute.ancestors() {
        if let Ok(folder) = folder.canonicalize() {
            return rest.into_iter().rev().fold(folder, |path, name| path.join(name));
        }
        rest.extend(folder.file_name());
    }
    absolute
}

/// Returns an error if a file cannot be appended to.
pub(super) fn check_appendable(path: &Path) -> io::Result<()> {
    let path = &target(path);
    create_folder(path)?;
    let is_new = !path.exists();
    OpenOptions::new().append(true).create(true).open(path)?;
    if is_new { fs::remove_file(path) } else { Ok(()) }
}

fn create_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_creates_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("history.jsonl");
        check_appendable(&path).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_new_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [link, path] = ["latest.jsonl", "runs/history.jsonl"].map(|name| folder.path().join(name));
        std::os::unix::fs::symlink("runs/history.jsonl", &link).unwrap();
        assert_eq!(resolved(&link), resolved(&path));
        check_appendable(&link).unwrap();
        assert!(link.is_symlink() && !path.exists());
        append(&link, "1\n").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
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
