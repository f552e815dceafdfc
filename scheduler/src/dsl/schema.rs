//! The language as a JSON Schema (draft 2020-12), written from its tables, for editors that complete and check
//! as one types. It is looser than the readers: what it accepts they may still refuse, with better words.

use super::grammar::CHANNEL;
use crate::yaml::{Form, Shape};
use serde_json::{Map, Value, json};

/// The schema of a channel file.
#[must_use]
pub fn channel_schema() -> Value {
    let mut definitions = Map::new();
    let mut root = mapping(&CHANNEL, &mut definitions);
    if let Some(fields) = root.as_object_mut() {
        fields.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        fields.insert("title".to_owned(), json!("RetroVue channel"));
        fields.insert("$defs".to_owned(), Value::Object(definitions));
    }
    root
}

fn mapping(shape: &Shape, definitions: &mut Map<String, Value>) -> Value {
    let mut properties = Map::new();
    for key in shape.keys {
        let mut value = form(&key.form, definitions);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("description".to_owned(), json!(key.about));
        }
        properties.insert(key.name.to_owned(), value);
    }
    let required: Vec<&str> = shape.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut value = json!({
        "type": "object",
        "description": shape.about,
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Some(fields), false) = (value.as_object_mut(), required.is_empty()) {
        fields.insert("required".to_owned(), json!(required));
    }
    value
}

fn form(form: &Form, definitions: &mut Map<String, Value>) -> Value {
    match form {
        Form::Text => json!({"type": ["string", "number"]}),
        // A year or a date may be a number to a reader of YAML, which patterns do not apply to.
        Form::Like(pattern) => json!({"type": ["string", "integer"], "pattern": pattern}),
        Form::Word(words) => json!({"type": "string", "enum": words}),
        Form::Whole { least, most } => json!({"type": "integer", "minimum": least, "maximum": most}),
        Form::Mapping(shape) => {
            if !definitions.contains_key(shape.id) {
                // Held open first: a shape may contain itself.
                definitions.insert(shape.id.to_owned(), Value::Null);
                let value = mapping(shape, definitions);
                definitions.insert(shape.id.to_owned(), value);
            }
            json!({"$ref": format!("#/$defs/{}", shape.id)})
        }
        Form::List(of) => json!({"type": "array", "minItems": 1, "items": self::form(of, definitions)}),
        Form::OneOrMany(of) => {
            let one = self::form(of, definitions);
            json!({"anyOf": [one, {"type": "array", "items": one}]})
        }
        Form::Names(of) => json!({"type": "object", "additionalProperties": self::form(of, definitions)}),
        Form::Keyed(patterns, of) => {
            let value = self::form(of, definitions);
            let patterns: Map<String, Value> =
                patterns.iter().map(|pattern| ((*pattern).to_owned(), value.clone())).collect();
            json!({"type": "object", "patternProperties": patterns, "additionalProperties": false})
        }
        Form::Either(forms) => {
            let forms: Vec<Value> = forms.iter().map(|of| self::form(of, definitions)).collect();
            json!({"anyOf": forms})
        }
        Form::Nothing => json!({"type": "null"}),
        Form::Any => json!({}),
    }
}
