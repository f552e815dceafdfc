//! Reading the fields of a mapping: each taken once, the unknown ones reported with the nearest name.

use super::{Diagnostic, Document, Node, Place, Report, Value, nearest};

/// The fields of one mapping, being taken one by one. Call [`Fields::finish`] last: it reports what no
/// one asked for.
pub(crate) struct Fields<'a> {
    document: &'a Document,
    place: Place,
    what: &'static str,
    pairs: &'a [(Node, Node)],
    taken: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The fields of `node`, which is to be `what` ("a slot", "the station file").
    pub(crate) fn of(
        document: &'a Document,
        node: &'a Node,
        what: &'static str,
        report: &mut Report,
    ) -> Option<Fields<'a>> {
        match &node.value {
            Value::Mapping(pairs) => {
                Some(Fields { document, place: node.place, what, pairs, taken: Vec::new() })
            }
            _ => {
                report.push(Diagnostic::at(
                    document,
                    node,
                    format!("{what} must be a mapping of keys to values, not {}", node.kind()),
                ));
                None
            }
        }
    }

    /// Where the mapping begins.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The value of `key`; nothing where the key is absent or its value is null.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.taken.push(key);
        self.pairs
            .iter()
            .find(|(k, _)| k.scalar() == Some(key))
            .map(|(_, v)| v)
            .filter(|v| v.value != Value::Null)
    }

    /// The value of `key`, whose absence is an error.
    pub(crate) fn need(&mut self, key: &'static str, report: &mut Report, help: &str) -> Option<&'a Node> {
        let found = self.take(key);
        if found.is_none() {
            let message = format!("{} needs the key \"{key}\"", self.what);
            report.push(Diagnostic::at_place(self.document, self.place, message).help(help));
        }
        found
    }

    /// The scalar of `key`.
    pub(crate) fn text(&mut self, key: &'static str, report: &mut Report) -> Option<(&'a str, &'a Node)> {
        let node = self.take(key)?;
        self.as_text(key, node, report)
    }

    /// The scalar of `key`, whose absence is an error.
    pub(crate) fn need_text(
        &mut self,
        key: &'static str,
        report: &mut Report,
        help: &str,
    ) -> Option<(&'a str, &'a Node)> {
        let node = self.need(key, report, help)?;
        self.as_text(key, node, report)
    }

    fn as_text(&self, key: &str, node: &'a Node, report: &mut Report) -> Option<(&'a str, &'a Node)> {
        match node.scalar() {
            Some(text) => Some((text, node)),
            None => {
                report.push(Diagnostic::at(
                    self.document,
                    node,
                    format!("\"{key}\" must be a single value, not {}", node.kind()),
                ));
                None
            }
        }
    }

    /// The whole number of `key`, from `least` to `most`.
    pub(crate) fn number(
        &mut self,
        key: &'static str,
        least: u64,
        most: u64,
        report: &mut Report,
    ) -> Option<(u64, &'a Node)> {
        let (text, node) = self.text(key, report)?;
        match text.parse::<u64>() {
            Ok(n) if (least..=most).contains(&n) => Some((n, node)),
            _ => {
                let message =
                    format!("\"{key}\" must be a whole number from {least} to {most}, not \"{text}\"");
                report.push(Diagnostic::at(self.document, node, message));
                None
            }
        }
    }

    /// The items of `key`, which may be a list or one thing alone.
    pub(crate) fn one_or_many(&mut self, key: &'static str) -> Vec<&'a Node> {
        match self.take(key) {
            None => Vec::new(),
            Some(Node { value: Value::Sequence(items), .. }) => items.iter().collect(),
            Some(node) => vec![node],
        }
    }

    /// Keys of the language that are understood and not yet carried out: said, never swallowed.
    pub(crate) fn not_yet(&mut self, keys: &[&'static str], report: &mut Report) {
        for key in keys {
            if let Some(node) = self.take(key) {
                let message = format!("\"{key}\" is not supported yet");
                report.push(
                    Diagnostic::at(self.document, node, message)
                        .help("remove it; this version would not do what it says"),
                );
            }
        }
    }

    /// Reports every key no one took.
    pub(crate) fn finish(self, report: &mut Report) {
        for (key, _) in self.pairs {
            let Some(name) = key.scalar() else {
                report.push(Diagnostic::at(
                    self.document,
                    key,
                    format!("a key must be a single value, not {}", key.kind()),
                ));
                continue;
            };
            if self.taken.contains(&name) {
                continue;
            }
            let near = nearest(name, self.taken.iter().copied());
            let help = match near.first() {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => format!("known keys: {}", self.taken.join(", ")),
            };
            let message = format!("unknown key \"{name}\" in {}", self.what);
            report.push(Diagnostic::at(self.document, key, message).help(help));
        }
    }
}
