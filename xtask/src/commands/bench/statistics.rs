//! Medians and high percentiles.

/// The value that this share of the values does not exceed; 0 when there are none.
pub(super) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a position in a list that fits into memory"
    )]
    let position = (sorted.len() as f64 * share).ceil() as usize;
    sorted
        .get(position.saturating_sub(1))
        .copied()
        .unwrap_or(0.0)
}

pub(super) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

pub(super) fn largest(values: &[f64]) -> f64 {
    percentile(values, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 0.99).to_string(), "198");
        assert_eq!(median(&values).to_string(), "100");
        assert_eq!(largest(&values).to_string(), "200");
        assert_eq!(median(&[7.0]).to_string(), "7");
        assert_eq!(median(&[]).to_string(), "0");
    }
}
