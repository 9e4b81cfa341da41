//! `corso demo`: a tenant of its own on loopback, with faults on; a backup that is killed and goes on.

mod child;
mod compare;
mod tenant;

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use graph_sim::{Faults, Mutation, Sim};

use self::child::Child;
use self::compare::differences;
use super::verify_all;
use crate::args::DemoDriveArgs;
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::report::demo::DriveDemoSummary;
use crate::report::summary::Summary;
use crate::report::{Count, Escaped, Message};

/// Files that are fetched before the backup is killed, as a part of all.
const KILLED_AFTER: f64 = 0.4;
/// A backup that has not come that far by then is killed all the same.
const PATIENCE: Duration = Duration::from_secs(60);
/// Changes made to each drive.
const CHANGES: u32 = 12;

/// Shows that what was backed up comes back, whatever happens on the way.
pub fn run(session: &Session, args: &DemoDriveArgs) -> anyhow::Result<Code> {
    let begun = Instant::now();
    let folder = tempfile::Builder::new().prefix("corso-demo-").tempdir().context("no temporary folder")?;
    let sim = session.wait(Sim::start(tenant::config(args))).context("the simulator does not start")?;
    let child = Child::new(folder.path(), &sim).context("cannot prepare the demonstration")?;
    let mut summary = Demo { session, folder: folder.path(), sim: &sim, child }.run()?;
    session.wait(sim.stop());
    if args.keep {
        summary.folder = Some(folder.keep().display().to_string());
    }
    summary.seconds = begun.elapsed().as_secs_f64();
    let is_good = summary.differences + summary.damage + summary.violations == 0;
    let text = summary.to_string();
    session.output.result(&Message::Summary(Summary::Demo(summary)), text)?;
    Ok(if is_good { Code::Done } else { Code::Damage })
}

struct Demo<'a> {
    session: &'a Session,
    folder: &'a Path,
    sim: &'a Sim,
    child: Child,
}

impl Demo<'_> {
    fn run(&self) -> anyhow::Result<DriveDemoSummary> {
        let state = self.sim.state();
        let drives = state.drive_count();
        let mut summary = DriveDemoSummary { users: drives.into(), ..DriveDemoSummary::default() };
        self.say(format_args!(
            "A tenant of {}, with faults, at {}",
            Count(drives.into(), "drive"),
            self.sim.api_url()
        ));
        self.child
            .json(&["repo", "init", "filesystem", "--no-recovery-key", "--path", "repository"], &[0])?;

        let all = tenant::files(state);
        self.kill_one((all as f64 * KILLED_AFTER) as u64)?;
        summary.fetched_before_kill = self.fetched();
        self.say(format_args!(
            "Killed a backup (SIGKILL) after {} of {all}",
            Count(summary.fetched_before_kill, "file")
        ));

        let resumed = self.back_up(&[0, 3])?;
        summary.fetched_after_kill = number(&resumed["fetched"]);
        summary.left_out =
            number(&resumed["statistics"]["failed"]) + number(&resumed["statistics"]["skipped"]);
        let fetched = summary.fetched_before_kill + summary.fetched_after_kill + summary.left_out;
        summary.fetched_twice = fetched.saturating_sub(all);
        self.count(&mut summary, &resumed);
        let fetched = Count(summary.fetched_after_kill, "file");
        let left_out = Count(summary.left_out, "item");
        self.say(format_args!(
            "The next one went on with {fetched}; it named {left_out} that could not be had"
        ));

        let withheld = tenant::malware(state);
        summary.faults = tenant::faults(state);
        state.set_faults(Faults::default());
        state.mutate(&Mutation { seed: Some(1), count: CHANGES, ..Mutation::default() });
        summary.changes = u64::from(CHANGES) * u64::from(drives);
        let changed = self.back_up(&[0])?;
        summary.fetched_for_changes = number(&changed["fetched"]);
        self.count(&mut summary, &changed);
        (summary.files, summary.bytes) =
            (number(&changed["statistics"]["files"]), number(&changed["statistics"]["bytes"]));
        let (changes, fetched) = (summary.changes, summary.fetched_for_changes);
        self.say(format_args!("Mended the faults and made {changes} changes: {fetched} files fetched"));
        self.session
            .output
            .text_only(format_args!("\n{}\n", self.child.text(&["backup", "list", "onedrive"])?))?;

        let repository = self.child.open(self.session)?;
        summary.damage = verify_all(self.session, &repository)?;
        for drive in 0..drives {
            let found = self.export(drive, &withheld)?;
            found.iter().for_each(|difference| self.session.output.warn(difference.clone()));
            summary.differences += found.len() as u64;
        }
        let restored = self.restore(&withheld)?;
        restored.iter().for_each(|difference| self.session.output.warn(difference.clone()));
        summary.differences += restored.len() as u64;
        let broken = state.violations();
        broken.iter().take(10).for_each(|it| self.session.output.warn(format!("a rule was broken: {it:?}")));
        summary.violations = broken.len() as u64;
        Ok(summary)
    }

    /// Begins a backup, and kills it when so many files were fetched.
    fn kill_one(&self, files: u64) -> anyhow::Result<()> {
        let mut process = self.child.start(&["backup", "create", "onedrive", "--user", "*"])?;
        let begun = Instant::now();
        while self.fetched() < files && begun.elapsed() < PATIENCE && process.try_wait()?.is_none() {
            if self.session.stop.is_requested() {
                process.kill()?;
                process.wait()?;
                return Err(CliError::Interrupted.into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let was_running = process.try_wait()?.is_none();
        process.kill()?;
        process.wait()?;
        if was_running { Ok(()) } else { bail!("the backup ended before it could be killed") }
    }

    fn back_up(&self, codes: &[i32]) -> anyhow::Result<serde_json::Value> {
        self.stop_if_asked()?;
        self.child.json(&["backup", "create", "onedrive", "--user", "*"], codes)
    }

    /// Exports a drive's latest backup, and compares it with the drive.
    fn export(&self, drive: u32, withheld: &HashSet<String>) -> anyhow::Result<Vec<String>> {
        self.stop_if_asked()?;
        let user = self.sim.state().users().get(drive as usize).map(|user| user.principal_name.clone());
        let user = user.unwrap_or_default();
        let target = self.folder.join(format!("export {drive}"));
        let place = target.display().to_string();
        self.child.json(&["export", "onedrive", "--backup", "latest", "--user", &user, &place], &[0])?;
        self.say(format_args!(
            "Exported the drive of {} to {}",
            Escaped(user.as_bytes()),
            Escaped(place.as_bytes())
        ));
        Ok(differences(self.sim.state(), drive, withheld, &target))
    }

    /// Restores the first drive's latest backup into a new folder of it, and compares.
    fn restore(&self, withheld: &HashSet<String>) -> anyhow::Result<Vec<String>> {
        self.stop_if_asked()?;
        let state = self.sim.state();
        let user = state.users().first().map(|user| user.principal_name.clone()).unwrap_or_default();
        let wanted = tenant::hashes(state, 0, "", withheld);
        let done = self.child.json(&["restore", "onedrive", "--backup", "latest", "--user", &user], &[0])?;
        let folder = format!("/{}", done["folder"].as_str().unwrap_or_default());
        self.say(format_args!("Restored it into {} of the same drive", Escaped(folder.as_bytes())));
        let found = tenant::hashes(state, 0, &folder, &HashSet::new());
        let paths: BTreeSet<&String> = wanted.keys().chain(found.keys()).collect();
        let differing = paths.into_iter().filter(|path| wanted.get(*path) != found.get(*path));
        Ok(differing.map(|path| format!("{folder}{path} was not restored as it is")).collect())
    }

    /// Contents that the simulator began to give.
    fn fetched(&self) -> u64 {
        self.sim.state().downloads().len() as u64
    }

    fn count(&self, summary: &mut DriveDemoSummary, backup: &serde_json::Value) {
        summary.requests += number(&backup["requests"]);
        summary.stored += number(&backup["statistics"]["bytes_stored"]);
    }

    fn stop_if_asked(&self) -> Result<(), CliError> {
        if self.session.stop.is_requested() { Err(CliError::Interrupted) } else { Ok(()) }
    }

    fn say(&self, what: std::fmt::Arguments<'_>) {
        self.session.output.note(what);
    }
}

fn number(value: &serde_json::Value) -> u64 {
    value.as_u64().unwrap_or(0)
}
