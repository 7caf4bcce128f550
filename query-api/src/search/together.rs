//! Options that must be those of one variant: a shirt that there is in red, and in M, is found by
//! both only if there is a red one in M; and one in stock only if that one is.

use std::collections::BTreeSet;

use domain::page::search_keys::{TOGETHER_MAX, together};

use super::request::Question;

/// Keys in one search; where three options together would be more, it is asked for two at a time,
/// of which there are fewer than three times as many.
const KEYS_MAX: usize = 1_000;

/// A name, and the values of which a variant must have one.
type Choice<'a> = (&'a String, &'a BTreeSet<String>);

/// Of each of these lists, a product must have one key. None where each option may be looked for by
/// itself.
pub fn keys(question: &Question) -> Vec<Vec<String>> {
    let in_stock = question.in_stock == Some(true);
    let choices: Vec<Choice<'_>> = question.options.iter().collect();
    let names = choices.len();
    if names == 0 || (names == 1 && !in_stock) {
        return vec![];
    }
    let most = names.min(TOGETHER_MAX);
    let size = if count(&choices, most) <= KEYS_MAX { most } else { most.min(2) };
    let chosen = subsets(&choices, size).into_iter();
    chosen.map(|chosen| of_one_variant(&chosen, in_stock)).collect()
}

/// How many keys there are of so many choices at a time.
fn count(choices: &[Choice<'_>], size: usize) -> usize {
    // By how many are taken, of those that were looked at.
    let mut counts = vec![0_usize; size + 1];
    counts[0] = 1;
    for (_, values) in choices {
        for taken in (1..=size).rev() {
            let more = counts[taken - 1].saturating_mul(values.len());
            counts[taken] = counts[taken].saturating_add(more);
        }
    }
    counts[size]
}

/// All ways to take so many of them.
fn subsets<'a>(choices: &'a [Choice<'a>], size: usize) -> Vec<Vec<&'a Choice<'a>>> {
    let Some((first, rest)) = choices.split_first() else {
        return if size == 0 { vec![vec![]] } else { vec![] };
    };
    let mut with_first = if size == 0 { vec![] } else { subsets(rest, size - 1) };
    for subset in &mut with_first {
        subset.push(first);
    }
    with_first.extend(subsets(rest, size));
    with_first
}

/// The keys of variants that have a value of each choice.
fn of_one_variant(choices: &[&Choice<'_>], in_stock: bool) -> Vec<String> {
    let mut combined: Vec<Vec<(&str, &str)>> = vec![vec![]];
    for (name, values) in choices {
        let mut more = Vec::with_capacity(combined.len() * values.len());
        for options in combined {
            more.extend(values.iter().map(|value| {
                let mut with = options.clone();
                with.push((name, value));
                with
            }));
        }
        combined = more;
    }
    combined.into_iter().map(|options| together(options, in_stock)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::request::Parameters;

    fn asked(options: &[(&str, usize)], in_stock: Option<bool>) -> Vec<usize> {
        let values = |(name, count): &(&str, usize)| {
            let of = |n| format!("{name}:{n}");
            (0..*count).map(of).collect::<Vec<_>>()
        };
        let option: Vec<String> = options.iter().flat_map(values).collect();
        let parameters = serde_json::json!({"option": option, "in_stock": in_stock});
        let parameters: Parameters = serde_json::from_value(parameters).unwrap();
        keys(&parameters.try_into().unwrap()).iter().map(Vec::len).collect()
    }

    #[test]
    fn options_are_looked_for_together_as_far_as_that_is_bounded() {
        assert!(asked(&[], Some(true)).is_empty());
        assert!(asked(&[("a", 2)], None).is_empty());
        assert!(asked(&[("a", 2)], Some(false)).is_empty());
        assert_eq!(asked(&[("a", 2)], Some(true)), [2]);
        assert_eq!(asked(&[("a", 2), ("b", 3)], None), [6]);
        assert_eq!(asked(&[("a", 2), ("b", 3), ("c", 4)], Some(true)), [24]);
        assert_eq!(asked(&[("a", 1), ("b", 1), ("c", 1), ("d", 1)], None), [1; 4]);
        // Of the three together there would be 9,261.
        assert_eq!(asked(&[("a", 21), ("b", 21), ("c", 21)], None), [441; 3]);
        assert_eq!(asked(&[("a", 32), ("b", 32)], None), [1_024]);
    }
}
