//! How much one client address may ask for in a minute, what its address is, and which peers may say so.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
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
        self.limiter.check_key(&client).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Refusal::new(
                ErrorCode::RateLimitExceeded,
                "too many requests from this address; try again later",
            )
            .retry_after(wait.as_secs() + 1)
        })
    }
}

/// The client's address: what the outermost trusted proxy saw, else the peer's. What a client itself wrote
/// into `X-Forwarded-For` stands further left and is never reached.
pub(crate) fn client_address(request: &HttpRequest, trusted_proxies: usize) -> IpAddr {
    let peer = request.peer_addr().map(|peer| peer.ip());
    forwarded(request.headers(), trusted_proxies)
        .or(peer)
        .unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
}

/// Whether the peer may be a proxy in front: settings say that there are some, or it is on this machine.
pub(crate) fn is_trusted(request: &HttpRequest, trusted_proxies: usize) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip());
    trusted_proxies > 0 || peer.is_some_and(|peer| peer.to_canonical().is_loopback())
}

fn forwarded(headers: &HeaderMap, trusted_proxies: usize) -> Option<IpAddr> {
    let hops: Vec<&str> = headers
        .get_all("x-forwarded-for")
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .collect();
    let place = hops.len().checked_sub(trusted_proxies)?;
    hops.get(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
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
        assert_eq!(address(4), "127.0.0.1");
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
