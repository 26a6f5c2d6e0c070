//! The name a reader probably meant.

/// The name in `known` nearest to `wanted`, if one is near enough to be worth suggesting. A name that differs in
/// case alone is nearer than any other.
pub(crate) fn nearest<'a>(
    wanted: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let folded = wanted.to_lowercase();
    let scored = known.into_iter().map(|name| (similarity(&folded, name), name));
    let (_, name) =
        scored.filter(|(score, _)| *score >= SIMILAR).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some(name)
}

fn similarity(folded: &str, name: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(folded, &name.to_lowercase())
}

/// Half of the letters in place: `ordr` finds `orders`, `users` does not.
const SIMILAR: f64 = 0.5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_similar_name_is_suggested() {
        assert_eq!(nearest("ordr", ["orders", "users"]), Some("orders"));
        assert_eq!(nearest("kafkatable", ["KafkaTable", "kafka"]), Some("KafkaTable"));
        assert_eq!(nearest("zzz", ["orders", "users"]), None);
    }
}
