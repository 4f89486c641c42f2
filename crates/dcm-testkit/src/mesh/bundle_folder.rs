//! A folder with the files of a Secret, changed the way a kubelet changes it: all at once.
//!
//! ```text
//!   ca-cert.pem -> ..data/ca-cert.pem        ..data -> ..2        ..2/ca-cert.pem
//! ```
//!
//! Whoever reads through the links sees either all files of the old content or all of the new one.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const DATA: &str = "..data";

/// See the module.
pub struct BundleFolder {
    path: PathBuf,
    generation: Mutex<u32>,
}

impl BundleFolder {
    /// Makes the folder with its first content: names and texts.
    pub fn create(path: &Path, files: &[(&str, &str)]) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let folder = Self {
            path: path.to_owned(),
            generation: Mutex::new(0),
        };
        folder.replace(files)?;
        Ok(folder)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts other content in the place of the present one.
    pub fn replace(&self, files: &[(&str, &str)]) -> io::Result<()> {
        let mut generation = self
            .generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let former = format!("..{generation}");
        *generation += 1;
        let current = format!("..{generation}");
        let folder = self.path.join(&current);
        fs::create_dir(&folder)?;
        for (name, text) in files {
            fs::write(folder.join(name), text)?;
        }
        let passing = self.path.join("..data_tmp");
        symlink(&current, &passing)?;
        // The one moment at which everything changes.
        fs::rename(&passing, self.path.join(DATA))?;
        self.link(files)?;
        let former = self.path.join(former);
        if former.exists() {
            fs::remove_dir_all(former)?;
        }
        Ok(())
    }

    /// Names that are new get a link, names that have gone lose theirs.
    fn link(&self, files: &[(&str, &str)]) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            let wanted = files.iter().any(|(file, _)| *file == name);
            if !name.starts_with("..") && !wanted {
                fs::remove_file(self.path.join(name.as_ref()))?;
            }
        }
        for (name, _) in files {
            let link = self.path.join(name);
            if fs::symlink_metadata(&link).is_err() {
                symlink(Path::new(DATA).join(name), link)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_files_change_together_and_those_that_are_gone_go() {
        let place = tempfile::tempdir().unwrap();
        let folder = BundleFolder::create(place.path(), &[("a", "1"), ("b", "1")]).unwrap();
        let read = |name: &str| fs::read_to_string(place.path().join(name)).ok();
        assert_eq!((read("a"), read("b")), (Some("1".into()), Some("1".into())));
        folder.replace(&[("a", "2"), ("c", "2")]).unwrap();
        assert_eq!((read("a"), read("b")), (Some("2".into()), None));
        assert_eq!(read("c"), Some("2".into()));
        let target = fs::read_link(place.path().join(DATA)).unwrap();
        assert_eq!(target, Path::new("..2"));
        assert!(!place.path().join("..1").exists());
    }
}
