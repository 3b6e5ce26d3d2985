//! Where in a JSON text the value of a JSON pointer (RFC 6901) begins. The text is known to be JSON.

/// Line and column, from 1, columns in characters. `None`, if the text has no such value.
pub fn place(text: &str, pointer: &str) -> Option<(usize, usize)> {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    for step in pointer.split('/').skip(1) {
        cursor.enter(&step.replace("~1", "/").replace("~0", "~"))?;
    }
    cursor.skip_space();
    let before = text.get(..cursor.at)?;
    let line_begin = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
    let line = before.bytes().filter(|byte| *byte == b'\n').count();
    Some((line.saturating_add(1), before.get(line_begin..)?.chars().count().saturating_add(1)))
}

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at = self.at.saturating_add(1);
        Some(byte)
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at = self.at.saturating_add(1);
        }
    }

    /// Moves from before an object or array to before its member `step`.
    fn enter(&mut self, step: &str) -> Option<()> {
        self.skip_space();
        match self.next()? {
            b'{' => loop {
                self.skip_space();
                let name = self.string()?;
                self.skip_space();
                if self.next()? != b':' {
                    return None;
                }
                if name == step {
                    return Some(());
                }
                self.skip_value()?;
                self.skip_space();
                if self.next()? != b',' {
                    return None;
                }
            },
            b'[' => {
                for _ in 0..step.parse::<usize>().ok()? {
                    self.skip_value()?;
                    self.skip_space();
                    if self.next()? != b',' {
                        return None;
                    }
                }
                Some(())
            }
            _ => None,
        }
    }

    /// Reads a string, which begins here.
    fn string(&mut self) -> Option<String> {
        let begin = self.at;
        self.skip_string()?;
        serde_json::from_slice(self.bytes.get(begin..self.at)?).ok()
    }

    fn skip_string(&mut self) -> Option<()> {
        if self.next()? != b'"' {
            return None;
        }
        loop {
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => _ = self.next()?,
                _ => {}
            }
        }
    }

    /// Moves behind a value. Nesting is counted, so a deep text needs no deep stack.
    fn skip_value(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            self.skip_space();
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth = depth.saturating_add(1);
                    self.next()?;
                    continue;
                }
                b'}' | b']' => {
                    depth = depth.checked_sub(1)?;
                    self.next()?;
                }
                b',' | b':' if depth > 0 => {
                    self.next()?;
                    continue;
                }
                _ => {
                    let is_in =
                        |byte: u8| !byte.is_ascii_whitespace() && !matches!(byte, b',' | b'}' | b']' | b':');
                    let begin = self.at;
                    while self.peek().is_some_and(is_in) {
                        self.next()?;
                    }
                    if self.at == begin {
                        return None;
                    }
                }
            }
            if depth == 0 {
                return Some(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_whatever_is_around_it() {
        let text = "{\n  \"é\": {\"a\": [1, \"x,]\", {\"b/c\": [[], {}], \"~\": true}]},\n\t\"k\\u0041\": null, \"z\": -1.5e3}";
        for (pointer, found) in [
            ("", Some((1, 1))),
            ("/é", Some((2, 8))),
            ("/é/a/1", Some((2, 18))),
            ("/é/a/2/b~1c/1", Some((2, 38))),
            ("/é/a/2/~0", Some((2, 48))),
            ("/kA", Some((3, 13))),
            ("/z", Some((3, 24))),
            ("/é/a/3", None),
            ("/é/a/x", None),
            ("/none", None),
            ("/z/a", None),
        ] {
            assert_eq!(place(text, pointer), found, "{pointer}");
        }
    }

    #[test]
    fn a_deep_text_is_no_trouble() {
        let deep = format!("[{}{},7]", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(place(&deep, "/1"), Some((1, deep.len() - 1)));
    }
}
