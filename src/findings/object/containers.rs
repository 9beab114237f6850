//! Words for one container of a pod, for two, and for many: what several of them have in common is
//! one finding. It judges nothing.

use crate::findings::some_of;
use crate::objects::Container;

/// Containers that a summary names; the evidence names all.
const NAMED: usize = 3;

/// `container web`, `containers web and proxy`, `containers a, b, c and 4 more`.
pub(in crate::findings) fn named(containers: &[&Container]) -> String {
    let names: Vec<&str> = containers.iter().map(|c| &*c.spec.name).collect();
    match names.as_slice() {
        [one] => format!("container {one}"),
        [one, other] => format!("containers {one} and {other}"),
        [one, two, three] => format!("containers {one}, {two} and {three}"),
        many => format!("containers {}", some_of(many, NAMED)),
    }
}

/// What is said of one, or of several.
pub(in crate::findings) fn verb(
    containers: &[&Container],
    one: &'static str,
    many: &'static str,
) -> &'static str {
    if containers.len() == 1 { one } else { many }
}

/// What a line of evidence is called: `last end`, and of one among several `last end of web`.
pub(in crate::findings) fn what(
    containers: &[&Container],
    word: &str,
    container: &Container,
) -> String {
    match containers {
        [_] => word.to_owned(),
        _ => format!("{word} of {}", container.spec.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::scenario::objects::container;

    #[test]
    fn there_are_words_for_one_for_two_and_for_many() {
        let all: Vec<Container> = ["web", "proxy", "log", "init", "cron"]
            .map(container)
            .into();
        let says = |count| named(&all.iter().take(count).collect::<Vec<_>>());
        assert_eq!(says(1), "container web");
        assert_eq!(says(2), "containers web and proxy");
        assert_eq!(says(3), "containers web, proxy and log");
        assert_eq!(says(5), "containers web, proxy, log and 2 more");
    }
}
