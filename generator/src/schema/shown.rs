//! How values from strangers look in a message: cut, escaped, in backticks; and the word that was meant.

use std::fmt;

use serde_json::Value;

use crate::model::Shown;

/// A value: a string without its quotes, anything else as JSON.
pub(super) struct ShownValue<'a>(pub(super) &'a Value);

impl fmt::Display for ShownValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => Shown(text).fmt(f),
            other => Shown(&other.to_string()).fmt(f),
        }
    }
}

/// The end of a message that knows a better word; empty if none is near.
pub(crate) struct DidYouMean<'a>(pub(crate) Option<&'a str>);

impl fmt::Display for DidYouMean<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(word) => write!(f, "; did you mean `{word}`?"),
            None => Ok(()),
        }
    }
}

/// The known word that the given one is a slip of the hand for.
pub(crate) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Two slips in a long word; a word of two letters with two slips is another word.
    let slips = (given.chars().count() / 2).min(2);
    let given = given.to_lowercase();
    let length = given.chars().count();
    let near = known.filter_map(|word| {
        // The distance costs the product of both lengths, and strangers choose one of them.
        if length.abs_diff(word.chars().count()) > slips {
            return None;
        }
        let distance = strsim::osa_distance(&given, &word.to_lowercase());
        (distance <= slips).then_some((distance, word))
    });
    near.min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_wild_values_are_cut_and_escaped() {
        let long = Value::from("é".repeat(81));
        assert_eq!(
            ShownValue(&long).to_string(),
            format!("`{}…`", "é".repeat(80))
        );
        let wild = Value::from("it's\u{1b}[1m\n");
        assert_eq!(ShownValue(&wild).to_string(), "`it's\\u{1b}[1m\\n`");
        let json = serde_json::json!({"a": [1]});
        assert_eq!(ShownValue(&json).to_string(), r#"`{"a":[1]}`"#);
    }

    #[test]
    fn the_nearest_word_is_one_or_two_slips_away() {
        let known = [
            "files",
            "license",
            "devDependencies",
            "dependencies",
            "js",
            "ts",
        ];
        for (given, meant) in [
            ("file", Some("files")),
            ("licence", Some("license")),
            ("devDependancies", Some("devDependencies")),
            ("DEPENDENCIES", Some("dependencies")),
            ("TS", Some("ts")),
            ("py", None),
            ("scripts", None),
            ("", None),
        ] {
            assert_eq!(nearest(given, known.into_iter()), meant, "{given}");
        }
    }
}
