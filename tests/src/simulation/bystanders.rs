//! Processes that look after a repository beside those who use it: verification, and keys that come and go.

use std::time::Duration;

use repo_format::engine::progress::{Progress, Stop};
use repo_format::format::slot::{KdfCost, Secret};
use repo_format::repository::{Repository, RepositoryError};
use repo_format::storage::testing::Random;
use repo_format::verify::{Finding, Level, VerifyOptions, verify};

use super::ProcessStore;
use super::world::World;
use crate::{chain, is_missing_record};

/// What a verification finds wrong. It keeps what it verified, where it may write.
fn found(repository: &Repository, random: &mut Random) -> Result<Vec<Finding>, String> {
    let options = VerifyOptions {
        level: [Level::Log, Level::Blobs, Level::Data][random.below(3) as usize],
        keep_coverage: !repository.is_copy(),
        coverage_interval: Duration::from_secs(60 * random.below(2)),
        threads: 1 + random.below(3) as usize,
        ..VerifyOptions::default()
    };
    let report = verify(repository, &options, &Progress::default(), &Stop::default());
    let report = report.map_err(|error| format!("verification: {}", chain(&error)))?;
    Ok(report.findings.into_iter().filter(|finding| finding.kind.is_damage()).collect())
}

/// Whoever was killed finds that nothing answers, which is for others to judge.
fn is_clean(found: &[Finding]) -> Result<(), String> {
    if found.is_empty() { Ok(()) } else { Err(format!("damage was found: {found:#?}")) }
}

impl World<'_> {
    /// Verifies a few times, whatever is maintained meanwhile: nothing is damaged.
    pub fn verify(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        let mut repository = self.open(store)?;
        for _ in 0..1 + random.below(3) {
            if random.below(2) == 0 {
                repository = self.open(store)?;
            }
            is_clean(&found(&repository, &mut random)?)?;
        }
        Ok(())
    }

    /// Verifies what there is of the copy. Records may come after the catalog that stands for them (COPY-6).
    pub fn verify_copy(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        for _ in 0..1 + random.below(4) {
            let Some(copy) = self.open_copy(store.of_copy()).map_err(|error| chain(&error))? else {
                continue;
            };
            let mut found = found(&copy, &mut random)?;
            found.retain(|finding| !is_missing_record(finding));
            is_clean(&found)?;
        }
        Ok(())
    }

    /// Adds keys, and drops some of them.
    pub fn keep_keys(&self, store: &ProcessStore, mut random: Random) -> Result<(), String> {
        let repository = self.open(store)?;
        let failed = |error: RepositoryError| format!("keys: {}", chain(&error));
        for _ in 0..random.below(3) {
            let secret = Secret::key_file(&[random.below(256) as u8; 64]).expect("long enough");
            let slot = repository.add_slot(&secret, "another", KdfCost::DEFAULT).map_err(failed)?;
            if random.below(2) == 0 {
                repository.drop_slot(&slot).map_err(failed)?;
            }
        }
        Ok(())
    }
}
