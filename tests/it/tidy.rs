//! The house rules that a compiler does not check: layers, registries, licences, words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Modules by layer, as `lib.rs` lists them under its layer comments.
const LAYERS: [&str; 4] = ["vocabulary", "core", "surface", "shell"];

/// Modules that may see everything: they tie the layers together.
const ABOVE_ALL: [&str; 8] = [
    "driver", "choices", "report", "check", "cli", "watch", "doctor", "start",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The layer of every top-level module, read from the comments of `lib.rs`.
fn layers() -> BTreeMap<String, usize> {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut layer = None;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("// ") {
            layer = LAYERS
                .iter()
                .position(|name| comment.starts_with(name))
                .or(layer);
        } else if let Some(module) = line
            .strip_prefix("pub mod ")
            .and_then(|rest| rest.strip_suffix(';'))
        {
            found.insert(
                module.to_owned(),
                layer.expect("a module before the first layer comment"),
            );
        }
    }
    found
}

/// `src/model/absorb.rs` belongs to `model`.
fn module_of(path: &Path) -> String {
    let inner = path.strip_prefix(root().join("src")).unwrap();
    let first = inner
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy()
        .into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The part of a file that is compiled into the program: tests may see what they like.
fn production(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests")
        .map_or(text, |at| &text[..at])
}

/// May a file of layer `from` name a module of layer `to`?
fn allowed(from: usize, to: usize) -> bool {
    match LAYERS[from] {
        "vocabulary" => to == 0,
        "core" => to <= 1,
        // Surface and shell stand beside each other on the core.
        "surface" => to <= 2,
        _ => to != 2,
    }
}

#[test]
fn no_arrow_points_up() {
    let layers = layers();
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let module = module_of(&path);
        if ABOVE_ALL.contains(&module.as_str())
            || module == "main"
            || module == "lib"
            || module == "bin"
        {
            continue;
        }
        let from = *layers
            .get(&module)
            .unwrap_or_else(|| panic!("{module} has no layer in lib.rs"));
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in production(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            for part in code.split("crate::").skip(1) {
                let named: String = part
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let Some(to) = layers.get(&named) else {
                    continue;
                };
                if named != module && !allowed(from, *to) {
                    let (from, to) = (LAYERS[from], LAYERS[*to]);
                    wrong.push(format!(
                        "{}:{}: {from} names {to} `{named}`",
                        path.display(),
                        number + 1
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn lower_layers_know_no_screen_and_no_network() {
    let layers = layers();
    let banned: [&[&str]; 3] = [
        &[
            "ratatui",
            "crossterm",
            "tokio",
            "hyper",
            "tonic",
            "rustls",
            "std::fs",
            "TcpStream",
            "UdpSocket",
        ],
        &[
            "ratatui",
            "crossterm",
            "tokio",
            "hyper",
            "tonic",
            "rustls",
            "std::fs",
            "TcpStream",
            "UdpSocket",
        ],
        &[
            "tokio",
            "hyper",
            "tonic",
            "rustls",
            "std::fs",
            "TcpStream",
            "UdpSocket",
        ],
    ];
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let Some(layer) = layers.get(&module_of(&path)) else {
            continue;
        };
        let Some(words) = banned.get(*layer) else {
            continue;
        };
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in production(&text).lines().enumerate() {
            let code = line.split("//").next().unwrap_or(line);
            for word in *words {
                if code.contains(&format!("{word}::")) {
                    wrong.push(format!(
                        "{}:{}: {word} in {}",
                        path.display(),
                        number + 1,
                        LAYERS[*layer]
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The stems of the files in a registry folder that hold `marker`.
fn stems(folder: &str, marker: &str) -> BTreeSet<String> {
    fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() && fs::read_to_string(path).unwrap().contains(marker))
        .map(|path| {
            path.file_stem()
                .unwrap()
                .to_string_lossy()
                .replace('_', "-")
        })
        .collect()
}

#[test]
fn every_file_of_a_registry_is_registered() {
    let rules: BTreeSet<String> = midwatch::findings::RULES
        .iter()
        .map(|rule| rule.id.to_owned())
        .collect();
    assert_eq!(
        stems("src/findings", "pub static RULE: Rule"),
        rules,
        "rules"
    );
    let sources: BTreeSet<String> = midwatch::sources::SOURCES
        .iter()
        .map(|source| source.kind.to_owned())
        .collect();
    assert_eq!(
        stems("src/sources", "pub static SOURCE: Source"),
        sources,
        "sources"
    );
    let panes: BTreeSet<String> = midwatch::panes::PANES
        .iter()
        .map(|pane| pane.listing.id().to_owned())
        .collect();
    assert_eq!(stems("src/panes", "pub static PANE: Pane"), panes, "panes");
    let actions: BTreeSet<String> = midwatch::actions::ACTIONS
        .iter()
        .map(|action| action.id.to_owned())
        .collect();
    assert_eq!(
        stems("src/actions", "pub static ACTION: Action"),
        actions,
        "actions"
    );
}

#[test]
fn every_file_says_what_it_is() {
    for folder in ["src", "tests", "benches"] {
        for path in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            let first = text
                .lines()
                .find(|line| !line.starts_with("#!"))
                .unwrap_or_default();
            let says = text.starts_with("//!") || first.starts_with("//!");
            assert!(says, "{} does not open with //!", path.display());
        }
    }
}

#[test]
fn the_map_in_the_crate_docs_names_every_module() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let docs: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("//!"))
        .collect();
    let docs = docs.join("\n");
    for module in layers().keys() {
        let named = [format!("[`{module}`]"), format!("[`mod@{module}`]")];
        let is_named = named.iter().any(|name| docs.contains(name));
        assert!(is_named, "lib.rs does not say what `{module}` is");
    }
}

#[test]
fn no_room_has_more_than_one_purpose() {
    // A ceiling against files where everything lands; a file at it wants a wall, not a higher one.
    const CEILING: usize = 520;
    for path in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        let lines = production(&text).lines().count();
        assert!(lines <= CEILING, "{} has {lines} lines", path.display());
    }
}

/// Licences that may be linked into the program; anything else needs a decision.
const LICENCES: [&str; 12] = [
    "MIT",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "0BSD",
    "Unlicense",
    "CDLA-Permissive-2.0",
];

#[test]
fn every_dependency_has_a_licence_that_fits() {
    // `cargo tree` knows which optional parts are compiled; the lock file and `cargo metadata` list
    // more than that.
    let out = std::process::Command::new(env!("CARGO"))
        .args([
            "tree", "--locked", "--edges", "all", "--prefix", "none", "--format", "{p}|{l}",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let tree = String::from_utf8(out.stdout).unwrap();
    let packages: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    assert!(
        packages.len() > 100,
        "cargo tree told {} packages",
        packages.len()
    );
    let mut wrong = Vec::new();
    for (name, licence) in packages.iter().filter_map(|line| line.split_once('|')) {
        if !fits(licence) {
            wrong.push(format!("{name}: {licence}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Does an SPDX expression leave a choice that fits? `AND` binds tighter than `OR`; no nesting is
/// met in practice beyond one pair of parentheses.
fn fits(expression: &str) -> bool {
    let flat = expression.replace('/', " OR ");
    let known = |licence: &str| LICENCES.contains(&licence.trim().trim_matches(['(', ')']));
    if let Some((choice, rest)) = flat
        .strip_prefix('(')
        .and_then(|inner| inner.split_once(')'))
    {
        let rest = rest
            .trim()
            .trim_start_matches("AND ")
            .trim_start_matches("OR ");
        return fits(choice) && (rest.is_empty() || fits(rest));
    }
    flat.split(" OR ")
        .any(|choice| choice.split(" AND ").all(known))
}

#[test]
fn the_tree_names_no_machine() {
    let out = std::process::Command::new("git")
        .args(["ls-files"])
        .current_dir(root())
        .output();
    let Ok(out) = out else { return };
    for name in String::from_utf8_lossy(&out.stdout).lines() {
        let Ok(text) = fs::read_to_string(root().join(name)) else {
            continue;
        };
        for word in [
            concat!("/wo", "rk/"),
            concat!("crates", ".io/api"),
            concat!("proxy.", "golang"),
        ] {
            assert!(!text.contains(word), "{name} names {word}");
        }
    }
}
