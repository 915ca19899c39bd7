use proptest::{collection::vec, prelude::*};

use super::*;

/// What a stream of bytes says, pieces of one fragment put together again.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Fragment { context: u8, part: Part, bytes: Vec<u8>, last: bool },
    ReleaseRequest,
    ReleaseResponse,
    Abort(u8, u8),
    Violated(Violation),
}

/// Reads `stream` in pieces of the given sizes, again and again.
fn read(stream: &[u8], sizes: &[usize], buffer: usize, max_pdu: u32) -> Vec<Said> {
    let mut reader = PduReader::new(buffer, max_pdu);
    let mut said: Vec<Said> = Vec::new();
    let mut rest = stream;
    for size in sizes.iter().cycle() {
        loop {
            match reader.next() {
                Ok(None) => break,
                Ok(Some(Piece::Fragment(Fragment { context, part, bytes, last }))) => match said.last_mut() {
                    Some(Said::Fragment { context: c, part: p, bytes: b, last: l @ false }) if (*c, *p) == (context, part) => {
                        b.extend_from_slice(bytes);
                        *l = last;
                    }
                    _ => said.push(Said::Fragment { context, part, bytes: bytes.to_vec(), last }),
                },
                Ok(Some(Piece::ReleaseRequest)) => said.push(Said::ReleaseRequest),
                Ok(Some(Piece::ReleaseResponse)) => said.push(Said::ReleaseResponse),
                Ok(Some(Piece::Abort(source, reason))) => said.push(Said::Abort(source, reason)),
                Err(violation) => {
                    said.push(Said::Violated(violation));
                    return said;
                }
            }
        }
        let space = reader.space();
        assert!(!space.is_empty(), "there is always room for more");
        let count = rest.len().min(*size).min(space.len());
        space[..count].copy_from_slice(&rest[..count]);
        rest = &rest[count..];
        reader.filled(count);
        if count == 0 {
            return said;
        }
    }
    said
}

fn p_data(pdvs: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let body: Vec<u8> = pdvs
        .iter()
        .flat_map(|(context, flags, bytes)| [&(bytes.len() as u32 + 2).to_be_bytes()[..], &[*context, *flags], bytes].concat())
        .collect();
    [&[4, 0][..], &(body.len() as u32).to_be_bytes(), &body].concat()
}

#[test]
fn command_and_data_share_a_pdu_and_one_byte_fragments_count() {
    let stream = [p_data(&[(1, 3, vec![1, 2, 3]), (1, 0, vec![4]), (1, 0, vec![]), (1, 2, vec![5])]), RELEASE_RQ.to_vec()].concat();
    let fragment = |part, bytes: &[u8], last| Said::Fragment { context: 1, part, bytes: bytes.to_vec(), last };
    let expected = [fragment(Part::Command, &[1, 2, 3], true), fragment(Part::DataSet, &[4, 5], true), Said::ReleaseRequest];
    for size in 1..stream.len() {
        assert_eq!(read(&stream, &[size], 64, 1024), expected, "read by {size}");
    }
}

#[test]
fn what_lies_is_a_violation() {
    let check = |stream: &[u8], expected: Violation| assert_eq!(read(stream, &[7], 64, 1024), [Said::Violated(expected)]);
    check(&[4, 0, 0x7F, 0xFF, 0xFF, 0xFF], Violation::PduLength { kind: 4, length: 0x7FFF_FFFF, limit: 1024 });
    check(&[4, 0, 0, 0, 4, 1], Violation::PduLength { kind: 4, length: 1025, limit: 1024 });
    check(&[4, 0, 0, 0, 0, 5], Violation::PdvLength { length: 2, left: 5 });
    check(&[4, 0, 0, 0, 0, 8, 0, 0, 0, 5, 1, 2], Violation::PdvLength { length: 5, left: 4 });
    check(&[4, 0, 0, 0, 0, 8, 0, 0, 0, 1, 1, 2], Violation::PdvLength { length: 1, left: 4 });
    check(&[4, 0, 0, 0, 0, 8, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2], Violation::PdvLength { length: u32::MAX, left: 4 });
    check(&[5, 0, 0, 0, 0, 5], Violation::PduLength { kind: 5, length: 5, limit: 4 });
    check(&[1, 0, 0, 0, 0, 68], Violation::UnexpectedPdu { got: 1, expected: "P-DATA-TF, A-RELEASE or A-ABORT" });
    check(b"GET / HTTP/1.1\r\n", Violation::UnknownPdu(b'G'));
}

#[test]
fn the_longest_pdu_offered_is_taken_though_the_buffer_is_smaller() {
    let stream = p_data(&[(1, 2, vec![9; 1018])]);
    assert_eq!(read(&stream, &[1000], 16, 1024), [Said::Fragment { context: 1, part: Part::DataSet, bytes: vec![9; 1018], last: true }]);
}

#[test]
fn a_command_is_cut_to_what_the_peer_takes() {
    for max_pdu in [7, 8, 100, 106, 107, u32::MAX] {
        let mut stream = Vec::new();
        append_command(&mut stream, 5, &[7; 101], max_pdu);
        let longest = {
            let (mut at, mut longest) = (0, 0);
            while at < stream.len() {
                let length = u32::from_be_bytes([stream[at + 2], stream[at + 3], stream[at + 4], stream[at + 5]]);
                longest = longest.max(length);
                at += PDU_HEADER + length as usize;
            }
            longest
        };
        assert!(longest <= max_pdu, "{longest} of {max_pdu}");
        assert_eq!(read(&stream, &[50], 64, 1024), [Said::Fragment { context: 5, part: Part::Command, bytes: vec![7; 101], last: true }]);
    }
}

/// A PDU of a good stream.
fn good_pdu() -> impl Strategy<Value = Vec<u8>> {
    let pdv = (1u8..4, 0u8..4, vec(any::<u8>(), 0..40));
    prop_oneof![
        8 => vec(pdv, 0..5).prop_map(|pdvs| p_data(&pdvs)),
        1 => Just(RELEASE_RQ.to_vec()),
        1 => Just(RELEASE_RP.to_vec()),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(source, reason)| vec![7, 0, 0, 0, 0, 4, 0, 0, source, reason]),
    ]
}

proptest! {
    #[test]
    fn a_stream_says_the_same_however_it_is_read(pdus in vec(good_pdu(), 1..8), sizes in vec(1usize..300, 1..20), buffer in 16usize..400) {
        let stream = pdus.concat();
        let whole = read(&stream, &[stream.len()], stream.len().max(16), 1 << 20);
        prop_assert!(!whole.iter().any(|said| matches!(said, Said::Violated(_))));
        prop_assert_eq!(read(&stream, &sizes, buffer, 1 << 20), whole);
    }

    /// Random bytes, and good streams with bytes changed: the verdict does not depend on the reads, nothing panics, no byte is invented.
    #[test]
    fn any_bytes_are_read_to_the_same_verdict(mut stream in prop_oneof![vec(any::<u8>(), 0..200), vec(good_pdu(), 1..6).prop_map(|pdus| pdus.concat())],
                                              changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
                                              sizes in vec(1usize..50, 1..10)) {
        for (index, value) in changes {
            if !stream.is_empty() {
                let at = index.index(stream.len());
                stream[at] = value;
            }
        }
        let whole = read(&stream, &[stream.len().max(1)], stream.len().max(16), 4096);
        let bytes: usize = whole.iter().map(|said| if let Said::Fragment { bytes, .. } = said { bytes.len() } else { 0 }).sum();
        prop_assert!(bytes <= stream.len());
        prop_assert_eq!(read(&stream, &sizes, 16, 4096), whole);
    }
}
