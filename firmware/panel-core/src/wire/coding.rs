//! Values as bytes, in postcard's encoding (version 1 of its wire format), and back.
//!
//! ```text
//! u8 i8 bool                     one byte
//! u16 u32 u64, lengths           seven bits a byte, lowest first, the eighth bit says that more follow
//! [u8; N], structs               their elements in order, nothing between
//! texts, lists                   length, elements
//! Option                         0, or 1 and the value
//! enums                          number of the variant, its fields
//! ```
//! Not by way of serde: a value is filled in where it lies and a mistake is noted instead of being returned from every field, which spares a
//! microcontroller a tenth of its program. The tests hold both ways against postcard itself.

use super::{frame::Cobs, status::List};
use crate::Text;

/// Something that goes over the link.
pub trait Coded {
    /// Writes it.
    fn put(&self, to: &mut Cobs<'_>);
    /// Fills it in. After a mistake ([`Reader::is_good`]) what is in it means nothing.
    fn get(&mut self, from: &mut Reader<'_>);
}

/// Bytes being read. After the first mistake there are no more, and every number is 0.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    good: bool,
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, good: true }
    }

    /// Whether everything read so far made sense.
    pub const fn is_good(&self) -> bool {
        self.good
    }

    /// Notes a mistake.
    pub const fn fail(&mut self) {
        (self.rest, self.good) = (&[], false);
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.rest {
            [byte, rest @ ..] => {
                self.rest = rest;
                *byte
            }
            [] => {
                self.fail();
                0
            }
        }
    }

    /// The next so many bytes; none when there are fewer.
    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let Some((bytes, rest)) = self.rest.split_at_checked(count) else {
            self.fail();
            return &[];
        };
        self.rest = rest;
        bytes
    }

    /// A number of so many bits.
    fn number(&mut self, bits: u32) -> u64 {
        let mut number = 0;
        for shift in (0..bits).step_by(7) {
            let byte = self.byte();
            let part = u64::from(byte & 0x7F);
            if part >> (bits - shift).min(7) != 0 {
                break;
            }
            number |= part << shift;
            if byte & 0x80 == 0 {
                return number;
            }
        }
        // Longer than such a number can be, or larger.
        self.fail();
        0
    }

    fn length(&mut self) -> usize {
        self.number(usize::BITS) as usize
    }

    /// The number of an enum's variant.
    pub(super) fn variant(&mut self) -> u32 {
        self.number(u32::BITS) as u32
    }
}

/// A number of any size.
fn put_number(mut number: u64, to: &mut Cobs<'_>) {
    while number > 0x7F {
        to.push(number as u8 | 0x80);
        number >>= 7;
    }
    to.push(number as u8);
}

impl Coded for u8 {
    fn put(&self, to: &mut Cobs<'_>) {
        to.push(*self);
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        *self = from.byte();
    }
}

impl Coded for i8 {
    fn put(&self, to: &mut Cobs<'_>) {
        to.push(self.cast_unsigned());
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        *self = from.byte().cast_signed();
    }
}

impl Coded for bool {
    fn put(&self, to: &mut Cobs<'_>) {
        to.push(u8::from(*self));
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        match from.byte() {
            byte @ (0 | 1) => *self = byte == 1,
            _ => from.fail(),
        }
    }
}

macro_rules! coded_numbers {
    ($($number:ty),*) => {$(
        impl Coded for $number {
            fn put(&self, to: &mut Cobs<'_>) {
                put_number(u64::from(*self), to);
            }

            fn get(&mut self, from: &mut Reader<'_>) {
                *self = from.number(<$number>::BITS) as $number;
            }
        }
    )*};
}
coded_numbers!(u16, u32, u64);

impl<const N: usize> Coded for [u8; N] {
    fn put(&self, to: &mut Cobs<'_>) {
        to.extend(self);
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        if let Ok(bytes) = from.bytes(N).try_into() {
            *self = bytes;
        }
    }
}

impl<const N: usize> Coded for Text<N> {
    fn put(&self, to: &mut Cobs<'_>) {
        put_number(self.as_str().len() as u64, to);
        to.extend(self.as_str().as_bytes());
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        let length = from.length();
        match core::str::from_utf8(from.bytes(length)) {
            Ok(text) if length <= N => *self = Self::new(text),
            _ => from.fail(),
        }
    }
}

impl<T: Coded + Default, const N: usize> Coded for List<T, N> {
    fn put(&self, to: &mut Cobs<'_>) {
        put_number(self.len() as u64, to);
        self.iter().for_each(|item| item.put(to));
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        let length = from.length();
        if length > N {
            return from.fail();
        }
        self.clear();
        for _ in 0..length {
            let mut item = T::default();
            item.get(from);
            let _ = self.push(item); // there is room: the length is no more than N
        }
    }
}

impl<T: Coded + Default> Coded for Option<T> {
    fn put(&self, to: &mut Cobs<'_>) {
        self.is_some().put(to);
        if let Some(value) = self {
            value.put(to);
        }
    }

    fn get(&mut self, from: &mut Reader<'_>) {
        let mut there = false;
        there.get(from);
        *self = None;
        if there {
            self.insert(T::default()).get(from);
        }
    }
}

/// Names the fields of structs in their order, and the variants of enums with their numbers and fields.
macro_rules! coded {
    ($(struct $name:ident { $($field:ident),* $(,)? })*) => {$(
        impl Coded for $name {
            fn put(&self, to: &mut Cobs<'_>) {
                let Self { $($field),* } = self;
                $($field.put(to);)*
            }

            fn get(&mut self, from: &mut Reader<'_>) {
                let Self { $($field),* } = self;
                $($field.get(from);)*
            }
        }
    )*};
    ($(enum $name:ident { $($number:literal = $variant:ident $(($item:ident))? $({ $($field:ident),* })?),* $(,)? })*) => {$(
        impl Coded for $name {
            fn put(&self, to: &mut Cobs<'_>) {
                match self {
                    $(Self::$variant $(($item))? $({ $($field),* })? => {
                        to.push($number);
                        $($item.put(to);)?
                        $($($field.put(to);)*)?
                    })*
                }
            }

            fn get(&mut self, from: &mut Reader<'_>) {
                *self = match from.variant() {
                    $($number => {
                        $(let mut $item = Default::default();
                        Coded::get(&mut $item, from);)?
                        $($(let mut $field = Default::default();
                        Coded::get(&mut $field, from);)*)?
                        Self::$variant $(($item))? $({ $($field),* })?
                    })*
                    _ => return from.fail(),
                };
            }
        }
    )*};
}
pub(super) use coded;
