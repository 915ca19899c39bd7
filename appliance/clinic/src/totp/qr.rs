//! A text as a QR code, as a PNG.

use qrcode::{Color, EcLevel, QrCode};

/// Pixels a module.
const SCALE: usize = 6;
/// Modules of white around (ISO/IEC 18004 asks for four).
const QUIET: usize = 4;

/// The QR code of a text of at most 1,000 bytes as a black and white PNG; `None`: it is too long.
pub fn png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::with_error_correction_level(text.get(..1000.min(text.len()))?, EcLevel::M).ok().filter(|_| text.len() <= 1000)?;
    let (modules, width) = (code.to_colors(), code.width());
    let side = (width + 2 * QUIET) * SCALE;
    let is_dark = |x: usize, y: usize| {
        let (column, row) = ((x / SCALE).checked_sub(QUIET), (y / SCALE).checked_sub(QUIET));
        matches!((column, row), (Some(column), Some(row)) if column < width && row < width && modules[row * width + column] == Color::Dark)
    };
    // One bit a pixel, 1 is white, rows padded to whole bytes.
    let mut pixels = vec![0xff_u8; side.div_ceil(8) * side];
    for y in 0..side {
        for x in (0..side).filter(|x| is_dark(*x, y)) {
            pixels[y * side.div_ceil(8) + x / 8] &= !(0x80 >> (x % 8));
        }
    }
    let mut file = Vec::new();
    let length = u32::try_from(side).ok()?;
    let mut encoder = png::Encoder::new(&mut file, length, length);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    encoder.write_header().ok()?.write_image_data(&pixels).ok()?;
    Some(file)
}
