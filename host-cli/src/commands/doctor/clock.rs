//! Whether the engine's clock and ours agree: passwords and backups have dates.

use std::time::{SystemTime, UNIX_EPOCH};

use bollard::models::SystemInfo;

use super::report::Report;

/// Clocks that differ by more than this are wrong.
const SKEW: u64 = 60;

/// The engine's clock is that of the container.
pub(super) fn look(report: &mut Report, info: &SystemInfo, now: SystemTime) {
    let theirs = info.system_time.as_deref().and_then(unix_seconds);
    let ours = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Some(theirs) = theirs else { return };
    let skew = theirs.abs_diff(ours);
    if skew > SKEW {
        let message = format!("the engine's clock and this one differ by {skew} s");
        report.wrong(
            "clock",
            message,
            "`sudo timedatectl set-ntp true` on the machine that is wrong",
        );
    } else {
        report.fine("clock", "the engine's clock is right");
    }
}

/// Seconds since 1970 of a time as RFC 3339 writes it.
fn unix_seconds(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let seconds = number(11, 13)? * 3600 + number(14, 16)? * 60 + number(17, 19)?;
    let zone = text
        .get(19..)?
        .trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let offset = match zone.split_at_checked(1)? {
        ("Z", "") => 0,
        (sign, hours) => {
            let (hours, minutes) = hours.split_once(':')?;
            let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            if sign == "-" { -minutes } else { minutes }
        }
    };
    // Days since 1970, with years that begin in March so that a leap day is last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leaps = year / 4 - year / 100 + year / 400;
    let days = year * 365 + leaps + (153 * month + 2) / 5 + day - 1 - 719_468;
    u64::try_from(days * 86_400 + seconds - offset * 60).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_is_read_as_engines_write_it() {
        assert_eq!(unix_seconds("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(
            unix_seconds("2000-02-29T12:00:00.123456789Z"),
            Some(951_825_600)
        );
        assert_eq!(
            unix_seconds("2026-11-23T07:29:03.5+01:30"),
            Some(1_795_413_543)
        );
        assert_eq!(unix_seconds("2026-11-23"), None);
        assert_eq!(unix_seconds("yesterday, about noon"), None);
    }

    #[test]
    fn a_clock_that_is_wrong_is_told() {
        let info = SystemInfo {
            system_time: Some("2000-02-29T12:00:00Z".into()),
            ..SystemInfo::default()
        };
        let at = |seconds| {
            let mut report = Report::default();
            look(
                &mut report,
                &info,
                UNIX_EPOCH + Duration::from_secs(seconds),
            );
            report.wrongs().len()
        };
        assert_eq!((at(951_825_600), at(951_825_661)), (0, 1));
    }
}
