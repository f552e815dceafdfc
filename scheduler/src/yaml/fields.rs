//! Reading the fields of a mapping: each taken once, the unknown ones reported with the nearest name.

use super::shape::{Form, Shape};
use super::{Diagnostic, Document, Node, Place, Report, Value, nearest};

/// Codes of what can be wrong with any mapping, whatever it is for.
pub(crate) const UNKNOWN_KEY: &str = "unknown-key";
pub(crate) const MISSING_KEY: &str = "missing-key";
pub(crate) const WRONG_KIND: &str = "wrong-kind";

/// The fields of one mapping, being taken one by one. Call [`Fields::finish`] last: it reports what no
/// one asked for.
pub(crate) struct Fields<'a> {
    document: &'a Document,
    place: Place,
    what: &'static str,
    pairs: &'a [(Node, Node)],
    taken: Vec<&'static str>,
    shape: Option<&'static Shape>,
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
                Some(Fields { document, place: node.place, what, pairs, taken: Vec::new(), shape: None })
            }
            _ => {
                let message = format!("{what} must be a mapping of keys to values, not {}", node.kind());
                let help = "write it as KEY: VALUE, a line each, or {KEY: VALUE, …}";
                report.push(Diagnostic::at(document, node, message).help(help).code(WRONG_KIND));
                None
            }
        }
    }

    /// The fields of `node`, which is to be of `shape`: keys, words and limits are those of its table.
    pub(crate) fn shaped(
        document: &'a Document,
        node: &'a Node,
        shape: &'static Shape,
        report: &mut Report,
    ) -> Option<Fields<'a>> {
        let mut fields = Fields::of(document, node, shape.name, report)?;
        fields.shape = Some(shape);
        Some(fields)
    }

    /// Whether the mapping has the key, whatever its value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.pairs.iter().any(|(k, _)| k.scalar() == Some(key))
    }

    /// Where the mapping begins.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// The value of `key`; nothing where the key is absent or its value is null.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        debug_assert!(self.shape.is_none_or(|s| s.key(key).is_some()), "{} has no {key}", self.what);
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
            let finding = Diagnostic::at_place(self.document, self.place, message);
            report.push(finding.help(help).code(MISSING_KEY));
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
                let message = format!("\"{key}\" must be a single value, not {}", node.kind());
                let help = format!("write one value: {key}: …");
                report.push(Diagnostic::at(self.document, node, message).help(help).code(WRONG_KIND));
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
                let limits = match most {
                    u64::MAX => format!("of {least} or more"),
                    _ => format!("from {least} to {most}"),
                };
                let message = format!("\"{key}\" must be a whole number {limits}, not \"{text}\"");
                let help = "write it in digits, without a unit";
                report.push(Diagnostic::at(self.document, node, message).help(help));
                None
            }
        }
    }

    /// Whether `key` is true or false.
    pub(crate) fn flag(&mut self, key: &'static str, report: &mut Report) -> Option<bool> {
        let (text, node) = self.text(key, report)?;
        let flag = text.parse::<bool>();
        if flag.is_err() {
            let message = format!("\"{key}\" must be true or false, not \"{text}\"");
            report.push(Diagnostic::at(self.document, node, message));
        }
        flag.ok()
    }

    /// The items of `key`, which may be a list or one thing alone.
    pub(crate) fn one_or_many(&mut self, key: &'static str) -> Vec<&'a Node> {
        match self.take(key) {
            None => Vec::new(),
            Some(Node { value: Value::Sequence(items), .. }) => items.iter().collect(),
            Some(node) => vec![node],
        }
    }

    /// The whole number of `key`, within the limits of the shape's table.
    pub(crate) fn whole(&mut self, key: &'static str, report: &mut Report) -> Option<(u64, &'a Node)> {
        match self.form(key) {
            Some(Form::Whole { least, most }) => self.number(key, *least, *most, report),
            other => unreachable!("{key} of {} is {other:?}, no whole number", self.what),
        }
    }

    /// The word of `key`, one of those in the shape's table.
    pub(crate) fn word(&mut self, key: &'static str, report: &mut Report) -> Option<(&'a str, &'a Node)> {
        let Some(Form::Word(words)) = self.form(key) else {
            unreachable!("{key} of {} has no list of words", self.what)
        };
        let (text, node) = self.text(key, report)?;
        if words.contains(&text) {
            return Some((text, node));
        }
        let help = match nearest(text, words.iter().copied()).first() {
            Some(near) => format!("did you mean \"{near}\"? there are {}", words.join(", ")),
            None => format!("there are {}", words.join(", ")),
        };
        let message = format!("there is no {key} \"{text}\"");
        report.push(Diagnostic::at(self.document, node, message).help(help));
        None
    }

    fn form(&self, key: &str) -> Option<&'static Form> {
        self.shape.and_then(|shape| shape.key(key)).map(|row| &row.form)
    }

    /// Reports every key no one took.
    pub(crate) fn finish(self, report: &mut Report) {
        let known: Vec<&'static str> = match self.shape {
            Some(shape) => shape.names().collect(),
            None => self.taken.clone(),
        };
        debug_assert!(known.iter().all(|key| self.taken.contains(key)), "{}: {known:?}", self.what);
        for (key, _) in self.pairs {
            let Some(name) = key.scalar() else {
                let message = format!("a key must be a single value, not {}", key.kind());
                let help = "put what stands before the colon into quotes";
                report.push(Diagnostic::at(self.document, key, message).help(help).code(WRONG_KIND));
                continue;
            };
            if self.taken.contains(&name) {
                continue;
            }
            let near = nearest(name, known.iter().copied());
            let help = match near.first() {
                Some(known) => format!("did you mean \"{known}\"?"),
                None => format!("known keys: {}", known.join(", ")),
            };
            let message = format!("unknown key \"{name}\" in {}", self.what);
            report.push(Diagnostic::at(self.document, key, message).help(help).code(UNKNOWN_KEY));
        }
    }
}
