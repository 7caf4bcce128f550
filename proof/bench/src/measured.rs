//! What a row comes to: its lines of the table, beside their baselines, and how they are shown.

use serde_json::{Value, json};

/// One line of the table. Most rows make one; a row with several percentiles or baselines makes
/// one for each.
pub struct Measured {
    /// The row's name, with what tells its lines apart: `freshness p99`.
    pub name: String,
    /// What the engine reached.
    pub value: f64,
    /// Of both figures: `commands/s`, `ms`.
    pub unit: &'static str,
    /// What the baseline reached.
    pub baseline: f64,
    /// What the baseline is, in a few words.
    pub baseline_is: &'static str,
    /// What `value / baseline` should be.
    pub goal: Goal,
    /// What else helps to judge it, an object for `bench.json`: percentiles, memory, sizes.
    pub details: Value,
}

/// What a ratio should be: at first, and in the end.
#[derive(Clone, Copy)]
pub enum Goal {
    /// A rate: more is better.
    AtLeast { land: f64, goal: f64 },
    /// A time: less is better.
    AtMost { land: f64, goal: f64 },
}

impl Measured {
    /// The figure over its baseline.
    fn ratio(&self) -> f64 {
        self.value / self.baseline
    }

    /// As it stands in `bench.json`.
    pub fn as_json(&self) -> Value {
        let (direction, land, goal) = match self.goal {
            Goal::AtLeast { land, goal } => ("at least", land, goal),
            Goal::AtMost { land, goal } => ("at most", land, goal),
        };
        let mut object = self.details.as_object().cloned().unwrap_or_default();
        let own = json!({
            "row": self.name, "value": self.value, "unit": self.unit, "baseline": self.baseline,
            "baseline_is": self.baseline_is, "ratio": self.ratio(),
            "direction": direction, "land_with": land, "goal": goal, "reached": self.reached(),
        });
        object.extend(own.as_object().cloned().unwrap_or_default());
        Value::Object(object)
    }

    /// How far the ratio is: `goal`, `landed` or `short`.
    fn reached(&self) -> &'static str {
        let ratio = self.ratio();
        match self.goal {
            Goal::AtLeast { goal, .. } if ratio >= goal => "goal",
            Goal::AtLeast { land, .. } if ratio >= land => "landed",
            Goal::AtMost { goal, .. } if ratio <= goal => "goal",
            Goal::AtMost { land, .. } if ratio <= land => "landed",
            _ => "short",
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast { goal, .. } => write!(f, "≥ {goal}"),
            Self::AtMost { goal, .. } => write!(f, "≤ {goal}"),
        }
    }
}

/// The lines under each other, each column as wide as its widest cell.
pub fn table(measured: &[Measured]) -> String {
    let head = ["row", "value", "baseline", "unit", "ratio", "goal", "reached", "baseline is"];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(measured.iter().map(|line| {
        [
            line.name.clone(),
            figure(line.value),
            figure(line.baseline),
            line.unit.to_owned(),
            format!("{:.2}", line.ratio()),
            line.goal.to_string(),
            line.reached().to_owned(),
            line.baseline_is.to_owned(),
        ]
    }));
    let widths: [usize; 8] = std::array::from_fn(|column| {
        lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0)
    });
    let row = |cells: &[String; 8]| {
        let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, width))| {
            // Figures stand on the right, words on the left.
            let is_figure = matches!(column, 1 | 2 | 4);
            if is_figure { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(row).collect::<Vec<_>>().join("\n")
}

/// Rates as whole numbers, times with as many places as tell them apart.
fn figure(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(value: f64, goal: Goal) -> Measured {
        let (name, details) = ("row".to_owned(), Value::Null);
        Measured { name, value, unit: "ms", baseline: 2.0, baseline_is: "less", goal, details }
    }

    #[test]
    fn more_is_better_of_a_rate_and_less_of_a_time() {
        let rate = Goal::AtLeast { land: 0.7, goal: 1.5 };
        let time = Goal::AtMost { land: 3.0, goal: 1.5 };
        let reached = |value, goal| measured(value, goal).reached();
        assert_eq!([1.0, 1.4, 3.0].map(|v| reached(v, rate)), ["short", "landed", "goal"]);
        assert_eq!([7.0, 6.0, 3.0].map(|v| reached(v, time)), ["short", "landed", "goal"]);
    }

    #[test]
    fn details_do_not_hide_a_lines_own_figures() {
        let mut line = measured(1.0, Goal::AtMost { land: 3.0, goal: 1.5 });
        line.details = json!({ "value": 9, "p50": 1 });
        let written = line.as_json();
        assert_eq!(written["value"], json!(1.0));
        assert_eq!(written["ratio"], json!(0.5));
        assert_eq!(written["p50"], json!(1));
    }
}
