//! A person's key: made, written for phones and for the module, and a code checked against
//! it once, before the module knows it.

use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use crate::monitor::random;
use crate::wire::{SCRATCH_CODES, Secret, Time};

/// The secret that a phone and this server share, and how codes come from it. The builder's
/// defaults are what every phone knows: HMAC-SHA-1, six digits, steps of 30 s, and a key of
/// 160 bits, as RFC 4226 advises; in base32 that needs no padding.
pub(super) struct Key(Totp);

impl Key {
    pub(super) fn make() -> Self {
        Self::of(&random::bytes())
    }

    fn of(bytes: &[u8; 20]) -> Self {
        let secret = totp_rs::Secret::new_stack(*bytes);
        // build() checks the numbers that the builder begins with, and the key's length.
        Self(Builder::new().with_secret(secret).build_noncompliant())
    }

    pub(super) fn base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.secret().to_base32())
    }

    /// Returns the step that the code is of: this one, the one before or the next, as the
    /// module takes them.
    pub(super) fn step_of(&self, code: &[u8], now: Time) -> Option<u64> {
        self.0.check(str::from_utf8(code).ok()?, now)
    }
}

/// Codes for when the phone is lost. The module knows them by their eight digits, the first
/// of which is no 0.
pub(super) fn scratch_codes() -> Vec<Secret> {
    let codes = std::iter::repeat_with(random::number).filter_map(|number| {
        // 27 bits: most of them are in range, and each as likely as another.
        let number = number >> 37;
        let text = Zeroizing::new(number.to_string());
        (10_000_000..100_000_000)
            .contains(&number)
            .then(|| Secret::from_text(&text))?
    });
    codes.take(SCRATCH_CODES).collect()
}

/// The module's file: FILEFORMAT in its documentation. The code of `used` is not good for a
/// login any more. Three logins within half a minute at most, whoever they come from: the
/// limits of addresses do not hold somebody who knows the password and has many.
pub(super) fn file(key: &Key, scratch: &[Secret], used: u64, uid: u32) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
    bytes.extend_from_slice(key.base32().as_bytes());
    let options = format!(
        "\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n\" DISALLOW_REUSE {used}\n\" TOTP_AUTH\n{OWNER}{uid}\n"
    );
    bytes.extend_from_slice(options.as_bytes());
    for code in scratch {
        bytes.extend_from_slice(code.expose());
        bytes.push(b'\n');
    }
    bytes
}

/// Returns what is wrong with a file of the module. The lines it is searched for are those
/// without which the module refuses each code, or takes one again and again.
pub(super) fn fault(bytes: &[u8]) -> Option<String> {
    let Ok(text) = str::from_utf8(bytes) else {
        return Some("it is no text".to_owned());
    };
    if text.contains('\0') {
        return Some("it holds a zero byte".to_owned());
    }
    let first = text.lines().next().unwrap_or_default();
    let key = totp_rs::Secret::try_from_base32(first);
    // RFC 4226 asks for 128 bits; google-authenticator(1) made keys of 80.
    if !key.is_ok_and(|key| key.as_bytes().len() >= 10) {
        return Some("its first line is no key".to_owned());
    }
    let is_there = |word: &str| {
        let options = text.lines().filter_map(|line| line.strip_prefix("\" "));
        options
            .filter_map(|line| line.split(' ').next())
            .any(|found| found == word)
    };
    let missing = ["TOTP_AUTH", "DISALLOW_REUSE"]
        .into_iter()
        .find(|word| !is_there(word))?;
    Some(format!("a line is missing: {missing}"))
}

/// The line of ours, which the module leaves as it is.
pub(super) const OWNER: &str = "\" OCC_UID ";

#[cfg(test)]
mod tests {
    use super::*;

    /// The last six digits of RFC 6238, appendix B.
    #[test]
    fn codes_are_those_of_the_standard() {
        let key = Key::of(b"12345678901234567890");
        for (time, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            for near in [time - 30, time, time + 30] {
                assert_eq!(key.step_of(code.as_bytes(), near), Some(time / 30));
            }
            for far in [time.saturating_sub(60), time + 60] {
                let found = key.step_of(code.as_bytes(), far);
                assert!(found.is_none() || far < 30, "{time} {far}");
            }
        }
        for wrong in [
            "",
            "287083",
            "2870820",
            "28708",
            "287 082",
            "+28708",
            "２８７０８２",
        ] {
            assert_eq!(key.step_of(wrong.as_bytes(), 59), None, "{wrong}");
        }
        assert_eq!(key.step_of(b"28708\xff", 59), None);
    }

    #[test]
    fn file_is_what_the_module_reads() {
        let key = Key::of(&[0; 20]);
        let scratch = ["11111111", "22222222"].map(|code| Secret::from_text(code).unwrap());
        let text = file(&key, &scratch, 59_860_942, 10_000);
        let expected = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 3\n\" DISALLOW_REUSE 59860942\n\" TOTP_AUTH\n\" OCC_UID 10000\n11111111\n22222222\n";
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }

    #[test]
    fn damage_is_found_in_every_part_of_a_file() {
        let scratch = ["11111111".to_owned()].map(|code| Secret::from_text(&code).unwrap());
        let whole = file(&Key::of(&[7; 20]), &scratch, 59_860_942, 10_000);
        assert_eq!(fault(&whole), None);
        let needed = whole
            .windows(9)
            .position(|part| part == b"TOTP_AUTH")
            .unwrap();
        for length in 0..needed + 9 {
            assert!(fault(&whole[..length]).is_some(), "cut at {length}");
        }
        // As the module writes it after logins.
        let used = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n\" RATE_LIMIT 3 30 1790000000\n\" DISALLOW_REUSE 59860942 59860943\n\" TOTP_AUTH\n";
        assert_eq!(fault(used.as_bytes()), None);
        for (damaged, why) in [
            (
                used.replace("\" TOTP_AUTH", "\" HOTP_COUNTER 1"),
                "a line is missing: TOTP_AUTH",
            ),
            (
                used.replace("\" DISALLOW_REUSE", "DISALLOW_REUSE"),
                "a line is missing: DISALLOW_REUSE",
            ),
            (used.replace("GEZD", "0189"), "its first line is no key"),
            (used.replacen('\n', "\0\n", 1), "it holds a zero byte"),
        ] {
            assert_eq!(fault(damaged.as_bytes()).as_deref(), Some(why));
        }
        assert_eq!(fault(b"\xff\n").as_deref(), Some("it is no text"));
    }

    #[test]
    fn scratch_codes_are_numbers_of_eight_digits() {
        let codes = scratch_codes();
        assert_eq!(codes.len(), SCRATCH_CODES);
        for code in &codes {
            let digits = code.expose();
            assert!(digits.len() == 8 && digits[0] != b'0');
            assert!(digits.iter().all(u8::is_ascii_digit));
        }
    }
}
