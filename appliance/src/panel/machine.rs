//! What the kernel tells about network, temperature, supply and flash. Everything is optional: what a machine does not tell is left out.

use std::{fs, net::IpAddr, path::Path};

use relaypacs_panel_core::{
    Text,
    wire::{Address, Io, Network},
};

/// What the machine tells.
#[derive(Debug, Clone, Default)]
pub(super) struct Machine {
    pub(super) network: Network,
    pub(super) celsius: Option<i8>,
    pub(super) undervoltage: Option<bool>,
    pub(super) wear_percent: Option<u8>,
}

/// Looks at the machine. Blocks a little: files of sysfs and procfs.
pub(super) fn look() -> Machine {
    Machine { network: network(), celsius: celsius(), undervoltage: undervoltage(), wear_percent: wear() }
}

/// A file's text without the white space around it.
fn text(path: impl AsRef<Path>) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn network() -> Network {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut network = Network { host: Text::new(host.split('.').next().unwrap_or_default()), dns: name_server(), ..Network::default() };
    let route = default_route();
    let Some(interface) = best_interface(route.as_ref().map(|route| route.interface.as_str())) else {
        network.gateway = Io::Bad;
        return network;
    };
    network.address = Some(match interface.ip() {
        IpAddr::V4(address) => Address::V4(address.octets()),
        IpAddr::V6(address) => Address::V6(address.octets()),
    });
    network.prefix = match &interface.addr {
        if_addrs::IfAddr::V4(address) => address.prefixlen,
        if_addrs::IfAddr::V6(address) => address.prefixlen,
    };
    let of = |file: &str| text(Path::new("/sys/class/net").join(&interface.name).join(file));
    network.link = of("carrier").map(|carrier| carrier == "1");
    network.mbit = of("speed").and_then(|speed| speed.parse().ok()).unwrap_or(0);
    network.mac = of("address").and_then(|mac| mac_address(&mac)).unwrap_or_default();
    let index = of("ifindex").unwrap_or_default();
    // systemd-networkd: a lease is DHCP; a link that it manages without one is not.
    network.dhcp = if Path::new("/run/systemd/netif/leases").join(&index).is_file() {
        Some(true)
    } else {
        Path::new("/run/systemd/netif/links").join(&index).is_file().then_some(false)
    };
    network.gateway = route.map_or(Io::Bad, |route| neighbour(&route));
    network
}

/// The interface of the default route, else the first one that can be reached; IPv4 before IPv6.
fn best_interface(preferred: Option<&str>) -> Option<if_addrs::Interface> {
    let reachable = |interface: &if_addrs::Interface| match interface.ip() {
        IpAddr::V4(address) => !address.is_loopback(),
        IpAddr::V6(address) => !address.is_loopback() && !address.is_unicast_link_local(),
    };
    let mut all: Vec<_> = if_addrs::get_if_addrs().unwrap_or_default().into_iter().filter(reachable).collect();
    all.sort_by_key(|interface| (Some(interface.name.as_str()) != preferred, interface.ip().is_ipv6(), interface.name.clone()));
    all.into_iter().next()
}

struct Route {
    interface: String,
    /// As in the kernel's table: hexadecimal, in the machine's byte order.
    gateway: u32,
}

/// The default route of IPv4 (`/proc/net/route`).
fn default_route() -> Option<Route> {
    let table = text("/proc/self/net/route")?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (interface, destination, gateway) = (fields.first()?, fields.get(1)?, fields.get(2)?);
        let gateway = u32::from_str_radix(gateway, 16).ok()?;
        (*destination == "00000000").then(|| Route { interface: (*interface).to_owned(), gateway })
    })
}

/// Whether the gateway has answered an ARP request lately; asks nothing by itself.
fn neighbour(route: &Route) -> Io {
    let address = std::net::Ipv4Addr::from(route.gateway.to_ne_bytes()).to_string();
    let table = text("/proc/self/net/arp").unwrap_or_default();
    let flags = table.lines().find(|line| line.split_whitespace().next() == Some(&address)).and_then(|line| line.split_whitespace().nth(2));
    match flags {
        Some("0x0") => Io::Bad,
        Some(_) => Io::Good,
        None => Io::Unknown,
    }
}

fn name_server() -> Io {
    let known = text("/etc/resolv.conf").is_some_and(|text| text.lines().any(|line| line.trim_start().starts_with("nameserver")));
    if known { Io::Good } else { Io::Bad }
}

fn mac_address(text: &str) -> Option<[u8; 6]> {
    let mut octets = [0; 6];
    let mut parts = text.split(':');
    for octet in &mut octets {
        *octet = u8::from_str_radix(parts.next()?, 16).ok()?;
    }
    Some(octets)
}

fn celsius() -> Option<i8> {
    let millis = text("/sys/class/thermal/thermal_zone0/temp")?.parse::<i32>().ok()?;
    i8::try_from(millis / 1000).ok()
}

/// A Pi's firmware says so through hwmon (`rpi_volt`).
fn undervoltage() -> Option<bool> {
    let sensors = fs::read_dir("/sys/class/hwmon").ok()?.flatten().take(64);
    sensors
        .map(|sensor| sensor.path())
        .find(|path| text(path.join("name")).as_deref() == Some("rpi_volt"))
        .and_then(|path| text(path.join("in0_lcrit_alarm")))
        .map(|alarm| alarm != "0")
}

/// eMMC tells its life in steps of 10 % (JEDEC `DEVICE_LIFE_TIME_EST`): the worse of both areas.
fn wear() -> Option<u8> {
    let disks = fs::read_dir("/sys/block").ok()?.flatten().take(64);
    let life = disks.filter_map(|disk| text(disk.path().join("device/life_time")));
    let steps = life.flat_map(|text| {
        text.split_whitespace().filter_map(|part| u8::from_str_radix(part.trim_start_matches("0x"), 16).ok()).collect::<Vec<_>>()
    });
    steps.max().map(|step| step.saturating_mul(10).min(110))
}
