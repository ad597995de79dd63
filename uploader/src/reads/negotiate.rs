//! Which codings a client accepts (RFC 9110, section 12.5.3): q tells only acceptable from not, the order is ours.

use actix_web::http::header::HeaderValue;
use rackgen::coding::Coding;

/// The codings that are named and not refused, the preferred first. `*` names none: identity is always right.
pub(crate) fn accepted<'a>(lines: impl Iterator<Item = &'a HeaderValue>) -> Vec<Coding> {
    let mut accepted: Vec<Coding> = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .filter_map(acceptable)
        .collect();
    accepted.sort();
    accepted.dedup();
    accepted
}

fn acceptable(element: &str) -> Option<Coding> {
    let mut parts = element.split(';').map(str::trim);
    let coding = parts.next()?.to_ascii_lowercase().parse().ok()?;
    let refused = parts.any(|parameter| {
        parameter
            .split_once('=')
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
            .is_some_and(|(_, q)| q.trim().parse() == Ok(0.0))
    });
    (!refused).then_some(coding)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q_only_tells_acceptable_from_not() {
        use Coding::{Br, Gzip, Zstd};
        for (line, expected) in [
            ("zstd, br, gzip", vec![Br, Zstd, Gzip]),
            ("zstd", vec![Zstd]),
            ("GZIP", vec![Gzip]),
            ("gzip; q=0.5", vec![Gzip]),
            ("br;q=0, gzip", vec![Gzip]),
            ("br;q=0.000,gzip;Q=1", vec![Gzip]),
            ("gzip ; q = 0", vec![]),
            ("identity", vec![]),
            ("*", vec![]),
            ("xbr, brr", vec![]),
            ("", vec![]),
        ] {
            let value = HeaderValue::from_static(line);
            assert_eq!(accepted([&value].into_iter()), expected, "{line}");
        }
    }
}
