//! Compares the engine's clock with ours: passwords and backups have dates.

use bollard::models::SystemInfo;
use jiff::Timestamp;

use super::report::Report;

/// Clocks that differ by more seconds than this are wrong.
const SKEW: u64 = 60;

/// The engine's clock is that of the container.
pub(super) fn look(report: &mut Report, info: &SystemInfo, now: Timestamp) {
    let theirs = info.system_time.as_deref().map(str::parse::<Timestamp>);
    let Some(Ok(theirs)) = theirs else { return };
    let skew = theirs.as_second().abs_diff(now.as_second());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_that_differs_by_more_than_a_minute_is_reported() {
        let info = SystemInfo {
            system_time: Some("2000-02-29T13:30:00.123456789+01:30".into()),
            ..SystemInfo::default()
        };
        let wrongs = |seconds| {
            let mut report = Report::default();
            look(&mut report, &info, Timestamp::from_second(seconds).unwrap());
            report.wrongs().len()
        };
        assert_eq!((wrongs(951_825_660), wrongs(951_825_661)), (0, 1));
    }
}
