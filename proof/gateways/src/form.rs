//! The bodies and queries that Stripe takes: `application/x-www-form-urlencoded`, with brackets
//! for what lies within: `metadata[order_id]=7`, `expand[]=charge`, `items[0][id]=a`.

use serde_json::{Map, Value};

/// What a form says, as JSON: texts, objects and lists. `Err` names the key that is none.
pub fn parse(form: &str) -> Result<Map<String, Value>, String> {
    let pairs: Vec<(String, String)> =
        serde_html_form::from_str(form).map_err(|error| error.to_string())?;
    let mut all = Map::new();
    for (key, value) in pairs {
        let path = path(&key).ok_or_else(|| key.clone())?;
        put(all.entry(path[0]).or_insert(Value::Null), &path[1..], value).ok_or(key)?;
    }
    Ok(all)
}

/// `a[b][]` is `["a", "b", ""]`.
fn path(key: &str) -> Option<Vec<&str>> {
    let (first, mut rest) = key.split_at(key.find('[').unwrap_or(key.len()));
    let mut path = vec![first];
    while !rest.is_empty() {
        let (name, after) = rest.strip_prefix('[')?.split_once(']')?;
        path.push(name);
        rest = after;
    }
    (!first.is_empty()).then_some(path)
}

fn put(at: &mut Value, path: &[&str], value: String) -> Option<()> {
    let Some((name, rest)) = path.split_first() else {
        *at = Value::String(value);
        return Some(());
    };
    let inner = if name.is_empty() || name.parse::<usize>().is_ok() {
        if at.is_null() {
            *at = Value::Array(Vec::new());
        }
        let list = at.as_array_mut()?;
        // As callers write them: in order.
        let index = name.parse().unwrap_or(list.len());
        if index > list.len() {
            return None;
        }
        if index == list.len() {
            list.push(Value::Null);
        }
        &mut list[index]
    } else {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        at.as_object_mut()?.entry(*name).or_insert(Value::Null)
    };
    put(inner, rest, value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse;

    #[test]
    fn brackets_make_objects_and_lists() {
        let form = "amount=1999&metadata%5Border_id%5D=a+b&expand[]=x&expand[]=y&i[0][k]=v";
        let says = json!({
            "amount": "1999", "metadata": {"order_id": "a b"}, "expand": ["x", "y"],
            "i": [{"k": "v"}],
        });
        assert_eq!(serde_json::Value::Object(parse(form).unwrap()), says);
        for wrong in ["a[b=1", "[a]=1", "a=1&a[b]=2", "a[3]=1"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
