//! The states between two messages and inside one (PS3.7 §6.3, PS3.8 annex E): which fragment may come next. Pure; a type per state.

use super::{
    pdu::{Fragment, Part},
    violation::Violation,
};
use crate::dimse::Command;

/// Longest command set in bytes. A C-STORE-RQ has about 200; one with lists of tags a few thousand.
pub(crate) const MAX_COMMAND: usize = 16 << 10;

/// Between two messages, or inside a command set.
#[derive(Debug, Default)]
pub(crate) struct AwaitingCommand {
    context: u8,
    bytes: Vec<u8>,
}

/// What a command fragment led to.
#[derive(Debug)]
pub(crate) enum AfterCommand {
    More(AwaitingCommand),
    Complete { context: u8, command: Command },
}

impl AwaitingCommand {
    /// Nothing of a command set has come yet.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn handle(mut self, fragment: &Fragment<'_>) -> Result<AfterCommand, Violation> {
        let Fragment { context, part, bytes, last } = *fragment;
        if part != Part::Command {
            return Err(Violation::UnexpectedFragment { got: part.as_str(), context, expected: "a command" });
        }
        if !self.bytes.is_empty() && context != self.context {
            return Err(Violation::UnexpectedFragment { got: part.as_str(), context, expected: "the rest of a command on its context" });
        }
        if self.bytes.len() + bytes.len() > MAX_COMMAND {
            return Err(Violation::CommandLength(MAX_COMMAND));
        }
        self.context = context;
        if !last {
            self.bytes.extend_from_slice(bytes);
            return Ok(AfterCommand::More(self));
        }
        let command = if self.bytes.is_empty() {
            Command::read(bytes)?
        } else {
            self.bytes.extend_from_slice(bytes);
            Command::read(&self.bytes)?
        };
        Ok(AfterCommand::Complete { context, command })
    }
}

/// A command set has announced a data set.
#[derive(Debug)]
pub(crate) struct AwaitingDataSet {
    context: u8,
}

impl AwaitingDataSet {
    /// On the presentation context of its command.
    pub(crate) const fn on(context: u8) -> Self {
        Self { context }
    }

    /// Whether the fragment belongs to it.
    pub(crate) fn check(&self, fragment: &Fragment<'_>) -> Result<(), Violation> {
        let Fragment { context, part, .. } = *fragment;
        if part == Part::DataSet && context == self.context {
            return Ok(());
        }
        Err(Violation::UnexpectedFragment { got: part.as_str(), context, expected: "the data set on its command's context" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dimse::command::store_request;

    fn fragment(context: u8, part: Part, bytes: &[u8], last: bool) -> Fragment<'_> {
        Fragment { context, part, bytes, last }
    }

    #[test]
    fn a_command_cut_anywhere_is_the_same_command() {
        let uid = "1.2.3".parse().expect("a UID");
        let bytes = store_request(1, &uid, &uid);
        for cut in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(cut);
            let state = match AwaitingCommand::default().handle(&fragment(5, Part::Command, head, false)) {
                Ok(AfterCommand::More(state)) => state,
                other => panic!("cut at {cut}: {other:?}"),
            };
            match state.handle(&fragment(5, Part::Command, tail, true)) {
                Ok(AfterCommand::Complete { context: 5, command }) => assert_eq!(command, Command::read(&bytes).expect("a command set")),
                other => panic!("cut at {cut}: {other:?}"),
            }
        }
    }

    #[test]
    fn other_fragments_are_violations() {
        let begun = || match AwaitingCommand::default().handle(&fragment(5, Part::Command, &[0, 0], false)) {
            Ok(AfterCommand::More(state)) => state,
            other => panic!("{other:?}"),
        };
        assert!(matches!(begun().handle(&fragment(5, Part::DataSet, &[], true)), Err(Violation::UnexpectedFragment { .. })));
        assert!(matches!(begun().handle(&fragment(7, Part::Command, &[], true)), Err(Violation::UnexpectedFragment { .. })));
        assert!(matches!(begun().handle(&fragment(5, Part::Command, &[0; MAX_COMMAND], true)), Err(Violation::CommandLength(_))));
        let data = AwaitingDataSet::on(5);
        assert!(data.check(&fragment(5, Part::DataSet, &[], false)).is_ok());
        assert!(data.check(&fragment(7, Part::DataSet, &[], false)).is_err());
        assert!(data.check(&fragment(5, Part::Command, &[], false)).is_err());
    }
}
