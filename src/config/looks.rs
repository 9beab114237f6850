//! The user's own themes and keys: read here, understood by the surface.

use std::path::PathBuf;

use super::location;
use super::{ConfigError, Environment};

/// A text file of the user's, with the name that errors call it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnFile {
    /// The stem: a theme's name.
    pub name: String,
    pub path: PathBuf,
    pub text: String,
}

/// Every `themes/*.toml` beside the configuration; none is no error.
///
/// # Errors
/// Files that cannot be read or that others can write.
pub fn themes(environment: &Environment) -> Result<Vec<OwnFile>, Vec<ConfigError>> {
    let Some(folder) = location::folder(environment) else {
        return Ok(Vec::new());
    };
    let Ok(entries) = std::fs::read_dir(folder.join("themes")) else {
        return Ok(Vec::new());
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    paths.into_iter().map(own_file).collect()
}

/// `keys.toml` beside the configuration, where there is one.
///
/// # Errors
/// When it is there and cannot be read, or others can write it.
pub fn keys(environment: &Environment) -> Result<Option<OwnFile>, Vec<ConfigError>> {
    let path = location::folder(environment).map(|folder| folder.join("keys.toml"));
    path.filter(|path| path.exists()).map(own_file).transpose()
}

fn own_file(path: PathBuf) -> Result<OwnFile, Vec<ConfigError>> {
    let file = location::read(&path)?;
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    Ok(OwnFile {
        name,
        path,
        text: file.text,
    })
}
