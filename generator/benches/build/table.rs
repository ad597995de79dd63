//! The table: what was measured, the limit beside it, and whether the goal holds.

use std::time::Duration;

/// What a case was to reach.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// A ratio to the limit.
    Ratio(f64),
    /// So much, in the unit of the measured value.
    Value(f64),
    /// None: the row informs.
    None,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Unit {
    Seconds,
    Millis,
    Bytes,
    Mebibytes,
}

impl Unit {
    fn show(self, value: f64) -> String {
        match self {
            Self::Seconds => format!("{value:.2} s"),
            Self::Millis => format!("{value:.2} ms"),
            Self::Bytes => format!("{value:.0} B"),
            Self::Mebibytes => format!("{value:.1} MiB"),
        }
    }

    /// A time in this unit.
    pub(crate) fn of(self, time: Duration) -> f64 {
        match self {
            Self::Millis => time.as_secs_f64() * 1e3,
            _ => time.as_secs_f64(),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 6]>,
    notes: Vec<String>,
}

impl Table {
    /// Adds a row.
    pub(crate) fn row(
        &mut self,
        case: String,
        unit: Unit,
        measured: f64,
        limit: Option<f64>,
        goal: Goal,
    ) {
        let ratio = limit.map(|limit| measured / limit);
        let (goal, holds) = match goal {
            Goal::Ratio(most) => (format!("≤ {most}"), ratio.map(|ratio| ratio <= most)),
            Goal::Value(most) => (format!("≤ {}", unit.show(most)), Some(measured <= most)),
            Goal::None => (String::new(), None),
        };
        let holds = holds.map_or("", |holds| if holds { "yes" } else { "NO" });
        let row = [
            case,
            unit.show(measured),
            limit.map_or_else(String::new, |limit| unit.show(limit)),
            ratio.map_or_else(String::new, |ratio| format!("{ratio:.3}")),
            goal,
            holds.to_owned(),
        ];
        // Whoever waits sees it come.
        eprintln!("  {}", row.join(" | "));
        self.rows.push(row);
    }

    /// Adds a line below the table.
    pub(crate) fn note(&mut self, note: String) {
        eprintln!("  {note}");
        self.notes.push(note);
    }

    pub(crate) fn print(&self) {
        let head = ["case", "measured", "limit", "ratio", "goal", "holds"].map(str::to_owned);
        let rows = || std::iter::once(&head).chain(&self.rows);
        let width = |column: usize| rows().map(|row| row[column].chars().count()).max();
        let widths: [usize; 6] = std::array::from_fn(|column| width(column).unwrap_or_default());
        println!();
        for row in rows() {
            let [case, numbers @ .., holds] = row;
            let mut line = format!("{case:<0$}", widths[0]);
            for (number, width) in numbers.iter().zip(&widths[1..]) {
                line += &format!("  {number:>width$}");
            }
            println!("{line}  {holds}");
        }
        println!();
        for note in &self.notes {
            println!("{note}");
        }
    }
}
