//! Name, distribution and kernel of the machine.

use std::sync::Arc;

use super::files::Files;
use crate::facts::Os;

/// Everything but the boot time, which may move with the wall clock and is read each time.
pub fn read(files: &mut Files) -> Os {
    let told = |text: std::io::Result<&str>| text.map(|t| Arc::from(t.trim())).unwrap_or_default();
    let hostname = told(files.proc("sys/kernel/hostname"));
    let kernel = told(files.proc("sys/kernel/osrelease"));
    let name = ["etc/os-release", "usr/lib/os-release"]
        .iter()
        .find_map(|path| pretty_name(files.root(path).ok()?))
        .unwrap_or_default();
    let machine = rustix::system::uname();
    Os {
        hostname,
        name: name.into(),
        kernel,
        machine: machine.machine().to_string_lossy().into(),
        boot_at: None,
    }
}

/// `PRETTY_NAME` of an os-release file, quoted as a shell would have it.
fn pretty_name(text: &str) -> Option<String> {
    let mut lines = text.lines();
    let value = lines.find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    let value = value.trim();
    let bare = ['"', '\'']
        .iter()
        .find_map(|quote| value.strip_prefix(*quote)?.strip_suffix(*quote));
    Some(bare.unwrap_or(value).replace("\\\"", "\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_of_a_name_are_taken_off() {
        let text = "NAME=x\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n";
        assert_eq!(pretty_name(text).unwrap(), "Debian GNU/Linux 12 (bookworm)");
        assert_eq!(pretty_name("PRETTY_NAME=Talos\n").unwrap(), "Talos");
        assert_eq!(pretty_name("NAME=x\n"), None);
    }
}
