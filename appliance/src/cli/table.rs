//! Tables that fit the terminal: rows side by side where there is room, else each row as a record of its own. No cell is ever broken: a UID
//! can be copied from any terminal.

use std::fmt::{self, Display, Formatter};

use comfy_table::{CellAlignment, ContentArrangement, presets};

/// Headings and rows, shown as wide as the terminal allows.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// A table with these headings; headings that begin with `>` stand over numbers, which are set to the right.
pub(crate) fn new(headings: &[&'static str]) -> Table {
    Table { headings: headings.to_vec(), rows: Vec::new() }
}

impl Table {
    /// Adds a row; cells that are missing at its end are empty.
    pub(crate) fn add_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// For a terminal with so many columns.
    fn within(&self, width: usize) -> String {
        let tables = [presets::UTF8_BORDERS_ONLY, presets::NOTHING].into_iter().map(|preset| self.table(preset));
        let fits = |table: &String| table.lines().all(|line| line.trim_end().chars().count() <= width);
        tables.into_iter().find(fits).unwrap_or_else(|| self.records(width))
    }

    fn table(&self, preset: &str) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(preset).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(self.headings.iter().map(|heading| heading.trim_start_matches('>')));
        table.add_rows(self.rows.iter());
        for (index, _) in self.headings.iter().enumerate().filter(|(_, heading)| heading.starts_with('>')) {
            if let Some(column) = table.column_mut(index) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        table.to_string()
    }

    /// Each row as its first cell on one line and the others below it, with their headings. What a row has in common with the one before it
    /// from its first cell on is not said twice.
    fn records(&self, width: usize) -> String {
        let mut lines = Vec::new();
        let mut before: &[String] = &[];
        for row in &self.rows {
            let common = row.iter().zip(before).take_while(|(cell, before)| cell == before).count();
            if common == 0 {
                lines.extend(row.first().cloned());
            }
            self.record(row, common.max(1), width, &mut lines);
            before = row;
        }
        lines.join("\n")
    }

    /// The cells of a row from the one with this index on, as many on a line as it has room for.
    fn record(&self, row: &[String], from: usize, width: usize, lines: &mut Vec<String>) {
        let mut line = String::new();
        for (heading, cell) in self.headings.iter().zip(row).skip(from) {
            for part in cell.lines() {
                let entry = format!("  {} {part}", heading.trim_start_matches('>').to_lowercase());
                if !line.is_empty() && line.chars().count() + entry.chars().count() > width {
                    lines.push(std::mem::take(&mut line));
                }
                line.push_str(&entry);
            }
        }
        lines.push(line);
    }
}

impl Display for Table {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        // Into a pipe or file nothing is wrapped: programs cut lines as they like.
        let shown = match console_width() {
            Some(width) => self.within(width),
            None => self.table(presets::NOTHING),
        };
        formatter.write_str(&shown)
    }
}

/// Columns of the terminal that standard output is, if it is one.
fn console_width() -> Option<usize> {
    let probe = comfy_table::Table::new();
    probe.is_tty().then(|| probe.width().map_or(80, usize::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "2.25.255086014472027599730478580719364552192";

    fn studies() -> Table {
        let mut table = new(&["STUDY", "PATIENT", ">INST.", "FLAGS", "DELIVERY"]);
        table.add_row([UID, "PHANTOM^HEAD", "10", "", "main held 0/10 (unreachable)\narchive delivered 10/10"].map(str::to_owned));
        table
    }

    #[test]
    fn where_there_is_room_rows_stand_side_by_side() {
        let shown = studies().within(160);
        assert!(shown.starts_with('┌') && shown.contains(&format!("│ {UID}   PHANTOM^HEAD      10 ")), "{shown}");
    }

    #[test]
    fn where_there_is_none_each_row_is_a_record() {
        let expected =
            format!("{UID}\n  patient PHANTOM^HEAD  inst. 10  delivery main held 0/10 (unreachable)\n  delivery archive delivered 10/10");
        assert_eq!(studies().within(80), expected);
    }

    #[test]
    fn a_record_does_not_repeat_what_the_one_before_it_said() {
        let mut table = new(&["INSTANCE", "SHA-256", "DESTINATION", ">TRIES"]);
        table.add_row([UID, "ab12", "main", "1"].map(str::to_owned));
        table.add_row([UID, "ab12", "archive", "1"].map(str::to_owned));
        let expected = format!("{UID}\n  sha-256 ab12  destination main  tries 1\n  destination archive  tries 1");
        assert_eq!(table.records(80), expected);
    }

    #[test]
    fn no_width_breaks_a_cell() {
        for width in 0..200 {
            let shown = studies().within(width);
            assert!(shown.contains(UID) && shown.contains("main held 0/10 (unreachable)"), "{width}: {shown}");
        }
    }
}
