//! The grammar: what is read and what it means, what is refused and in which words, and that the text of a
//! definition reads back as the same definition.

use super::*;
use crate::error::ErrorKind;

fn parsed(sql: &str) -> TableDefinition {
    parse_create_table(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"))
}

fn message(sql: &str) -> String {
    match parse_create_table(sql) {
        Ok(table) => panic!("accepted: {table}"),
        Err(error) => error.to_string(),
    }
}

/// The type of the only column, written as `text`.
fn type_of(text: &str) -> DataType {
    parsed(&format!("CREATE TABLE t (c {text})")).columns[0].data_type().unwrap().clone()
}

const ORDERS: &str = "\
CREATE TABLE orders (
  -- the key
  `order id` BIGINT,
  customer STRING NOT NULL COMMENT 'who''s paying',
  price DECIMAL(10, 2),
  `event-time` TIMESTAMP(3) METADATA FROM 'timestamp',
  part INT METADATA FROM 'partition' VIRTUAL COMMENT 'where it was',
  `offset` BIGINT METADATA VIRTUAL,
  address ROW<street STRING, lines ARRAY<STRING NOT NULL> NOT NULL 'as printed'>,
  total AS price * /* plus tax */ 1.19 COMMENT 'gross',
  WATERMARK FOR `event-time` AS `event-time` - INTERVAL '5' SECOND,
  CONSTRAINT pk PRIMARY KEY (`order id`, customer) NOT ENFORCED
) COMMENT 'all orders'
WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'properties.sasl.jaas.config' = 'x required password=\"hidden\";',
  'csv.field-delimiter' = U&'\\0001'
);";

#[test]
fn every_clause_is_read() {
    let table = parsed(ORDERS);
    let column = |name: &str| table.column(name).unwrap();
    assert_eq!(table.name, ObjectPath(vec!["orders".into()]));
    assert_eq!(column("order id").data_type(), Some(&DataType::not_null(TypeRoot::BigInt)));
    assert_eq!(column("customer").comment.as_deref(), Some("who's paying"));
    assert_eq!(
        column("event-time").kind,
        ColumnKind::Metadata {
            data_type: DataType::nullable(TypeRoot::Timestamp(3)),
            key: Some("timestamp".into()),
            is_virtual: false,
        }
    );
    assert_eq!(
        column("offset").kind,
        ColumnKind::Metadata {
            data_type: DataType::nullable(TypeRoot::BigInt),
            key: None,
            is_virtual: true
        }
    );
    assert_eq!(
        column("total").kind,
        ColumnKind::Computed { expression: "price * /* plus tax */ 1.19".into() }
    );
    assert_eq!(column("total").comment.as_deref(), Some("gross"));
    assert_eq!(
        table.watermark,
        Some(WatermarkDefinition {
            column: vec!["event-time".into()],
            expression: "`event-time` - INTERVAL '5' SECOND".into(),
        })
    );
    assert_eq!(
        table.primary_key,
        Some(PrimaryKey {
            name: Some("pk".into()),
            columns: vec!["order id".into(), "customer".into()]
        })
    );
    assert_eq!(table.comment.as_deref(), Some("all orders"));
    assert_eq!(table.options.get_index(1), Some((&"topic".into(), &"orders".into())));
    assert_eq!(table.options["csv.field-delimiter"], "\u{1}");
}

#[test]
fn a_definition_prints_as_sql_with_its_secrets_masked() {
    let expected = "\
CREATE TABLE `orders` (
  `order id` BIGINT NOT NULL,
  `customer` STRING NOT NULL COMMENT 'who''s paying',
  `price` DECIMAL(10, 2),
  `event-time` TIMESTAMP(3) METADATA FROM 'timestamp',
  `part` INT METADATA FROM 'partition' VIRTUAL COMMENT 'where it was',
  `offset` BIGINT METADATA VIRTUAL,
  `address` ROW<`street` STRING, `lines` ARRAY<STRING NOT NULL> NOT NULL 'as printed'>,
  `total` AS price * /* plus tax */ 1.19 COMMENT 'gross',
  WATERMARK FOR `event-time` AS `event-time` - INTERVAL '5' SECOND,
  CONSTRAINT `pk` PRIMARY KEY (`order id`, `customer`) NOT ENFORCED
)
COMMENT 'all orders'
WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'properties.sasl.jaas.config' = '******',
  'csv.field-delimiter' = U&'\\0001'
)";
    assert_eq!(parsed(ORDERS).to_string(), expected);
}

/// Statements in the forms Flink's documentation and its users write.
const ACCEPTED: &[&str] = &[
    "create table t (a int)",
    "CREATE TABLE t (a INT);",
    "CREATE TEMPORARY TABLE IF NOT EXISTS cat.db.t (a INT) WITH ('connector' = 'kafka')",
    "CREATE TABLE `a``b`.\"c\"\"d\" (\"e\" INT, `F` INT, f INT)",
    "CREATE TABLE t (id INT PRIMARY KEY NOT ENFORCED, name STRING COMMENT 'n')",
    "CREATE TABLE t (id INT NOT NULL CONSTRAINT k PRIMARY KEY NOT ENFORCED COMMENT 'c')",
    "CREATE TABLE t (PRIMARY KEY (id) NOT ENFORCED, id INT)",
    "CREATE TABLE t (timestamp TIMESTAMP(3), value STRING, key BYTES, `partition` INT, user STRING, date DATE)",
    "CREATE TABLE t (watermark INT, primary STRING, constraint BIGINT, unique INT)",
    "CREATE TABLE t (a INT, p AS PROCTIME())",
    "CREATE TABLE t (a BIGINT, ts AS TO_TIMESTAMP_LTZ(a, 3), WATERMARK FOR ts AS ts)",
    "CREATE TABLE t (r ROW<ts TIMESTAMP_LTZ(3)>, WATERMARK FOR r.ts AS r.ts - INTERVAL '1' MINUTE)",
    "CREATE TABLE t (a STRING, b AS CAST(a AS BIGINT) + COALESCE(CHAR_LENGTH(a), 0), c AS a IS NOT NULL AND a <> '')",
    "CREATE TABLE t (m MAP<STRING, ARRAY<ROW<a INT, b MAP<INT, STRING>>>>, x AS m['k'])",
    "CREATE TABLE t (c AS a || 'it''s, (x) COMMENT' COMMENT 'd', a STRING)",
    "CREATE TABLE t (a INT) COMMENT 'line\nbreak' WITH ('k' = 'a;''b''\tc', 'e' = '')",
    "CREATE TABLE t (a INT METADATA FROM 'value.source.timestamp' VIRTUAL, b INT)",
    "/* head */ CREATE TABLE t ( -- a comment, with comma\n a INT /* ( */ ) -- end",
    "CREATE TABLE größe (`straße` STRING COMMENT '漢字', x AS `straße` || '漢', y INT)",
];

/// Checks that `first`, printed without its secrets, reads back as itself.
fn assert_reads_back(mut first: TableDefinition, sql: &str) {
    first.options.retain(|key, _| !crate::options::secret::is_secret(key));
    first.if_not_exists = false;
    assert_eq!(parsed(&first.to_string()), first, "{sql}\n{first}");
}

#[test]
fn accepted_statements_print_as_text_that_reads_back_the_same() {
    for sql in ACCEPTED.iter().chain([&ORDERS]) {
        assert_reads_back(parsed(sql), sql);
    }
}

/// Pieces of good statements at random places in other good statements.
#[test]
fn mangled_statements_are_refused_or_read_back_the_same() {
    let corpus: Vec<Vec<char>> =
        ACCEPTED.iter().chain([&ORDERS]).map(|sql| sql.chars().collect()).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut accepted = 0;
    for _ in 0..5_000 {
        let mut sql = corpus[random(corpus.len())].clone();
        let donor = &corpus[random(corpus.len())];
        let (at, length) = (random(sql.len()), random(8));
        let from = random(donor.len());
        let piece = donor[from..(from + random(8)).min(donor.len())].to_vec();
        let end = (at + length).min(sql.len());
        sql.splice(at..end, piece);
        let sql: String = sql.into_iter().collect();
        match parse_create_table(&sql) {
            Ok(table) => {
                accepted += 1;
                assert_reads_back(table, &sql);
            }
            Err(error) => assert!(
                matches!(error.kind(), ErrorKind::Ddl { .. } | ErrorKind::Unsupported),
                "{sql}"
            ),
        }
    }
    assert!(accepted > 100, "only {accepted} of the statements were still good");
}

#[test]
fn unquoted_names_keep_their_case_and_quotes_are_unescaped() {
    let table = parsed("CREATE TABLE Db.KafkaTable (`A``b` INT, \"c\"\"d\" INT, eF INT)");
    assert_eq!(table.name.0, ["Db", "KafkaTable"]);
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["A`b", "c\"d", "eF"]);
}

#[test]
fn an_expression_is_kept_to_the_letter() {
    let sql = "CREATE TABLE t (a STRING, größe AS\n  Upper( `a` ) -- shout\n  || '漢, )' , b INT)";
    let table = parsed(sql);
    let ColumnKind::Computed { expression } = &table.columns[1].kind else {
        panic!("not computed")
    };
    assert_eq!(expression, "Upper( `a` ) -- shout\n  || '漢, )'");
    assert_eq!(table.columns[2].name, "b");
}

#[test]
fn every_type_is_read_and_printed() {
    for (written, printed) in [
        ("CHAR", "CHAR(1)"),
        ("CHARACTER(3)", "CHAR(3)"),
        ("CHAR VARYING(3)", "VARCHAR(3)"),
        ("VARCHAR", "VARCHAR(1)"),
        ("varchar(20)", "VARCHAR(20)"),
        ("VARCHAR(2147483647)", "STRING"),
        ("STRING", "STRING"),
        ("BOOLEAN", "BOOLEAN"),
        ("BINARY", "BINARY(1)"),
        ("BINARY(16)", "BINARY(16)"),
        ("BINARY VARYING(2)", "VARBINARY(2)"),
        ("VARBINARY(2147483647)", "BYTES"),
        ("BYTES", "BYTES"),
        ("DECIMAL", "DECIMAL(10, 0)"),
        ("DEC(5)", "DECIMAL(5, 0)"),
        ("NUMERIC(38,38)", "DECIMAL(38, 38)"),
        ("TINYINT", "TINYINT"),
        ("SMALLINT", "SMALLINT"),
        ("INTEGER", "INT"),
        ("BIGINT", "BIGINT"),
        ("FLOAT", "FLOAT"),
        ("DOUBLE PRECISION", "DOUBLE"),
        ("DATE", "DATE"),
        ("TIME", "TIME(0)"),
        ("TIME(3) WITHOUT TIME ZONE", "TIME(3)"),
        ("TIMESTAMP", "TIMESTAMP(6)"),
        ("TIMESTAMP(9) WITHOUT TIME ZONE NOT NULL", "TIMESTAMP(9) NOT NULL"),
        ("TIMESTAMP_LTZ", "TIMESTAMP_LTZ(6)"),
        ("TIMESTAMP(3) WITH LOCAL TIME ZONE", "TIMESTAMP_LTZ(3)"),
        ("INTERVAL YEAR", "INTERVAL YEAR"),
        ("INTERVAL YEAR(4) TO MONTH", "INTERVAL YEAR(4) TO MONTH"),
        ("INTERVAL DAY(3) TO SECOND(3)", "INTERVAL DAY(3) TO SECOND(3)"),
        ("INTERVAL SECOND(9)", "INTERVAL SECOND(9)"),
        ("INTERVAL HOUR TO MINUTE", "INTERVAL HOUR TO MINUTE"),
        ("ARRAY<INT NOT NULL>", "ARRAY<INT NOT NULL>"),
        ("INT ARRAY", "ARRAY<INT>"),
        ("INT NOT NULL ARRAY NOT NULL MULTISET", "MULTISET<ARRAY<INT NOT NULL> NOT NULL>"),
        ("MULTISET<STRING>", "MULTISET<STRING>"),
        ("MAP<STRING,BYTES NOT NULL>", "MAP<STRING, BYTES NOT NULL>"),
        ("ROW(a INT, `b c` STRING NOT NULL)", "ROW<`a` INT, `b c` STRING NOT NULL>"),
        ("ROW<a INT 'first', b ROW<c INT>>", "ROW<`a` INT 'first', `b` ROW<`c` INT>>"),
        ("INT NULL", "INT"),
        ("NULL", "NULL"),
    ] {
        let data_type = type_of(written);
        assert_eq!(data_type.to_string(), printed, "{written}");
        assert_eq!(type_of(printed), data_type, "{printed}");
    }
}

#[test]
fn every_type_has_its_arrow_type() {
    for (written, arrow) in [
        ("CHAR(3)", "Utf8View"),
        ("VARCHAR(3)", "Utf8View"),
        ("STRING", "Utf8View"),
        ("BOOLEAN", "Boolean"),
        ("BINARY(3)", "BinaryView"),
        ("VARBINARY(3)", "BinaryView"),
        ("BYTES", "BinaryView"),
        ("DECIMAL(38, 10)", "Decimal128(38, 10)"),
        ("TINYINT", "Int8"),
        ("SMALLINT", "Int16"),
        ("INT", "Int32"),
        ("BIGINT", "Int64"),
        ("FLOAT", "Float32"),
        ("DOUBLE", "Float64"),
        ("DATE", "Date32"),
        ("TIME", "Time32(s)"),
        ("TIME(3)", "Time32(ms)"),
        ("TIME(6)", "Time64(µs)"),
        ("TIME(9)", "Time64(ns)"),
        ("TIMESTAMP(0)", "Timestamp(ms)"),
        ("TIMESTAMP(3)", "Timestamp(ms)"),
        ("TIMESTAMP", "Timestamp(µs)"),
        ("TIMESTAMP(7)", "Timestamp(ns)"),
        ("TIMESTAMP_LTZ(3)", "Timestamp(ms, \"UTC\")"),
        ("INTERVAL YEAR TO MONTH", "Interval(YearMonth)"),
        ("INTERVAL MONTH", "Interval(YearMonth)"),
        ("INTERVAL DAY TO SECOND", "Duration(ms)"),
        ("ARRAY<INT NOT NULL>", "List(non-null Int32)"),
        ("ARRAY<INT>", "List(Int32)"),
        (
            "MAP<STRING, INT>",
            "Map(\"entries\": non-null Struct(\"key\": non-null Utf8View, \"value\": Int32), unsorted)",
        ),
        (
            "MULTISET<STRING>",
            "Map(\"entries\": non-null Struct(\"key\": non-null Utf8View, \"value\": non-null Int32), unsorted)",
        ),
        ("ROW<a INT NOT NULL, b BYTES>", "Struct(\"a\": non-null Int32, \"b\": BinaryView)"),
        ("NULL", "Null"),
    ] {
        assert_eq!(type_of(written).to_arrow().to_string(), arrow, "{written}");
    }
}

#[test]
fn an_error_says_where_what_was_expected_and_what_was_found() {
    for (sql, expected) in [
        (
            "",
            "line 1, column 1: expected CREATE at the start of the statement, found the end of the statement",
        ),
        (
            "SELECT 1",
            "line 1, column 1: expected CREATE at the start of the statement, found \"SELECT\"",
        ),
        ("CREATE VIEW v", "line 1, column 8: expected TABLE after CREATE, found \"VIEW\""),
        ("CREATE TABLE (a INT)", "line 1, column 14: expected the name of the table, found \"(\""),
        ("CREATE TABLE a. (a INT)", "line 1, column 17: expected a name after \".\", found \"(\""),
        (
            "CREATE TABLE t a INT",
            "line 1, column 16: expected \"(\" before the columns of table \"t\", found \"a\"",
        ),
        (
            "CREATE TABLE t (\n  id INT,\n  price      , x INT)",
            "line 3, column 14: expected a type after column \"price\", found \",\"",
        ),
        (
            "CREATE TABLE t (id INTT)",
            "line 1, column 20: expected a type after column \"id\", found \"INTT\", did you mean \"INT\"?",
        ),
        (
            "CREATE TABLE t (id `INT`)",
            "line 1, column 20: expected a type after column \"id\", found `INT`",
        ),
        (
            "CREATE TABLE t (id INT name STRING)",
            "line 1, column 24: expected \",\" or \")\" after column \"id\", found \"name\"",
        ),
        (
            "CREATE TABLE t (id INT,)",
            "line 1, column 24: expected the name of a column, found \")\"",
        ),
        (
            "CREATE TABLE t (id INT",
            "line 1, column 23: expected \",\" or \")\" after column \"id\", found the end of the statement",
        ),
        (
            "CREATE TABLE t (id INT NOT,)",
            "line 1, column 27: expected NULL after NOT after column \"id\", found \",\"",
        ),
        (
            "CREATE TABLE t (id INT METADATA FROM offset)",
            "line 1, column 38: expected a metadata key in quotes after FROM, found \"offset\"",
        ),
        (
            "CREATE TABLE t (id INT COMMENT x)",
            "line 1, column 32: expected a text in quotes after COMMENT, found \"x\"",
        ),
        (
            "CREATE TABLE t (c AS , d INT)",
            "line 1, column 22: expected an expression after AS of column \"c\", found \",\"",
        ),
        (
            "CREATE TABLE t (c AS a + , d INT)",
            "line 1, column 26: expected an expression, found \",\"",
        ),
        ("CREATE TABLE t (c AS f(a, d INT)", "line 1, column 29: expected \")\", found \"INT\""),
        (
            "CREATE TABLE t (c AS (a + 1)",
            "line 1, column 29: expected \",\" or \")\" after column \"c\", found the end of the statement",
        ),
        (
            "CREATE TABLE t (d DECIMAL(39, 2))",
            "line 1, column 27: the precision of DECIMAL must be between 1 and 38, not 39",
        ),
        (
            "CREATE TABLE t (d DECIMAL(4, 5))",
            "line 1, column 30: the scale of DECIMAL must be between 0 and 4, not 5",
        ),
        (
            "CREATE TABLE t (d TIMESTAMP(10))",
            "line 1, column 29: the precision of TIMESTAMP must be between 0 and 9, not 10",
        ),
        (
            "CREATE TABLE t (d VARCHAR(0))",
            "line 1, column 27: the length of VARCHAR must be between 1 and 2147483647, not 0",
        ),
        (
            "CREATE TABLE t (d VARCHAR(x))",
            "line 1, column 27: expected the length of VARCHAR, found \"x\"",
        ),
        (
            "CREATE TABLE t (d MAP<STRING>)",
            "line 1, column 29: expected \",\" after the key type of MAP<, found \">\"",
        ),
        (
            "CREATE TABLE t (d ARRAY<INT)",
            "line 1, column 28: expected \">\" to close ARRAY<, found \")\"",
        ),
        (
            "CREATE TABLE t (d ARRAY INT)",
            "line 1, column 25: expected \"<\" after ARRAY, found \"INT\"",
        ),
        (
            "CREATE TABLE t (d ARRAY<INT>>)",
            "line 1, column 29: expected \",\" or \")\" after column \"d\", found \">\"",
        ),
        (
            "CREATE TABLE t (d ROW<a>)",
            "line 1, column 24: expected a type after field \"a\", found \">\"",
        ),
        (
            "CREATE TABLE t (d ROW<a INT b INT>)",
            "line 1, column 29: expected \",\" or \">\" after a field of ROW, found \"b\"",
        ),
        (
            "CREATE TABLE t (d ROW<a INT, a INT>)",
            "line 1, column 30: the field \"a\" appears twice in this ROW",
        ),
        (
            "CREATE TABLE t (d INTERVAL WEEK)",
            "line 1, column 28: expected YEAR, MONTH, DAY, HOUR, MINUTE or SECOND after INTERVAL, found \"WEEK\"",
        ),
        (
            "CREATE TABLE t (d INTERVAL YEAR TO DAY)",
            "line 1, column 36: an INTERVAL from YEAR cannot end in DAY",
        ),
        ("CREATE TABLE t (a INT, a STRING)", "line 1, column 24: column \"a\" is declared twice"),
        (
            "CREATE TABLE t (id INT, PRIMARY KEY (idd) NOT ENFORCED)",
            "line 1, column 25: the PRIMARY KEY names \"idd\", which is no column, did you mean \"id\"?",
        ),
        (
            "CREATE TABLE t (id INT, PRIMARY KEY (id, id) NOT ENFORCED)",
            "line 1, column 25: column \"id\" appears twice in the PRIMARY KEY",
        ),
        (
            "CREATE TABLE t (p INT METADATA, PRIMARY KEY (p) NOT ENFORCED)",
            "line 1, column 33: column \"p\" cannot be in the PRIMARY KEY: it is not a physical column",
        ),
        (
            "CREATE TABLE t (id INT PRIMARY KEY)",
            "line 1, column 24: a Kafka table doesn't support ENFORCED mode for PRIMARY KEY constraint: \
             nothing checks the key, write PRIMARY KEY … NOT ENFORCED",
        ),
        (
            "CREATE TABLE t (id INT PRIMARY KEY NOT ENFORCED, PRIMARY KEY (id) NOT ENFORCED)",
            "line 1, column 50: a table has at most one PRIMARY KEY",
        ),
        (
            "CREATE TABLE t (ts BIGINT, WATERMARK FOR ts AS ts)",
            "line 1, column 28: Invalid data type of time field for watermark definition. The field must be of \
             type TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3, but \"ts\" is BIGINT",
        ),
        (
            "CREATE TABLE t (r ROW<ts TIMESTAMP(6)>, WATERMARK FOR r.ts AS r.ts)",
            "line 1, column 41: Invalid data type of time field for watermark definition. The field must be of \
             type TIMESTAMP(p) or TIMESTAMP_LTZ(p) with p from 0 to 3, but \"r.ts\" is TIMESTAMP(6)",
        ),
        (
            "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR tss AS ts)",
            "line 1, column 34: the WATERMARK names \"tss\", which is no column, did you mean \"ts\"?",
        ),
        (
            "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts ts)",
            "line 1, column 51: expected AS after the column of WATERMARK FOR, found \"ts\"",
        ),
        (
            "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts AS ts, WATERMARK FOR ts AS ts)",
            "line 1, column 58: a table has at most one WATERMARK",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('topic' 'x')",
            "line 1, column 38: expected \"=\" after option 'topic', found a string",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('topic' = x)",
            "line 1, column 40: expected a value in quotes for option 'topic', found \"x\"",
        ),
        (
            "CREATE TABLE t (a INT) WITH ()",
            "line 1, column 30: expected an option in quotes, such as 'topic' = 'orders', found \")\"",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('a' = 'b' 'c' = 'd')",
            "line 1, column 40: expected \",\" or \")\" after option 'a', found a string",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('a' = 'b', 'a' = 'd')",
            "line 1, column 41: option 'a' is given twice",
        ),
        (
            "CREATE TABLE t (a INT) ('a' = 'b')",
            "line 1, column 24: expected WITH (…) or the end of the statement, found \"(\"",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('a' = 'b'); SELECT",
            "line 1, column 42: expected the end of the statement, found \"SELECT\"",
        ),
        ("CREATE TABLE t WITH ('a' = 'b')", "line 1, column 32: table \"t\" has no columns"),
        ("CREATE TABLE t (a INT COMMENT 'x", "line 1, column 31: unterminated string literal"),
        (
            "CREATE TABLE t (a INT COMMENT U&'\\00g1')",
            "line 1, column 38: invalid hex digit in escaped unicode string: g",
        ),
    ] {
        assert_eq!(message(sql), expected, "{sql}");
    }
}

#[test]
fn what_is_understood_and_not_built_says_so() {
    for (sql, expected) in [
        (
            "CREATE TABLE t (a INT) PARTITIONED BY (a, b) WITH ('k' = 'v')",
            "line 1, column 24: unsupported: PARTITIONED BY (a, b): a Kafka topic has partitions of its own, \
             which a message reaches by its key",
        ),
        (
            "CREATE TABLE t (a INT) DISTRIBUTED BY (a)",
            "line 1, column 24: unsupported: DISTRIBUTED BY",
        ),
        (
            "CREATE TABLE t (a INT) WITH ('k' = 'v') LIKE b",
            "line 1, column 41: unsupported: CREATE TABLE … LIKE",
        ),
        ("CREATE TABLE t LIKE b", "line 1, column 16: unsupported: CREATE TABLE … LIKE"),
        (
            "CREATE TABLE t WITH ('k' = 'v') AS SELECT 1",
            "line 1, column 33: unsupported: CREATE TABLE … AS SELECT",
        ),
        (
            "CREATE OR REPLACE TABLE t (a INT)",
            "line 1, column 8: unsupported: CREATE OR REPLACE TABLE",
        ),
        ("CREATE TABLE t (a INT UNIQUE)", "line 1, column 23: unsupported: UNIQUE constraint"),
        (
            "CREATE TABLE t (a INT, UNIQUE (a) NOT ENFORCED)",
            "line 1, column 24: unsupported: UNIQUE constraint",
        ),
        ("CREATE TABLE t (a VARIANT)", "line 1, column 19: unsupported: type=VARIANT"),
        (
            "CREATE TABLE t (a TIMESTAMP(3) WITH TIME ZONE)",
            "line 1, column 19: unsupported: type=TIMESTAMP WITH TIME ZONE \
             (TIMESTAMP_LTZ is a point in time, TIMESTAMP a reading of a clock)",
        ),
        (
            "CREATE TABLE t (ts TIMESTAMP(3), WATERMARK FOR ts AS SOURCE_WATERMARK())",
            "line 1, column 54: unsupported: SOURCE_WATERMARK(): Kafka records carry no watermarks; \
             write an expression over a column",
        ),
    ] {
        assert_eq!(message(sql), expected, "{sql}");
        assert_eq!(parse_create_table(sql).unwrap_err().kind(), ErrorKind::Unsupported, "{sql}");
    }
}

#[test]
fn an_error_never_shows_the_value_of_an_option() {
    let sql = "CREATE TABLE t (a INT) WITH ('password' = 'hunter2' 'hunter3')";
    assert!(!message(sql).contains("hunter"), "{}", message(sql));
}

#[test]
fn the_kind_of_an_error_carries_its_place() {
    let error = parse_create_table("CREATE TABLE t (\n  a)").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ddl { line: 2, column: 4 });
}

#[test]
fn a_hostile_nesting_is_an_error() {
    let types = format!("CREATE TABLE t (a {}INT{})", "ARRAY<".repeat(10_000), ">".repeat(10_000));
    assert!(message(&types).ends_with("types nest deeper than 64 levels"));
    let expression = format!("CREATE TABLE t (a AS {}1{})", "(".repeat(10_000), ")".repeat(10_000));
    assert!(
        message(&expression).contains("nest deeper than 40 levels"),
        "{}",
        message(&expression)
    );
    let arrays = format!("CREATE TABLE t (a AS {}1{})", "ARRAY[".repeat(60), "]".repeat(60));
    assert_eq!(
        message(&arrays),
        "line 1, column 22: brackets nest deeper than 40 levels in this expression"
    );
    let deepest = format!("CREATE TABLE t (a AS {}1{})", "ARRAY[".repeat(40), "]".repeat(40));
    parse_create_table(&deepest).unwrap();
}

/// Every statement cut off at every character is an error with a place, never a panic.
#[test]
fn a_truncated_statement_is_an_error_or_shorter_table() {
    for (end, _) in ORDERS.char_indices() {
        if let Err(error) = parse_create_table(&ORDERS[..end]) {
            assert!(matches!(error.kind(), ErrorKind::Ddl { .. }), "{error}");
        }
    }
}
