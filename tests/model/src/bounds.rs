//! How large a configuration is: who takes part, and how often each thing may happen.

use std::fmt;

use crate::rules::{Id, Ids};

/// The bounds of one configuration. The more, the more states.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// One for each writer.
    pub jobs: Vec<Job>,
    pub collectors: usize,
    pub compactors: usize,
    pub recallers: usize,
    pub readers: usize,
    /// Packs that may be written, those at the beginning among them.
    pub packs_max: usize,
    pub segments_max: usize,
    pub forgets: u8,
    pub catalogs: u8,
    pub floors: u8,
    /// Crashes of writers, each followed by a new incarnation.
    pub crashes: u8,
    /// Creates whose answer is lost.
    pub unanswered: u8,
    /// Copies of live contents into a new pack.
    pub copies: u8,
    /// Records of writers that are lost after they were committed.
    pub losses: u8,
    /// Records that may be appended; bounds what could go on forever.
    pub records_max: usize,
    /// How far back a catalog's recent commits reach (CAT-2 key 4).
    pub recent_commits: u64,
    /// Whether the first snapshot lies in one pack, which a forget makes thin.
    pub one_pack: bool,
    pub condemns: bool,
    pub reaps: bool,
    /// Whether segments that the state does not name are doomed and deleted, too.
    pub segments_collected: bool,
}

/// What a writer backs up.
#[derive(Debug, Clone)]
pub struct Job {
    pub needs: Ids,
    /// The snapshot that it is based on if that is live.
    pub base: Option<Id>,
}

impl Job {
    pub fn of<const N: usize>(needs: [Id; N]) -> Job {
        Job { needs: needs.into(), base: None }
    }

    pub fn on(self, base: Id) -> Job {
        Job { base: Some(base), ..self }
    }
}

impl fmt::Display for Bounds {
    /// Names what there is any of.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            ("writers", self.jobs.len()),
            ("collectors", self.collectors),
            ("compactors", self.compactors),
            ("recallers", self.recallers),
            ("readers", self.readers),
            ("packs", self.packs_max),
            ("segments", self.segments_max),
            ("records", self.records_max),
            ("forgets", self.forgets.into()),
            ("copies", self.copies.into()),
            ("catalogs", self.catalogs.into()),
            ("floors", self.floors.into()),
            ("unanswered", self.unanswered.into()),
            ("crashes", self.crashes.into()),
            ("losses", self.losses.into()),
        ];
        let counts = counts.into_iter().filter(|(_, count)| *count > 0);
        let switches = [
            ("condemns", self.condemns),
            ("reaps", self.reaps),
            ("one-pack", self.one_pack),
            ("segments-collected", self.segments_collected),
        ];
        let switches = switches.into_iter().filter(|(_, on)| *on);
        let words = counts.map(|(name, count)| format!("{name}={count}"));
        let words: Vec<String> = words.chain(switches.map(|(name, _)| name.to_owned())).collect();
        f.write_str(&words.join(" "))
    }
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            jobs: vec![Job::of([0]), Job::of([0, 1])],
            collectors: 1,
            compactors: 0,
            recallers: 0,
            readers: 0,
            packs_max: 5,
            segments_max: 6,
            forgets: 1,
            catalogs: 0,
            floors: 0,
            crashes: 0,
            unanswered: 0,
            copies: 0,
            losses: 0,
            records_max: 12,
            recent_commits: 256,
            one_pack: false,
            condemns: false,
            reaps: false,
            segments_collected: false,
        }
    }
}
