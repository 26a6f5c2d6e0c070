//! "Did you mean": the known name nearest to a mistyped one.

/// `, did you mean "…"?` with the candidate nearest to `name`, or nothing when none is near.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(name, candidates)
        .map_or(String::new(), |nearest| format!(", did you mean \"{nearest}\"?"))
}

/// The candidate nearest to `name`, if one is near enough to be what was meant.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    // A third of the letters wrong is a typo, more is another word.
    let tolerance = (wanted.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| {
            (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate)
        })
        .filter(|(distance, _)| *distance <= tolerance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let known = ["scan.startup.mode", "scan.bounded.mode", "topic"];
        assert_eq!(nearest("scan.startup-mode", known), Some("scan.startup.mode"));
        assert_eq!(nearest("TOPICS", known), Some("topic"));
        assert_eq!(nearest("format", known), None);
    }
}
