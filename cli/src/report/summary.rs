//! The last line of each command.

use std::fmt;

use serde::Serialize;

use super::create::BackupCreateSummary;
use super::demo::{DriveDemoSummary, FolderDemoSummary};
use super::doctor::DoctorSummary;
use super::export::ExportSummary;
use super::health::HealthSummary;
use super::maintenance::{MaintenanceStatusSummary, RunSummary, SpaceText};
use super::policy::{PolicyShowSummary, PolicySummary, RecallSummary};
use super::repair::log::LogRepairSummary;
use super::repair::{IndexRepairSummary, PackRepairSummary, SnapshotRepairSummary};
use super::repository::StatusSummary;
use super::restore::DriveRestoreSummary;
use super::retention::RetentionSummary;
use super::snapshot::{ShowSummary, State, Statistics};
use super::sync::{PromoteSummary, SyncSummary};
use super::verify::VerifySummary;
use super::{Count, Escaped, PathText, Size};

/// What a command comes to; `command` tells which.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[serde(tag = "command")]
pub enum Summary {
    #[serde(rename = "repo init")]
    RepoInit(InitSummary),
    #[serde(rename = "repo connect")]
    RepoConnect(ConnectSummary),
    #[serde(rename = "repo disconnect")]
    RepoDisconnect(DisconnectSummary),
    #[serde(rename = "repo status")]
    RepoStatus(StatusSummary),
    #[serde(rename = "repo key list")]
    KeyList(CountSummary),
    #[serde(rename = "repo key add")]
    KeyAdd(KeySummary),
    #[serde(rename = "repo key remove")]
    KeyRemove(KeySummary),
    #[serde(rename = "repo key change-passphrase")]
    KeyChange(KeySummary),
    #[serde(rename = "repo recovery-kit")]
    RecoveryKit(TextSummary),
    #[serde(rename = "repo verify")]
    RepoVerify(VerifySummary),
    #[serde(rename = "repo retention")]
    RepoRetention(RetentionSummary),
    #[serde(rename = "repo repair index")]
    RepairIndex(IndexRepairSummary),
    #[serde(rename = "repo repair log")]
    RepairLog(Box<LogRepairSummary>),
    #[serde(rename = "repo repair packs")]
    RepairPacks(PackRepairSummary),
    #[serde(rename = "repo repair snapshots")]
    RepairSnapshots(SnapshotRepairSummary),
    #[serde(rename = "repo sync")]
    RepoSync(SyncSummary),
    #[serde(rename = "repo promote")]
    RepoPromote(PromoteSummary),
    #[serde(rename = "snapshot create")]
    Create(CreateSummary),
    #[serde(rename = "snapshot list")]
    List(CountSummary),
    #[serde(rename = "snapshot show")]
    Show(Box<ShowSummary>),
    #[serde(rename = "snapshot ls")]
    Ls(CountSummary),
    #[serde(rename = "snapshot cat")]
    Cat(CatSummary),
    #[serde(rename = "snapshot diff")]
    Diff(DiffSummary),
    #[serde(rename = "snapshot find")]
    Find(CountSummary),
    #[serde(rename = "snapshot restore")]
    Restore(RestoreSummary),
    #[serde(rename = "snapshot forget")]
    Forget(ForgetSummary),
    #[serde(rename = "snapshot recall")]
    Recall(RecallSummary),
    #[serde(rename = "policy set")]
    PolicySet(PolicySummary),
    #[serde(rename = "policy show")]
    PolicyShow(Box<PolicyShowSummary>),
    #[serde(rename = "policy list")]
    PolicyList(CountSummary),
    #[serde(rename = "policy remove")]
    PolicyRemove(PolicySummary),
    #[serde(rename = "backup create onedrive")]
    BackupCreate(BackupCreateSummary),
    #[serde(rename = "backup list onedrive")]
    BackupList(CountSummary),
    #[serde(rename = "backup details onedrive")]
    BackupDetails(CountSummary),
    #[serde(rename = "backup delete onedrive")]
    BackupDelete(ForgetSummary),
    #[serde(rename = "restore onedrive")]
    RestoreDrive(DriveRestoreSummary),
    #[serde(rename = "export onedrive")]
    Export(ExportSummary),
    #[serde(rename = "maintenance run")]
    MaintenanceRun(Box<RunSummary>),
    #[serde(rename = "maintenance status")]
    MaintenanceStatus(MaintenanceStatusSummary),
    #[serde(rename = "maintenance explain")]
    MaintenanceExplain(SpaceText),
    #[serde(rename = "health")]
    Health(HealthSummary),
    #[serde(rename = "doctor graph")]
    DoctorGraph(DoctorSummary),
    #[serde(rename = "demo")]
    Demo(DriveDemoSummary),
    #[serde(rename = "demo folder")]
    DemoFolder(FolderDemoSummary),
    #[serde(rename = "completions")]
    Completions(TextSummary),
    #[serde(rename = "man")]
    Man(ManSummary),
}

/// A repository was made.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct InitSummary {
    pub repository_id: String,
    pub location: String,
    /// What it is called in the configuration; absent if that could not be written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Shown this once. Absent with `--no-recovery-key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_key: Option<String>,
}

impl fmt::Debug for InitSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InitSummary({})", self.repository_id)
    }
}

impl fmt::Display for InitSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Made repository {}", self.repository_id)?;
        write!(f, "at {}", Escaped(self.location.as_bytes()))?;
        if let Some(name) = &self.name {
            write!(f, "\nand connected it as `{name}`, the default from now on.")?;
        }
        match &self.recovery_key {
            Some(key) => write!(f, "\n\n{}", RecoveryKeyNote(key)),
            None => write!(f, "\n\nThere is no recovery key: whoever loses the secret loses the backups."),
        }
    }
}

/// A recovery key, with what to do with it.
struct RecoveryKeyNote<'a>(&'a str);

impl fmt::Display for RecoveryKeyNote<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Recovery key:\n\n  {}\n", self.0)?;
        writeln!(f, "It opens the repository if the passphrase is lost, and is shown this once.")?;
        f.write_str("Write it down or print it, and keep it apart from this machine.")
    }
}

/// A repository is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ConnectSummary {
    pub repository_id: String,
    pub location: String,
    pub name: String,
}

impl fmt::Display for ConnectSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = Escaped(self.location.as_bytes());
        write!(f, "Connected repository {}\nat {location} as `{}`.", self.repository_id, self.name)
    }
}

/// A repository is no longer remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct DisconnectSummary {
    pub name: String,
    pub location: String,
}

impl fmt::Display for DisconnectSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = Escaped(self.location.as_bytes());
        write!(f, "Disconnected `{}`; the repository at {location} stays as it is.", self.name)
    }
}

/// How many lines came before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct CountSummary {
    pub count: u64,
}

/// A key slot was added or removed.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct KeySummary {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removed: Option<String>,
    /// Shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_key: Option<String>,
}

impl fmt::Debug for KeySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeySummary({:?}, {:?})", self.added, self.removed)
    }
}

impl fmt::Display for KeySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        lines.extend(self.added.as_ref().map(|id| format!("Added key slot {id}.")));
        lines.extend(self.removed.as_ref().map(|id| {
            format!(
                "Removed key slot {id}.\nWho has a copy of the slot and its secret can still open older copies \
                 of the repository."
            )
        }));
        lines.extend(self.recovery_key.as_ref().map(|key| format!("\n{}", RecoveryKeyNote(key))));
        f.write_str(&lines.join("\n"))
    }
}

/// A text that is printed as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct TextSummary {
    pub text: String,
}

/// A snapshot was made, or would have been.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct CreateSummary {
    /// Absent in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot_id: Option<String>,
    pub state: State,
    /// The newest snapshot that it was based on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    pub dry_run: bool,
    pub interrupted: bool,
    /// Checkpoints committed on the way.
    pub checkpoints: u64,
    pub statistics: Statistics,
    pub seconds: f64,
}

impl fmt::Display for CreateSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.snapshot_id {
            Some(id) => writeln!(f, "Snapshot     {id} ({})", self.state)?,
            None => writeln!(f, "Snapshot     none")?,
        }
        if let Some(base) = &self.base {
            writeln!(f, "Based on     {base}")?;
        }
        writeln!(f, "{}", self.statistics)?;
        write!(f, "Took         {:.1} s", self.seconds)?;
        if self.dry_run {
            f.write_str("\nThis was a dry run: nothing was written.")?;
        }
        if self.interrupted {
            f.write_str("\nInterrupted: the next run goes on from here.")?;
        }
        Ok(())
    }
}

/// A file was written to stdout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct CatSummary {
    pub snapshot_id: String,
    #[serde(flatten)]
    pub path: PathText,
    pub bytes: u64,
}

/// How two snapshots differ, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct DiffSummary {
    pub before: String,
    pub after: String,
    pub added: u64,
    pub removed: u64,
    pub modified: u64,
    pub metadata: u64,
    pub type_changed: u64,
}

impl DiffSummary {
    /// All differences.
    pub fn total(&self) -> u64 {
        self.added + self.removed + self.modified + self.metadata + self.type_changed
    }
}

impl fmt::Display for DiffSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} added, {} removed, {} modified, {} with other metadata, {} of another kind",
            self.added, self.removed, self.modified, self.metadata, self.type_changed
        )
    }
}

/// What was written back.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct RestoreSummary {
    pub snapshot_id: String,
    pub target: String,
    pub files: u64,
    pub folders: u64,
    pub others: u64,
    pub bytes: u64,
    pub skipped: u64,
    pub failed: u64,
    /// Metadata that could not be set.
    pub warnings: u64,
    pub dry_run: bool,
    /// What differs after reading back; absent without `--verify`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub differences: Option<u64>,
    pub interrupted: bool,
    pub seconds: f64,
}

impl fmt::Display for RestoreSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.dry_run { "Would restore" } else { "Restored" };
        let (files, folders) = (Count(self.files, "file"), Count(self.folders, "folder"));
        write!(f, "{verb} {files}, {folders}, {}", Count(self.others, "other"))?;
        write!(f, ", {} to {}", Size(self.bytes), Escaped(self.target.as_bytes()))?;
        write!(f, " in {:.1} s", self.seconds)?;
        if self.skipped + self.failed + self.warnings > 0 {
            write!(f, "\n{} skipped, {} failed, ", self.skipped, self.failed)?;
            write!(f, "{} about metadata", Count(self.warnings, "warning"))?;
        }
        match self.differences {
            Some(0) => f.write_str("\nVerified: what was written reads back the same.")?,
            Some(found) => write!(f, "\nVerified: {} from the snapshot.", Count(found, "difference"))?,
            None => {}
        }
        if self.interrupted { f.write_str("\nInterrupted.") } else { Ok(()) }
    }
}

/// Snapshots were forgotten, or would have been.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ForgetSummary {
    pub forgotten: Vec<String>,
    pub dry_run: bool,
    /// The record that says so; absent in a dry run, and if there was nothing to forget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// How many stay of those that a policy was asked about; absent where snapshots were named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<u64>,
}

impl fmt::Display for ForgetSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = if self.dry_run { "Would forget" } else { "Forgot" };
        if let Some(kept) = self.kept {
            let forgotten = Count(self.forgotten.len() as u64, "snapshot");
            return write!(f, "{verb} {forgotten}; {} stay.", indicatif::HumanCount(kept));
        }
        let ids = self.forgotten.iter().map(|id| format!("{verb} snapshot {id}"));
        f.write_str(&ids.collect::<Vec<_>>().join("\n"))
    }
}

/// Manual pages were written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub struct ManSummary {
    pub folder: String,
    pub files: Vec<String>,
}
