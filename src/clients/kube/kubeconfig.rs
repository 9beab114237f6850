//! The user's kubeconfig: which files, their contexts, and an entry by its name.
//!
//! Files are laid over each other as kubectl does: the first that has a name has it whole. Reading
//! is kube's; what is made of an entry is `access.rs`. Errors never repeat what stands in a file.

use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};

use super::super::file::{Named, Version};
use crate::config::Environment;
use crate::config::settings::{ConfigError, Settings};
use crate::nearest::nearest;
use crate::observation::{Layer, Outage};

/// Largest kubeconfig that is read, in bytes: room for a thousand clusters with their certificates.
const LARGEST: u64 = 16 << 20;

/// Something in the user's files that cannot be used: at the start an error of the configuration,
/// later an outage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub place: String,
    pub problem: String,
    pub hint: String,
}

impl Trouble {
    pub fn new(
        place: impl Into<String>,
        problem: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            place: place.into(),
            problem: problem.into(),
            hint: hint.into(),
        }
    }
}

impl From<Trouble> for ConfigError {
    fn from(trouble: Trouble) -> Self {
        Self::new(trouble.place, trouble.problem).hint(trouble.hint)
    }
}

impl From<Trouble> for Outage {
    fn from(trouble: Trouble) -> Self {
        let detail = format!("{}: {}", trouble.place, trouble.problem);
        Self::new(Layer::Local, detail).hint(trouble.hint)
    }
}

/// Where a cluster's access is described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// These files, the first with a name wins.
    Files(Vec<PathBuf>),
    /// The service account of the pod that midwatch runs in.
    InCluster,
}

impl Origin {
    /// The `kubeconfig` that was set, else what kubectl would take: `$KUBECONFIG`,
    /// `~/.kube/config`, the service account of a pod. `None` when there is nothing of it.
    #[must_use]
    pub fn find(settings: &Settings, environment: &Environment) -> Option<Self> {
        if let Some(path) = settings.path("kubeconfig") {
            return Some(Self::Files(vec![path]));
        }
        // Of the list kubectl passes over what is not there; with a list the home is not looked at.
        let files: Vec<PathBuf> = match environment.get("KUBECONFIG") {
            Some(list) => std::env::split_paths(list)
                .filter(|path| !path.as_os_str().is_empty() && path.exists())
                .collect(),
            None => environment
                .get("HOME")
                .map(|home| Path::new(home).join(".kube/config"))
                .filter(|path| path.exists())
                .into_iter()
                .collect(),
        };
        if !files.is_empty() {
            return Some(Self::Files(files));
        }
        super::access::in_cluster_server(environment).map(|_| Self::InCluster)
    }

    /// The files as they are named in a row: the first, and how many more.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::InCluster => "the service account of this pod".into(),
            Self::Files(files) => {
                let all: Vec<String> = files
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                all.join(":")
            }
        }
    }

    /// The present versions of the files, to notice a change by. A file that is gone has none.
    #[must_use]
    pub fn versions(&self) -> Vec<Option<Version>> {
        let Self::Files(files) = self else {
            return Vec::new();
        };
        let version = |path: &PathBuf| Named::new("kubeconfig", path.clone()).version().ok();
        files.iter().map(version).collect()
    }
}

/// The files of a kubeconfig as read, in their order.
pub struct Merged {
    files: Vec<(PathBuf, Kubeconfig)>,
}

/// An entry and the file that it stands in.
pub struct Found<'a, T> {
    pub entry: &'a T,
    pub file: &'a Path,
}

impl Merged {
    /// Reads every file. Blocks on the file system.
    ///
    /// # Errors
    /// The first that cannot be read, naming it.
    pub fn read(files: &[PathBuf]) -> Result<Self, Trouble> {
        let read = |path: &PathBuf| Ok((path.clone(), read_one(path)?));
        Ok(Self {
            files: files.iter().map(read).collect::<Result<_, Trouble>>()?,
        })
    }

    /// The names of all contexts, in the order of the files.
    pub fn contexts(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for (_, file) in &self.files {
            for context in &file.contexts {
                if !names.contains(&context.name.as_str()) {
                    names.push(&context.name);
                }
            }
        }
        names
    }

    /// The context that kubectl would use.
    pub fn current(&self) -> Option<&str> {
        let current = |(_, file): &'_ (PathBuf, Kubeconfig)| file.current_context.is_some();
        let mut set = self.files.iter().filter(|file| current(file));
        set.find_map(|(_, file)| {
            file.current_context
                .as_deref()
                .filter(|name| !name.is_empty())
        })
    }

    /// The context of this name, or the current one; with its name.
    ///
    /// # Errors
    /// When there is no such context, with those that there are.
    pub fn context<'a>(
        &'a self,
        wanted: Option<&'a str>,
    ) -> Result<(&'a str, Found<'a, Context>), Trouble> {
        let known = self.contexts();
        let listed = || match known.as_slice() {
            [] => "name another kubeconfig: this one has no contexts".to_owned(),
            some if some.len() > 12 => {
                format!("set context to one of {} and more", some[..12].join(", "))
            }
            some => format!("set context to one of {}", some.join(", ")),
        };
        let Some(name) = wanted.or_else(|| self.current()) else {
            let problem = "no current-context is set";
            return Err(Trouble::new(self.words(), problem, listed()));
        };
        let found = self.find(|file| {
            let named = file.contexts.iter().find(|context| context.name == name)?;
            named.context.as_ref()
        });
        if let Some(found) = found {
            Ok((name, found))
        } else {
            let hint = match nearest(name, known.iter().copied()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => listed(),
            };
            let problem = format!("there is no context `{name}`");
            Err(Trouble::new(self.words(), problem, hint))
        }
    }

    pub fn cluster(&self, name: &str) -> Option<Found<'_, Cluster>> {
        self.find(|file| {
            let named = file.clusters.iter().find(|cluster| cluster.name == name)?;
            named.cluster.as_ref()
        })
    }

    pub fn user(&self, name: &str) -> Option<Found<'_, AuthInfo>> {
        self.find(|file| {
            let named = file.auth_infos.iter().find(|user| user.name == name)?;
            named.auth_info.as_ref()
        })
    }

    /// All files in one, for errors that are about none in particular.
    pub fn words(&self) -> String {
        let files = self.files.iter().map(|(path, _)| path.clone()).collect();
        Origin::Files(files).words()
    }

    fn find<'a, T>(
        &'a self,
        look: impl Fn(&'a Kubeconfig) -> Option<&'a T>,
    ) -> Option<Found<'a, T>> {
        self.files.iter().find_map(|(path, file)| {
            let entry = look(file)?;
            Some(Found { entry, file: path })
        })
    }
}

fn read_one(path: &Path) -> Result<Kubeconfig, Trouble> {
    let shown = path.display().to_string();
    let trouble = |problem: String, hint: &str| Trouble::new(&shown, problem, hint);
    let unreadable = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => trouble("does not exist".into(), "correct the path"),
        std::io::ErrorKind::PermissionDenied => trouble(
            "may not be read by this user".into(),
            "make the file readable for the user that runs midwatch",
        ),
        _ => trouble(format!("cannot be read: {error}"), "check the file"),
    };
    let about = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !about.is_file() {
        return Err(trouble("is not a plain file".into(), "name a file"));
    }
    if about.len() > LARGEST {
        let hint = "check that this is the kubeconfig";
        return Err(trouble("is larger than 16 MiB".into(), hint));
    }
    Kubeconfig::read_from(path).map_err(|error| match error {
        KubeconfigError::ReadConfig(error, _) => unreadable(&error),
        // The error's own words may quote the file, secrets with it.
        KubeconfigError::Parse(error) => {
            let place = error.location().map_or_else(String::new, |at| {
                format!(" (line {}, column {})", at.line(), at.column())
            });
            let problem = format!("is no kubeconfig that can be read{place}");
            trouble(
                problem,
                "correct the YAML there; kubectl config view tells more",
            )
        }
        _ => trouble(
            "is no kubeconfig that can be read".into(),
            "check it with kubectl config view",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn context(name: &str, cluster: &str) -> String {
        format!("- name: {name}\n  context: {{cluster: {cluster}, user: ann}}\n")
    }

    #[test]
    fn of_two_files_the_first_with_a_name_has_it_whole() {
        let dir = tempfile::tempdir().unwrap();
        let one = file(
            dir.path(),
            "one",
            &format!("current-context: ''\ncontexts:\n{}", context("a", "first")),
        );
        let two = file(
            dir.path(),
            "two",
            &format!(
                "current-context: b\ncontexts:\n{}{}",
                context("a", "second"),
                context("b", "third")
            ),
        );
        let merged = Merged::read(&[one.clone(), two.clone()]).unwrap();
        assert_eq!(merged.contexts(), ["a", "b"]);
        // An empty one is as good as none.
        assert_eq!(merged.current(), Some("b"));
        let (_, a) = merged.context(Some("a")).unwrap();
        assert_eq!((a.entry.cluster.as_str(), a.file), ("first", one.as_path()));
        let (name, b) = merged.context(None).unwrap();
        assert_eq!(
            (name, b.entry.cluster.as_str(), b.file),
            ("b", "third", two.as_path())
        );
    }

    #[test]
    fn a_context_that_is_not_there_is_told_with_what_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(
            dir.path(),
            "k",
            &format!("contexts:\n{}", context("prod-eu", "c")),
        );
        let merged = Merged::read(&[path]).unwrap();
        let none = merged.context(None).err().unwrap();
        assert_eq!(none.problem, "no current-context is set");
        assert_eq!(none.hint, "set context to one of prod-eu");
        let near = merged.context(Some("prod-ue")).err().unwrap();
        assert_eq!(near.hint, "did you mean `prod-eu`?");
    }

    #[test]
    fn a_broken_file_is_told_by_its_line_and_without_its_words() {
        let dir = tempfile::tempdir().unwrap();
        for text in [
            "users:\n- name: ann\n  user: {token: hunter2\n",
            "users:\n- name: ann\n  user: hunter2\n",
            "users:\n- name: ann\n  user: {token: [hunter2]}\n",
        ] {
            let path = file(dir.path(), "k", text);
            let trouble = Merged::read(std::slice::from_ref(&path)).err().unwrap();
            assert!(!format!("{trouble:?}").contains("hunter2"), "{trouble:?}");
            assert!(trouble.problem.contains("(line "), "{trouble:?}");
            assert_eq!(trouble.place, path.display().to_string());
        }
    }

    #[test]
    fn the_files_are_those_that_kubectl_takes() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().to_str().unwrap();
        let a = file(dir.path(), "a", "");
        let list = format!("{here}/gone::{here}/a");
        let of =
            |pairs: &[(&str, &str)]| Origin::find(&Settings::default(), &Environment::of(pairs));
        assert_eq!(of(&[("HOME", here)]), None);
        assert_eq!(
            of(&[("HOME", here), ("KUBECONFIG", &list)]),
            Some(Origin::Files(vec![a]))
        );
        std::fs::create_dir(dir.path().join(".kube")).unwrap();
        let usual = file(&dir.path().join(".kube"), "config", "");
        assert_eq!(of(&[("HOME", here)]), Some(Origin::Files(vec![usual])));
        let gone = format!("{here}/gone");
        assert_eq!(of(&[("HOME", here), ("KUBECONFIG", &gone)]), None);
    }
}
