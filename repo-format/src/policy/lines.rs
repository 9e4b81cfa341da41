//! Times that agree with the order of commits, told from those that do not.
//!
//! Revisions are certain, times are what some machine's clock said. The longest run of snapshots whose
//! times never go back is taken for right; from the rest the longest run is taken again, and so on.
//! Each run is a *line of time*, and whoever counts hours or days counts in each line by itself: so a
//! wrong clock can keep more, and never less.

use crate::codec::TimeNs;

/// A year and a day.
const JUMP: i128 = 366 * 24 * 3600 * 1_000_000_000;

/// Sorts places into lines, each ascending. The first line is the one that is believed.
///
/// `times` are in the order of commits.
pub(super) fn lines(times: &[TimeNs]) -> Vec<Vec<usize>> {
    let mut lines = Vec::new();
    let mut left: Vec<usize> = (0..times.len()).collect();
    while !left.is_empty() {
        let mut line = longest(times, &left);
        left.retain(|place| line.binary_search(place).is_err());
        let unconfirmed = jumps(times, &line).then(|| line.pop()).flatten();
        lines.push(line);
        lines.extend(unconfirmed.map(|place| vec![place]));
    }
    lines
}

/// The longest run of `places` whose times do not go back; of several, one with early times.
fn longest(times: &[TimeNs], places: &[usize]) -> Vec<usize> {
    // By length less one: the end of the run of that length that ends earliest.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; times.len()];
    for &place in places {
        let length = ends.partition_point(|end| times[*end] <= times[place]);
        before[place] = length.checked_sub(1).map(|shorter| ends[shorter]);
        match ends.get_mut(length) {
            Some(end) => *end = place,
            None => ends.push(place),
        }
    }
    let mut line: Vec<usize> = std::iter::successors(ends.last().copied(), |place| before[*place]).collect();
    line.reverse();
    line
}

/// Whether the last of a line lies so far ahead that nothing but the next snapshot can confirm it: by
/// more than a year, and more than all the time before it.
fn jumps(times: &[TimeNs], line: &[usize]) -> bool {
    let [first, .., before, last] = *line else {
        // Of two, the earlier one spans no time.
        return matches!(*line, [first, last] if distance(times, first, last) > JUMP);
    };
    distance(times, before, last) > JUMP.max(distance(times, first, before))
}

fn distance(times: &[TimeNs], from: usize, to: usize) -> i128 {
    i128::from(times[to]) - i128::from(times[from])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600 * 1_000_000_000;

    fn days(days: &[i64]) -> Vec<Vec<usize>> {
        lines(&days.iter().map(|day| day * DAY).collect::<Vec<_>>())
    }

    #[test]
    fn a_clock_that_was_wrong_stands_apart() {
        assert_eq!(days(&[1, 2, 2, 3]), [vec![0, 1, 2, 3]]);
        // Ahead, and behind.
        assert_eq!(days(&[1, 29_000, 3, 4]), [vec![0, 2, 3], vec![1]]);
        assert_eq!(days(&[20_001, 20_002, 0, 20_003]), [vec![0, 1, 3], vec![2]]);
        // The last but one, which could as well be right as the last.
        assert_eq!(days(&[1, 2, 29_000, 3]), [vec![0, 1, 3], vec![2]]);
        // A clock that stayed wrong: the few that were right keep together.
        assert_eq!(days(&[20_001, 20_002, 0, 0, 1, 2]), [vec![2, 3, 4, 5], vec![0, 1]]);
        assert_eq!(days(&[]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn a_leap_ahead_waits_to_be_confirmed() {
        assert_eq!(days(&[1, 2, 3, 29_000]), [vec![0, 1, 2], vec![3]]);
        assert_eq!(days(&[1, 2, 3, 29_000, 29_001]), [vec![0, 1, 2, 3, 4]]);
        // Whoever makes one a year is not held up.
        assert_eq!(days(&[0, 400, 800]), [vec![0, 1, 2]]);
        assert_eq!(days(&[0, 400]), [vec![0], vec![1]]);
        assert_eq!(days(&[0, 300]), [vec![0, 1]]);
    }

    #[test]
    fn times_at_the_ends_of_what_can_be_told_do_not_overflow() {
        assert_eq!(lines(&[i64::MIN, i64::MAX]), [vec![0], vec![1]]);
        assert_eq!(lines(&[i64::MAX, i64::MIN]), [vec![1], vec![0]]);
    }
}
