use super::*;

fn matched<'t>(pattern: &str, topics: &[&'t str]) -> Vec<&'t str> {
    let pattern = TopicPattern::new(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
    topics.iter().copied().filter(|topic| pattern.matches(topic)).collect()
}

#[test]
fn the_whole_name_has_to_match() {
    let topics = ["orders", "orders-1", "my-orders", "ordersx", "Orders"];
    for (pattern, expected) in [
        ("orders", &["orders"][..]),
        ("orders.*", &["orders", "orders-1", "ordersx"]),
        ("^orders$", &["orders"]),
        ("order|orders", &["orders"]),
        ("(?i)orders", &["orders", "Orders"]),
        ("orders|my", &["orders"]),
        ("(?x) orders # all of them", &["orders"]),
        (".*", &topics),
        ("nothing", &[]),
    ] {
        assert_eq!(matched(pattern, &topics), expected, "{pattern}");
    }
}

#[test]
fn patterns_mean_what_they_mean_in_java() {
    for (pattern, matching, other) in [
        (r"\Qa.b+\E.c", "a.b+xc", "axb+xc"),
        (r"\Qa.b", "a.b", "axb"),
        (r"a\Q\E\.b", "a.b", "axb"),
        (r"[\w-.]+", "a_B-1.x", "a b"),
        (r"[\w-]+\d", "a-1", "a.1"),
        (r"[\p{Lower}-]+", "ab-c", "aB"),
        (r"[-\p{Lower}]+", "a-b", "aB"),
        (r"[a-[0-9]]+", "a-1", "b"),
        (r"[]a]+", "a", "b"),
        (r"[]-a]+", "_", "-"),
        (r"[^]a]+", "b", "a"),
        (r"[a-z&&[^q]]+", "abc", "aq"),
        (r"[a-c[x-z]]+", "ay", "m"),
        (r"\p{Upper}\p{Alpha}*\P{Punct}", "Abc", "ABc-"),
        (r"\pLx", "ax", "1x"),
        (r"a\Z", "a", "ab"),
        (r"(?<region>eu|us)-\d{2,3}", "eu-123", "eu-1234"),
        (r"a+?b", "aab", "b"),
        (r"(?x) a + b", "aab", "a"),
        (r"\u0061\x62", "ab", "a"),
        (r"a\-b\_c", "a-b_c", "ab_c"),
        (r"x\<?y", "xy", "x"),
        (r"\d", "1", "a"),
        (r"\w", "a", "-"),
    ] {
        assert_eq!(matched(pattern, &[matching, other]), [matching], "{pattern}");
    }
}

#[test]
fn what_only_java_can_do_is_named_with_its_place() {
    for (pattern, place, what) in [
        ("a(?!b).*", "2", "look-around"),
        ("(?<=a)b", "1", "look-around"),
        (r"(a)\1", "4", "backreferences"),
        (r"(?<n>a)\k<n>", "8", "backreferences"),
        ("a*+b", "3", "a possessive quantifier"),
        (r"\Qé\E(?>a)", "6", "an atomic group"),
        ("(?iu)a", "1", "the flag u"),
        (r"a\hb", "2", r"\h"),
        (r"[a--b]", "3", "-- in a character class"),
        ("[a~~b]", "3", "~~ in a character class"),
        (r"[0-\p{Lower}]", "3", "- before a property"),
        ("a?{2}", "3", "{ after a quantifier"),
        ("a|{2}", "3", "repetition"),
        ("[a-z&&b]", "7", "&& in a character class"),
        ("[a-z&&[b]c]", "10", "&& in a character class"),
        ("[&&a]", "2", "&& in a character class"),
        ("[[:alpha:]]", "2", "[: in a character class"),
        (r"\p{IsLatin}", "1", "the property IsLatin"),
        (r"\b{g}", "1", r"\b{"),
    ] {
        let error = TopicPattern::new(pattern).unwrap_err();
        let expected = format!("unsupported: topic pattern \"{pattern}\" at character {place}: ");
        let text = error.to_string();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{text}");
        assert!(text.starts_with(&expected) && text.contains(what), "{text}");
    }
}

#[test]
fn what_is_no_pattern_is_refused_with_its_place() {
    for (pattern, place) in [
        ("(a", Some(1)),
        ("a)", Some(2)),
        ("a)|(?:b", Some(2)),
        ("[a", Some(1)),
        (r"\Q.\Ea)", Some(7)),
        ("*a", Some(1)),
        ("a**", Some(3)),
        (r"a\", Some(2)),
        (r"\y", Some(1)),
        ("a{2,1}", Some(2)),
        ("", None),
    ] {
        let error = TopicPattern::new(pattern).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
        let place = place.map(|at| format!(" at character {at}")).unwrap_or_default();
        let expected = format!("topic pattern \"{pattern}\"{place}: ");
        assert!(error.to_string().starts_with(&expected), "{error} is not {expected}");
    }
}

#[test]
fn a_hostile_pattern_takes_no_more_than_the_limits() {
    let deep = format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000));
    let long = "a".repeat(LONGEST + 1);
    for pattern in ["(a{1000}){1000}", "((a{100}){100}){100}", deep.as_str(), long.as_str()] {
        let error = TopicPattern::new(pattern).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().len() < 400, "{error}");
    }
    // Java would try for longer than the world is old.
    assert!(!TopicPattern::new("(a*)*b").unwrap().matches(&"a".repeat(249)));
    let list: Vec<String> = (0..1000).map(|number| format!("topic-{number}")).collect();
    assert!(TopicPattern::new(&list.join("|")).unwrap().matches("topic-999"));
    assert!(TopicPattern::new(r"[\w.-]{1,249}").unwrap().matches(&"a".repeat(249)));
}
