//! `[panel]`: the display and buttons at the box.

use std::{path::PathBuf, time::Duration};

use relaypacs_panel_core::wire::{Capabilities, Capability};
use serde::{Deserialize, Serialize};

use super::values::Span;

/// Kinds of displays that the panel's program knows.
const DISPLAYS: [&str; 8] = ["auto", "none", "console", "framebuffer", "ssd1306", "ssd1306-spi", "st7789", "ili9341"];
/// Kinds of buttons that it knows.
const BUTTONS: [&str; 5] = ["auto", "none", "terminal", "evdev", "gpio"];

/// `[panel]`: what the panel may do and show. `display`, `buttons`, `evdev`, `led` and `backlight` are read by the panel's program itself.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Panel {
    /// Path of the panel's socket; empty: in the runtime or the data directory; `off`: none.
    pub(crate) socket: String,
    /// Names of what may be done.
    pub(crate) allow: Vec<String>,
    /// What needs the PIN.
    pub(crate) lock: PanelLock,
    /// File with the PIN.
    pub(crate) pin_file: PathBuf,
    /// What is shown of a study besides modality, time and images.
    pub(crate) study_label: StudyLabel,
    /// The display.
    pub(crate) display: String,
    /// The buttons.
    pub(crate) buttons: String,
    /// Input device for `buttons = "evdev"`.
    pub(crate) evdev: PathBuf,
    /// Name of a LED under `/sys/class/leds`.
    pub(crate) led: String,
    /// What dims a colour display: `sysfs:NAME`, or `pwm0`, `pwm1` on a Pi.
    pub(crate) backlight: String,
    /// Where requests to the machine are left.
    pub(crate) requests: PathBuf,
    /// How long a changed network waits to be confirmed before it goes back.
    pub(crate) network_confirm: Span,
}

/// What needs the PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PanelLock {
    /// Nothing.
    #[default]
    Off,
    /// What changes something.
    Actions,
    /// Looking, too.
    All,
}

/// What is shown of a study besides modality, time and images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StudyLabel {
    /// Nothing.
    #[default]
    None,
    /// The last four characters of the accession number.
    AccessionTail,
    /// The patient's name.
    Name,
}

impl Default for Panel {
    fn default() -> Self {
        Self {
            socket: String::new(),
            allow: Capability::ALL.iter().map(|capability| capability.as_str().to_owned()).collect(),
            lock: PanelLock::Off,
            pin_file: PathBuf::new(),
            study_label: StudyLabel::None,
            display: "auto".into(),
            buttons: "auto".into(),
            evdev: PathBuf::new(),
            led: String::new(),
            backlight: String::new(),
            requests: PathBuf::new(),
            network_confirm: Span(Duration::from_mins(1)),
        }
    }
}

impl Panel {
    /// What may be done.
    pub(crate) fn capabilities(&self) -> Capabilities {
        let known = |name: &String| Capability::ALL.into_iter().find(|capability| capability.as_str() == name);
        self.allow.iter().filter_map(known).fold(Capabilities::default(), Capabilities::with)
    }

    /// Each rule that is broken: key and what is wrong.
    pub(super) fn broken(&self) -> Vec<(&'static str, String)> {
        let mut broken = Vec::new();
        if let Some(name) = self.allow.iter().find(|name| Capability::ALL.iter().all(|capability| capability.as_str() != name.as_str())) {
            let names = Capability::ALL.map(Capability::as_str).join(", ");
            broken.push(("panel.allow", format!("{name:?} is none of {names}")));
        }
        if self.lock != PanelLock::Off && self.pin_file.as_os_str().is_empty() {
            broken.push(("panel.lock", "a lock needs pin_file, the file with the PIN".into()));
        }
        let kind = |text: &str| text.split_once(':').map_or(text, |(kind, _)| kind).to_owned();
        if !DISPLAYS.contains(&kind(&self.display).as_str()) {
            broken.push(("panel.display", format!("{:?} begins with none of {}", self.display, DISPLAYS.join(", "))));
        }
        if !BUTTONS.contains(&kind(&self.buttons).as_str()) {
            broken.push(("panel.buttons", format!("{:?} begins with none of {}", self.buttons, BUTTONS.join(", "))));
        }
        if self.led.contains('/') {
            broken.push(("panel.led", format!("{:?} is no name: those under /sys/class/leds have no /", self.led)));
        }
        let name = self.backlight.strip_prefix("sysfs:").filter(|name| !name.is_empty() && !name.contains('/'));
        if name.is_none() && !["", "pwm0", "pwm1"].contains(&self.backlight.as_str()) {
            broken.push(("panel.backlight", format!("{:?} is none of sysfs:NAME, pwm0, pwm1", self.backlight)));
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_named() {
        let check = |change: fn(&mut Panel), expected: &[&str]| {
            let mut panel = Panel::default();
            change(&mut panel);
            assert_eq!(panel.broken().into_iter().map(|(key, _)| key).collect::<Vec<_>>(), expected);
        };
        check(|_| {}, &[]);
        check(|panel| panel.allow.push("everything".into()), &["panel.allow"]);
        check(|panel| panel.lock = PanelLock::All, &["panel.lock"]);
        check(|panel| panel.display = "hdmi".into(), &["panel.display"]);
        check(|panel| panel.buttons = "gpio:A,B,C,D".into(), &[]);
        check(|panel| (panel.led, panel.backlight) = ("status".into(), "sysfs:10-0045".into()), &[]);
        check(|panel| (panel.led, panel.backlight) = ("../x".into(), "pwm2".into()), &["panel.led", "panel.backlight"]);
    }

    #[test]
    fn what_is_allowed_is_a_capability() {
        assert_eq!(Panel::default().capabilities(), Capabilities::ALL);
        let few = Panel { allow: vec!["view".into(), "test".into()], ..Panel::default() };
        assert!(few.capabilities().has(Capability::Test) && !few.capabilities().has(Capability::Reset));
    }
}
