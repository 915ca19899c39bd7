//! Finds the borders of data elements in a stream (PS3.5 §7).
//!
//! Nesting is a counter, not a stack: levels of undefined length alternate between "among items" and "among elements", everything of
//! defined length is skipped whole, and the encoding changes at most once on the way down (UN, CP-246). So depth costs no memory and needs no
//! limit of its own; [`MAX_ELEMENTS`] bounds the work.

use super::{
    form::{Form, Header, ITEM, ITEM_DELIMITER, Order, Reading, SEQUENCE_DELIMITER, UNDEFINED},
    values::{self, Slot, Values},
};

/// Most element headers looked at. A header of an image has a few hundred; one that lists every instance of a large series has some ten
/// thousand.
const MAX_ELEMENTS: u32 = 1_000_000;

/// Reads element after element and keeps the wanted values.
#[derive(Debug)]
pub(super) struct Elements {
    state: State,
    base: Encoding,
    nesting: Nesting,
    /// Bytes taken from the start of the data set.
    position: u64,
    headers: u32,
    partial: Partial,
    values: Values,
    /// Elements behind the last wanted one are passed over, not left.
    to_the_end: bool,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// At an element header, perhaps in the midst of it.
    Header,
    /// In a value that is kept: so many bytes are still to be kept, so many after them to be skipped.
    Value { keep: usize, skip: u64 },
    /// In a value that nobody wants.
    Skip(u64),
    /// Nothing more is wanted or understood.
    Done,
}

/// A form that the first element header it is used on may overrule.
#[derive(Debug, Clone, Copy)]
struct Encoding {
    form: Form,
    certain: bool,
}

/// The start of a header whose rest has not come.
#[derive(Debug, Default)]
struct Partial {
    bytes: [u8; Form::MAX_HEADER],
    len: usize,
}

/// Where the reader stands among sequences and items.
#[derive(Debug, Default)]
struct Nesting {
    /// Levels entered. 0: the data set itself; odd: among items; even: among elements of an item.
    depth: u32,
    /// From this depth on everything is in another encoding: the inside of a UN element.
    unknown: Option<(u32, Encoding)>,
    /// The Request Attributes Sequence, while inside.
    request: Option<Request>,
}

/// Where the one sequence ends that is entered although its length may be defined. [`u64::MAX`]: at the delimiter.
#[derive(Debug, Clone, Copy)]
struct Request {
    sequence_end: u64,
    item_end: u64,
}

impl Elements {
    /// A reader at the start of a data set that is named to be in `form`.
    pub(super) fn new(form: Form) -> Self {
        Self {
            state: State::Header,
            base: Encoding { form, certain: false },
            nesting: Nesting::default(),
            position: 0,
            headers: 0,
            partial: Partial::default(),
            values: Values::default(),
            to_the_end: false,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Looks at all elements.
    pub(super) fn go_on_to_the_end(&mut self) {
        self.to_the_end = true;
    }

    /// Whether bytes of a value are still to come.
    pub(super) fn is_inside_a_value(&self) -> bool {
        matches!(self.state, State::Value { .. } | State::Skip(_))
    }

    /// Reads no further; what was read stays.
    pub(super) fn give_up(&mut self) {
        self.state = State::Done;
    }

    pub(super) fn into_values(self) -> Values {
        self.values
    }

    /// How many bytes of values are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.values.kept()
    }

    /// Takes the next bytes.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let taken = match self.state {
                State::Header => self.header(bytes),
                State::Value { keep, skip } => self.value(bytes, keep, skip),
                State::Skip(left) => {
                    let taken = left.min(bytes.len() as u64);
                    self.state = skip(left - taken);
                    self.position += taken;
                    taken as usize
                }
                State::Done => return,
            };
            bytes = &bytes[taken..];
        }
    }

    /// Keeps bytes of a wanted value; returns how many it took.
    fn value(&mut self, bytes: &[u8], keep: usize, after: u64) -> usize {
        let taken = keep.min(bytes.len());
        self.values.push(&bytes[..taken]);
        self.position += taken as u64;
        self.state = if taken < keep {
            State::Value { keep: keep - taken, skip: after }
        } else {
            self.values.end();
            skip(after)
        };
        taken
    }

    /// Reads a header, of which bytes may have come before; returns how many bytes it took.
    fn header(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        if self.partial.len == 0 {
            self.nesting.leave_what_ends_at(self.position);
            match self.read(bytes) {
                Reading::Header(header, len) => {
                    self.position += len as u64;
                    self.element(header);
                    return len;
                }
                Reading::Needs(_) => {}
            }
        }
        loop {
            let Partial { bytes: head, len } = self.partial;
            match self.read(&head[..len]) {
                Reading::Header(header, len) => {
                    debug_assert_eq!(len, self.partial.len, "no byte was taken beyond the header");
                    self.partial.len = 0;
                    self.element(header);
                    return taken;
                }
                Reading::Needs(needed) => {
                    let more = (needed - len).min(bytes.len() - taken);
                    if more == 0 {
                        return taken;
                    }
                    self.partial.bytes[len..len + more].copy_from_slice(&bytes[taken..taken + more]);
                    self.partial.len += more;
                    self.position += more as u64;
                    taken += more;
                }
            }
        }
    }

    /// Reads the header at the start of `bytes` in the encoding of this place, settling that encoding if need be.
    fn read(&mut self, bytes: &[u8]) -> Reading {
        let among_elements = self.nesting.depth.is_multiple_of(2);
        let encoding = self.nesting.unknown.as_mut().map_or(&mut self.base, |(_, inner)| inner);
        if among_elements
            && !encoding.certain
            && let Some(first) = bytes.first_chunk()
        {
            // Delimiters tell nothing. Nor does a file meta group, always explicit VR little endian, that some senders leave in front.
            let guess = encoding.form.guess(*first);
            let group = guess.order().u16([first[0], first[1]]);
            if group == 0x0002 {
                return guess.read(bytes);
            }
            if group != 0xFFFE {
                *encoding = Encoding { form: guess, certain: true };
            }
        }
        encoding.form.read(bytes)
    }

    /// Decides what to do with the element whose header was read.
    fn element(&mut self, header: Header) {
        self.headers += 1;
        if self.headers > MAX_ELEMENTS {
            return self.give_up();
        }
        let depth = self.nesting.depth;
        match header.tag {
            ITEM => self.item(header.len),
            // Items and sequences of defined length may be followed by a delimiter all the same.
            ITEM_DELIMITER if depth > 0 && depth.is_multiple_of(2) => self.nesting.leave(1),
            SEQUENCE_DELIMITER if depth > 0 => self.nesting.leave(if depth.is_multiple_of(2) { 2 } else { 1 }),
            ITEM_DELIMITER | SEQUENCE_DELIMITER => {}
            _ if !depth.is_multiple_of(2) => self.give_up(),
            _ if depth == 0 => self.top_level(header),
            values::PRIORITY if depth == 2 && self.nesting.request.is_some() => self.keep_first(Slot::REQUEST_PRIORITY, header),
            _ => self.pass_over(header),
        }
    }

    fn top_level(&mut self, header: Header) {
        if header.tag > values::LAST && self.values.has(Slot::STUDY_INSTANCE_UID) {
            if self.to_the_end {
                return self.pass_over(header);
            }
            return self.give_up();
        }
        if header.tag == values::REQUEST_ATTRIBUTES {
            let sequence_end = if header.len == UNDEFINED { u64::MAX } else { self.position + u64::from(header.len) };
            self.nesting.request = Some(Request { sequence_end, item_end: u64::MAX });
            return self.enter(header);
        }
        match Slot::of(header.tag) {
            Some(slot) => self.keep_first(slot, header),
            None => self.pass_over(header),
        }
    }

    /// Keeps the value of a wanted element. Of an element that comes twice the first value counts.
    fn keep_first(&mut self, slot: Slot, header: Header) {
        if header.len == UNDEFINED || header.len == 0 || self.values.has(slot) {
            return self.pass_over(header);
        }
        let order = if header.unknown_vr { Order::Little } else { self.base.form.order() };
        let keep = (header.len as usize).min(values::MAX_VALUE);
        self.values.begin(slot, order);
        self.state = State::Value { keep, skip: u64::from(header.len) - keep as u64 };
    }

    fn pass_over(&mut self, header: Header) {
        if header.len == UNDEFINED { self.enter(header) } else { self.state = skip(u64::from(header.len)) }
    }

    /// Goes among the items of a sequence (or the fragments of encapsulated pixel data).
    fn enter(&mut self, header: Header) {
        self.nesting.depth += 1;
        if header.unknown_vr && self.nesting.unknown.is_none() {
            self.nesting.unknown = Some((self.nesting.depth, Encoding { form: Form::IMPLICIT_LITTLE, certain: false }));
        }
        self.state = State::Header;
    }

    fn item(&mut self, len: u32) {
        if self.nesting.depth.is_multiple_of(2) {
            if self.nesting.depth == 0 {
                return self.give_up();
            }
            // The item before was not delimited.
            self.nesting.leave(1);
        }
        match &mut self.nesting.request {
            _ if len == UNDEFINED => self.nesting.depth += 1,
            Some(request) if self.nesting.depth == 1 => {
                request.item_end = self.position + u64::from(len);
                self.nesting.depth = 2;
            }
            _ => self.state = skip(u64::from(len)),
        }
    }
}

impl Nesting {
    fn leave(&mut self, levels: u32) {
        self.depth = self.depth.saturating_sub(levels);
        self.unknown = self.unknown.filter(|(depth, _)| self.depth >= *depth);
        match &mut self.request {
            Some(_) if self.depth == 0 => self.request = None,
            Some(request) if self.depth == 1 => request.item_end = u64::MAX,
            _ => {}
        }
    }

    /// Leaves the item and the sequence whose defined length ends here.
    fn leave_what_ends_at(&mut self, position: u64) {
        let Some(request) = self.request else { return };
        if position >= request.sequence_end {
            self.leave(self.depth);
        } else if position >= request.item_end {
            self.leave(self.depth - 1);
        }
    }
}

/// The state that skips so many bytes.
fn skip(len: u64) -> State {
    if len == 0 { State::Header } else { State::Skip(len) }
}
