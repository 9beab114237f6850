//! Figures of a benchmark: one line of JSON each as they come, a table at the end.
//!
//! It measures nothing by itself.

/// What a figure must not exceed.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    None,
    AtMost(f64),
}

struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    goal: Goal,
}

#[derive(Default)]
pub struct Figures(Vec<Figure>);

impl Figures {
    /// Keeps a figure and prints its line of JSON.
    pub fn note(&mut self, name: impl Into<String>, value: f64, unit: &'static str, goal: Goal) {
        let name = name.into();
        let within = match goal {
            Goal::None => String::new(),
            Goal::AtMost(most) => format!(",\"at_most\":{most},\"met\":{}", is_met(value, most)),
        };
        println!("{{\"figure\":\"{name}\",\"value\":{value:.4},\"unit\":\"{unit}\"{within}}}");
        self.0.push(Figure {
            name,
            value,
            unit,
            goal,
        });
    }

    /// The table, for people.
    pub fn table(&self) {
        println!();
        for figure in &self.0 {
            let verdict = match figure.goal {
                Goal::None => String::new(),
                Goal::AtMost(most) if is_met(figure.value, most) => format!("  goal {most}, met"),
                Goal::AtMost(most) => format!("  goal {most}, MISSED"),
            };
            println!(
                "{:<58}{:>12.4} {:<6}{verdict}",
                figure.name, figure.value, figure.unit
            );
        }
    }
}

/// The sample at a share of all, nearest rank.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index below the number of samples"
)]
pub fn quantile(mut samples: Vec<f64>, share: f64) -> f64 {
    samples.sort_by(f64::total_cmp);
    let at = (samples.len() as f64 * share).ceil() as usize;
    samples
        .get(at.saturating_sub(1))
        .copied()
        .unwrap_or(f64::NAN)
}

/// As exact as it is printed.
fn is_met(value: f64, most: f64) -> bool {
    value <= most + 0.00005
}
