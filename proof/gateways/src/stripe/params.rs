//! What a request says: each parameter is taken once, and what is left over is refused by name.

use serde_json::{Map, Value};

use super::problem::Problem;

/// Bounds of metadata.
const METADATA_KEYS_MAX: usize = 50;
const METADATA_KEY_BYTES_MAX: usize = 40;
const METADATA_VALUE_BYTES_MAX: usize = 500;

/// The parameters that nobody has taken yet.
pub struct Params(Map<String, Value>);

impl Params {
    /// Of a form.
    pub fn parse(form: &str) -> Result<Self, Problem> {
        let wrong = |key| Problem::plain(&format!("Invalid form: {key}"));
        crate::form::parse(form).map(Self).map_err(wrong)
    }

    /// A text, if it is given.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => Err(Problem::coded(
                "parameter_invalid_empty",
                name,
                &format!("You passed an empty string for '{name}'."),
            )),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::invalid(name, &format!("Invalid string: {name}"))),
        }
    }

    /// A text that must be given.
    pub fn required(&mut self, name: &str) -> Result<String, Problem> {
        let missing = || {
            let message = format!("Missing required param: {name}.");
            Problem::coded("parameter_missing", name, &message)
        };
        self.text(name)?.ok_or_else(missing)
    }

    /// One of a few words.
    pub fn word(&mut self, name: &str, words: &[&str]) -> Result<Option<String>, Problem> {
        let word = self.text(name)?;
        if word.as_deref().is_some_and(|word| !words.contains(&word)) {
            let message = format!("Invalid {name}: must be one of {}", words.join(", "));
            return Err(Problem::invalid(name, &message));
        }
        Ok(word)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Result<bool, Problem> {
        Ok(self.word(name, &["true", "false"])?.as_deref() == Some("true"))
    }

    /// A whole number from `least`.
    pub fn integer(&mut self, name: &str, least: i64) -> Result<Option<i64>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse::<i64>() {
            Ok(number) if number >= least => Ok(Some(number)),
            Ok(_) => {
                let message = format!("This value must be greater than or equal to {least}.");
                Err(Problem::coded("parameter_invalid_integer", name, &message))
            }
            Err(_) => {
                let message = format!("Invalid integer: {text}");
                Err(Problem::coded("parameter_invalid_integer", name, &message))
            }
        }
    }

    /// An object, whatever is in it, as far as its names are among these.
    pub fn object(&mut self, name: &str, names: &[&str]) -> Result<Option<Self>, Problem> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        let Value::Object(object) = value else {
            return Err(Problem::invalid(name, &format!("Invalid object: {name}")));
        };
        if let Some(unknown) = object.keys().find(|key| !names.contains(&key.as_str())) {
            return Err(Self::unknown(&format!("{name}[{unknown}]")));
        }
        Ok(Some(Self(object)))
    }

    /// A list of texts.
    pub fn texts(&mut self, name: &str) -> Result<Vec<String>, Problem> {
        let wrong = || Problem::invalid(name, &format!("Invalid array: {name}"));
        match self.0.remove(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(texts)) => {
                let texts = texts.into_iter().map(|text| text.as_str().map(str::to_owned));
                texts.collect::<Option<_>>().ok_or_else(wrong)
            }
            Some(_) => Err(wrong()),
        }
    }

    /// What the caller wants to keep with it.
    pub fn metadata(&mut self) -> Result<Map<String, Value>, Problem> {
        let wrong = |why: &str| Problem::invalid("metadata", why);
        let metadata = match self.0.remove("metadata") {
            None => Map::new(),
            Some(Value::Object(metadata)) => metadata,
            Some(_) => return Err(wrong("Invalid object")),
        };
        if metadata.len() > METADATA_KEYS_MAX {
            return Err(wrong("at most 50 keys"));
        }
        for (key, value) in &metadata {
            let value = value.as_str().ok_or_else(|| wrong("values are strings"))?;
            if key.len() > METADATA_KEY_BYTES_MAX || value.len() > METADATA_VALUE_BYTES_MAX {
                return Err(wrong("keys are at most 40 and values at most 500 characters"));
            }
        }
        Ok(metadata)
    }

    /// What is to be shown in place of its id.
    pub fn expand(&mut self) -> Result<Vec<String>, Problem> {
        self.texts("expand")
    }

    /// Nothing may be left.
    pub fn done(&self) -> Result<(), Problem> {
        self.0.keys().next().map_or(Ok(()), |name| Err(Self::unknown(name)))
    }

    fn unknown(name: &str) -> Problem {
        Problem::coded("parameter_unknown", name, &format!("Received unknown parameter: {name}"))
    }
}
