//! Patterns for names and paths: `*`, `?`, `[a-z]`, `[!a-z]`, and `**` for any number of folders.
//!
//! Matched by characters of [folded](crate::fold()) text, so neither case nor normalisation counts.
//! Matching takes no more than pattern times text, whatever the pattern is.

use crate::fold::fold;

/// A pattern for a path. A single name is a path of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Glob {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`: any number of names, none among them.
    Deep,
    Name(Vec<Token>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// `*`: any number of characters.
    Star,
    /// `?`
    Any,
    Is(char),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Parses a pattern. With `anywhere` it matches at any depth, unless it begins with a slash.
    ///
    /// # Errors
    /// Says which rule the pattern breaks.
    pub fn parse(pattern: &str, anywhere: bool) -> Result<Glob, &'static str> {
        let folded = fold(pattern);
        let mut parts = Vec::new();
        if anywhere && !folded.starts_with('/') {
            parts.push(Part::Deep);
        }
        for name in split(&folded, '/').into_iter().filter(|name| !name.is_empty()) {
            match name {
                "**" => parts.push(Part::Deep),
                name => parts.push(Part::Name(tokens(name)?)),
            }
        }
        Ok(Glob { parts })
    }

    /// Whether it matches a path of folded names.
    pub fn matches(&self, path: &[&str]) -> bool {
        let name = |part: &Part, name: &&str| match part {
            Part::Deep => true,
            Part::Name(tokens) => matches_name(tokens, name),
        };
        wild(&self.parts, path, |part| *part == Part::Deep, name)
    }
}

/// The parts of a text between those `separator`s that are neither escaped nor in brackets.
pub(super) fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut in_class, mut escaped) = (Vec::new(), 0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            c if c == separator && !in_class => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn tokens(name: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        let token = match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '[' => class(&mut rest)?,
            '\\' => Token::Is(rest.next().ok_or("a backslash at the end escapes nothing")?),
            c => Token::Is(c),
        };
        // Several stars are one.
        if token != Token::Star || tokens.last() != Some(&Token::Star) {
            tokens.push(token);
        }
    }
    Ok(tokens)
}

/// The rest of a class, up to and with its bracket.
fn class(rest: &mut std::str::Chars<'_>) -> Result<Token, &'static str> {
    const OPEN: &str = "a bracket is not closed";
    let negated = rest.as_str().starts_with(['!', '^']);
    if negated {
        rest.next();
    }
    let mut ranges: Vec<(char, char)> = Vec::new();
    loop {
        let first = match rest.next().ok_or(OPEN)? {
            ']' if ranges.is_empty() => return Err("a class of no characters"),
            ']' => return Ok(Token::Class { negated, ranges }),
            '\\' => rest.next().ok_or(OPEN)?,
            c => c,
        };
        let mut ahead = rest.clone();
        let last = match (ahead.next(), ahead.next()) {
            (Some('-'), Some(last)) if last != ']' => {
                *rest = ahead;
                if last == '\\' { rest.next().ok_or(OPEN)? } else { last }
            }
            _ => first,
        };
        if last < first {
            return Err("a range of characters runs backwards");
        }
        ranges.push((first, last));
    }
}

fn matches_name(tokens: &[Token], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let fits = |token: &Token, c: &char| match token {
        Token::Star | Token::Any => true,
        Token::Is(wanted) => wanted == c,
        Token::Class { negated, ranges } => {
            ranges.iter().any(|(first, last)| (first..=last).contains(&c)) != *negated
        }
    };
    wild(tokens, &name, |token| *token == Token::Star, fits)
}

/// Whether a pattern with stars matches all of `text`. Only the last star is ever gone back to: what
/// an earlier one could take instead, the last one can take as well.
fn wild<P, T>(pattern: &[P], text: &[T], is_star: fn(&P) -> bool, fits: impl Fn(&P, &T) -> bool) -> bool {
    let (mut p, mut t) = (0, 0);
    // Behind the last star, and where it has taken the text up to.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(part) if is_star(part) => {
                p += 1;
                star = Some((p, t));
            }
            Some(part) if fits(part, &text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match &mut star {
                Some((behind, taken)) => {
                    *taken += 1;
                    (p, t) = (*behind, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(is_star)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        let folded = fold(path);
        let names: Vec<&str> = folded.split('/').collect();
        Glob::parse(pattern, true).unwrap().matches(&names)
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, path) in [
            ("*.docx", "Report.DOCX"),
            ("r?sum[eé].*", "Résumé.pdf"),
            ("[!a-c]*", "dog"),
            ("*a*b*", "xxaxxbxx"),
            ("\\*\\[", "*["),
            ("[a\\]-]", "]"),
            ("reports/*.txt", "2025/Reports/a.txt"),
            ("/reports/**/a", "reports/x/y/a"),
            ("/reports/**/a", "reports/a"),
            ("**", "a/b/c"),
        ] {
            assert!(matches(pattern, path), "{pattern} {path}");
        }
        for (pattern, path) in [
            ("*.docx", "a/b.docx.bak"),
            ("/reports", "2025/reports"),
            ("a*", "ba"),
            ("a/*", "a/b/c"),
            ("[!a-c]", "b"),
            ("?", "ab"),
        ] {
            assert!(!matches(pattern, path), "{pattern} {path}");
        }
    }

    #[test]
    fn mistakes_are_told() {
        for pattern in ["[a", "[", "[]", "a\\", "[z-a]", "[a\\"] {
            assert!(Glob::parse(pattern, true).is_err(), "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(500) + "b";
        assert!(!matches(&pattern, &"a".repeat(5000)));
    }
}
