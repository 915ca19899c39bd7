use std::io::Cursor;

use super::*;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
/// 16 × 16 × 16 bit, value `4096 x + 16 y`; lossless, written by OpenJPEG 2.5.4.
const J2K_GREY: &[u8] = b"\xffO\xffQ\0)\0\0\0\0\0\x10\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\x10\0\0\0\0\0\0\0\0\0\x01\x0f\x01\x01\xffR\0\x0c\0\0\0\x01\0\x04\x04\x04\0\x01\xff\\\0\x10@\x80\x88\x88\x90\x88\x88\x90\x88\x88\x90\x88\x88\x90\xffd\0%\0\x01Created by OpenJPEG version 2.5.4\xff\x90\0\n\0\0\0\0\0Z\0\x01\xff\x93\xc7\xfe\x0c\x08\x08\x12\xff\x7f\xcf\xfcH\x0e\0~\0@\x04c\x7f\x04_\xc7\xfe\x18\x0b\0\x1fh\x18\r\x02\x063\xbf\x0b=\x84\xc3\xff\x03\x03@\x03\xea\x05\0\"\x1a\x08]\x80o\x03\x7fuR?\xc1\xff@\x01`\x01\xf9\xc2\x806\xa1\x99\xd3\x9f=\xa64`\x7f\xff\xd9";

fn element(tag: u32, vr: &[u8; 2], value: &[u8]) -> Vec<u8> {
    let mut bytes = [((tag >> 16) as u16).to_le_bytes(), (tag as u16).to_le_bytes()].concat();
    bytes.extend_from_slice(vr);
    if matches!(vr, b"OB" | b"OW" | b"SQ") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
    } else {
        bytes.extend_from_slice(&(value.len() as u16).to_le_bytes());
    }
    [&bytes, value].concat()
}

fn short(tag: u32, value: u16) -> Vec<u8> {
    element(tag, b"US", &value.to_le_bytes())
}

/// An image's header, up to its pixels.
fn header(side: u16, bits: u16, more: &[Vec<u8>]) -> Vec<u8> {
    let mut elements = vec![
        // A sequence of undefined length with a nested one, which must be passed over.
        [
            &[8, 0, 0x40, 0x11, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF][..],
            &[0xFE, 0xFF, 0, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF],
            &short(0x0028_0010, 999),
            &[0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0],
        ]
        .concat(),
        short(0x0028_0010, side),
        short(0x0028_0011, side),
        short(0x0028_0100, bits),
    ];
    elements.extend_from_slice(more);
    elements.sort_by_key(|element| (u16::from_le_bytes([element[0], element[1]]), u16::from_le_bytes([element[2], element[3]])));
    elements.concat()
}

fn native(side: u16, bits: u16, more: &[Vec<u8>], pixels: &[u8]) -> Vec<u8> {
    [header(side, bits, more), element(0x7FE0_0010, b"OW", pixels)].concat()
}

fn encapsulated(header: Vec<u8>, table: &[u32], fragments: &[&[u8]]) -> Vec<u8> {
    let mut bytes = [header, b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF".to_vec()].concat();
    let mut item = |value: &[u8]| {
        bytes.extend_from_slice(&[0xFE, 0xFF, 0, 0xE0]);
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        bytes.extend_from_slice(value);
    };
    item(&table.iter().flat_map(|entry| entry.to_le_bytes()).collect::<Vec<_>>());
    fragments.iter().for_each(|fragment| item(fragment));
    [bytes, vec![0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]].concat()
}

fn show(bytes: &[u8], syntax: &str, options: &PreviewOptions) -> Result<(u32, u32, Vec<u8>), PreviewError> {
    let file = render(Cursor::new(bytes), &syntax.parse().unwrap(), options)?;
    let mut reader = png::Decoder::new(Cursor::new(file)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    pixels.truncate(info.buffer_size());
    Ok((info.width, info.height, pixels))
}

fn le(values: impl IntoIterator<Item = u16>) -> Vec<u8> {
    values.into_iter().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn native_frames_are_windowed_and_inverted() {
    let ramp = le((0..16).map(|place| place * 100));
    let two = [ramp.clone(), le([7; 16])].concat();
    let frames = element(0x0028_0008, b"IS", b"2 ");
    let image = native(4, 16, std::slice::from_ref(&frames), &two);
    let (width, height, pixels) = show(&image, EXPLICIT, &PreviewOptions::default()).unwrap();
    assert_eq!((width, height, pixels[0], pixels[15]), (4, 4, 0, 255));
    assert!(pixels.is_sorted());
    let asked = PreviewOptions { window: Some((100.5, 2.0)), ..PreviewOptions::default() };
    let (_, _, pixels) = show(&image, EXPLICIT, &asked).unwrap();
    assert_eq!(pixels.iter().map(|shade| usize::from(*shade == 255)).sum::<usize>(), 14, "{pixels:?}");
    let second = PreviewOptions { frame: 1, ..PreviewOptions::default() };
    let (_, _, pixels) = show(&image, EXPLICIT, &second).unwrap();
    assert!(pixels.iter().all(|shade| *shade == pixels[0]));
    assert!(matches!(show(&image, EXPLICIT, &PreviewOptions { frame: 2, ..second }), Err(PreviewError::NoFrame(2))));
    let inverted = native(4, 16, &[element(0x0028_0004, b"CS", b"MONOCHROME1 ")], &ramp);
    let (_, _, pixels) = show(&inverted, EXPLICIT, &PreviewOptions::default()).unwrap();
    assert_eq!((pixels[0], pixels[15]), (255, 0));
    // Signed Hounsfield units with the image's own window: 12 bits in 16.
    let signed =
        [short(0x0028_0101, 12), short(0x0028_0103, 1), element(0x0028_1050, b"DS", b"-1000 "), element(0x0028_1051, b"DS", b"100 ")];
    let image = native(2, 16, &signed, &le([0x0C18, 0x0000, 0x0C00, 0x07FF])); // -1000, 0, -1024, 2047
    let (_, _, pixels) = show(&image, EXPLICIT, &PreviewOptions::default()).unwrap();
    assert!((126..=130).contains(&pixels[0]) && pixels[1] == 255 && pixels[2] < 70 && pixels[3] == 255, "{pixels:?}");
}

#[test]
fn a_smaller_picture_is_a_mean() {
    let checks: Vec<u8> = (0..64 * 64).map(|place| if (place / 64 + place % 64) % 2 == 0 { 0 } else { 200 }).collect();
    let options = PreviewOptions { size: Some(16), window: Some((128.0, 256.0)), ..PreviewOptions::default() };
    let (width, height, pixels) = show(&native(64, 8, &[], &checks), EXPLICIT, &options).unwrap();
    assert_eq!((width, height), (16, 16));
    assert!(pixels.iter().all(|shade| (98..=102).contains(shade)), "{pixels:?}");
}

#[test]
fn colours_come_out_as_they_are_meant() {
    let rgb = |more: &[Vec<u8>], pixels: &[u8], name: &[u8]| {
        let more = [&[short(0x0028_0002, 3), element(0x0028_0004, b"CS", name)], more].concat();
        show(&native(2, 8, &more, pixels), EXPLICIT, &PreviewOptions::default()).unwrap().2
    };
    let red: Vec<u8> = [250, 10, 20].repeat(4);
    assert_eq!(rgb(&[], &red, b"RGB "), red);
    let planes = [[250; 4], [10; 4], [20; 4]].concat();
    assert_eq!(rgb(&[short(0x0028_0006, 1)], &planes, b"RGB "), red);
    let ybr: Vec<u8> = [76, 85, 255].repeat(4); // red, PS3.3 C.7.6.3.1.2
    let shown = rgb(&[], &ybr, b"YBR_FULL");
    assert!(shown[0] > 250 && shown[1] < 5 && shown[2] < 5, "{shown:?}");
    let halved = [76, 76, 85, 255].repeat(2);
    let shown = rgb(&[], &halved, b"YBR_FULL_422");
    assert!(shown.as_chunks::<3>().0.iter().all(|pixel| pixel[0] > 250 && pixel[1] < 5), "{shown:?}");
    // A palette of four colours, whose first index is 10.
    let table = |values: [u8; 4]| element(0, b"OW", &le(values.map(|value| u16::from(value) << 8)))[12..].to_vec();
    let mut more = vec![element(0x0028_0004, b"CS", b"PALETTE COLOR ")];
    for (number, values) in [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]].into_iter().enumerate() {
        more.push(element(0x0028_1101 + number as u32, b"US", &le([4, 10, 16])));
        more.push(element(0x0028_1201 + number as u32, b"OW", &table(values)));
    }
    let shown = show(&native(2, 8, &more, &[10, 11, 12, 200]), EXPLICIT, &PreviewOptions::default()).unwrap().2;
    assert_eq!(shown, [1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12]);
}

#[test]
fn rle_is_unpacked() {
    // 16 bits, two segments: high bytes 1 for all, low bytes 0, 1, … 15 (a literal run).
    let high = [-15_i8 as u8, 1];
    let low: Vec<u8> = [15].into_iter().chain(0..16).collect();
    let mut frame = vec![0; 64];
    frame[0] = 2;
    frame[4] = 64;
    frame[8] = 66;
    frame.extend_from_slice(&high);
    frame.extend_from_slice(&low);
    frame.push(0);
    let image = encapsulated(header(4, 16, &[]), &[], &[&frame]);
    let options = PreviewOptions { window: Some((264.0, 16.0)), ..PreviewOptions::default() };
    let (_, _, pixels) = show(&image, "1.2.840.10008.1.2.5", &options).unwrap();
    assert!(pixels.is_sorted() && pixels[0] < 20 && pixels[15] > 235, "{pixels:?}");
    frame[0] = 3;
    let broken = encapsulated(header(4, 16, &[]), &[], &[&frame]);
    assert!(matches!(show(&broken, "1.2.840.10008.1.2.5", &options), Err(PreviewError::Broken(_))));
}

#[test]
fn jpeg_2000_is_decoded_in_any_frame() {
    let frames = element(0x0028_0008, b"IS", b"2 ");
    let image = encapsulated(header(16, 16, &[frames]), &[0, 8 + J2K_GREY.len() as u32], &[J2K_GREY, &J2K_GREY[..100], &J2K_GREY[100..]]);
    for frame in [0, 1] {
        let options = PreviewOptions { frame, window: Some((32768.0, 65536.0)), ..PreviewOptions::default() };
        let (width, height, pixels) = show(&image, "1.2.840.10008.1.2.4.90", &options).unwrap();
        assert_eq!((width, height), (16, 16));
        let shade = |x: usize| pixels[8 * 16 + x];
        assert!(shade(0) < 4 && (126..=130).contains(&shade(8)) && shade(15) > 238, "{:?}", &pixels[128..144]);
    }
    let small = PreviewOptions { size: Some(4), ..PreviewOptions::default() };
    let (width, height, pixels) = show(&image, "1.2.840.10008.1.2.4.90", &small).unwrap();
    assert_eq!((width, height), (4, 4));
    assert!(pixels[..4].is_sorted());
}

#[test]
fn what_cannot_be_shown_is_refused_by_name() {
    let image = native(4, 16, &[], &[0; 32]);
    let refused = |bytes: &[u8], syntax: &str| show(bytes, syntax, &PreviewOptions::default()).unwrap_err();
    for syntax in ["1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.201", "1.2.3.4"] {
        match refused(&image, syntax) {
            PreviewError::Unsupported(what) => assert!(what.contains(syntax), "{what}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(refused(&native(4, 1, &[], &[0; 2]), EXPLICIT), PreviewError::Unsupported(_)));
    assert!(matches!(refused(&image[..image.len() - 40], EXPLICIT), PreviewError::NoPixels));
    assert!(matches!(refused(&image[..image.len() - 4], EXPLICIT), PreviewError::Broken(_)));
    assert!(matches!(refused(&header(4, 16, &[]), EXPLICIT), PreviewError::NoPixels));
    assert!(matches!(refused(b"", EXPLICIT), PreviewError::NoPixels));
    let huge = [header(65535, 16, &[]), element(0x7FE0_0010, b"OW", &[0; 8])].concat();
    assert!(matches!(refused(&huge, EXPLICIT), PreviewError::TooBig));
    let jpeg = encapsulated(header(16, 8, &[]), &[], &[b"\xFF\xD8\xFF rubbish"]);
    assert!(matches!(refused(&jpeg, "1.2.840.10008.1.2.4.50"), PreviewError::Broken(_) | PreviewError::Unsupported(_)));
    let mut bent = J2K_GREY.to_vec();
    for at in (60..bent.len()).step_by(7) {
        bent[at] ^= 0x55;
        let image = encapsulated(header(16, 16, &[]), &[], &[&bent]);
        let _ = show(&image, "1.2.840.10008.1.2.4.90", &PreviewOptions::default()); // any answer but a panic
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_give_a_picture_or_a_refusal(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), syntax in 0_usize..5) {
        let syntaxes = [EXPLICIT, "1.2.840.10008.1.2", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"];
        let image = [header(8, 8, &[]), bytes.clone()].concat();
        let _ = show(&image, syntaxes[syntax], &PreviewOptions::default());
        let _ = show(&encapsulated(header(8, 8, &[]), &[], &[&bytes]), syntaxes[syntax], &PreviewOptions::default());
        let _ = show(&bytes, syntaxes[syntax], &PreviewOptions::default());
    }
}
