//! As much of JSON Schema as `midwatch check --schema` uses: types, properties, words, references.
//! Stricter than the standard in one thing: a property that the schema does not name is a mistake.

use libtest_mimic::Failed;
use serde_json::Value;

pub struct Schema(Value);

impl Schema {
    pub fn parse(text: &str) -> Result<Self, Failed> {
        Ok(Self(serde_json::from_str(text)?))
    }

    /// Tells the first place where the value is not as the schema says.
    pub fn holds(&self, value: &Value) -> Result<(), Failed> {
        self.at(&self.0, value, "").map_err(Failed::from)
    }

    fn at(&self, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.strip_prefix('#').unwrap_or(reference);
            let target = self.0.pointer(target);
            let target = target.ok_or_else(|| format!("{path}: no {reference}"))?;
            return self.at(target, value, path);
        }
        for choice in ["anyOf", "oneOf"] {
            let Some(options) = schema[choice].as_array() else {
                continue;
            };
            let mut fits = options.iter().map(|one| self.at(one, value, path));
            if !fits.any(|fit| fit.is_ok()) {
                return Err(format!("{path}: {value} fits none of {choice}"));
            }
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return Err(format!("{path}: {value} is none of {words:?}"));
        }
        if schema.get("const").is_some_and(|word| word != value) {
            return Err(format!("{path}: {value} is not {}", schema["const"]));
        }
        typed(&schema["type"], value, path)?;
        if schema["format"] == "date-time" {
            let text = value.as_str().unwrap_or_default();
            let at: Result<jiff::Timestamp, _> = text.parse();
            at.map_err(|error| format!("{path}: {error}"))?;
        }
        self.inside(schema, value, path)
    }

    fn inside(&self, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
        for (at, item) in value.as_array().into_iter().flatten().enumerate() {
            if let Some(items) = schema.get("items") {
                self.at(items, item, &format!("{path}/{at}"))?;
            }
        }
        let (Some(fields), Some(known)) = (value.as_object(), schema["properties"].as_object())
        else {
            return Ok(());
        };
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().unwrap_or_default();
            if !fields.contains_key(name) {
                return Err(format!("{path}: `{name}` is missing"));
            }
        }
        for (name, field) in fields {
            let Some(schema) = known.get(name) else {
                return Err(format!("{path}: `{name}` is not in the schema"));
            };
            self.at(schema, field, &format!("{path}/{name}"))?;
        }
        Ok(())
    }
}

/// `"type": "string"` or `"type": ["string", "null"]`; absent means any.
fn typed(wanted: &Value, value: &Value, path: &str) -> Result<(), String> {
    let is = |word: &Value| match word.as_str() {
        Some("null") => value.is_null(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("string") => value.is_string(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        _ => false,
    };
    let fits = match wanted {
        Value::Null => true,
        Value::Array(words) => words.iter().any(is),
        word => is(word),
    };
    if fits {
        Ok(())
    } else {
        Err(format!("{path}: {value} is no {wanted}"))
    }
}
