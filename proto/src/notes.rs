//! Notes beside a segment of a plan: a few keys with JSON values. A day's plans have thousands, so they take no more
//! memory than they need.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::fmt;
use std::ops::Index;

/// A note: its key and what it says.
type Note = (Cow<'static, str>, Value);

/// Keys, each once and in their order, with their values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(Vec<Note>);

impl Notes {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is noted under a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }

    /// Keys and values, in the order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_ref(), value))
    }
}

impl Index<&str> for Notes {
    type Output = Value;

    /// What is noted under a key, `null` where nothing is.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or(&Value::Null)
    }
}

impl FromIterator<Note> for Notes {
    /// Of a key that comes twice the last counts.
    fn from_iter<T: IntoIterator<Item = Note>>(notes: T) -> Notes {
        let mut notes: Vec<Note> = notes.into_iter().collect();
        if !notes.is_sorted_by(|a, b| a.0 < b.0) {
            notes.reverse();
            notes.sort_by(|a, b| a.0.cmp(&b.0));
            notes.dedup_by(|a, b| a.0 == b.0);
        }
        Notes(notes)
    }
}

impl<const N: usize> From<[Note; N]> for Notes {
    fn from(notes: [Note; N]) -> Notes {
        notes.into_iter().collect()
    }
}

impl Serialize for Notes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Notes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Notes, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Notes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of notes")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Notes, A::Error> {
                let mut notes = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Value>()? {
                    notes.push((Cow::Owned(key), value));
                }
                Ok(notes.into_iter().collect())
            }
        }
        deserializer.deserialize_map(Map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_stand_in_their_order_and_the_last_of_two_counts() {
        let notes = Notes::from([("b".into(), json!(1)), ("a".into(), json!([2])), ("b".into(), json!("3"))]);
        assert_eq!(notes.iter().collect::<Vec<_>>(), [("a", &json!([2])), ("b", &json!("3"))]);
        assert_eq!((&notes["b"], &notes["c"], notes.get("c")), (&json!("3"), &Value::Null, None));
        let text = serde_json::to_string(&notes).unwrap();
        assert_eq!(text, r#"{"a":[2],"b":"3"}"#);
        assert_eq!(serde_json::from_str::<Notes>(r#"{"b":1,"a":[2],"b":"3"}"#).unwrap(), notes);
        assert!(serde_json::from_str::<Notes>("[]").unwrap_err().to_string().contains("a map of notes"));
        assert!(Notes::default().is_empty() && serde_json::from_str::<Notes>("{}").unwrap().is_empty());
    }
}
