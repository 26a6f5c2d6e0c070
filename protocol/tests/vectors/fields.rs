//! Generated messages as JSON in Java's words, so that they can be compared field by field with what Java reads.
//!
//! The generated types have no list of their fields, but their `Debug` form names every one: it is taken apart here.

use std::{fmt::Debug, iter::Peekable, str::Chars};

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Map, Value, json};

/// The fields of `message`.
pub(crate) fn fields(message: &impl Debug) -> Value {
    let text = format!("{message:?}");
    let mut parser = Parser { rest: text.chars().peekable() };
    let value = parser.value();
    assert_eq!(parser.rest.next(), None, "{text}");
    value
}

/// Where `actual` is not what Java reads. Java leaves tagged fields out that are as they are by default.
pub(crate) fn difference(expected: &Value, actual: &Value) -> Option<String> {
    match (expected, actual) {
        (Value::Object(theirs), Value::Object(ours)) => {
            if !theirs.contains_key(UNKNOWN)
                && ours.get(UNKNOWN).is_some_and(|tags| *tags != json!([]))
            {
                return Some(format!("tagged fields that Java does not read: {}", ours[UNKNOWN]));
            }
            theirs.iter().find_map(|(name, expected)| {
                let Some(actual) = ours.get(name) else { return Some(format!("no {name}")) };
                difference(expected, actual).map(|found| format!("{name}: {found}"))
            })
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            theirs.iter().zip(ours).find_map(|(expected, actual)| difference(expected, actual))
        }
        _ if expected == actual => None,
        _ => Some(format!("{actual} instead of {expected}")),
    }
}

struct Parser<'t> {
    rest: Peekable<Chars<'t>>,
}

impl Parser<'_> {
    fn value(&mut self) -> Value {
        match self.rest.peek() {
            Some('"') => Value::String(self.string()),
            Some('[') => Value::Array(self.list('[', ']', Self::value)),
            Some('{') => Value::Array(self.list('{', '}', Self::tagged_field)),
            _ => self.word(),
        }
    }

    /// A number, an id, or something with a name.
    fn word(&mut self) -> Value {
        let mut word = String::new();
        while let Some(next) =
            self.rest.next_if(|next| next.is_alphanumeric() || "_-.".contains(*next))
        {
            word.push(next);
        }
        match self.rest.peek() {
            Some('"') if word == "b" => return json!(BASE64_STANDARD.encode(self.byte_string())),
            // `Some` and the newtypes are not seen on the wire.
            Some('(') => return self.list('(', ')', Self::value).remove(0),
            _ => {}
        }
        if self.rest.next_if_eq(&' ').is_some() {
            return Value::Object(
                self.list('{', '}', Self::field).into_iter().collect::<Map<_, _>>(),
            );
        }
        self.scalar(&word)
    }

    fn scalar(&self, word: &str) -> Value {
        match word {
            "None" => Value::Null,
            "true" => json!(true),
            "false" => json!(false),
            id if id.len() == 36 => {
                let digits = id.replace('-', "");
                json!(BASE64_URL_SAFE_NO_PAD.encode(crate::file::unhex(&digits)))
            }
            number => serde_json::from_str(number).unwrap_or_else(|_| panic!("{number:?}")),
        }
    }

    fn field(&mut self) -> (String, Value) {
        let mut name = String::new();
        let mut upper = false;
        while let Some(next) = self.rest.next_if(|next| *next != ':') {
            match next {
                '_' => upper = !name.is_empty(),
                next if upper => name.extend(next.to_uppercase()),
                next => name.push(next),
            }
            upper &= next == '_';
        }
        self.separator(": ");
        (name, self.value())
    }

    fn tagged_field(&mut self) -> Value {
        let tag = self.value();
        self.separator(": ");
        json!([tag, self.value()])
    }

    fn list<T>(
        &mut self,
        open: char,
        close: char,
        mut element: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        assert_eq!(self.rest.next(), Some(open));
        let mut elements = Vec::new();
        while self.rest.next_if_eq(&close).is_none() {
            self.rest.next_if_eq(&' ');
            elements.push(element(self));
            self.rest.next_if_eq(&',');
            self.rest.next_if_eq(&' ');
        }
        elements
    }

    fn separator(&mut self, expected: &str) {
        for expected in expected.chars() {
            assert_eq!(self.rest.next(), Some(expected));
        }
    }

    fn string(&mut self) -> String {
        let mut text = String::new();
        self.separator("\"");
        loop {
            match self.rest.next().expect("the end of a string") {
                '"' => return text,
                '\\' => text.push(self.escape()),
                next => text.push(next),
            }
        }
    }

    /// A character stands for a byte.
    fn byte_string(&mut self) -> Vec<u8> {
        self.string().chars().map(|next| u8::try_from(u32::from(next)).expect("a byte")).collect()
    }

    fn escape(&mut self) -> char {
        match self.rest.next().expect("an escaped character") {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            '0' => '\0',
            'x' => self.code(2),
            'u' => {
                self.separator("{");
                let code = self.code(8);
                self.separator("}");
                code
            }
            other => other,
        }
    }

    fn code(&mut self, most: usize) -> char {
        let mut code = 0;
        for _ in 0..most {
            let Some(digit) = self.rest.next_if(char::is_ascii_hexdigit) else { break };
            code = code * 16 + digit.to_digit(16).expect("a digit");
        }
        char::from_u32(code).expect("a character")
    }
}

const UNKNOWN: &str = "unknownTaggedFields";

#[test]
fn a_debug_form_is_taken_apart_and_differences_are_named() {
    #[derive(Debug)]
    #[expect(dead_code, reason = "read through Debug")]
    struct Inner(i64);
    #[derive(Debug)]
    #[expect(dead_code, reason = "read through Debug")]
    struct Outer {
        a_number: Option<Inner>,
        _type: Vec<bool>,
        text: &'static str,
        bytes: bytes::Bytes,
        nothing: Option<Inner>,
        unknown_tagged_fields: std::collections::BTreeMap<i32, bytes::Bytes>,
    }
    let outer = |unknown_tagged_fields| Outer {
        a_number: Some(Inner(-5)),
        _type: vec![true, false],
        text: "\"é\0\u{1}\\",
        bytes: bytes::Bytes::from_static(b"\xff\"a\n"),
        nothing: None,
        unknown_tagged_fields,
    };
    let expected = json!({
        "aNumber": -5, "type": [true, false], "text": "\"é\0\u{1}\\", "bytes": "/yJhCg==", "nothing": null
    });
    let read = fields(&outer([].into()));
    assert_eq!(difference(&expected, &read), None);
    let mut other = expected.clone();
    other["type"][1] = json!(true);
    assert_eq!(difference(&other, &read).unwrap(), "type: false instead of true");
    let tagged = fields(&outer([(9, "x".into())].into()));
    assert!(difference(&expected, &tagged).is_some());
    other = expected;
    other[UNKNOWN] = json!([[9, "eA=="]]);
    assert_eq!(difference(&other, &tagged), None);
}
