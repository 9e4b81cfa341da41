//! Times as Graph writes them.

/// Appends `YYYY-MM-DDTHH:MM:SS`, without a zone.
pub fn write_seconds(seconds: i64, out: &mut Vec<u8>) {
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
    let (year, month, day) = civil(days);
    pair(year / 100, out);
    for (before, part) in [
        (b' ', year % 100),
        (b'-', month),
        (b'-', day),
        (b'T', second / 3600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        if before != b' ' {
            out.push(before);
        }
        pair(part, out);
    }
}

/// RFC 3339 in UTC, with milliseconds.
pub fn from_ms(at_ms: i64) -> String {
    let mut out = Vec::with_capacity(24);
    write_seconds(at_ms.div_euclid(1000), &mut out);
    let text = String::from_utf8(out).unwrap_or_default();
    format!("{text}.{:03}Z", at_ms.rem_euclid(1000))
}

/// Reads RFC 3339; milliseconds since 1970.
pub fn parse_ms(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(|time| time.as_millisecond())
}

fn pair(number: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(&[b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]);
}

/// Year, month and day of a day counted from 1970 (Hinnant's algorithm).
fn civil(days: i64) -> (u32, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u32, month as u32, day as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_back() {
        for at_ms in [0, 951_782_400_000, 1_709_164_799_123, 1_767_225_599_999, 4_102_444_800_000] {
            assert_eq!(parse_ms(&from_ms(at_ms)), Some(at_ms), "{}", from_ms(at_ms));
        }
        assert_eq!(from_ms(951_782_400_000), "2000-02-29T00:00:00.000Z");
    }
}
