//! File content: the redirect, and the pre-authenticated URL that it points to.

use super::children::with_item;
use super::item_json::ItemWriter;
use super::place::Place;
use super::route::Route;
use crate::faults::{Plan, PoisonKind};
use crate::judge::ViolationKind;
use crate::model::drive::Drive;
use crate::model::ids::{self, Guid};
use crate::model::item::flag;
use crate::state::SimState;
use crate::wire::answer::{Answer, Outcome, Payload, Refusal};
use crate::wire::ask::Ask;
use crate::wire::token;

/// Answers `/content` by a redirect.
pub fn redirect(state: &SimState, ask: &Ask, route: &Route) -> Outcome {
    if !ask.header("range").is_empty() {
        state.ledger.record(ViolationKind::RangeOnContent, state.now_ms(), "GET content");
    }
    with_item(state, route, |drive, index| {
        let Some(item) = drive.item(index).filter(|item| item.is_file()) else {
            return Err(Refusal::invalid("The item is not a file."));
        };
        let tag = ask.header("if-none-match");
        if !tag.is_empty()
            && (tag.contains(&format!("}},{}\"", item.ctag)) || tag.contains(&format!("}},{}\"", item.etag)))
        {
            return Ok(Answer::empty(304));
        }
        refuse_bad(state, drive, index, item.flags)?;
        let writer = ItemWriter::new(state, drive, 0, false);
        Ok(Answer::empty(302).with("location", writer.url_of(index, item)))
    })
}

/// What is named by the URL of a download, if its seal is whole.
pub fn named(state: &SimState, ask: &Ask) -> Option<(u32, Place)> {
    let [drive, item, ..] = fields(state, ask)?;
    Some((drive as u32, Place::Item(item as u32)))
}

fn fields(state: &SimState, ask: &Ask) -> Option<[u64; 4]> {
    let text = ask.query.get("tempauth")?.strip_prefix("v1.")?;
    token::unseal(state.tenant.seed(), "download", text).ok()
}

/// First byte asked for; 0 without `Range`.
pub fn range_start(ask: &Ask) -> u64 {
    let range = ask.header("range").strip_prefix("bytes=").and_then(|range| range.split('-').next());
    range.and_then(|start| start.parse().ok()).unwrap_or(0)
}

/// Answers a pre-authenticated URL.
pub fn content(state: &SimState, ask: &Ask, route: &Route, plan: &mut Plan) -> Outcome {
    let Some([drive_number, index, _, expires_s]) = fields(state, ask) else {
        return Err(Refusal::new(401, "unauthenticated", "The URL's signature is not valid."));
    };
    refuse_authorization(state, ask)?;
    if state.now_ms() / 1000 > expires_s as i64 {
        state.ledger.record(ViolationKind::ExpiredUrl, state.now_ms(), "GET download");
        return Err(Refusal::new(401, "unauthenticated", "The URL has expired."));
    }
    let (drive_number, index) = (drive_number as u32, index as u32);
    with_item(state, route, |drive, _| {
        let item = *drive.item(index).filter(|item| item.is_file()).ok_or_else(Refusal::not_found)?;
        match refuse_bad(state, drive, index, item.flags) {
            Ok(Some(PoisonKind::Corrupt)) => plan.shape.corrupt = Some(u64::from(index)),
            Ok(_) => {}
            Err(refusal) => return Err(refusal),
        }
        let unique = ids::guid(drive.seed, Guid::ListItem, u64::from(drive_number) << 32 | u64::from(index));
        let etag = format!("\"{{{unique}}},{}\"", item.ctag);
        let wanted = ask.header("if-match");
        if !wanted.is_empty() && wanted != "*" && !wanted.contains(&etag) {
            return Err(Refusal::new(412, "resourceModified", "ETag does not match current item's value"));
        }
        let size = item.size;
        let (mut start, mut end) = (0, size);
        let ranged = parse_range(ask.header("range"), size).filter(|_| !plan.ignore_range);
        if let Some(range) = ranged {
            let Some(range) = range else {
                let refusal = Refusal::new(416, "invalidRange", "The specified byte range is invalid.");
                return Err(refusal.with("content-range", format!("bytes */{size}")));
            };
            (start, end) = range;
            if plan.wrong_range {
                start -= start.min(100).max(start / 2);
            }
        }
        state.counters.download(drive_number, index, start, end - start);
        let mut answer = Answer::bytes(if ranged.is_some() { 206 } else { 200 }, drive.mime(&item), "");
        if ranged.is_some() {
            let shift = u64::from(plan.shape.wrong_content_range);
            answer = answer.with(
                "content-range",
                format!("bytes {}-{}/{size}", start + shift, (end + shift).saturating_sub(1)),
            );
        }
        let name = percent_encoding::utf8_percent_encode(
            &drive.name(index, &item),
            percent_encoding::NON_ALPHANUMERIC,
        )
        .to_string();
        answer.body = Payload::Content(drive.content(&item), start..end);
        Ok(answer
            .with("etag", etag)
            .with("accept-ranges", "bytes")
            .with("content-disposition", format!("attachment;filename*=UTF-8''{name}")))
    })
}

/// Refuses `Authorization` on a pre-authenticated URL, unless it is told to be lenient.
pub fn refuse_authorization(state: &SimState, ask: &Ask) -> Result<(), Refusal> {
    if !ask.headers.contains_key("authorization") {
        return Ok(());
    }
    state.ledger.record(ViolationKind::AuthorizationOnPreauth, state.now_ms(), ask.method.as_str());
    if state.config.wire.lenient_preauth {
        return Ok(());
    }
    Err(Refusal::new(401, "unauthenticated", "The caller is not authenticated."))
}

/// Refuses content that can never be had: flagged as malware, or poisoned.
fn refuse_bad(
    state: &SimState,
    drive: &Drive,
    index: u32,
    flags: u16,
) -> Result<Option<PoisonKind>, Refusal> {
    let malware = || {
        Refusal::new(403, "malwareDetected", "Malware was detected in this file.")
            .with("x-virus-infected", "Virus")
    };
    if flags & flag::MALWARE != 0 {
        return Err(malware());
    }
    let poison = state.poison_of(drive, index);
    match poison {
        Some(PoisonKind::Unavailable) => {
            Err(Refusal::new(503, "serviceNotAvailable", "The service is unavailable."))
        }
        Some(PoisonKind::Internal) => {
            Err(Refusal::new(500, "generalException", "An unspecified error has occurred."))
        }
        Some(PoisonKind::Forbidden) => Err(Refusal::new(403, "accessDenied", "Access denied.")),
        Some(PoisonKind::Malware) => Err(malware()),
        Some(PoisonKind::Gone) => Err(Refusal::not_found()),
        Some(PoisonKind::Corrupt) | None => Ok(poison),
    }
}

/// A `Range` of bytes: `None` if there is none to be honoured, `Some(None)` if it cannot be satisfied.
fn parse_range(header: &str, size: u64) -> Option<Option<(u64, u64)>> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    if first.is_empty() {
        let suffix: u64 = last.parse().ok()?;
        return Some((suffix > 0 && size > 0).then(|| (size.saturating_sub(suffix), size)));
    }
    let first: u64 = first.parse().ok()?;
    let end = last.parse::<u64>().map_or(size, |last| last.saturating_add(1)).min(size);
    if size == 0 && first == 0 {
        return None;
    }
    Some((first < size && first < end).then_some((first, end)))
}

#[cfg(test)]
mod tests {
    use super::parse_range;

    #[test]
    fn ranges_are_read_as_http_has_them() {
        assert_eq!(parse_range("", 10), None);
        assert_eq!(parse_range("bytes=0-", 10), Some(Some((0, 10))));
        assert_eq!(parse_range("bytes=3-5", 10), Some(Some((3, 6))));
        assert_eq!(parse_range("bytes=3-99", 10), Some(Some((3, 10))));
        assert_eq!(parse_range("bytes=-4", 10), Some(Some((6, 10))));
        assert_eq!(parse_range("bytes=10-", 10), Some(None));
        assert_eq!(parse_range("bytes=0-", 0), None);
        assert_eq!(parse_range("bytes=5-3", 10), Some(None));
    }
}
