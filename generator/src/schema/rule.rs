//! Rules that the model words better than a regular expression does. New rules may not enter: a name is
//! judged by the schema and by its type's parser, and this room only asks the second.

use serde_json::Value;

use crate::model::{FilePath, Identifier, InvalidName, ItemPath, Namespace, Segment, Version};

/// Which rule of names the value breaks, if the fault is in one of the `$defs` that describe names.
pub(super) fn broken_name(schema_path: &str, given: &Value) -> Option<String> {
    let definition = schema_path.strip_prefix("/$defs/")?.split('/').next()?;
    let text = given.as_str()?;
    let invalid: InvalidName = match definition {
        "segment" => text.parse::<Segment>().err()?,
        "namespace" => text.parse::<Namespace>().err()?,
        "version" => text.parse::<Version>().err()?,
        "itemPath" => text.parse::<ItemPath>().err()?,
        "filePath" => FilePath::declared(text).err()?,
        "identifier" => text.parse::<Identifier>().err()?,
        "reference" => match text.parse::<Identifier>() {
            Err(invalid) => invalid,
            // A name that is right, in a place where only a part of it may stand.
            Ok(Identifier { item, .. }) => {
                let rule = "the project decides version and language";
                return Some(format!("only `{item}` may stand here: {rule}"));
            }
        },
        _ => return None,
    };
    Some(invalid.to_string())
}

/// What a text of that `format` is.
pub(super) fn format(name: &str) -> String {
    match name {
        "uri" => "an absolute URI, for example `https://example.com/`".to_owned(),
        "uri-reference" => "a URI".to_owned(),
        other => format!("of the format {other}"),
    }
}
