//! The light at the box's front, and what lights a colour display. Both are optional; one that cannot be set is said once and done without.

use std::{fs, io, path::Path};

use relaypacs_panel_core::{ui::Link, wire::Word};

use crate::{
    config::{BacklightSpec, Settings},
    run::say,
};

/// The part of full brightness that a dimmed display has, as a divisor.
const DIMMED: u32 = 10;

/// What the light says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Steady: all is well.
    Steady,
    /// Once a second: somebody must act.
    Slow,
    /// Twice a second: no images are accepted, or the box does not answer.
    Fast,
}

impl Signal {
    /// What a box says; `None`: it has not said anything yet.
    pub const fn of(link: Link, word: Option<Word>) -> Self {
        match (link, word) {
            (Link::Up, Some(Word::Ok)) => Self::Steady,
            (Link::Gone | Link::Mismatch(_), _) | (_, Some(Word::Stopped)) => Self::Fast,
            (Link::Up | Link::Waiting, _) => Self::Slow,
        }
    }
}

/// What is lit.
#[derive(Debug)]
pub struct Lights {
    led: Option<std::path::PathBuf>,
    signal: Option<Signal>,
    backlight: Option<Backlight>,
    dim: bool,
}

#[derive(Debug)]
enum Backlight {
    Sysfs(std::path::PathBuf),
    #[cfg(feature = "pi")]
    Pwm(rppal::pwm::Pwm),
}

impl Lights {
    /// Those of the settings.
    pub fn new(settings: &Settings) -> Self {
        Self { led: settings.led.clone(), signal: None, backlight: Backlight::open(&settings.backlight), dim: false }
    }

    /// Sets what has changed.
    pub fn set(&mut self, signal: Signal, dim: bool) {
        if let Some(led) = self.led.take_if(|_| self.signal != Some(signal)) {
            self.signal = Some(signal);
            match blink(&led, signal) {
                Ok(()) => self.led = Some(led),
                Err(error) => say(format_args!("the light {} cannot be set and is left alone: {error}", led.display())),
            }
        }
        if let Some(backlight) = self.backlight.take_if(|_| self.dim != dim) {
            self.dim = dim;
            match backlight.set(dim) {
                Ok(()) => self.backlight = Some(backlight),
                Err(error) => say(format_args!("the backlight cannot be set and is left alone: {error}")),
            }
        }
    }
}

/// The kernel blinks by itself: its trigger `timer`, with milliseconds lit and dark.
fn blink(led: &Path, signal: Signal) -> io::Result<()> {
    let write = |file: &str, text: &str| fs::write(led.join(file), text);
    let half = match signal {
        Signal::Steady => {
            write("trigger", "none")?;
            let most = fs::read_to_string(led.join("max_brightness")).unwrap_or_else(|_| "1".into());
            return write("brightness", most.trim());
        }
        Signal::Slow => "500",
        Signal::Fast => "250",
    };
    write("trigger", "timer")?;
    write("delay_on", half)?;
    write("delay_off", half)
}

impl Backlight {
    fn open(spec: &BacklightSpec) -> Option<Self> {
        match spec {
            BacklightSpec::None => None,
            BacklightSpec::Sysfs(folder) => Some(Self::Sysfs(folder.clone())),
            BacklightSpec::Pwm(channel) => Self::pwm(*channel),
        }
    }

    #[cfg(feature = "pi")]
    fn pwm(channel: u8) -> Option<Self> {
        use rppal::pwm::{Channel, Polarity, Pwm};
        let channel = if channel == 0 { Channel::Pwm0 } else { Channel::Pwm1 };
        match Pwm::with_frequency(channel, 1_000.0, 1.0, Polarity::Normal, true) {
            Ok(pwm) => Some(Self::Pwm(pwm)),
            // Off a Pi, or without access to its registers.
            Err(error) => {
                say(format_args!("the backlight's PWM cannot be used: {error}"));
                None
            }
        }
    }

    #[cfg(not(feature = "pi"))]
    fn pwm(_: u8) -> Option<Self> {
        say(format_args!("this program was built without the feature pi: the backlight is left alone"));
        None
    }

    fn set(&self, dim: bool) -> io::Result<()> {
        match self {
            Self::Sysfs(folder) => {
                let most = fs::read_to_string(folder.join("max_brightness"))?.trim().parse::<u32>().map_err(io::Error::other)?;
                let wanted = if dim { (most / DIMMED).max(1) } else { most };
                fs::write(folder.join("brightness"), wanted.to_string())
            }
            #[cfg(feature = "pi")]
            Self::Pwm(pwm) => pwm.set_duty_cycle(if dim { 1.0 / f64::from(DIMMED) } else { 1.0 }).map_err(io::Error::other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_light_and_the_backlight_are_set_as_sysfs_wants_them() {
        let folder = tempfile::tempdir().unwrap();
        let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap_or_default();
        fs::write(folder.path().join("max_brightness"), "255\n").unwrap();
        let mut lights =
            Lights { led: Some(folder.path().into()), signal: None, backlight: Some(Backlight::Sysfs(folder.path().into())), dim: false };
        lights.set(Signal::of(Link::Up, Some(Word::Degraded)), false);
        assert_eq!((read("trigger"), read("delay_on"), read("delay_off")), ("timer".into(), "500".into(), "500".into()));
        lights.set(Signal::of(Link::Gone, Some(Word::Ok)), true);
        assert_eq!((read("trigger"), read("delay_on"), read("brightness")), ("timer".into(), "250".into(), "25".into()));
        lights.set(Signal::of(Link::Up, Some(Word::Ok)), false);
        assert_eq!((read("trigger"), read("brightness")), ("none".into(), "255".into()));
    }

    #[test]
    fn what_cannot_be_set_is_left_alone() {
        let mut lights =
            Lights { led: Some("/nowhere".into()), signal: None, backlight: Some(Backlight::Sysfs("/nowhere".into())), dim: false };
        lights.set(Signal::Fast, true);
        assert!(lights.led.is_none() && lights.backlight.is_none());
    }
}
