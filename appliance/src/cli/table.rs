//! Tables that fit the terminal.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

/// A table with these headings; headings that begin with `>` stand over numbers, which are set to the right.
pub(crate) fn new(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        // Into a pipe or file nothing is wrapped: programs cut lines as they like.
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    }
    table.set_header(headings.iter().map(|heading| Cell::new(heading.trim_start_matches('>'))));
    for (index, _) in headings.iter().enumerate().filter(|(_, heading)| heading.starts_with('>')) {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
