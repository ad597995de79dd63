//! Requests near the ones that clients send: real addresses with a thing or two done to them, in every method and
//! with every header that an answer depends on.

use std::collections::BTreeMap;

use crate::http::Request;
use crate::random::Random;

/// Reads the gated namespace of the addresses.
pub const TOKEN: &str = "team-token";

/// Real addresses, of which all others are made.
const REAL: [&str; 38] = [
    "/registries/@open/quality/lint",
    "/registries/@open/quality/lint/versions",
    "/registries/@open/quality/lint/1.0.0",
    "/registries/@open/quality/lint/1.1.0+build.42",
    "/registries/@open/quality/lint/2.0.0-beta.11",
    "/registries/@open/quality/lint/1.0.0/files/src/index.ts",
    "/registries/@open/quality/lint/1.1.0+build.42/files/src/index.ts",
    "/registries/@open/quality/lint/1.0.0/files/templates/.gitignore",
    "/registries/@open/quality/lint/1.0.0/files/src/@scope+name.svg",
    "/registries/@open/quality/lint/1.0.0/files/LICENSE",
    "/registries/@open/features/auth",
    "/registries/@open/features/auth/jwt",
    "/registries/@open/features/auth/jwt/1.0.0/files/index.json",
    "/registries/@team/features/secret",
    "/registries/@team/features/secret/1.0.0",
    "/registries/@team/features/secret/1.0.0/files/src/secret.ts",
    "/registries/@hidden/features/ghost/1.0.0",
    "/registries/@empty/features/none",
    "/namespaces",
    "/namespaces/@open/registries",
    "/namespaces/@team/registries",
    "/namespaces/@empty/registries",
    "/presets/starter",
    "/schemas/registry-item.json",
    "/registries/@open/features/yank",
    "/registries/@open/quality/lint/tags/beta",
    "/registries/@open/quality/lint/tags/lts",
    "/registries/@open/quality/lint/1.0.0/yank",
    "/registries/@open/quality/lint/1.1.0+build.42/yank",
    "/registries/@open/quality/lint/1.0.0/deprecation",
    "/registries/@team/features/secret/tags/stable",
    "/registries/@team/features/secret/1.0.0/yank",
    "/registries/@hidden/features/ghost/tags/beta",
    "/registries/@empty/features/none/1.0.0/deprecation",
    "/whoami",
    "/tokens",
    "/tokens/0123456789abcdef",
    "/openapi.json",
];

/// What is put into addresses, and what they end in.
const PIECES: [&str; 71] = [
    "/..",
    "/.",
    "//",
    "/",
    "%2e",
    "%2E%2e",
    ".%2e",
    "%2f",
    "%2F",
    "%5c",
    "\\",
    "%00",
    "%20",
    "%2540",
    "%40",
    "%2B",
    "%2b",
    "+",
    "@",
    "%",
    "%4",
    "%zz",
    "%61",
    "%c0%ae",
    "é",
    "?",
    "?x=1",
    "?x=%2e%2e/",
    "?dry_run=true",
    "??",
    "#",
    "#x",
    ";",
    ";a=b",
    "&",
    "=",
    ",",
    ":",
    "~",
    "!",
    "'",
    "\"",
    "<",
    ">",
    "{",
    "|",
    "^",
    "`",
    "$",
    "*",
    "(",
    "_",
    "-",
    ".",
    "A",
    "/versions",
    "/files",
    "/files/",
    "/tags",
    "/latest",
    "/index.json",
    "/registry.json",
    "/tags/beta",
    "/tags/yank",
    "/tags/latest",
    "/tags/1.0.0",
    "/files/tags/x",
    "/files/yank",
    "/yank",
    "/deprecation",
    "/.variants/br",
];

/// Bytes that no text has.
const BYTES: [&[u8]; 7] = [b"\0", b"\x01", b"\x7f", b"\xff", b"\xc3", b" ", b"\t"];

/// Versions, odd ones and some that are none.
const VERSIONS: [&str; 34] = [
    "0.0.0",
    "1.0.0",
    "1.0",
    "1",
    "1.0.0.0",
    "01.0.0",
    "1.00.0",
    "1.0.00",
    "v1.0.0",
    "1.0.0-",
    "1.0.0+",
    "1.0.0-+",
    "1.0.0-a",
    "1.0.0-A.b-C",
    "1.0.0-01",
    "1.0.0-0",
    "1.0.0-00a",
    "1.0.0-a..b",
    "1.0.0-a.",
    "1.0.0-.a",
    "1.0.0--",
    "1.0.0---.-",
    "1.0.0-1.2.3",
    "1.0.0+1",
    "1.0.0+01.00",
    "1.0.0+a+b",
    "1.0.0-a+b",
    "1.0.0+a-b",
    "1.0.0-a_b",
    "1.0.0%2Bb",
    "9999999999.0.0",
    "18446744073709551615.0.0",
    "1.0.0-9999999999999999999",
    "*",
];

const CODINGS: [&str; 22] = [
    "",
    "gzip",
    "br",
    "zstd",
    "zstd, br, gzip",
    "GZIP",
    "gzip; q=0.5",
    "br;q=0, gzip",
    "br;q=0.000",
    "gzip;q=0",
    "identity",
    "*",
    "xbr, brr",
    "br , gzip;q=1.0",
    "deflate",
    "gzip, deflate",
    "gzip;q=1.0, zstd;q=0.1",
    "br;Q=0,gzip",
    "gzip;q=0.",
    "gzip ; q=0",
    "br;q=00, zstd",
    "x-gzip, brzip",
];

/// A request, byte by byte.
pub struct Question {
    /// The method, or a word that is none.
    pub method: &'static str,
    /// The path and what stands behind it.
    pub target: Vec<u8>,
    headers: String,
    /// Whether it has two conditions, of which one may hold and the other not.
    pub contradicts_itself: bool,
}

impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} {} {:?}",
            self.method,
            self.target.escape_ascii(),
            self.headers
        )
    }
}

impl Question {
    /// Any request.
    pub fn any(known: &Known, random: &mut Random) -> Self {
        let real = *one_of(&REAL, random);
        // Nothing but these changes an item.
        let is_change = ["/tags/", "/yank", "/deprecation"]
            .iter()
            .any(|part| real.contains(part));
        let method = match random.below(20) {
            0 => "OPTIONS",
            1 => *one_of(
                &[
                    "POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW", "get", "PROPFIND",
                ],
                random,
            ),
            2..5 => "HEAD",
            5..14 if is_change => *one_of(&["PUT", "DELETE"], random),
            _ => "GET",
        };
        let mut headers = String::new();
        if random.below(2) == 0 {
            headers += &format!("Accept-Encoding: {}\r\n", one_of(&CODINGS, random));
        }
        let contradicts_itself = conditions(&known[real], &mut headers, random);
        match random.below(10) {
            0..3 => headers += &format!("Authorization: Bearer {TOKEN}\r\n"),
            3 => headers += &format!("X-Registry-Token: {TOKEN}\r\n"),
            4 => headers += "Authorization: Bearer unknown\r\n",
            5 => {
                headers += *one_of(
                    &[
                        "Authorization: Basic eDp5\r\n",
                        "Authorization:\r\n",
                        "X-Registry-Token: \r\n",
                        "Authorization: Bearer\r\n",
                        "Authorization: bearer  team-token\r\n",
                    ],
                    random,
                )
            }
            _ => {}
        }
        let mut target = real.as_bytes().to_vec();
        for _ in 0..*one_of(&[0, 0, 1, 1, 1, 2, 3], random) {
            target = changed(target, random);
        }
        Self {
            method,
            target,
            headers,
            contradicts_itself,
        }
    }

    /// As it is sent.
    pub fn bytes(&self) -> Vec<u8> {
        let length = match self.method {
            "POST" | "PUT" | "PATCH" => "Content-Length: 0\r\n",
            _ => "",
        };
        let rest = format!(" HTTP/1.1\r\nHost: x\r\n{}{length}\r\n", self.headers);
        [self.method.as_bytes(), b" ", &self.target, rest.as_bytes()].concat()
    }

    /// Whether there are bytes in its query that have no place in an address.
    pub fn has_an_odd_query(&self) -> bool {
        let mut parts = self.target.splitn(2, |byte| *byte == b'?');
        let query = parts.nth(1).unwrap_or_default();
        let fits =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(byte);
        !query.iter().all(fits)
    }

    /// Whether it has a number of 20 digits or more.
    pub fn has_a_long_number(&self) -> bool {
        let mut runs = self.target.split(|byte| !byte.is_ascii_digit());
        runs.any(|digits| digits.len() >= 20)
    }
}

fn one_of<'a, T>(things: &'a [T], random: &mut Random) -> &'a T {
    &things[random.below(things.len() as u64) as usize]
}

/// The same address with one thing done to it.
fn changed(target: Vec<u8>, random: &mut Random) -> Vec<u8> {
    if target.is_empty() {
        return b"/".to_vec();
    }
    let at = 1 + random.below(target.len().max(2) as u64 - 1) as usize;
    let at = at.min(target.len());
    let segments: Vec<&[u8]> = target.split(|byte| *byte == b'/').collect();
    let which = random.below(segments.len() as u64) as usize;
    let put = |piece: &[u8], at: usize| [&target[..at], piece, &target[at..]].concat();
    let replaced = |piece: &[u8]| {
        let mut segments = segments.clone();
        segments[which] = piece;
        segments.join(&b'/')
    };
    match random.below(14) {
        0 | 1 => put(one_of(&PIECES, random).as_bytes(), at),
        2 => put(one_of(&PIECES, random).as_bytes(), target.len()),
        3 => put(one_of::<&[u8]>(&BYTES, random), at),
        // A prefix of it.
        4 => target[..at].to_vec(),
        5 => segments[..=which].join(&b'/'),
        // One byte less, or another one.
        6 => [&target[..at - 1], &target[at..]].concat(),
        7 => {
            let mut target = target.clone();
            target[at - 1] ^= 1 << random.below(7);
            // Not the end of the line: that would be another request.
            if matches!(target[at - 1], b'\r' | b'\n') {
                put(b"~", at)
            } else {
                target
            }
        }
        // As it is, but escaped.
        8 => {
            let byte = target[at - 1];
            let escaped = match random.below(2) {
                0 => format!("%{byte:02x}"),
                _ => format!("%{byte:02X}"),
            };
            [&target[..at - 1], escaped.as_bytes(), &target[at..]].concat()
        }
        9 => {
            let text = String::from_utf8_lossy(&target).into_owned();
            let plus = *one_of(&["%2B", "%2b", "+"], random);
            text.replace('@', "%40").replace('+', plus).into_bytes()
        }
        10 => replaced(one_of(&VERSIONS, random).as_bytes()),
        11 => replaced(&long(segments[which], random)),
        12 => replaced(segments[random.below(segments.len() as u64) as usize]),
        _ => long_in_all(&target, random),
    }
}

/// A segment near one of the limits.
fn long(segment: &[u8], random: &mut Random) -> Vec<u8> {
    let length = *one_of(&[63, 64, 65, 127, 128, 129], random);
    let start: &[u8] = match segment.first() {
        Some(b'@') => b"@",
        Some(b'0'..=b'9') => one_of::<&[u8]>(&[b"1.0.0-", b"1.0.0+", b"1.0.0-a.1-"], random),
        _ => b"",
    };
    let mut segment = start.to_vec();
    segment.resize(length, b'a');
    segment
}

/// Segments in numbers near one of the limits, or a query that is long.
fn long_in_all(target: &[u8], random: &mut Random) -> Vec<u8> {
    let tail = match random.below(4) {
        0 => "/a".repeat(*one_of(&[5, 6, 7, 8, 9], random)),
        1 => "/a".repeat(*one_of(&[29, 30, 31, 32, 33], random)),
        2 => {
            let length = 505 + random.below(12) as usize;
            let byte = |n| if n % 100 == 99 { '/' } else { 'a' };
            format!("/{}", (0..length).map(byte).collect::<String>())
        }
        _ => format!(
            "?{}",
            "a".repeat(*one_of(&[1_000, 4_000, 8_000, 9_000], random))
        ),
    };
    [target, tail.as_bytes()].concat()
}

/// Address → the tags and the times that it was served with.
pub type Known = BTreeMap<&'static str, Vec<(String, String)>>;

/// Asks a server for them.
pub fn known(url: &str) -> Known {
    let tags = |real: &str| {
        let codings = ["identity", "gzip", "br", "zstd"].into_iter();
        let answers = codings.filter_map(|coding| {
            let request = Request::get(real)
                .header("Accept-Encoding", coding)
                .header("X-Registry-Token", TOKEN);
            let answer = request.send(url).ok()?;
            let header = |name| answer.header(name).map(str::to_owned);
            Some((header("ETag")?, header("Last-Modified").unwrap_or_default()))
        });
        answers.collect()
    };
    REAL.into_iter().map(|real| (real, tags(real))).collect()
}

/// Adds conditions; says whether the two may contradict each other.
fn conditions(known: &[(String, String)], headers: &mut String, random: &mut Random) -> bool {
    let (tag, time) = match known {
        [] => ("\"1-1\"", "Sun, 06 Nov 1994 08:49:37 GMT"),
        known => {
            let (tag, time) = one_of(known, random);
            (&tag[..], &time[..])
        }
    };
    let by_tag = random.below(4) == 0;
    if by_tag {
        let value = match random.below(9) {
            0 => "*".to_owned(),
            1 => format!("W/{tag}"),
            2 => format!("\"a\", {tag}"),
            3 => format!("\"a\",W/{tag},\"b\""),
            4 => "\"other\"".to_owned(),
            5 => tag.trim_matches('"').to_owned(),
            6 => String::new(),
            _ => tag.to_owned(),
        };
        *headers += &format!("If-None-Match: {value}\r\n");
    }
    let by_time = random.below(6) == 0;
    if by_time {
        let value = match random.below(6) {
            0 => "Sun, 06 Nov 1994 08:49:37 GMT",
            1 => "Sunday, 06-Nov-94 08:49:37 GMT",
            2 => "yesterday",
            3 => "Tue, 31 Dec 2199 23:59:59 GMT",
            _ => time,
        };
        *headers += &format!("If-Modified-Since: {value}\r\n");
    }
    by_tag && by_time
}
