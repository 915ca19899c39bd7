//! What the panel is told: its section of the box's configuration file, then the command line.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::args::Args;

/// Where the daemon of an installed box listens.
pub const SYSTEM_SOCKET: &str = "/run/relaypacs/panel.sock";

/// The panel's own part of `[panel]`. The daemon checks the section as a whole; keys that are only its own are not read here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Section {
    socket: String,
    display: String,
    buttons: String,
    evdev: String,
    led: String,
    backlight: String,
}

/// What a whole configuration file is to the panel.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct File {
    panel: Section,
}

/// What to show on, what to listen to, whom to talk to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The daemon's socket.
    pub socket: PathBuf,
    /// The display.
    pub display: DisplaySpec,
    /// The buttons.
    pub buttons: ButtonSpec,
    /// A light, as its folder in sysfs.
    pub led: Option<PathBuf>,
    /// What dims a colour display.
    pub backlight: BacklightSpec,
    /// Where requests to the machine are left.
    pub requests: Option<PathBuf>,
    /// Where bytes from the box are recorded.
    pub record: Option<PathBuf>,
}

/// What dims a colour display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BacklightSpec {
    /// Nothing.
    None,
    /// A folder in sysfs.
    Sysfs(PathBuf),
    /// A channel of a Pi's pulse width modulation.
    Pwm(u8),
}

/// What to show on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DisplaySpec {
    /// What is there: framebuffer, then a terminal, then nothing.
    Auto,
    /// Nothing.
    None,
    /// Text on standard output.
    Console,
    /// The picture in memory only: for scripts.
    Memory,
    /// A Linux framebuffer.
    Framebuffer(PathBuf),
    /// 128 × 64 on an I²C bus, with its address.
    Oled(PathBuf, u8),
    /// 128 × 64 on SPI.
    OledSpi(Spi),
    /// 320 × 240 on SPI.
    Tft(Controller, Spi),
}

/// Which chip drives a colour display.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// ST7789.
    St7789,
    /// ILI9341.
    Ili9341,
}

/// How a display hangs on SPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spi {
    /// The spidev device.
    pub device: PathBuf,
    /// Name of the line that tells data from commands.
    pub dc: String,
    /// Name of the line that resets it.
    pub reset: Option<String>,
}

/// What to listen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ButtonSpec {
    /// What is there: lines of the default names, then a terminal.
    Auto,
    /// Nothing.
    None,
    /// Keys on standard input.
    Terminal,
    /// A keyboard.
    Evdev(PathBuf),
    /// GPIO lines by name: UP, DOWN, OK, BACK.
    Gpio([String; 4]),
}

/// Names of the button lines unless others are given.
pub const LINES: [&str; 4] = ["PANEL_UP", "PANEL_DOWN", "PANEL_OK", "PANEL_BACK"];

/// A setting that makes no sense.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The configuration file cannot be read.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A value is none of those that are known.
    #[error("{key} = {value:?}: {rule}")]
    Value {
        /// Which setting.
        key: &'static str,
        /// As it was given.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
}

impl Settings {
    /// Reads file and arguments.
    pub fn new(args: &Args) -> Result<Self, ConfigError> {
        let section = args.config.as_deref().map(read).transpose()?.unwrap_or_default();
        let given = |argument: Option<&str>, key: String| argument.map(str::to_owned).or(Some(key).filter(|key| !key.is_empty()));
        let socket = args.socket.clone().or_else(|| Some(section.socket).filter(|path| !path.is_empty()).map(PathBuf::from));
        let evdev = args.evdev.clone().or_else(|| Some(section.evdev).filter(|path| !path.is_empty()).map(PathBuf::from));
        let display = given(args.display.as_deref(), section.display).unwrap_or_else(|| "auto".into());
        let buttons = given(args.buttons.as_deref(), section.buttons).unwrap_or_else(|| "auto".into());
        Ok(Self {
            socket: socket.unwrap_or_else(|| SYSTEM_SOCKET.into()),
            display: display_spec(&display)?,
            buttons: button_spec(&buttons, evdev)?,
            led: Some(section.led).filter(|name| !name.is_empty()).map(|name| Path::new("/sys/class/leds").join(name)),
            backlight: backlight_spec(&section.backlight)?,
            requests: args.requests.clone(),
            record: args.record.clone(),
        })
    }
}

fn read(path: &Path) -> Result<Section, ConfigError> {
    let wrong = |reason: String| ConfigError::File { path: path.into(), reason };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    toml::from_str::<File>(&text).map(|file| file.panel).map_err(|error| wrong(error.to_string()))
}

/// Reads a display as written: `kind`, or `kind:details`.
pub fn display_spec(text: &str) -> Result<DisplaySpec, ConfigError> {
    let wrong = |rule| ConfigError::Value { key: "panel.display", value: text.into(), rule };
    let (kind, details) = text.split_once(':').map_or((text, None), |(kind, details)| (kind, Some(details)));
    match kind {
        "auto" => Ok(DisplaySpec::Auto),
        "none" => Ok(DisplaySpec::None),
        "console" => Ok(DisplaySpec::Console),
        "framebuffer" => Ok(DisplaySpec::Framebuffer(details.unwrap_or("/dev/fb0").into())),
        "ssd1306" => {
            let (bus, address) = details.unwrap_or("/dev/i2c-1").split_once(',').unwrap_or((details.unwrap_or("/dev/i2c-1"), "0x3c"));
            let address = u8::from_str_radix(address.trim_start_matches("0x"), 16);
            let address = address.ok().filter(|address| (8..0x78).contains(address));
            address.map(|address| DisplaySpec::Oled(bus.into(), address)).ok_or_else(|| wrong("an I2C address is written 0x3c"))
        }
        "ssd1306-spi" | "st7789" | "ili9341" => {
            let mut parts = details.unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
            let (Some(device), Some(dc)) = (parts.next(), parts.next()) else {
                return Err(wrong("a display on SPI is written KIND:/dev/spidev0.0,DC_LINE or KIND:/dev/spidev0.0,DC_LINE,RESET_LINE"));
            };
            let spi = Spi { device: device.into(), dc: dc.into(), reset: parts.next().map(str::to_owned) };
            Ok(match kind {
                "ssd1306-spi" => DisplaySpec::OledSpi(spi),
                "st7789" => DisplaySpec::Tft(Controller::St7789, spi),
                _ => DisplaySpec::Tft(Controller::Ili9341, spi),
            })
        }
        _ => Err(wrong("one of auto, none, console, framebuffer, ssd1306, ssd1306-spi, st7789, ili9341")),
    }
}

/// Reads a backlight as written.
pub fn backlight_spec(text: &str) -> Result<BacklightSpec, ConfigError> {
    let wrong = ConfigError::Value { key: "panel.backlight", value: text.into(), rule: "one of sysfs:NAME, pwm0, pwm1" };
    match text.split_once(':') {
        None if text.is_empty() => Ok(BacklightSpec::None),
        None if text == "pwm0" => Ok(BacklightSpec::Pwm(0)),
        None if text == "pwm1" => Ok(BacklightSpec::Pwm(1)),
        Some(("sysfs", name)) if !name.is_empty() && !name.contains('/') => {
            Ok(BacklightSpec::Sysfs(Path::new("/sys/class/backlight").join(name)))
        }
        _ => Err(wrong),
    }
}

/// Reads buttons as written.
pub fn button_spec(text: &str, evdev: Option<PathBuf>) -> Result<ButtonSpec, ConfigError> {
    let wrong = |rule| ConfigError::Value { key: "panel.buttons", value: text.into(), rule };
    let (kind, details) = text.split_once(':').map_or((text, None), |(kind, details)| (kind, Some(details)));
    match kind {
        "auto" => Ok(evdev.map_or(ButtonSpec::Auto, ButtonSpec::Evdev)),
        "none" => Ok(ButtonSpec::None),
        "terminal" => Ok(ButtonSpec::Terminal),
        "evdev" => evdev.map(ButtonSpec::Evdev).ok_or_else(|| wrong("evdev needs panel.evdev, the device of the panel's keyboard")),
        "gpio" => {
            let names: Vec<String> = details
                .map_or_else(|| LINES.map(str::to_owned).into(), |names| names.split(',').map(|name| name.trim().to_owned()).collect());
            names.try_into().map(ButtonSpec::Gpio).map_err(|_| wrong("four lines are named: gpio:UP,DOWN,OK,BACK"))
        }
        _ => Err(wrong("one of auto, none, terminal, evdev, gpio")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn displays_are_read_as_written() {
        let check = |text: &str, expected: DisplaySpec| assert_eq!(display_spec(text).unwrap(), expected, "{text}");
        check("auto", DisplaySpec::Auto);
        check("framebuffer", DisplaySpec::Framebuffer("/dev/fb0".into()));
        check("ssd1306", DisplaySpec::Oled("/dev/i2c-1".into(), 0x3c));
        check("ssd1306:/dev/i2c-7,0x3d", DisplaySpec::Oled("/dev/i2c-7".into(), 0x3d));
        let spi = Spi { device: "/dev/spidev0.0".into(), dc: "LCD_DC".into(), reset: Some("LCD_RST".into()) };
        check("st7789:/dev/spidev0.0,LCD_DC,LCD_RST", DisplaySpec::Tft(Controller::St7789, spi.clone()));
        check("ssd1306-spi:/dev/spidev0.0,LCD_DC", DisplaySpec::OledSpi(Spi { reset: None, ..spi }));
        for wrong in ["", "hdmi", "ssd1306:/dev/i2c-1,0x99", "ssd1306:/dev/i2c-1,zz", "st7789", "ili9341:/dev/spidev0.0"] {
            assert!(display_spec(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn buttons_are_read_as_written() {
        assert_eq!(button_spec("auto", None).unwrap(), ButtonSpec::Auto);
        assert_eq!(button_spec("evdev", Some("/dev/input/event3".into())).unwrap(), ButtonSpec::Evdev("/dev/input/event3".into()));
        assert_eq!(button_spec("gpio:A,B,C,D", None).unwrap(), ButtonSpec::Gpio(["A", "B", "C", "D"].map(str::to_owned)));
        for wrong in ["evdev", "gpio:A,B", "keys"] {
            assert!(button_spec(wrong, None).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_command_line_wins_over_the_file() {
        use clap::Parser as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relaypacs.toml");
        std::fs::write(&file, "[dicom]\nport = 104\n[panel]\nsocket = \"/a\"\ndisplay = \"ssd1306\"\nallow = [\"view\"]\n").unwrap();
        let file = file.to_str().unwrap();
        let settings = Settings::new(&Args::parse_from(["p", "--config", file])).unwrap();
        assert_eq!((settings.socket, settings.display), ("/a".into(), DisplaySpec::Oled("/dev/i2c-1".into(), 0x3c)));
        let settings = Settings::new(&Args::parse_from(["p", "--config", file, "--display", "none", "--socket", "/b"])).unwrap();
        assert_eq!((settings.socket, settings.display), ("/b".into(), DisplaySpec::None));
    }
}
