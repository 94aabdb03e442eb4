//! How numbers are written in tables and plots.

/// Whole, its thousands apart: 25,031.
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 && digit.is_ascii_digit() {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// One digit behind the point below 100, none above.
pub fn rounded(number: f64) -> String {
    if number < 99.95 {
        format!("{number:.1}")
    } else {
        thousands(number)
    }
}

/// A median, and in brackets what 5 and 95 of a hundred rounds were at most: where there is
/// one round only, its figure alone.
pub fn spread(median: f64, least: f64, most: f64) -> String {
    let (median, least, most) = (rounded(median), rounded(least), rounded(most));
    if least == most {
        return median;
    }
    format!("{median} ({least}–{most})")
}

/// How many times one number is another: two digits below 10, none above.
pub fn times(dividend: f64, divisor: f64) -> String {
    let ratio = dividend / divisor;
    if ratio < 10.0 {
        format!("× {ratio:.1}")
    } else {
        format!("× {ratio:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_read_them() {
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(25_031.0), "25,031");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
        assert_eq!(rounded(9.24), "9.2");
        assert_eq!(rounded(99.96), "100");
    }

    #[test]
    fn one_round_has_no_spread() {
        assert_eq!(spread(13.9, 13.2, 15.04), "13.9 (13.2–15.0)");
        assert_eq!(spread(25_031.0, 25_031.0, 25_031.0), "25,031");
    }

    #[test]
    fn ratios() {
        assert_eq!(times(30.0, 8.0), "× 3.8");
        assert_eq!(times(30_000.0, 8.0), "× 3750");
    }
}
