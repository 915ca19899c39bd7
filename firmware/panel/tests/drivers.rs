//! Drivers against what a display makes of their bytes: a little SSD1306 and ST7789 in memory, a file as framebuffer, a bus that fails.
//! (GPIO lines, keyboards and a real framebuffer are met in the image's virtual machine.)

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test's helpers end the test")]

use std::{cell::RefCell, convert::Infallible, fs, rc::Rc};

use embedded_graphics::{
    pixelcolor::{Rgb565, Rgb888, RgbColor, raw::RawU16},
    prelude::RawData as _,
};
use embedded_hal::{digital, i2c, spi};
use embedded_hal_mock::eh1::i2c::{Mock, Transaction};
use relaypacs_panel::{
    config::Controller,
    display::{
        Display, Shown,
        framebuffer::{Framebuffer, Shape},
        oled, tft,
    },
    gallery::Hand,
    picture::{ColourFrame, HEIGHT, WIDTH},
    sample,
};
use relaypacs_panel_core::{
    buttons::Key,
    paint::{MonoFrame, Moving},
    ui::{Layout, Page},
    wire::FromBox,
};

fn page(layout: Layout, downs: usize) -> Page {
    hand(downs).page(layout)
}

fn hand(downs: usize) -> Hand {
    let mut hand = Hand::new([FromBox::Status(sample::well())]);
    (0..downs).for_each(|_| hand.press(Key::Down));
    hand
}

fn shown(page: &Page) -> Shown<'_> {
    Shown { page, moving: Moving::default(), dim: false }
}

/// What an SSD1306 makes of its bytes: the drawing window and the memory (datasheet chapter 10).
#[derive(Default)]
struct Ssd1306 {
    columns: (usize, usize),
    pages: (usize, usize),
    at: (usize, usize),
    memory: Vec<u8>,
    on: bool,
    data_bytes: usize,
    /// A command that still waits for its arguments.
    pending: Vec<u8>,
}

impl Ssd1306 {
    fn write(&mut self, bytes: &[u8]) {
        match bytes.split_first().expect("a control byte") {
            (0x00, commands) => commands.iter().for_each(|byte| self.command(*byte)),
            (0x40, data) => data.iter().for_each(|byte| self.data(*byte)),
            (other, _) => panic!("control byte {other:02x}"),
        }
    }

    fn command(&mut self, byte: u8) {
        self.pending.push(byte);
        match self.pending.as_slice() {
            [0x21, from, to] => (self.columns, self.at.0) = ((usize::from(*from), usize::from(*to)), usize::from(*from)),
            [0x22, from, to] => (self.pages, self.at.1) = ((usize::from(*from), usize::from(*to)), usize::from(*from)),
            [0xaf] => self.on = true,
            // One or two arguments are still to come.
            [0x21 | 0x22 | 0x20 | 0x81 | 0x8d | 0xa8 | 0xd3 | 0xd5 | 0xd9 | 0xda | 0xdb] | [0x21 | 0x22, _] => return,
            _ => {}
        }
        self.pending.clear();
    }

    fn data(&mut self, byte: u8) {
        self.memory.resize(1024, 0);
        self.data_bytes += 1;
        let (column, page) = self.at;
        self.memory[page * 128 + column] = byte;
        self.at = if column < self.columns.1 {
            (column + 1, page)
        } else {
            (self.columns.0, if page < self.pages.1 { page + 1 } else { self.pages.0 })
        };
    }
}

struct I2cWire(Rc<RefCell<Ssd1306>>);

impl i2c::ErrorType for I2cWire {
    type Error = Infallible;
}

impl i2c::I2c for I2cWire {
    fn transaction(&mut self, address: u8, operations: &mut [i2c::Operation<'_>]) -> Result<(), Infallible> {
        assert_eq!(address, 0x3d);
        for operation in operations {
            match operation {
                i2c::Operation::Write(bytes) => self.0.borrow_mut().write(bytes),
                i2c::Operation::Read(_) => panic!("a display is not read"),
            }
        }
        Ok(())
    }
}

#[test]
fn an_oled_shows_the_picture_and_gets_only_what_has_changed() {
    let chip = Rc::new(RefCell::new(Ssd1306::default()));
    let mut display = oled::on_i2c(I2cWire(chip.clone()), 0x3d).unwrap();
    for downs in [0, 1, 6, 0] {
        display.show(&shown(&page(Layout::MONO, downs))).unwrap();
        let mut expected = MonoFrame::new();
        let Ok(()) = relaypacs_panel_core::paint::mono(&page(Layout::MONO, downs), Moving::default(), &mut expected);
        assert!(chip.borrow().on && chip.borrow().memory == expected.0, "screen {downs}");
    }
    let before = chip.borrow().data_bytes;
    display.show(&shown(&page(Layout::MONO, 0))).unwrap();
    assert_eq!(chip.borrow().data_bytes, before, "nothing has changed");
    // The key's label alone.
    let same = page(Layout::MONO, 0);
    display.show(&Shown { moving: Moving { pressed: Key::Ok.bit(), ..Moving::default() }, ..shown(&same) }).unwrap();
    let sent = chip.borrow().data_bytes - before;
    assert!((1..200).contains(&sent), "{sent} bytes for a label");
}

#[test]
fn a_bus_that_fails_is_an_error_and_a_new_start_works() {
    let error = i2c::ErrorKind::NoAcknowledge(i2c::NoAcknowledgeSource::Address);
    // The display's first word, to which nobody answers: the driver gives up there.
    let mut bus = Mock::new(&[Transaction::write(0x3c, vec![0x00, 0xae]).with_error(error)]);
    assert!(oled::on_i2c(bus.clone(), 0x3c).err().expect("an error").to_string().contains("does not start"));
    bus.done();
    let chip = Rc::new(RefCell::new(Ssd1306::default()));
    assert!(oled::on_i2c(I2cWire(chip.clone()), 0x3d).is_ok() && chip.borrow().on);
}

/// What an ST7789 makes of its bytes: window, memory (datasheet 9.1.20 to 9.1.22).
#[derive(Default)]
struct St7789 {
    data: bool,
    command: u8,
    args: Vec<u8>,
    window: [usize; 4],
    at: usize,
    memory: Vec<u16>,
    sent: usize,
}

impl St7789 {
    fn write(&mut self, bytes: &[u8]) {
        if !self.data {
            self.command = bytes[0];
            self.args.clear();
            self.at = 0;
            return;
        }
        self.args.extend(bytes);
        match self.command {
            0x2a | 0x2b if self.args.len() == 4 => {
                let word = |at: usize| usize::from(u16::from_be_bytes([self.args[at], self.args[at + 1]]));
                let (from, to, axis) = (word(0), word(2), usize::from(self.command - 0x2a));
                self.window[axis * 2] = from;
                self.window[axis * 2 + 1] = to;
            }
            0x2c => {
                self.sent += bytes.len();
                self.memory.resize(WIDTH * HEIGHT, 0);
                for pixel in std::mem::take(&mut self.args).chunks_exact(2) {
                    let [left, right, top, _] = self.window;
                    let width = right - left + 1;
                    self.memory[(top + self.at / width) * WIDTH + left + self.at % width] = u16::from_be_bytes([pixel[0], pixel[1]]);
                    self.at += 1;
                }
            }
            _ => {}
        }
    }
}

struct SpiWire(Rc<RefCell<St7789>>);
struct DataLine(Rc<RefCell<St7789>>);

impl spi::ErrorType for SpiWire {
    type Error = Infallible;
}

impl spi::SpiDevice for SpiWire {
    fn transaction(&mut self, operations: &mut [spi::Operation<'_, u8>]) -> Result<(), Infallible> {
        for operation in operations {
            if let spi::Operation::Write(bytes) = operation {
                assert!(bytes.len() <= 4096, "spidev takes no more");
                self.0.borrow_mut().write(bytes);
            }
        }
        Ok(())
    }
}

impl digital::ErrorType for DataLine {
    type Error = Infallible;
}

impl digital::OutputPin for DataLine {
    fn set_low(&mut self) -> Result<(), Infallible> {
        self.0.borrow_mut().data = false;
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        self.0.borrow_mut().data = true;
        Ok(())
    }
}

fn colour(downs: usize) -> ColourFrame {
    let mut frame = ColourFrame::default();
    let Ok(()) = relaypacs_panel_core::paint::colour(&page(Layout::COLOUR, downs), Moving::default(), &mut frame);
    frame
}

#[test]
fn a_colour_display_shows_the_picture_and_gets_only_bands_that_have_changed() {
    for controller in [Controller::St7789, Controller::Ili9341] {
        let chip = Rc::new(RefCell::new(St7789::default()));
        let mut display = tft::open(controller, SpiWire(chip.clone()), DataLine(chip.clone()), None::<DataLine>).unwrap();
        for downs in [6, 0] {
            display.show(&shown(&page(Layout::COLOUR, downs))).unwrap();
            let expected: Vec<u16> = (0..HEIGHT)
                .flat_map(|y| colour(downs).row(y).iter().map(|pixel| RawU16::from(*pixel).into_inner()).collect::<Vec<_>>())
                .collect();
            assert!(chip.borrow().memory == expected, "{controller:?}, screen {downs}");
        }
        let before = chip.borrow().sent;
        let same = page(Layout::COLOUR, 0);
        display.show(&shown(&same)).unwrap();
        assert_eq!(chip.borrow().sent, before, "nothing has changed");
        display.show(&Shown { moving: Moving { pressed: Key::Ok.bit(), ..Moving::default() }, ..shown(&same) }).unwrap();
        assert_eq!(chip.borrow().sent - before, 20 * WIDTH * 2, "one band");
    }
}

#[test]
fn a_framebuffer_gets_the_picture_enlarged_and_centred() {
    let folder = tempfile::tempdir().unwrap();
    let device = folder.path().join("fb0");
    for (width, height, pixel_bytes) in [(640, 480, 4), (800, 600, 2), (320, 240, 4), (1024, 768, 4)] {
        let shape = Shape { width, height, stride: width * pixel_bytes + 64, pixel_bytes };
        fs::write(&device, vec![0x55; shape.stride * height]).unwrap();
        let mut display = Framebuffer::with_shape(&device, shape).unwrap();
        display.show(&shown(&page(Layout::COLOUR, 6))).unwrap();
        let (memory, frame) = (fs::read(&device).unwrap(), colour(6));
        let scale = (width / WIDTH).min(height / HEIGHT);
        let (left, top) = ((width - WIDTH * scale) / 2, (height - HEIGHT * scale) / 2);
        for (x, y) in [(0, 0), (319, 239), (160, 10), (200, 60), (10, 45)] {
            let expected: Rgb565 = frame.row(y)[x];
            let at = (top + y * scale + scale - 1) * shape.stride + (left + x * scale + scale - 1) * pixel_bytes;
            if pixel_bytes == 2 {
                assert_eq!(u16::from_le_bytes([memory[at], memory[at + 1]]), RawU16::from(expected).into_inner(), "{shape:?} {x} {y}");
            } else {
                let expected = Rgb888::from(expected);
                assert_eq!(memory[at..at + 3], [expected.b(), expected.g(), expected.r()], "{shape:?} {x} {y}");
            }
        }
    }
}

#[test]
fn a_framebuffers_shape_is_read_as_sysfs_tells_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("virtual_size", "1024,768\n");
    write("stride", "4096\n");
    write("bits_per_pixel", "32\n");
    assert_eq!(Shape::read(folder.path()).unwrap(), Shape { width: 1024, height: 768, stride: 4096, pixel_bytes: 4 });
    write("bits_per_pixel", "8\n");
    assert!(Shape::read(folder.path()).is_err(), "no colours");
    write("bits_per_pixel", "32\n");
    write("virtual_size", "160,120\n");
    assert!(Shape::read(folder.path()).is_err(), "too small");
}
