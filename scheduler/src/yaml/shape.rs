//! What a mapping may hold, as a table: the readers take their keys and limits from it, and the JSON Schema
//! for editors is written from the same rows.

/// A mapping of the language.
#[derive(Debug)]
pub struct Shape {
    /// What it is, as a finding calls it: "a slot".
    pub name: &'static str,
    /// Its name among the definitions of the schema.
    pub id: &'static str,
    /// A sentence for the reader.
    pub about: &'static str,
    /// Its keys, in the order of the documentation.
    pub keys: &'static [Key],
}

/// A key of a mapping.
#[derive(Debug)]
pub struct Key {
    /// As it is written.
    pub name: &'static str,
    /// What its value may be.
    pub form: Form,
    /// Whether it must be there.
    pub required: bool,
    /// A sentence for the reader.
    pub about: &'static str,
}

/// What a value may be.
#[derive(Debug)]
pub enum Form {
    /// Any single value.
    Text,
    /// A single value that looks like this regular expression (ECMA 262); the readers judge it in words.
    Like(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number, both ends allowed.
    Whole {
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// A mapping.
    Mapping(&'static Shape),
    /// A list.
    List(&'static Form),
    /// A list, or one thing alone.
    OneOrMany(&'static Form),
    /// A mapping from names of the writer's choice.
    Names(&'static Form),
    /// A mapping from keys that look like one of these regular expressions.
    Keyed(&'static [&'static str], &'static Form),
    /// Any of these.
    Either(&'static [Form]),
    /// Nothing.
    Nothing,
    /// Whatever it is.
    Any,
}

impl Shape {
    /// The row of a key.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.keys.iter().map(|key| key.name)
    }
}

impl Key {
    /// A key that may be left out.
    #[must_use]
    pub const fn new(name: &'static str, form: Form, about: &'static str) -> Key {
        Key { name, form, required: false, about }
    }

    /// A key that must be there.
    #[must_use]
    pub const fn required(name: &'static str, form: Form, about: &'static str) -> Key {
        Key { name, form, required: true, about }
    }
}
