//! `corso repo …`

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use repo_format::storage::RetentionMode;

use super::values::{self, SampleArg};

/// What can be done with a repository as a whole.
#[derive(Debug, Subcommand)]
pub enum RepoCommand {
    /// Make a repository, and remember it
    Init {
        #[command(flatten)]
        init: InitArgs,
        #[command(subcommand)]
        location: LocationCommand,
    },
    /// Remember a repository that is there
    Connect {
        #[command(flatten)]
        connect: ConnectArgs,
        #[command(subcommand)]
        location: LocationCommand,
    },
    /// Forget the connection; the repository itself stays as it is
    #[command(after_help = "Example:\n  corso repo disconnect --repo photos")]
    Disconnect,
    /// Show what the repository is and holds
    #[command(after_help = "Example:\n  corso repo status --json")]
    Status,
    /// List, add and remove what opens the repository
    #[command(subcommand)]
    Key(KeyCommand),
    /// Print what to keep on paper: where the repository is and what opens it
    #[command(after_help = "Example:\n  corso repo recovery-kit > kit.txt")]
    RecoveryKit,
    /// Check the repository; what is damaged is named, with the snapshots it belongs to
    #[command(after_help = "\
Which packs were decoded when is kept in the repository: with --read-data 5% every day all that
is there is decoded within 20 days, however much comes to it. A run that is interrupted or killed
is gone on from.

Example:
  corso repo verify --read-data 5%
  corso repo verify --level data
  corso repo verify --retention
  corso repo verify --keyless")]
    Verify(VerifyArgs),
    /// Show or set how long blobs are locked against deletion (S3 object lock)
    #[command(after_help = "\
For a bucket that was made with object lock. Every blob is locked as it is written: for so long nobody
can delete it, whatever keys he has. `corso maintenance run` extends the locks of what is needed once
half of the time is over, and deletes what is not needed when it is locked no longer
(docs/storages.md).

Example:
  corso repo retention
  corso repo retention 30d --mode compliance
  corso repo retention none")]
    Retention(RetentionArgs),
    /// Put right what is damaged, as far as that goes; only adds, and asks for --yes
    #[command(subcommand)]
    Repair(RepairCommand),
    /// Copy the repository to a second storage, blob by blob; needs none of its secrets
    #[command(after_help = "\
Runs that follow copy what is new; one that was killed is gone on with. The copy can be listed, restored
from and verified, and takes no backup until `corso repo promote`. Keys of a second cloud account are
taken from CORSO_TO_AWS_…, CORSO_TO_AZURE_… or CORSO_TO_GOOGLE_… where such are set (docs/sync.md).

Example:
  corso repo sync --to /mnt/second/backup
  corso repo sync --to 's3://offsite/laptop?region=eu-central-1'")]
    Sync(SyncArgs),
    /// Make a copy a repository of its own, to which backups can go
    #[command(after_help = "\
From then on it and the one that it was copied from are two: write to one of them only.

Example:
  corso repo promote --repo /mnt/second/backup")]
    Promote(PromoteArgs),
}

/// Options of `corso repo retention`.
#[derive(Debug, Clone, Copy, Args)]
pub struct RetentionArgs {
    /// How long, such as 30d; `none` to lock nothing that is written from now on; shows it if absent
    #[arg(value_name = "DURATION|none", value_parser = values::retention_change)]
    pub change: Option<RetentionChange>,
    /// Whether somebody with a right of its own can lift locks, or nobody at all
    #[arg(long, value_name = "MODE", default_value = "governance", requires = "change")]
    pub mode: RetentionModeArg,
}

/// What becomes of the retention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionChange {
    None,
    /// So many seconds.
    To(u64),
}

/// How strongly blobs are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RetentionModeArg {
    /// Whoever has the right s3:BypassGovernanceRetention can lift it
    Governance,
    /// Nobody can, until the time is over
    Compliance,
}

impl From<RetentionModeArg> for RetentionMode {
    fn from(mode: RetentionModeArg) -> RetentionMode {
        match mode {
            RetentionModeArg::Governance => RetentionMode::Governance,
            RetentionModeArg::Compliance => RetentionMode::Compliance,
        }
    }
}

/// Options of `corso repo sync`.
#[derive(Debug, Clone, Args)]
pub struct SyncArgs {
    /// The copy: a connected repository's name, a path, or a URL; made if nothing is there
    #[arg(long, value_name = "NAME|PATH|URL")]
    pub to: String,
    /// Then remove from the copy what its state no longer needs and the repository no longer has;
    /// asks for the repository's secret
    #[arg(long)]
    pub delete: bool,
    /// Read and hash what the copy has already, too, and replace what is damaged there
    #[arg(long)]
    pub check: bool,
    /// Say how much would be copied; write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Blobs copied at once; each takes up to 64 MiB of memory [default: 4]
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub threads: Option<usize>,
}

/// Options of `corso repo promote`.
#[derive(Debug, Clone, Copy, Args)]
pub struct PromoteArgs {
    /// Promote it although something is missing; `corso repo repair` then makes the best of it
    #[arg(long)]
    pub force: bool,
}

/// What can be put right.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum RepairCommand {
    /// Make index segments that are lost or damaged again, from what the packs say of themselves
    #[command(after_help = "\
Without --yes it only tells what it would do.

Example:
  corso repo repair index
  corso repo repair index --yes")]
    Index(RepairArgs),
    /// Go on behind records that are lost, or begin a log anew, and find again the snapshots they told of
    #[command(after_help = "\
Keep a copy of the repository first, and let nothing else use it. Records that are lost count as
empty; what they may have said is found again in the packs: index segments, and snapshots, which
carry the tag corso.revived. Snapshots that somebody had forgotten may come back, too, and
policies and forgets that only lost records told of are gone. Maintenance gives nothing back until
`corso repo verify --level data` has found everything whole. Without --yes it only tells what it
would do.

Example:
  corso repo repair log
  corso repo repair log --yes")]
    Log(RepairLogArgs),
    /// Keep everybody away from damaged packs, so that the next backup stores again what they held
    #[command(after_help = "\
Reads every pack to its last content. Packs that turned out whole again are trusted again. Without
--yes it only tells what it would do.

Example:
  corso repo repair packs --yes")]
    Packs(RepairArgs),
    /// Give snapshots that need what is lost a successor without it
    #[command(after_help = "\
Back up first: what the source still has heals every snapshot that holds it. The old snapshots stay
until they are forgotten. Without --yes it only tells what it would do.

Example:
  corso repo repair snapshots --yes")]
    Snapshots(RepairArgs),
}

/// Options of `corso repo repair`.
#[derive(Debug, Clone, Copy, Args)]
pub struct RepairArgs {
    /// Do it, instead of telling what would be done
    #[arg(long)]
    pub yes: bool,
}

/// Options of `corso repo repair log`.
#[derive(Debug, Clone, Copy, Args)]
pub struct RepairLogArgs {
    /// Do it, instead of telling what would be done
    #[arg(long)]
    pub yes: bool,
    /// Bring back snapshots of which something is missing, too; `repair snapshots` gives them successors
    #[arg(long)]
    pub incomplete: bool,
}

/// Where a repository is.
#[derive(Debug, Clone, Subcommand)]
pub enum LocationCommand {
    /// A folder of this machine
    #[command(after_help = "Example:\n  corso repo init filesystem --path /mnt/disk/backup")]
    Filesystem {
        /// The folder; `init` makes it
        #[arg(long, value_name = "DIR")]
        path: PathBuf,
    },
    /// A bucket on S3 or a server that speaks its protocol; keys as for the AWS tools
    #[command(
        after_help = "Example:\n  corso repo init s3 --bucket backup --endpoint https://s3.example.org:9000"
    )]
    S3 {
        #[arg(long, value_name = "NAME")]
        bucket: String,
        /// Below which the repository's blobs stand
        #[arg(long, value_name = "PREFIX", default_value = "")]
        prefix: String,
        /// The server's URL [default: Amazon's]
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// Put the bucket into the URL's path; the default where an endpoint is given
        #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
        path_style: Option<bool>,
        /// PEM certificates to trust besides the system's
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
    /// A container of Azure Blob Storage; keys from AZURE_STORAGE_* or AZURE_*
    #[command(after_help = "Example:\n  corso repo init azure --account example --container backup")]
    Azure {
        #[arg(long, value_name = "NAME")]
        account: String,
        #[arg(long, value_name = "NAME")]
        container: String,
        /// Below which the repository's blobs stand
        #[arg(long, value_name = "PREFIX", default_value = "")]
        prefix: String,
        /// The blob service's URL, for other clouds and emulators
        #[arg(long, value_name = "URL")]
        endpoint: Option<String>,
        /// PEM certificates to trust besides the system's
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
    /// A bucket of Google Cloud Storage; keys from GOOGLE_APPLICATION_CREDENTIALS (not yet exercised)
    #[command(after_help = "Example:\n  corso repo init gcs --bucket backup")]
    Gcs {
        #[arg(long, value_name = "NAME")]
        bucket: String,
        /// Below which the repository's blobs stand
        #[arg(long, value_name = "PREFIX", default_value = "")]
        prefix: String,
    },
}

/// Options of `corso repo init`, before or after the kind of storage.
#[derive(Debug, Clone, Args)]
pub struct InitArgs {
    /// What to call it here [default: after its location]
    #[arg(long, value_name = "NAME", global = true)]
    pub name: Option<String>,
    /// Make no recovery key: a lost passphrase is then a lost repository
    #[arg(long, global = true)]
    pub no_recovery_key: bool,
    /// What the first key is called in `repo key list`
    #[arg(long, value_name = "TEXT", default_value = "first", global = true)]
    pub label: String,
    /// Lock blobs against deletion from the first one on, for so long; the bucket must have object lock
    #[arg(long, value_name = "DURATION", value_parser = values::retention, global = true)]
    pub retention: Option<u64>,
    /// How strongly: governance can be lifted with a right of its own, compliance by nobody [default: governance]
    #[arg(long, value_name = "MODE", global = true)]
    pub retention_mode: Option<RetentionModeArg>,
    #[command(flatten)]
    pub kdf: KdfArgs,
}

/// What trying a passphrase costs, for us as for who guesses.
#[derive(Debug, Clone, Args)]
pub struct KdfArgs {
    /// Memory that trying a passphrase takes; at least 64MiB
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = values::size, global = true)]
    pub kdf_memory: u64,
    /// Passes over that memory; at least 3
    #[arg(long, value_name = "N", default_value_t = 3, global = true)]
    pub kdf_passes: u32,
}

/// Options of `corso repo connect`.
#[derive(Debug, Clone, Args)]
pub struct ConnectArgs {
    /// What to call it here [default: after its location]
    #[arg(long, value_name = "NAME", global = true)]
    pub name: Option<String>,
}

/// What can be done with key slots.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// List what opens the repository
    #[command(after_help = "Example:\n  corso repo key list")]
    List,
    /// Add a passphrase, a key file or a recovery key
    #[command(after_help = "Example:\n  corso repo key add --new-key-file ~/backup.key --label laptop")]
    Add {
        #[command(flatten)]
        secret: NewSecretArgs,
        /// Generate a recovery key and show it once
        #[arg(long, conflicts_with_all = ["new_passphrase_file", "new_passphrase_command", "new_key_file"])]
        new_recovery_key: bool,
        /// What it is called in `repo key list`
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
        #[command(flatten)]
        kdf: KdfArgs,
    },
    /// Remove one; the last stays
    #[command(after_help = "Example:\n  corso repo key remove 3f2a")]
    Remove {
        /// Its ID or the beginning of it
        id: String,
    },
    /// Add a new passphrase, then remove the one in use
    #[command(after_help = "Example:\n  corso repo key change-passphrase")]
    ChangePassphrase {
        #[command(flatten)]
        secret: NewSecretArgs,
        #[command(flatten)]
        kdf: KdfArgs,
    },
}

/// Where a new secret comes from. Without one of them: CORSO_NEW_PASSPHRASE, or a prompt.
#[derive(Debug, Clone, Default, Args)]
#[group(multiple = false)]
pub struct NewSecretArgs {
    /// Read the new passphrase from a file
    #[arg(long, value_name = "FILE")]
    pub new_passphrase_file: Option<PathBuf>,
    /// Run a command, without a shell, and take its output as the new passphrase
    #[arg(long, value_name = "COMMAND")]
    pub new_passphrase_command: Option<String>,
    /// Take a file of 32 bytes to 1 MiB as a key
    #[arg(long, value_name = "FILE")]
    pub new_key_file: Option<PathBuf>,
}

/// Options of `corso repo verify`.
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// How deep to look: the log and structure, the blobs and their hashes, or every content
    #[arg(long, value_name = "LEVEL", default_value = "blobs")]
    pub level: LevelArg,
    /// Decode this share or amount of the data: what was not decoded for the longest time
    #[arg(long, value_name = "5%|2GiB", value_parser = values::sample)]
    pub read_data: Option<SampleArg>,
    /// Compare the hashes of all blobs and nothing else: needs no passphrase and no key
    #[arg(long, conflicts_with = "read_data")]
    pub keyless: bool,
    /// Ask for the lock of every blob that is needed, and name those that are locked for less than this
    /// [default: half of what `repo retention` says]
    #[arg(
        long, value_name = "DURATION", num_args = 0..=1, require_equals = true, default_missing_value = "half",
        value_parser = values::retention_least, conflicts_with = "keyless"
    )]
    pub retention: Option<RetentionLeast>,
    /// Keep no record of which packs were verified
    #[arg(long, conflicts_with = "keyless")]
    pub no_record: bool,
    /// How often that record is committed while the run goes on
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = values::duration)]
    pub checkpoint_interval: Duration,
    /// Threads that fetch and decode; each holds up to a blob [default: 2 to 8, after the machine]
    #[arg(long, value_name = "N", value_parser = values::positive)]
    pub threads: Option<usize>,
}

/// For how long blobs have to be locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetentionLeast {
    /// Half of what the repository asks for: what maintenance keeps up.
    Half,
    /// So many seconds.
    Seconds(u64),
}

/// How deep a verification looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelArg {
    Log,
    Blobs,
    Data,
}
