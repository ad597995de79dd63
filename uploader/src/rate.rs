//! How much one client address may ask for in a minute, what its address is, and which peers may say so.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header::{HeaderMap, X_FORWARDED_FOR};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::answer::Refusal;
use rackgen::error_code::ErrorCode;
use rackgen::rate::Rate;

/// A limit on each client address.
pub(crate) struct Limiter {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    checks: AtomicU32,
}

/// After so many checks, addresses that have been quiet are forgotten.
const FORGET_EVERY: u32 = 1 << 16;

impl Limiter {
    pub(crate) fn new(rate: Rate) -> Self {
        Self {
            limiter: RateLimiter::keyed(Quota::per_minute(rate.a_minute())),
            checks: AtomicU32::new(0),
        }
    }

    /// Counts a request of this address.
    ///
    /// # Errors
    /// A 429 that says when to come back.
    pub(crate) fn check(&self, client: IpAddr) -> Result<(), Refusal> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&household(client)).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Refusal::new(
                ErrorCode::RateLimitExceeded,
                "too many requests from this address; try again later",
            )
            .retry_after(wait.as_secs() + 1)
        })
    }
}

/// One who has an address of IPv6 usually has the 2^64 that begin like it, and is to be counted once all the same.
fn household(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        address => address,
    }
}

/// The address of somebody of whom nobody can tell it: nothing that is on this machine, and nobody's.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The client's address: what the outermost trusted proxy saw; the peer's where no proxy is trusted or none wrote
/// anything. What a client itself wrote into `X-Forwarded-For` stands further left and is never reached.
///
/// `0.0.0.0` where a proxy wrote what is no address, or fewer wrote than are trusted: the peer would then be a proxy,
/// which may see more than its clients.
pub(crate) fn client_address(request: &HttpRequest, trusted_proxies: usize) -> IpAddr {
    let headers = request.headers();
    match trusted_proxies > 0 && headers.contains_key(X_FORWARDED_FOR) {
        true => forwarded(headers, trusted_proxies).unwrap_or(UNKNOWN),
        false => request.peer_addr().map_or(UNKNOWN, |peer| peer.ip()),
    }
}

/// Whether the peer may be a proxy in front: settings say that there are some, or it is on this machine.
pub(crate) fn is_trusted(request: &HttpRequest, trusted_proxies: usize) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip());
    trusted_proxies > 0 || peer.is_some_and(|peer| peer.to_canonical().is_loopback())
}

fn forwarded(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    // As bytes: what is no text in one hop must not take another one's place.
    let hops: Vec<&[u8]> = headers
        .get_all(X_FORWARDED_FOR)
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .collect();
    let place = hops.len().checked_sub(trusted_proxies)?;
    address_of(str::from_utf8(hops.get(place)?).ok()?.trim())
}

/// An address as proxies write it: alone or with a port, one of IPv6 also in brackets.
fn address_of(hop: &str) -> Option<IpAddr> {
    let in_brackets = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || hop.parse::<SocketAddr>().ok().map(|address| address.ip());
    let alone = hop.parse().ok();
    alone
        .or_else(with_port)
        .or_else(|| in_brackets().map(IpAddr::V6))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_counts() {
        let request = TestRequest::default()
            .peer_addr("127.0.0.1:1".parse().unwrap())
            .insert_header(("x-forwarded-for", "6.6.6.6, 10.0.0.1, 10.0.0.2"))
            .to_http_request();
        let address = |proxies| client_address(&request, proxies).to_string();
        assert_eq!(address(0), "127.0.0.1");
        assert_eq!(address(1), "10.0.0.2");
        assert_eq!(address(2), "10.0.0.1");
        assert_eq!(address(4), "0.0.0.0");
    }

    #[test]
    fn what_a_proxy_wrote_is_an_address_or_nobodys() {
        let peer = "127.0.0.1:1".parse().unwrap();
        let address = |lines: &[&[u8]]| {
            let mut request = TestRequest::default().peer_addr(peer);
            for line in lines {
                let value = HeaderValue::from_bytes(line).unwrap();
                request = request.append_header((X_FORWARDED_FOR, value));
            }
            client_address(&request.to_http_request(), 1).to_string()
        };
        for (written, expected) in [
            (&b"\xff, 9.9.9.9"[..], "9.9.9.9"),
            (b"9.9.9.9:4444", "9.9.9.9"),
            (b"2001:db8::1", "2001:db8::1"),
            (b"[2001:db8::1]", "2001:db8::1"),
            (b"[2001:db8::1]:55", "2001:db8::1"),
            (b"9.9.9.9, \xff", "0.0.0.0"),
            (b"9.9.9.9,", "0.0.0.0"),
            (b"[9.9.9.9]", "0.0.0.0"),
            (b"9.9.9.9:port", "0.0.0.0"),
            (b"unknown", "0.0.0.0"),
            (b"", "0.0.0.0"),
        ] {
            let what = String::from_utf8_lossy(written);
            assert_eq!(address(&[written]), expected, "{what}");
            assert_eq!(address(&[b"127.0.0.1", written]), expected, "{what}");
        }
        assert_eq!(address(&[]), "127.0.0.1");
    }

    #[test]
    fn one_household_is_one_client() {
        let limiter = Limiter::new("1/min".parse().unwrap());
        for (address, is_first) in [
            ("2001:db8:0:1::1", true),
            ("2001:db8:0:1:ffff::2", false),
            ("2001:db8:0:2::1", true),
            ("192.0.2.7", true),
            ("::ffff:192.0.2.7", false),
            ("192.0.2.8", true),
        ] {
            let checked = limiter.check(address.parse().unwrap());
            assert_eq!(checked.is_ok(), is_first, "{address}");
        }
    }

    #[test]
    fn only_a_peer_on_this_machine_or_a_proxy_is_trusted() {
        let trusts = |peer: &str, proxies| {
            let request = TestRequest::default().peer_addr(peer.parse().unwrap());
            is_trusted(&request.to_http_request(), proxies)
        };
        for local in [
            "127.0.0.1:1",
            "127.0.0.2:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(trusts(local, 0), "{local}");
        }
        for other in ["10.0.0.1:1", "[2001:db8::1]:1", "[::ffff:10.0.0.1]:1"] {
            assert!(!trusts(other, 0), "{other}");
            assert!(trusts(other, 1), "{other}");
        }
    }
}
