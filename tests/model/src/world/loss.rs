//! Records that are lost, and the repair of the log (LOG-8, LOG-9).

use super::World;
use crate::actors::{Collector, WriterPhase};
use crate::flaw::Flaw;
use crate::rules::{Action, Blob, Id, Ids, Record, Revision};

impl World {
    /// The records that may be lost: they put a snapshot of a writer, and no catalog stands for them.
    pub fn losable(&self) -> Vec<Revision> {
        let records = (1..).zip(self.log.records());
        let losable = records.filter(|(revision, record)| {
            *revision > self.catalog.max(1) && *revision >= self.kept && record.puts().next().is_some()
        });
        losable.map(|(revision, _)| revision).collect()
    }

    /// A record is lost, and another one says so. Who has folded it ends at the next one.
    pub fn lose(&mut self, revision: Revision) {
        let record = self.log.records()[revision as usize - 1].clone();
        self.lost = record.actions.iter().find_map(|action| match action {
            Action::PutManifest { snapshot, needs, .. } => Some((*snapshot, needs.clone())),
            _ => None,
        });
        self.spent.losses += 1;
        self.log.void(revision);
        self.append(vec![Action::Void(revision)]);
        for writer in &mut self.writers {
            if matches!(&writer.phase, WriterPhase::Open(run) if run.view.at >= revision) {
                writer.phase = WriterPhase::Idle;
            }
        }
        for collector in &mut self.collectors {
            let (Collector::Copied { view, .. } | Collector::Marked { view, .. }) = collector else {
                continue;
            };
            if view.at >= revision {
                *collector = Collector::Idle;
            }
        }
    }

    /// Puts what packs show: a segment of all that is there, and the lost snapshot if all of it is.
    pub fn find_again(&mut self, flaw: Option<Flaw>) -> Option<()> {
        let (snapshot, needs) = self.lost.take()?;
        let truth = self.truth();
        let packs = (0..self.packs.len() as Id)
            .filter(|pack| self.is_stored(Blob::Pack(*pack)) && !truth.is_lost(Blob::Pack(*pack)));
        let packs: Ids = packs.collect();
        let footers = self.footers(packs.iter().copied());
        let found = |content: &Id| footers.iter().find(|at| at.content == *content).map(|at| at.pack);
        let relied: Option<Ids> = needs.iter().map(found).collect();
        let mut actions = vec![Action::AddSegments(vec![self.write_segment(footers.clone())])];
        actions.extend(relied.map(|relied| Action::PutManifest {
            snapshot,
            needs,
            relied,
            bases: Ids::new(),
        }));
        actions.push(Action::Settle { verified: false });
        let record = Record { commit: Id::MAX, actions };
        truth.validate(&record, flaw).ok()?;
        self.append(record.actions);
        Some(())
    }
}
