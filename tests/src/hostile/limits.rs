//! The row of `expands_too_far`, under the limits of [`super::LIMITS`].

use super::{EXPANDS_TOO_FAR, Hostile, package, packed, packed_as_zstd, release};
use crate::random::Random;
use crate::raw_tar::{SIZE, file, folder, set, tar};

const MIB: usize = 1 << 20;

pub(super) fn cases() -> Vec<Hostile> {
    let mut random = Random::seeded(1);
    let mut files = |count: usize, size: usize| -> Vec<_> {
        let names = (0..count).map(|number| format!("f{number}"));
        names.map(|name| file(name, random.bytes(size))).collect()
    };
    let large = files(1, MIB + 1);
    let many = files(5, MIB - 1);
    let deep = (0..9).map(|number| file(format!("{number}/a/b/c/d/e"), ""));
    let deep: Vec<_> = deep.collect();
    let empty: Vec<_> = (0..50)
        .map(|number| file(format!("f{number}"), ""))
        .collect();
    let folders: Vec<_> = (0..50)
        .map(|number| folder(format!("d{number}/")))
        .collect();
    let zeros = file("a", vec![0; MIB]);
    let manifest = release()
        .with("description", "x".repeat(32 << 10))
        .manifest();
    let manifest = file("registry.json", manifest);
    let said = set(file("a", ""), SIZE, b"77777777777\0");
    let with_end = |zeros: usize| [package(&[]), vec![0; zeros]].concat();
    let cases = [
        ("one file over the limit", package(&large)),
        ("a file that says it has 8 GiB", package(&[said])),
        ("files over the limit together", package(&many)),
        ("too many files", package(&empty)),
        ("too many folders", package(&folders)),
        ("too many folders that are only implied", package(&deep)),
        ("a file that is all zeros", package(&[zeros])),
        ("zeros behind the end", with_end(2 * MIB)),
        ("a large manifest", tar(&[manifest.clone(), file("a", "")])),
        (
            "a large manifest that comes last",
            tar(&[file("a", ""), manifest]),
        ),
    ];
    let mut cases: Vec<_> = cases
        .into_iter()
        .map(|(shape, tar)| Hostile::new(shape, EXPANDS_TOO_FAR, packed(&tar)))
        .collect();
    cases.push(Hostile::new(
        "zeros in zstd",
        EXPANDS_TOO_FAR,
        packed_as_zstd(&with_end(2 * MIB)),
    ));
    cases
}
