//! "Did you mean": the known word that is nearest to a mistyped one.

/// The nearest of `known` to `typed`, if it is near enough to be a typing mistake.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = typed.chars().count().div_ceil(3).max(1);
    known
        .into_iter()
        .map(|word| (distance(&fold(typed), &fold(word)), word))
        .filter(|(steps, _)| *steps <= allowed)
        .min_by_key(|(steps, _)| *steps)
        .map(|(_, word)| word)
}

fn fold(word: &str) -> Vec<char> {
    let folded = word.chars().map(|c| if c == '-' { '_' } else { c });
    folded.flat_map(char::to_lowercase).collect()
}

/// Steps of typing between two words: insert, drop, replace, or swap of neighbours.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, to) in b.iter().enumerate() {
            let replace = last[j] + usize::from(from != to);
            let mut best = replace.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *from == b[j - 1] && a[i - 1] == *to {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["period", "timeout", "headers_file", "etcd"];

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        for (typed, meant) in [
            ("perod", "period"),
            ("tiemout", "timeout"),
            ("headers-file", "headers_file"),
            ("ETCD", "etcd"),
        ] {
            assert_eq!(nearest(typed, KNOWN), Some(meant), "{typed}");
        }
    }

    #[test]
    fn a_foreign_word_finds_none() {
        assert_eq!(nearest("interval", KNOWN), None);
        assert_eq!(nearest("x", KNOWN), None);
    }

    #[test]
    fn swapped_neighbours_are_one_step() {
        assert_eq!(distance(&fold("ab"), &fold("ba")), 1);
        assert_eq!(distance(&fold("kitten"), &fold("sitting")), 3);
    }
}
