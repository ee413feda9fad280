//! Text from outside (names of files above all) inside SVG and HTML.

use std::fmt::Write as _;

/// Text whose characters are all seen: controls, XML's two forbidden code points and direction overrides (which could make
/// a name read as another) as `\u{1b}`.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if hidden || c.is_control() {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// [`visible`] text as it may stand in XML and HTML, between tags and in quoted attributes.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in visible(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// A file name as a relative address: all but the unreserved characters of RFC 3986 as %XX.
pub fn relative_address(name: &str) -> String {
    name.bytes().fold(String::from("./"), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => write!(out, "%{byte:02X}").expect("writing to a string cannot fail"),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_inject_nothing() {
        let name = "\"><script>alert(1)</script>'&\u{0}\u{1b}\u{202e}\u{ffff}é😀";
        assert_eq!(
            escaped(name),
            "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#39;&amp;\\u{0}\\u{1b}\\u{202e}\\u{ffff}é😀"
        );
        assert_eq!(relative_address("a b\"<é>.wav"), "./a%20b%22%3C%C3%A9%3E.wav");
    }
}
