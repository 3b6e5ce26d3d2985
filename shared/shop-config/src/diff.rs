//! What changed between two texts, line by line: for configurations, of which people want to see every line.

/// A line, and where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    Both(&'a str),
    Removed(&'a str),
    Added(&'a str),
}

/// Longer texts are not compared.
const MAX_LINES: usize = 2000;

/// Every line of both texts; none if they are too long.
pub fn lines<'a>(before: &'a str, after: &'a str) -> Option<Vec<Line<'a>>> {
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    if old.len().max(new.len()) > MAX_LINES {
        return None;
    }
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut all: Vec<Line<'a>> = old[..head].iter().copied().map(Line::Both).collect();
    changed(a, b, &mut all);
    all.extend(old[old.len() - tail..].iter().copied().map(Line::Both));
    Some(all)
}

/// The longest common subsequence, by a table of its lengths.
fn changed<'a>(old: &[&'a str], new: &[&'a str], all: &mut Vec<Line<'a>>) {
    let width = new.len() + 1;
    let mut lengths = vec![0u16; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            lengths[i * width + j] = if old[i] == new[j] {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < old.len() && j < new.len() {
        if old[i] == new[j] {
            all.push(Line::Both(old[i]));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            all.push(Line::Removed(old[i]));
            i += 1;
        } else {
            all.push(Line::Added(new[j]));
            j += 1;
        }
    }
    all.extend(old[i..].iter().copied().map(Line::Removed));
    all.extend(new[j..].iter().copied().map(Line::Added));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_what_was_removed_and_added_between_what_stayed() {
        use Line::{Added, Both, Removed};
        let found = lines("a\nb\nc\nd", "a\nx\nc\nd\ne").unwrap();
        assert_eq!(found, [Both("a"), Removed("b"), Added("x"), Both("c"), Both("d"), Added("e")]);
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_off(old in "([abc]\n){0,8}", new in "([abc]\n){0,8}") {
            let found = lines(&old, &new).unwrap();
            let of = |other: fn(&Line<'_>) -> bool| -> Vec<&str> {
                found.iter().filter(|line| !other(line)).map(|line| match line {
                    Line::Both(text) | Line::Removed(text) | Line::Added(text) => *text,
                }).collect()
            };
            prop_assert_eq!(of(|line| matches!(line, Line::Added(_))), old.lines().collect::<Vec<_>>());
            prop_assert_eq!(of(|line| matches!(line, Line::Removed(_))), new.lines().collect::<Vec<_>>());
        }
    }
}
