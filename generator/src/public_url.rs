//! Where clients reach the registry (`public_url`, interface.md): needed for what leaves the house, and for a path
//! prefix. Documents that we serve never contain it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

/// `https://registry.example.com`, maybe with a port and a path: `http://intranet:8000/rack`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl {
    text: String,
    host: String,
    prefix: String,
}

impl PublicUrl {
    /// The host, without the port.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is this machine, so that what is sent there crosses no network.
    pub fn is_loopback(&self) -> bool {
        let address = self.host.trim_matches(['[', ']']).parse::<IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// Whether nobody in between can read what is sent there.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// The path before `/registries`: empty, or with a slash in front and none at its end.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |why: &str| {
            // There may be a password in it.
            let shown = match text.contains(['@', '?', '#']) {
                true => "this".to_owned(),
                false => format!("`{text}`"),
            };
            Err(format!(
                "{shown} is no address of a registry: {why}, as in https://registry.example.com/rack"
            ))
        };
        let text = text.trim_end_matches('/');
        let Ok(uri) = text.parse::<ureq::http::Uri>() else {
            return refuse("it is no URL");
        };
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return refuse("it begins with http:// or https://");
        }
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let Some(host) = uri.host().filter(|_| !authority.contains('@')) else {
            return refuse("it names a host, and nobody's password");
        };
        let is_name = host.split('.').all(|label| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        });
        if !is_name && !host.starts_with('[') {
            return refuse("its host is letters, digits, `-` and dots between them");
        }
        if uri.query().is_some() || text.contains('#') {
            return refuse("it ends with its path");
        }
        let prefix = uri.path().trim_end_matches('/');
        let fits = |segment: &str| {
            let plain = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
            !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(plain)
        };
        if !prefix.split('/').skip(1).all(fits) {
            return refuse("its path has segments of letters, digits and `.`, `_`, `~`, `-`");
        }
        Ok(Self {
            text: text.to_owned(),
            host: host.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_prefix_are_taken_apart() {
        for (text, host, prefix) in [
            ("https://r.example.com", "r.example.com", ""),
            ("https://r.example.com/", "r.example.com", ""),
            ("http://intranet:8000/rack/v1/", "intranet", "/rack/v1"),
            ("http://[::1]:80/rack", "[::1]", "/rack"),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!((url.host(), url.prefix()), (host, prefix), "{text}");
        }
    }

    #[test]
    fn what_cannot_stand_in_front_of_a_path_is_refused() {
        for bad in [
            "",
            "registry.example.com",
            "/rack",
            "ftp://r",
            "https://",
            "https://user:password@r",
            "https://r/a//b",
            "https://r/../a",
            "https://r/a b",
            "https://r/%40",
            "https://r/?q",
            "https://r/#f",
            "https://r/\"",
            "https://a;b/x",
            "https://~x/y",
            "https://.r",
            "https://*.r",
        ] {
            assert!(bad.parse::<PublicUrl>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_in_what_is_refused_is_not_repeated() {
        for bad in [
            "https://user:hunter2@r.example.com",
            "https://r.example.com/?token=hunter2",
            "https://r.example.com/#hunter2",
        ] {
            let why = bad.parse::<PublicUrl>().unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
