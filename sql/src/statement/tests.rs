use super::*;

fn path(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

#[test]
fn a_script_is_split_outside_of_quotes_and_comments() {
    let script =
        "SET 'a' = 'x;y'; -- one; two\n\n  SELECT `;`, \";\" /* ; */ FROM t\n;;\nSHOW TABLES";
    let statements = parse_script(script).unwrap();
    let expected = [
        ("SET 'a' = 'x;y'", 1, 1, 1),
        ("SELECT `;`, \";\" /* ; */ FROM t", 2, 3, 3),
        ("SHOW TABLES", 3, 5, 1),
    ];
    let found: Vec<_> =
        statements.iter().map(|s| (s.text.as_str(), s.number, s.line, s.column)).collect();
    assert_eq!(found, expected);
}

#[test]
fn what_was_typed_is_complete_at_its_semicolon() {
    for (text, complete) in [
        ("", true),
        ("-- nothing", true),
        ("SELECT 1", false),
        ("SELECT 1;", true),
        ("SELECT 1; -- done", true),
        ("SELECT ';", false),
        ("SELECT 1 /* ;", false),
    ] {
        assert_eq!(is_complete(text), complete, "{text}");
    }
}

#[test]
fn statements_are_recognised_by_their_first_words() {
    for (text, expected) in [
        ("create table t (a INT)", Command::CreateTable),
        ("CREATE TEMPORARY TABLE t (a INT)", Command::CreateTable),
        ("SHOW TABLES", Command::ShowTables),
        ("show create table `a b`.c", Command::ShowCreateTable(path(&["a b", "c"]))),
        ("DESC t", Command::Describe(path(&["t"]))),
        ("DESCRIBE c.d.t", Command::Describe(path(&["c", "d", "t"]))),
        ("DROP TABLE t", Command::DropTable { name: path(&["t"]), if_exists: false }),
        ("DROP TABLE IF EXISTS T", Command::DropTable { name: path(&["T"]), if_exists: true }),
        ("SET", Command::ListSettings),
        ("SET 'a.b' = 'c'", Command::Set { key: "a.b".into(), value: "c".into() }),
        ("SET a.b-c = d e", Command::Set { key: "a.b-c".into(), value: "d e".into() }),
        ("RESET", Command::Reset(None)),
        ("RESET 'a.b'", Command::Reset(Some("a.b".into()))),
        ("EXPLAIN SELECT 1", Command::Explain { analyze: false, body: 8 }),
        ("EXPLAIN PLAN FOR SELECT 1", Command::Explain { analyze: false, body: 17 }),
        ("EXPLAIN ANALYZE SELECT 1", Command::Explain { analyze: true, body: 16 }),
        ("-- why\nSELECT 1", Command::Query),
        ("(SELECT 1) UNION ALL SELECT 2", Command::Query),
        ("WITH a AS (SELECT 1) SELECT * FROM a", Command::Query),
        ("VALUES (1)", Command::Query),
        ("INSERT INTO t VALUES (1)", Command::Insert),
    ] {
        assert_eq!(Command::parse(text).unwrap(), expected, "{text}");
    }
}

#[test]
fn other_statements_are_refused_by_name() {
    for (text, expected) in [
        ("UPDATE t SET a = 1", "unsupported: statement=UPDATE T ("),
        ("CREATE VIEW v AS SELECT 1", "unsupported: statement=CREATE VIEW ("),
        ("INSERT OVERWRITE t SELECT 1", "unsupported: statement=INSERT OVERWRITE ("),
        ("COPY (SELECT 1) TO 'x'", "unsupported: statement=COPY ("),
        ("SHOW JARS", "unsupported: statement=SHOW JARS ("),
        ("EXPLAIN DROP TABLE t", "unsupported: statement=EXPLAIN DROP ("),
        ("SELECT * FROM t /*+ OPTIONS('a'='b') */", "unsupported: hint=/*+ OPTIONS('a'='b') */"),
        ("DROP TABLE IF t", "line 1, column 15: expected EXISTS, found t"),
        ("DROP TABLE t u", "line 1, column 14: expected the end of the statement, found u"),
        ("SET 'a'", "line 1, column 8: expected =, found the end"),
        ("DESCRIBE", "line 1, column 9: expected a name, found the end"),
    ] {
        let message = Command::parse(text).unwrap_err().to_string();
        assert!(message.starts_with(expected), "{text}: {message}");
    }
}
