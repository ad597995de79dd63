//! nginx counts requests by network where the address is one of IPv6, as the daemon does: who has one address there
//! usually has 2^64.

use rack_tests::http::Request;
use rack_tests::registry::Registry;
use rack_tests::release::Release;
use serde_json::json;

#[test]
fn an_ipv6_network_is_one_client() {
    let registry = Registry::new(&json!({ "@open": [] }));
    registry.put(&Release::new("@open", "item", "1.0.0"));
    registry.build();
    let nginx = registry
        .nginx()
        .setting("RACK_RATE_LIMIT_READS", "3/min")
        .in_http("set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;")
        .start();
    let url = nginx.url();
    let status = |from: &str| {
        let request =
            Request::get("/registries/@open/features/item").header("X-Forwarded-For", from);
        request.send(&url).expect("an answer").status
    };
    // One more than the rate at once; each comes from another address of the network.
    let of_one_network: Vec<_> = (1..=6)
        .map(|last| status(&format!("2001:db8::{last}")))
        .collect();
    assert_eq!(of_one_network, [200, 200, 200, 200, 429, 429]);
    assert_eq!(status("2001:db8:0:1::1"), 200, "another network");
    // Also where nginx takes IPv4 by a socket of IPv6.
    for network in ["192.0.2", "::ffff:198.51.100"] {
        let of_ipv4: Vec<_> = (1..=6)
            .map(|last| status(&format!("{network}.{last}")))
            .collect();
        assert_eq!(of_ipv4, [200; 6], "each address of IPv4 is a client");
    }
}
