//! Labels and codes of driver data in the languages of the letters.

mod entry;
mod fields;
mod statuses;

pub(crate) use entry::look_up;
pub(crate) use fields::LABELS;
pub(crate) use statuses::STATUSES;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_has_two_translations() {
        for list in [LABELS, STATUSES] {
            let mut names: Vec<_> = list.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            let twice: Vec<_> = names.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
            assert!(twice.is_empty(), "{twice:?}");
        }
    }
}
