//! Comma-separated values by RFC 4180: lines end with CRLF, fields that need it are quoted.

/// Lines of fields, the first of them the names.
#[derive(Debug)]
pub(super) struct Csv {
    text: String,
}

impl Csv {
    /// A table with these columns.
    pub(super) fn new(columns: &[&str]) -> Csv {
        let mut csv = Csv { text: String::new() };
        csv.line(columns.iter().map(|name| (*name).to_owned()));
        csv
    }

    /// Appends a line.
    pub(super) fn line(&mut self, fields: impl IntoIterator<Item = String>) {
        for (place, field) in fields.into_iter().enumerate() {
            if place > 0 {
                self.text.push(',');
            }
            if field.contains([',', '"', '\r', '\n']) {
                self.text.push('"');
                self.text.push_str(&field.replace('"', "\"\""));
                self.text.push('"');
            } else {
                self.text.push_str(&field);
            }
        }
        self.text.push_str("\r\n");
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut csv = Csv::new(&["a", "b"]);
        for fields in [["plain", ""], ["one, two", "say \"so\""], ["two\nlines", " as it is "]] {
            csv.line(fields.map(str::to_owned));
        }
        let expect = "a,b\r\nplain,\r\n\"one, two\",\"say \"\"so\"\"\"\r\n\"two\nlines\", as it is \r\n";
        assert_eq!(csv.text(), expect);
    }
}
