//! Bytes in; what is a message goes out again and comes back the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relaypacs_panel_core::wire::{Frame, FrameReader, FromBox, FromPanel, MAX_FRAME, Message, encode};

fn again<M: Message + PartialEq + core::fmt::Debug>(frame: &Frame<'_>) {
    let Ok(message) = frame.message::<M>() else { return };
    let mut out = [0; MAX_FRAME];
    let len = encode(&message, frame.sequence, &mut out).expect("what came in a frame fits one");
    let mut reader = FrameReader::new();
    let (_, read) = reader.take(&out[..len]);
    assert_eq!(read.expect("a frame").expect("a good one").message::<M>(), Ok(message));
}

fuzz_target!(|bytes: &[u8]| {
    let (mut reader, mut rest) = (FrameReader::new(), bytes);
    while !rest.is_empty() {
        let (taken, frame) = reader.take(rest);
        rest = &rest[taken..];
        if let Some(Ok(frame)) = frame {
            again::<FromBox>(&frame);
            again::<FromPanel>(&frame);
        }
    }
    // The payload alone: a CRC is hard to hit by chance.
    if let [kind, payload @ ..] = bytes {
        let frame = Frame { version: 1, kind: *kind, sequence: 0, payload };
        again::<FromBox>(&frame);
        again::<FromPanel>(&frame);
    }
});
