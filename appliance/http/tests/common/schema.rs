//! Holds a JSON value against a schema of an OpenAPI 3.1 document, strictly: a field that the schema does not name is a fault.
//!
//! Knows the words that our contract uses; any other word of JSON Schema ends the test, so that nothing is passed over in silence.

use serde_json::{Map, Value};

/// Words that say nothing about the value, or that [`faults`] looks at.
const KNOWN: [&str; 18] = [
    "$ref",
    "additionalProperties",
    "allOf",
    "default",
    "description",
    "enum",
    "example",
    "format",
    "items",
    "maximum",
    "maxLength",
    "minimum",
    "oneOf",
    "pattern",
    "properties",
    "propertyNames",
    "required",
    "type",
];

/// What is wrong with `value`; each fault begins with the place.
pub fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    judge(document, schema, value, "$", &mut found);
    found
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            resolved(document, document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("no {reference}")))
        }
        None => schema,
    }
}

fn judge(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let schema = resolved(document, schema);
    let words = schema.as_object().unwrap_or_else(|| panic!("{place}: no schema: {schema}"));
    for word in words.keys() {
        assert!(KNOWN.contains(&word.as_str()), "{place}: the check does not know {word:?}");
    }
    if let Some(choices) = words.get("oneOf").and_then(Value::as_array) {
        let fits = choices.iter().filter(|choice| faults(document, choice, value).is_empty()).count();
        if fits != 1 {
            found.push(format!("{place}: fits {fits} of {} choices: {value}", choices.len()));
        }
        return;
    }
    if let Some(types) = words.get("type") {
        let one = std::slice::from_ref(types);
        let types = types.as_array().map_or(one, Vec::as_slice);
        if !types.iter().any(|kind| is_a(value, kind.as_str().unwrap())) {
            return found.push(format!("{place}: is no {types:?}: {value}"));
        }
    }
    if words.contains_key("properties") || words.contains_key("allOf") {
        judge_object(document, schema, value, place, found);
    } else if let (Some(more), Value::Object(fields)) = (words.get("additionalProperties"), value) {
        fields.iter().for_each(|(name, field)| judge_any(document, more, field, &format!("{place}.{name}"), found));
    }
    if let (Some(names), Value::Object(fields)) = (words.get("propertyNames"), value) {
        fields.keys().for_each(|name| judge(document, names, &Value::from(name.as_str()), &format!("{place}, name {name}"), found));
    }
    if let (Some(items), Value::Array(values)) = (words.get("items"), value) {
        values.iter().enumerate().for_each(|(n, item)| judge(document, items, item, &format!("{place}[{n}]"), found));
    }
    if !value.is_null() {
        judge_scalar(words, value, place, found);
    }
}

/// Like [`judge`]; an empty schema takes anything.
fn judge_any(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    if schema.as_object().is_some_and(|words| words.keys().any(|word| word != "description")) {
        judge(document, schema, value, place, found);
    }
}

fn judge_object(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let Value::Object(fields) = value else { return found.push(format!("{place}: is no object: {value}")) };
    let (mut properties, mut required) = (Map::new(), Vec::new());
    gather(document, schema, &mut properties, &mut required);
    found.extend(required.iter().filter(|name| !fields.contains_key(*name)).map(|name| format!("{place}: lacks {name}")));
    for (name, field) in fields {
        match properties.get(name) {
            Some(schema) => judge(document, schema, field, &format!("{place}.{name}"), found),
            None => found.push(format!("{place}: {name} is not in the contract")),
        }
    }
}

/// The properties of a schema, those it takes over by `allOf` included.
fn gather(document: &Value, schema: &Value, properties: &mut Map<String, Value>, required: &mut Vec<String>) {
    let schema = resolved(document, schema);
    for part in schema["allOf"].as_array().into_iter().flatten() {
        gather(document, part, properties, required);
    }
    properties.extend(schema["properties"].as_object().cloned().unwrap_or_default());
    required.extend(schema["required"].as_array().into_iter().flatten().map(|name| name.as_str().unwrap().to_string()));
}

fn judge_scalar(words: &Map<String, Value>, value: &Value, place: &str, found: &mut Vec<String>) {
    if let Some(values) = words.get("enum").and_then(Value::as_array)
        && !values.contains(value)
    {
        found.push(format!("{place}: {value} is none of {values:?}"));
    }
    let beyond = |word: &str, outside: fn(f64, f64) -> bool| {
        words.get(word).and_then(Value::as_f64).zip(value.as_f64()).is_some_and(|(bound, value)| outside(value, bound))
    };
    if beyond("minimum", |value, bound| value < bound) || beyond("maximum", |value, bound| value > bound) {
        found.push(format!("{place}: {value} is out of range"));
    }
    let text = value.as_str().unwrap_or_default();
    let fits = match (words.get("format").and_then(Value::as_str), words.get("pattern").and_then(Value::as_str)) {
        (Some("date-time"), _) => text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
        (_, Some("^[0-9a-f]{64}$")) => text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')),
        (_, Some("^E[0-9]{2}$")) => text.len() == 3 && text.starts_with('E'),
        (_, Some(other)) => panic!("{place}: the check does not know the pattern {other}"),
        _ => true,
    };
    if !fits {
        found.push(format!("{place}: {value} does not look as it must"));
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type {other}"),
    }
}
