//! JSON Pointers (RFC 6901): how one is written and read. What it points at is not known here.

/// Bytes in a pointer. A key of a megabyte with a thousand faults below it would otherwise be repeated a
/// thousand times; a pointer that would get longer names the object around instead.
const POINTER_MAX: usize = 512;

/// Appends a key, escaped.
pub(super) fn push(pointer: &mut String, key: &str) {
    let escaped = key.replace('~', "~0").replace('/', "~1");
    if pointer.len() + 1 + escaped.len() <= POINTER_MAX {
        pointer.push('/');
        pointer.push_str(&escaped);
    }
}

/// The pointer to what holds the value that this one points at.
pub(super) fn parent(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The last key, escaped as it is.
pub(super) fn last(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(_, last)| last)
}

/// The keys, outermost first.
pub(super) fn keys(pointer: &str) -> impl Iterator<Item = String> {
    let unescape = |key: &str| key.replace("~1", "/").replace("~0", "~");
    pointer.split('/').skip(1).map(unescape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_back_as_they_were_pushed() {
        let mut pointer = String::new();
        for key in ["a/b", "~1", "", "é"] {
            push(&mut pointer, key);
        }
        assert_eq!(pointer, "/a~1b/~01//é");
        assert_eq!(keys(&pointer).collect::<Vec<_>>(), ["a/b", "~1", "", "é"]);
        assert_eq!(parent(&pointer), "/a~1b/~01/");
        assert_eq!(last(&pointer), "é");
    }

    #[test]
    fn a_key_that_would_make_it_too_long_is_left_out() {
        let mut pointer = "/a".to_owned();
        push(&mut pointer, &"k".repeat(POINTER_MAX));
        assert_eq!(pointer, "/a");
    }
}
