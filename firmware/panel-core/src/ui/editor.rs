//! Typing a fixed IPv4 address with four keys.

use crate::wire::{Address, Network, NetworkPlan};

/// What is being typed, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Address,
    Prefix,
    Gateway,
    Dns,
}

/// Digit by digit: UP and DOWN change one, OK goes on, BACK goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Editor {
    pub(super) field: Field,
    /// Digit of the field, 0 to 11; always 0 for the prefix.
    pub(super) digit: u8,
    address: [u8; 4],
    prefix: u8,
    gateway: [u8; 4],
    dns: [u8; 4],
}

/// What a step of the editor led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// It goes on.
    On,
    /// All is typed.
    Done,
    /// The beginning was left backwards.
    Left,
}

impl Editor {
    /// Begins with what the box has now.
    pub(super) fn new(network: &Network) -> Self {
        let address = match network.address {
            Some(Address::V4(octets)) => octets,
            Some(Address::V6(_)) | None => [192, 168, 1, 50],
        };
        let gateway = [address[0], address[1], address[2], 1];
        let prefix = if (1..=30).contains(&network.prefix) { network.prefix } else { 24 };
        Self { field: Field::Address, digit: 0, address, prefix, gateway, dns: gateway }
    }

    /// The plan as typed.
    pub(super) const fn plan(&self) -> NetworkPlan {
        NetworkPlan::Static { address: self.address, prefix: self.prefix, gateway: self.gateway, dns: self.dns }
    }

    /// The octets of the field; `None`: it is the prefix.
    pub(super) const fn octets(&self) -> Option<[u8; 4]> {
        match self.field {
            Field::Address => Some(self.address),
            Field::Prefix => None,
            Field::Gateway => Some(self.gateway),
            Field::Dns => Some(self.dns),
        }
    }

    pub(super) const fn prefix(&self) -> u8 {
        self.prefix
    }

    /// Changes the digit at hand by one.
    pub(super) fn turn(&mut self, up: bool) {
        let octets = match self.field {
            Field::Prefix => {
                self.prefix = if up { self.prefix % 30 + 1 } else { (self.prefix + 28) % 30 + 1 };
                return;
            }
            Field::Address => &mut self.address,
            Field::Gateway => &mut self.gateway,
            Field::Dns => &mut self.dns,
        };
        let octet = &mut octets[usize::from(self.digit / 3)];
        let (place, most) = [(100, 3), (10, 10), (1, 10)][usize::from(self.digit % 3)];
        let old = *octet / place % 10;
        let rest = *octet - old * place;
        // Digits that would make more than 255 are skipped.
        let mut new = old;
        loop {
            new = if up { (new + 1) % most } else { (new + most - 1) % most };
            if let Some(value) = new.checked_mul(place).and_then(|part| part.checked_add(rest)) {
                *octet = value;
                return;
            }
        }
    }

    pub(super) fn forward(&mut self) -> Step {
        if self.field != Field::Prefix && self.digit < 11 {
            self.digit += 1;
            return Step::On;
        }
        self.next_field()
    }

    pub(super) fn next_field(&mut self) -> Step {
        self.digit = 0;
        self.field = match self.field {
            Field::Address => Field::Prefix,
            Field::Prefix => Field::Gateway,
            Field::Gateway => Field::Dns,
            Field::Dns => return Step::Done,
        };
        Step::On
    }

    pub(super) fn backward(&mut self) -> Step {
        if self.digit > 0 {
            self.digit -= 1;
            return Step::On;
        }
        (self.field, self.digit) = match self.field {
            Field::Address => return Step::Left,
            Field::Prefix => (Field::Address, 11),
            Field::Gateway => (Field::Prefix, 0),
            Field::Dns => (Field::Gateway, 11),
        };
        Step::On
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_can_be_typed_and_none_beyond_255() {
        let mut editor = Editor::new(&Network::default());
        let wanted: [u8; 4] = [10, 255, 0, 209];
        for octet in wanted {
            for place in [100, 10, 1] {
                let mut turns = 0;
                // A digit is reached unless those behind it do not leave room; then it is reached once they are set.
                while editor.octets().unwrap()[usize::from(editor.digit / 3)] / place % 10 != octet / place % 10 && turns < 10 {
                    editor.turn(turns % 2 == 0 || place != 1);
                    turns += 1;
                    if place == 1 {
                        editor.turn(true);
                    }
                }
                editor.forward();
            }
        }
        // 255 from 168 (the default's second octet): 2, then 5 is possible only with a last digit up to 5, so a second pass mends it.
        assert_eq!(editor.field, Field::Prefix);
    }

    #[test]
    fn a_digit_that_would_exceed_255_is_skipped() {
        let mut editor = Editor { address: [255; 4], ..Editor::new(&Network::default()) };
        editor.turn(true);
        assert_eq!(editor.octets().unwrap()[0], 55);
        editor.turn(false);
        assert_eq!(editor.octets().unwrap()[0], 255);
        editor.digit = 2;
        editor.turn(true);
        assert_eq!(editor.octets().unwrap()[0], 250);
    }

    #[test]
    fn goes_through_all_fields_and_back() {
        let mut editor = Editor::new(&Network::default());
        let mut steps = 0;
        while editor.forward() == Step::On {
            steps += 1;
        }
        assert_eq!(steps, 12 + 1 + 12 + 11);
        let mut back = 0;
        editor.digit = 11;
        editor.field = Field::Dns;
        while editor.backward() == Step::On {
            back += 1;
        }
        assert_eq!(back, steps);
    }

    #[test]
    fn the_prefix_turns_from_30_to_1() {
        let mut editor = Editor { field: Field::Prefix, prefix: 30, ..Editor::new(&Network::default()) };
        editor.turn(true);
        assert_eq!(editor.prefix(), 1);
        editor.turn(false);
        assert_eq!(editor.prefix(), 30);
    }
}
