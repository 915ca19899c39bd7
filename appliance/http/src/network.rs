//! IP networks as people write them: `192.168.1.0/24`, `fd00::/8`, `10.0.0.5`.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::{Deserialize, Serialize};

/// An IP network: an address and how many of its leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The part before the slash is no IP address.
    #[error("a network begins with an IP address, as in 192.168.1.0/24")]
    Address,
    /// The part behind the slash is no number or too large for the address family.
    #[error("a network ends with its prefix length, at most {0}")]
    Prefix(u8),
}

impl Network {
    /// Whether an address lies in the network. An IPv4 address in IPv6 clothes (`::ffff:a.b.c.d`) counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => same_prefix(own.to_bits().into(), other.to_bits().into(), 32, self.prefix),
            (IpAddr::V6(own), IpAddr::V6(other)) => same_prefix(own.to_bits(), other.to_bits(), 128, self.prefix),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

fn same_prefix(own: u128, other: u128, width: u32, prefix: u8) -> bool {
    (own ^ other).checked_shr(width - u32::from(prefix)).is_none_or(|rest| rest == 0)
}

impl FromStr for Network {
    type Err = NetworkError;
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.trim().parse().map_err(|_| NetworkError::Address)?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(most), |prefix| prefix.trim().parse().map_err(|_| NetworkError::Prefix(most)))?;
        if prefix > most {
            return Err(NetworkError::Prefix(most));
        }
        Ok(Self { address, prefix })
    }
}

impl TryFrom<String> for Network {
    type Error = NetworkError;
    fn try_from(text: String) -> Result<Self, NetworkError> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_bits_decide() {
        let check = |network: &str, address: &str, expected| {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), expected, "{network} {address}");
        };
        check("192.168.1.0/24", "192.168.1.77", true);
        check("192.168.1.0/24", "192.168.2.1", false);
        check("192.168.1.0/24", "::ffff:192.168.1.77", true);
        check("10.0.0.5", "10.0.0.5", true);
        check("10.0.0.5", "10.0.0.4", false);
        check("0.0.0.0/0", "8.8.8.8", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "2001:db8::1", true);
        check("fd00::/8", "fd12::1", true);
        check("fd00::/8", "fe80::1", false);
    }

    #[test]
    fn nonsense_is_refused() {
        let check = |text: &str, expected| assert_eq!(text.parse::<Network>(), Err(expected), "{text:?}");
        check("", NetworkError::Address);
        check("clinic", NetworkError::Address);
        check("10.0.0.0/33", NetworkError::Prefix(32));
        check("10.0.0.0/", NetworkError::Prefix(32));
        check("fd00::/129", NetworkError::Prefix(128));
        check("fd00::/-1", NetworkError::Prefix(128));
    }
}
