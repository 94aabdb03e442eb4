//! A table in Markdown, aligned for the terminal as well.

use std::fmt;

/// Rows of cells; the first row is the head, the first column says what.
#[derive(Debug, Clone, Default)]
pub struct Table(Vec<Vec<String>>);

impl Table {
    /// A table with nothing but its head.
    pub fn new<T: ToString>(head: impl IntoIterator<Item = T>) -> Self {
        let mut table = Self::default();
        table.row(head);
        table
    }

    /// Adds a row; cells that are missing at its end are empty.
    pub fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.0
            .push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.0.iter().map(Vec::len).max().unwrap_or(0);
        let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
        let width = |column| {
            let cells = self.0.iter().map(|row| cell(row, column).chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (number, row) in self.0.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let text = cell(row, column);
                if column == 0 {
                    write!(f, "| {text:<width$} |")?;
                } else {
                    write!(f, " {text:>width$} |")?;
                }
            }
            writeln!(f)?;
            if number == 0 {
                writeln!(f, "|---|{}", "---:|".repeat(columns.saturating_sub(1)))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown() {
        let mut table = Table::new(["µs per account", "100", "1,000"]);
        table.row(["ours", "8.1"]);
        assert_eq!(
            table.to_string(),
            "| µs per account | 100 | 1,000 |\n|---|---:|---:|\n| ours           | 8.1 |       |\n"
        );
    }
}
