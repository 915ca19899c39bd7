//! Buttons on GPIO lines, found by name, to ground: a pressed key is low. The kernel debounces where the chip can.

use std::{sync::mpsc::SyncSender, thread, time::Instant};

use gpiocdev::{
    Request,
    line::{Bias, EdgeDetection, EdgeKind, Offset},
};
use relaypacs_panel_core::buttons::{DEBOUNCE_MS, Key};

use super::Source;
use crate::{
    bus::BusError,
    run::{Input, say},
};

/// Takes the lines of UP, DOWN, OK and BACK and starts the thread that reads them.
pub fn start(names: &[&str; 4], events: SyncSender<Input>) -> Result<Source, BusError> {
    let found = gpiocdev::find_named_lines(names, false)?;
    let mut offsets = [0; 4];
    for (name, offset) in names.iter().zip(&mut offsets) {
        *offset = found.get(name).ok_or_else(|| BusError::NoLine((*name).into()))?.info.offset;
    }
    let chip = found.values().next().map(|line| line.chip.clone()).unwrap_or_default();
    let ask = |debounce: bool| {
        let mut builder = Request::builder();
        builder.on_chip(&chip).with_lines(&offsets).as_input().as_active_low().with_bias(Bias::PullUp);
        builder.with_edge_detection(EdgeDetection::BothEdges).with_consumer("relaypacs-panel");
        if debounce {
            builder.with_debounce_period(std::time::Duration::from_millis(u64::from(DEBOUNCE_MS)));
        }
        builder.request()
    };
    let (request, debounced) = match ask(true) {
        Ok(request) => (request, true),
        Err(_) => (ask(false)?, false),
    };
    thread::Builder::new().name("buttons".into()).spawn(move || read(&request, &offsets, &events))?;
    Ok(Source { debounced })
}

fn read(request: &Request, offsets: &[Offset; 4], events: &SyncSender<Input>) {
    for event in request.edge_events() {
        let Ok(event) = event else {
            return say(format_args!("the buttons are gone"));
        };
        let Some((key, pressed)) = edge(offsets, event.offset, event.kind) else { continue };
        if events.send(Input::Edge { at: Instant::now(), key, pressed }).is_err() {
            return;
        }
    }
}

/// What an event of a line is to the panel.
fn edge(offsets: &[Offset; 4], offset: Offset, kind: EdgeKind) -> Option<(Key, bool)> {
    let index = offsets.iter().position(|known| *known == offset)?;
    Some((Key::ALL[index], kind == EdgeKind::Rising)) // rising to active: pressed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_edges_are_the_keys_of_their_lines() {
        let offsets = [17, 27, 22, 23];
        let recorded = [(22, EdgeKind::Rising), (22, EdgeKind::Falling), (23, EdgeKind::Rising), (5, EdgeKind::Rising)];
        let edges: Vec<_> = recorded.iter().map(|(offset, kind)| edge(&offsets, *offset, *kind)).collect();
        assert_eq!(edges, [Some((Key::Ok, true)), Some((Key::Ok, false)), Some((Key::Back, true)), None]);
    }
}
