//! `topic` and `topic-pattern`: what they choose, and what is said of what chooses nothing.

use super::*;

fn topics(changes: &[(&'static str, &'static str)]) -> Topics {
    let written = definition(COLUMNS, &changed(changes)).options;
    TableOptions::resolve(&written).unwrap().topics().unwrap()
}

const PATTERN: &[(&str, &str)] = &[("topic", REMOVED), ("topic-pattern", "orders-.*")];

#[test]
fn a_list_names_each_topic_once() {
    let named = |names: &[&str]| Topics::Named(names.iter().map(|name| (*name).into()).collect());
    assert_eq!(topics(&[("topic", "b; a ;b")]), named(&["b", "a"]));
    assert_eq!(topics(&[]).only(), Some("t"));
    assert_eq!(refused(COLUMNS, &[("topic", "a;;b")]), "Option 'topic' names no topic.");
}

#[test]
fn a_pattern_matches_whole_names() {
    let Topics::Matching(pattern) = topics(PATTERN) else { panic!("it is a pattern") };
    assert!(pattern.matches("orders-1") && !pattern.matches("my-orders-1"));
    assert_eq!(create(COLUMNS, PATTERN).unwrap().topic(), None);
}

#[test]
fn a_pattern_that_cannot_be_used_is_refused_when_the_table_is_made() {
    for (written, expected, place) in [
        ("a(?!b).*", "unsupported: topic-pattern=a(?!b).*", "at character 2: look-around"),
        (r"(a)\1", r"unsupported: topic-pattern=(a)\1", "at character 4: backreferences"),
        ("(a{1000}){1000}", "unsupported: topic-pattern=(a{1000}){1000}", "when compiled"),
        (
            "a(b",
            "Invalid value 'a(b' for option 'topic-pattern': expected a regular expression as Java has them.",
            "at character 2: unclosed group",
        ),
    ] {
        let changes = [("topic", REMOVED), ("topic-pattern", written)];
        let definition = definition(COLUMNS, &changed(&changes));
        let error = Table::create(definition, &Properties::new()).unwrap_err();
        assert_eq!(error.to_string(), expected);
        let cause = error.source().unwrap().to_string();
        assert!(cause.contains(place), "{cause}");
    }
}

#[test]
fn offsets_by_partition_are_for_one_topic() {
    for option in ["startup", "bounded"] {
        let mode: &'static str = format!("scan.{option}.mode").leak();
        let offsets: &'static str = format!("scan.{option}.specific-offsets").leak();
        let specific = [(mode, "specific-offsets"), (offsets, "partition:0,offset:1")];
        let start = [("scan.startup.mode", "earliest-offset")];
        let changes = [PATTERN, &start[..usize::from(option == "bounded")], &specific].concat();
        assert_eq!(
            source(&changes, false).unwrap_err().to_string(),
            "Currently Kafka source only supports specific offset for single topic."
        );
    }
}

#[test]
fn a_sink_writes_one_topic() {
    assert_eq!(topics(&[]).to_write().unwrap(), "t");
    for (changes, expected) in [
        (
            PATTERN,
            "unsupported: topic-pattern=orders-.*: the sink currently only supports single topic, but got 'topic-pattern'",
        ),
        (
            &[("topic", "a;b")],
            "unsupported: topic=a;b: the sink currently only supports single topic, but got 'topic'",
        ),
    ] {
        assert_eq!(topics(changes).to_write().unwrap_err().to_string(), expected);
    }
}
