//! What happened, and what everybody has in the end.

use std::fmt::Write;

/// One step of the story.
#[derive(Debug, Default, Clone)]
pub struct Row {
    pub step: &'static str,
    pub transactions: usize,
    pub gas: u64,
}

/// A told story.
#[derive(Debug, Default)]
pub struct Report {
    pub rows: Vec<Row>,
    /// What must be the same on every chain: a name and a value.
    pub figures: Vec<(String, String)>,
}

impl Report {
    pub fn table(&self, world: &str) -> String {
        let mut text = format!("\n{world}\n{:<46} {:>12} {:>12}\n", "step", "transactions", "gas");
        for row in &self.rows {
            writeln!(text, "{:<46} {:>12} {:>12}", row.step, row.transactions, row.gas).unwrap();
        }
        let transactions: usize = self.rows.iter().map(|row| row.transactions).sum();
        let gas: u64 = self.rows.iter().map(|row| row.gas).sum();
        writeln!(text, "{:<46} {transactions:>12} {gas:>12}\n", "in all").unwrap();
        for (name, value) in &self.figures {
            writeln!(text, "{name:<46} {value:>32}").unwrap();
        }
        text
    }

    /// What differs, but for gas: a proof's bytes are random, and each zero among them is cheaper.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let count = |report: &Self| {
            let rows = report.rows.iter();
            rows.map(|row| (format!("transactions: {}", row.step), row.transactions.to_string()))
                .collect::<Vec<_>>()
        };
        let all = |report: &Self| [count(report), report.figures.clone()].concat();
        let (mine, others) = (all(self), all(other));
        let lengths =
            (mine.len() != others.len()).then(|| format!("{} against {} figures", mine.len(), others.len()));
        let differing = mine.iter().zip(&others).filter(|(mine, other)| mine != other);
        lengths
            .into_iter()
            .chain(differing.map(|(mine, other)| format!("{mine:?} against {other:?}")))
            .collect()
    }
}
