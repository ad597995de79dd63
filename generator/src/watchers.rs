//! Who may see the daemon's figures: `[metrics]` in `rack.toml`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;
use serde::Deserialize;

/// Addresses and tokens that `/metrics` answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Watchers {
    /// Networks and addresses: this machine's, unless others are named.
    pub addresses: Vec<Network>,
    /// Names of tokens, of the access file or minted. The admin token is always one.
    pub tokens: Vec<String>,
}

impl Default for Watchers {
    fn default() -> Self {
        let loopback = [
            IpNet::new_assert(IpAddr::V4(Ipv4Addr::new(127, 0, 0, 0)), 8),
            IpNet::new_assert(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
        ];
        Self {
            addresses: loopback.map(Network).to_vec(),
            tokens: Vec::new(),
        }
    }
}

impl Watchers {
    /// Whether an address may see them.
    pub fn include(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.addresses
            .iter()
            .any(|Network(network)| network.contains(&address))
    }
}

/// `10.0.0.0/8`, or one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let address = |text: &str| text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse().or_else(|_| address(text));
        network.map(Self).map_err(|_| {
            format!("`{text}` is no address, and no network like 10.0.0.0/8 or fd00::/8")
        })
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_named_by_one_or_by_network() {
        let watchers: Watchers =
            toml::from_str("addresses = [\"10.1.0.0/16\", \"192.0.2.7\", \"fd00::/8\"]").unwrap();
        let table = [
            ("10.1.255.1", true),
            ("10.2.0.1", false),
            ("::ffff:10.1.0.1", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd12::1", true),
            ("127.0.0.1", false),
        ];
        for (address, is_one) in table {
            assert_eq!(
                watchers.include(address.parse().unwrap()),
                is_one,
                "{address}"
            );
        }
    }

    #[test]
    fn this_machine_may_unless_others_are_named() {
        let watchers = Watchers::default();
        for (address, is_one) in [("127.0.0.9", true), ("::1", true), ("10.0.0.1", false)] {
            assert_eq!(
                watchers.include(address.parse().unwrap()),
                is_one,
                "{address}"
            );
        }
        assert!(toml::from_str::<Watchers>("addresses = [\"everybody\"]").is_err());
    }
}
