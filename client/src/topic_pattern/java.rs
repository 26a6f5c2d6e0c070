//! Java's regular expressions in the words of the `regex` crate: what both write alike passes, what they write
//! differently is rewritten, and what only Java has, or the other one takes for something else, is named.

/// A pattern for the `regex` crate, without Unicode.
pub(super) struct Translation {
    pub(super) text: String,
    /// Offsets in `text` and the characters of the original, from 1, that what follows them comes from.
    origins: Vec<(usize, usize)>,
}

/// Why a pattern cannot be used, and at which character, from 1, if it is one place.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) at: Option<usize>,
    pub(super) what: String,
    pub(super) is_unsupported: bool,
}

/// Rewrites `pattern`; whether the rest of it is well-formed is left to the parser.
pub(super) fn translate(pattern: &str) -> Result<Translation, Trouble> {
    let translation =
        Translation { text: String::with_capacity(pattern.len()), origins: Vec::new() };
    let mut translator = Translator {
        pattern: pattern.chars().collect(),
        at: 0,
        classes: Vec::new(),
        is_after_class: false,
        quantified: Quantified::No,
        translation,
    };
    while translator.at < translator.pattern.len() {
        translator.step()?;
    }
    Ok(translator.translation)
}

struct Translator {
    pattern: Vec<char>,
    at: usize,
    /// The character classes that are open, innermost last.
    classes: Vec<Class>,
    /// Whether `\w` or the like stands right before, inside of a class.
    is_after_class: bool,
    quantified: Quantified,
    translation: Translation,
}

/// How far a character class is. Of `&&` only `[members&&[class]]` means the same here as in Java.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Empty,
    Members,
    /// Behind `&&`.
    Intersected,
    /// Behind the class after `&&`.
    Over,
}

/// Whether a quantifier stands right before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quantified {
    No,
    Greedy,
    Lazy,
}

impl Translator {
    fn step(&mut self) -> Result<(), Trouble> {
        let (here, next) = (self.pattern[self.at], self.peek(1));
        let was_after_class = std::mem::take(&mut self.is_after_class);
        let is_first = self.classes.last() == Some(&Class::Empty);
        match self.classes.last() {
            None if matches!(here, '*' | '+' | '?' | '{') => return self.quantifier(here),
            None => {}
            Some(class) => self.member(*class, here, next)?,
        }
        // Under the flag `x` a quantifier may stand apart from what it quantifies.
        if !here.is_whitespace() {
            self.quantified = Quantified::No;
        }
        match here {
            '\\' => self.escape(next)?,
            '[' => self.open_class(next)?,
            '(' if !self.is_in_class() && next == Some('?') => self.group()?,
            '-' if was_after_class || (self.is_in_class() && next == Some('[')) => {
                self.put("\\-", 1)
            }
            '-' if self.is_in_class() && self.is_property(1) => match is_first {
                true => self.put("\\-", 1),
                false => return Err(self.unsupported("- before a property; write \\-")),
            },
            '&' if self.classes.last() == Some(&Class::Intersected) => self.copy(2),
            ']' => {
                self.classes.pop();
                self.copy(1);
            }
            _ => self.copy(1),
        }
        Ok(())
    }

    /// Looks at what comes next in a character class that is as far as `class`.
    fn member(&mut self, class: Class, here: char, next: Option<char>) -> Result<(), Trouble> {
        let is_twice = next == Some(here);
        let class = match (class, here) {
            (_, '-' | '~') if is_twice => {
                let what = format!("{here}{here} in a character class; write \\{here}");
                return Err(self.unsupported(what));
            }
            (Class::Members, '&') if is_twice => Class::Intersected,
            (Class::Intersected, '[') | (Class::Over, ']') => Class::Over,
            (Class::Intersected | Class::Over, _) => return Err(self.unsupported(INTERSECTION)),
            (Class::Empty, '&') if is_twice => return Err(self.unsupported(INTERSECTION)),
            _ => Class::Members,
        };
        if let Some(innermost) = self.classes.last_mut() {
            *innermost = class;
        }
        Ok(())
    }

    fn quantifier(&mut self, here: char) -> Result<(), Trouble> {
        self.quantified = match (self.quantified, here) {
            (Quantified::No, _) => Quantified::Greedy,
            (Quantified::Greedy, '?') => Quantified::Lazy,
            (Quantified::Greedy, '+') => {
                return Err(self.unsupported("a possessive quantifier"));
            }
            (_, '{') => return Err(self.unsupported("{ after a quantifier")),
            _ => {
                let what = format!("{here} follows a quantifier");
                return Err(Trouble::invalid(Some(self.at + 1), what));
            }
        };
        let length = match here {
            '{' => self.pattern[self.at..].iter().position(|c| *c == '}').map_or(1, |end| end + 1),
            _ => 1,
        };
        self.copy(length);
        Ok(())
    }

    /// At `(?`.
    fn group(&mut self) -> Result<(), Trouble> {
        if self.peek(2) == Some('>') {
            return Err(self.unsupported("an atomic group"));
        }
        let flags = self.pattern[self.at + 2..].iter();
        let java_only = flags.take_while(|c| c.is_ascii_alphabetic() || **c == '-');
        if let Some(flag) = java_only.copied().find(|c| matches!(c, 'd' | 'u' | 'U')) {
            return Err(self.unsupported(format!("the flag {flag}")));
        }
        self.copy(2);
        Ok(())
    }

    fn open_class(&mut self, next: Option<char>) -> Result<(), Trouble> {
        if self.is_in_class() && next == Some(':') {
            return Err(self.unsupported("[: in a character class; write [\\:"));
        }
        self.classes.push(Class::Empty);
        self.copy(1);
        if self.peek(0) == Some('^') {
            self.copy(1);
        }
        // The first bracket is one of the characters.
        if self.peek(0) == Some(']') {
            self.classes.pop();
            self.classes.push(Class::Members);
            self.put("\\]", 1);
        }
        Ok(())
    }

    fn escape(&mut self, next: Option<char>) -> Result<(), Trouble> {
        match next {
            Some('Q') => self.quote(),
            Some('Z') => self.put("\\z", 2),
            Some('<' | '>') => self.skip_and_copy(),
            Some('d' | 'D' | 's' | 'S' | 'w' | 'W') => {
                self.is_after_class = self.is_in_class();
                self.copy(2);
            }
            Some('p') => return self.property(""),
            Some('P') => return self.property("^"),
            Some('b') if self.peek(2) == Some('{') => return Err(self.unsupported("\\b{")),
            Some('k') => return Err(self.unsupported("backreferences are not supported")),
            Some(c @ ('0' | 'G' | 'H' | 'N' | 'R' | 'V' | 'X' | 'c' | 'e' | 'h')) => {
                return Err(self.unsupported(format!("\\{c}")));
            }
            Some(_) => self.copy(2),
            None => self.copy(1),
        }
        Ok(())
    }

    /// `\Q` and what is meant literally, up to `\E` or the end.
    fn quote(&mut self) {
        let start = self.at + 2;
        let rest = &self.pattern[start..];
        let length = rest.windows(2).position(|two| two == ['\\', 'E']).unwrap_or(rest.len());
        let quoted: String = rest[..length].iter().collect();
        let end = (start + length + 2).min(self.pattern.len());
        self.put(&regex_syntax::escape(&quoted), end - self.at);
    }

    /// `\p{Alpha}` and the like: of names in ASCII, Java's properties choose what POSIX's classes do.
    fn property(&mut self, negation: &str) -> Result<(), Trouble> {
        let (name, length): (String, usize) = match self.peek(2) {
            Some('{') => {
                let name = self.pattern[self.at + 3..].iter().take_while(|c| **c != '}');
                let name: String = name.collect();
                let length = name.chars().count() + 4;
                (name, length)
            }
            Some(c) => (c.into(), 3),
            None => (String::new(), 2),
        };
        let Some((_, posix)) = PROPERTIES.iter().find(|(java, _)| *java == name) else {
            return Err(self.unsupported(format!("the property {name}")));
        };
        let class = format!("[:{negation}{posix}:]");
        self.is_after_class = self.is_in_class();
        match self.is_after_class {
            false => self.put(&format!("[{class}]"), length),
            true => self.put(&class, length),
        }
        Ok(())
    }

    fn is_property(&self, ahead: usize) -> bool {
        self.peek(ahead) == Some('\\') && matches!(self.peek(ahead + 1), Some('p' | 'P'))
    }

    fn is_in_class(&self) -> bool {
        !self.classes.is_empty()
    }

    fn skip_and_copy(&mut self) {
        self.at += 1;
        self.copy(1);
    }

    fn copy(&mut self, length: usize) {
        for _ in 0..length {
            let Some(c) = self.peek(0) else { break };
            self.put(c.encode_utf8(&mut [0; 4]), 1);
        }
    }

    /// Writes `text` in place of the next `length` characters.
    fn put(&mut self, text: &str, length: usize) {
        let Translation { text: translated, origins } = &mut self.translation;
        origins.push((translated.len(), self.at + 1));
        translated.push_str(text);
        self.at += length;
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.pattern.get(self.at + ahead).copied()
    }

    fn unsupported(&self, what: impl Into<String>) -> Trouble {
        Trouble::unsupported(Some(self.at + 1), what)
    }
}

impl Translation {
    /// The character of the original, from 1, that what stands at `offset` of the text comes from.
    pub(super) fn origin(&self, offset: usize) -> usize {
        let before = self.origins.partition_point(|(written, _)| *written <= offset);
        self.origins.get(before.saturating_sub(1)).map_or(1, |(_, origin)| *origin)
    }
}

impl Trouble {
    pub(super) fn invalid(at: Option<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), is_unsupported: false }
    }

    pub(super) fn unsupported(at: Option<usize>, what: impl Into<String>) -> Self {
        Self { at, what: what.into(), is_unsupported: true }
    }
}

const INTERSECTION: &str = "&& in a character class, but for [members&&[class]]";

/// Properties under their names in Java.
const PROPERTIES: [(&str, &str); 20] = [
    ("ASCII", "ascii"),
    ("Alnum", "alnum"),
    ("Alpha", "alpha"),
    ("Blank", "blank"),
    ("Cntrl", "cntrl"),
    ("Digit", "digit"),
    ("Graph", "graph"),
    ("IsAlphabetic", "alpha"),
    ("IsDigit", "digit"),
    ("L", "alpha"),
    ("Ll", "lower"),
    ("Lower", "lower"),
    ("Lu", "upper"),
    ("N", "digit"),
    ("Nd", "digit"),
    ("Print", "print"),
    ("Punct", "punct"),
    ("Space", "space"),
    ("Upper", "upper"),
    ("XDigit", "xdigit"),
];
