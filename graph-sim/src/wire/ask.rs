//! A request, taken apart: segments in one spelling, options without their `$`.

use std::time::Instant;

use bytes::Bytes;
use hyper::{HeaderMap, Method};
use percent_encoding::percent_decode_str;

/// Which of the two ports was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Port {
    /// API and sign-in.
    Api,
    /// Pre-authenticated URLs.
    Content,
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    pub port: Port,
    /// Scheme, host and port as the client wrote them, without a slash at the end.
    pub origin: String,
    /// Path and query as sent.
    pub target: String,
    /// `/v1.0`, `/beta`, `/_api/v2.0`, or empty: what stood before the segments.
    pub prefix: String,
    /// Decoded, keys in parentheses split off, `microsoft.graph.` and `()` dropped.
    pub segments: Vec<String>,
    pub query: Query,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// When its first bytes were here, on the wall's clock.
    pub arrived: Instant,
}

/// The options of a request, decoded.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses what stands after the `?`.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name);
            (name.strip_prefix('$').unwrap_or(&name).to_string(), decode(&value.replace('+', " ")))
        });
        Query(pairs.collect())
    }

    /// An option by its name without `$`, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// `$top`, if it is a number.
    pub fn top(&self) -> Option<u32> {
        self.get("top")?.parse().ok()
    }

    fn push(&mut self, name: &str, value: String) {
        self.0.push((name.into(), value));
    }
}

impl Ask {
    /// Takes a request apart that arrives now.
    pub fn new(
        method: Method,
        port: Port,
        origin: String,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut query = Query::parse(query);
        let (prefix, rest) = split_prefix(path);
        let segments = segments(rest, &mut query);
        Ask {
            method,
            port,
            origin,
            target: target.into(),
            prefix: prefix.into(),
            segments,
            query,
            headers,
            body,
            arrived: Instant::now(),
        }
    }

    /// A header's text; empty if it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Whether `Prefer` asks for something, in any of its lines.
    pub fn prefers(&self, wish: &str) -> bool {
        let lines = self.headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).any(|found| found.trim().eq_ignore_ascii_case(wish))
    }

    /// The absolute URL of a path below this request's prefix.
    pub fn link(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.prefix)
    }

    /// Path and query as sent, without the value of `token`: what a link must keep.
    pub fn skeleton(&self) -> String {
        skeleton_of(&self.target)
    }
}

/// A path and query without the value of `token`, decoded: clients may encode more than they were given.
pub fn skeleton_of(target: &str) -> String {
    let marks = ["token=", "token%3D"];
    let Some((before, after)) = marks.iter().find_map(|mark| target.split_once(mark)) else {
        return decode(target);
    };
    let rest = after.find(['&', ')']).map_or("", |at| &after[at..]);
    decode(&format!("{before}{rest}"))
}

/// Percent-decodes; bytes that are no UTF-8 become U+FFFD.
pub fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn split_prefix(path: &str) -> (&str, &str) {
    for prefix in ["/v1.0", "/beta", "/_api/v2.0", "/_api/v2.1"] {
        if let Some(head) = path.get(..prefix.len())
            && head.eq_ignore_ascii_case(prefix)
            && path[prefix.len()..].chars().next().is_none_or(|c| c == '/')
        {
            return path.split_at(prefix.len());
        }
    }
    ("", path)
}

/// Splits a path. Between `:` and `:` stand names, which are kept as they are.
fn segments(path: &str, query: &mut Query) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_names = false;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        let part = decode(part);
        if in_names {
            in_names = !part.ends_with(':');
            found.push(part);
            continue;
        }
        in_names = part.ends_with(':') && part.len() > 1;
        let part = part.strip_prefix("microsoft.graph.").unwrap_or(&part);
        match part.split_once('(').filter(|(_, key)| key.ends_with(')')) {
            Some((name, key)) => {
                found.push(name.into());
                key_of(&key[..key.len() - 1], &mut found, query);
            }
            None => found.push(part.into()),
        }
    }
    found
}

/// What stands in parentheses: nothing, a key, or named parameters.
fn key_of(key: &str, found: &mut Vec<String>, query: &mut Query) {
    let unquote = |text: &str| text.trim().trim_matches('\'').to_string();
    match key.split_once('=').filter(|(name, _)| name.chars().all(char::is_alphanumeric)) {
        Some((name, value)) => query.push(name, unquote(value)),
        None if key.trim().is_empty() => {}
        None => found.push(unquote(key)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(target: &str) -> Ask {
        Ask::new(Method::GET, Port::Api, "http://h".into(), target, HeaderMap::new(), Bytes::new())
    }

    #[test]
    fn spellings_of_delta_are_one() {
        for target in [
            "/v1.0/drives/b!x/root/delta?token=abc",
            "/v1.0/drives/b%21x/root/delta()?token=abc",
            "/v1.0/drives('b!x')/root/microsoft.graph.delta(token='abc')",
            "/v1.0/drives/b!x/root/delta(token=%27abc%27)",
        ] {
            let ask = ask(target);
            assert_eq!(ask.segments, ["drives", "b!x", "root", "delta"], "{target}");
            assert_eq!(ask.query.get("token"), Some("abc"), "{target}");
            assert!(!ask.skeleton().contains("abc"));
        }
    }

    #[test]
    fn names_in_paths_keep_their_parentheses() {
        let ask = ask("/_api/v2.0/drives/x/root:/a%20(1)/b:/children?%24top=5&select=id");
        assert_eq!(ask.prefix, "/_api/v2.0");
        assert_eq!(ask.segments, ["drives", "x", "root:", "a (1)", "b:", "children"]);
        assert_eq!(ask.query.top(), Some(5));
        assert_eq!(ask.query.get("$select".trim_start_matches('$')), Some("id"));
    }
}
