//! `corso repo key …`

use repo_format::codec::SlotId;
use repo_format::format::recovery_key;
use repo_format::format::slot::{Secret, SlotKind};
use repo_format::log::SlotInfo;
use repo_format::repository::Repository;
use zeroize::Zeroizing;

use super::init::cost;
use crate::args::{KdfArgs, KeyCommand, NewSecretArgs};
use crate::cmd::session::Session;
use crate::exit::{CliError, Code};
use crate::report::Message;
use crate::report::repository::{Slot, slot_table};
use crate::report::summary::{CountSummary, KeySummary, Summary};

/// Carries out a command on key slots.
pub fn run(session: &Session, command: KeyCommand) -> anyhow::Result<Code> {
    let summary = match command {
        KeyCommand::List => return list(session),
        KeyCommand::Add { secret, new_recovery_key, label, kdf } => {
            Summary::KeyAdd(add(session, &secret, new_recovery_key, &label, &kdf)?)
        }
        KeyCommand::Remove { id } => Summary::KeyRemove(remove(session, &id)?),
        KeyCommand::ChangePassphrase { secret, kdf } => Summary::KeyChange(change(session, &secret, &kdf)?),
    };
    let text = match &summary {
        Summary::KeyAdd(it) | Summary::KeyRemove(it) | Summary::KeyChange(it) => it.to_string(),
        _ => String::new(),
    };
    session.output.result(&Message::Summary(summary), text)?;
    Ok(Code::Done)
}

fn list(session: &Session) -> anyhow::Result<Code> {
    let repository = session.open()?;
    let in_use = repository.opened_with();
    let slots: Vec<Slot> = repository.slots().iter().map(|slot| described(slot, in_use)).collect();
    for slot in &slots {
        session.output.json_only(&Message::Slot(slot.clone()))?;
    }
    let count = slots.len() as u64;
    session.output.result(&Message::Summary(Summary::KeyList(CountSummary { count })), slot_table(&slots))?;
    Ok(Code::Done)
}

fn described(slot: &SlotInfo, in_use: Option<SlotId>) -> Slot {
    Slot {
        id: slot.id.to_string(),
        kind: slot.kind.name().to_owned(),
        label: slot.label.clone(),
        in_use: in_use == Some(slot.id),
    }
}

fn add(
    session: &Session,
    source: &NewSecretArgs,
    generate: bool,
    label: &str,
    kdf: &KdfArgs,
) -> anyhow::Result<KeySummary> {
    let cost = cost(kdf)?;
    let repository = session.open()?;
    let (secret, recovery_key) = match generate {
        false => (session.new_secret(source)?, None),
        true => {
            let key = Zeroizing::new(repo_format::codec::random_bytes()?);
            let text = recovery_key::encode(&key).to_string();
            (Secret::RecoveryKey(key), Some(text))
        }
    };
    let added = repository.add_slot(&secret, label, cost)?;
    Ok(KeySummary { added: Some(added.to_string()), removed: None, recovery_key })
}

fn remove(session: &Session, prefix: &str) -> anyhow::Result<KeySummary> {
    let repository = session.open()?;
    let slot = slot_of(&repository, prefix)?;
    repository.drop_slot(&slot)?;
    session.pass_warnings(&repository);
    Ok(KeySummary { added: None, removed: Some(slot.to_string()), recovery_key: None })
}

fn slot_of(repository: &Repository, prefix: &str) -> Result<SlotId, CliError> {
    let wanted = prefix.to_ascii_lowercase();
    let ids = repository.slots().into_iter().map(|slot| slot.id);
    let mut found = ids.filter(|id| !wanted.is_empty() && id.to_string().starts_with(&wanted));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(CliError::NothingMatched { what: format!("the key slot {prefix:?}") }),
        (Some(_), Some(_)) => Err(CliError::Usage {
            what: format!("several key slots begin with {prefix:?}"),
            hint: "give more digits; `corso repo key list` shows them",
        }),
    }
}

/// Adds the new passphrase before the old one goes: at no time does nothing open the repository.
fn change(session: &Session, source: &NewSecretArgs, kdf: &KdfArgs) -> anyhow::Result<KeySummary> {
    let cost = cost(kdf)?;
    let repository = session.open()?;
    let slots = repository.slots();
    let in_use = slots.iter().find(|slot| Some(slot.id) == repository.opened_with());
    let Some(old) = in_use.filter(|slot| slot.kind == SlotKind::Passphrase) else {
        return Err(CliError::Usage {
            what: "the repository was not opened by a passphrase, so there is none to change".to_owned(),
            hint: "use `corso repo key add` and `corso repo key remove`",
        }
        .into());
    };
    let secret = session.new_secret(source)?;
    let added = repository.add_slot(&secret, &old.label, cost)?;
    repository.drop_slot(&old.id)?;
    session.pass_warnings(&repository);
    Ok(KeySummary { added: Some(added.to_string()), removed: Some(old.id.to_string()), recovery_key: None })
}
