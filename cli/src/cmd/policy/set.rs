//! `corso policy set`

use folder::check_patterns;
use repo_format::policy::{Policy, Scope, TagRule};

use super::text::Names;
use crate::args::values::Change;
use crate::args::{FieldArgs, PolicySetArgs};
use crate::cmd::session::Session;
use crate::cmd::source;
use crate::exit::{CliError, Code};
use crate::report::Message;
use crate::report::policy::PolicySummary;
use crate::report::summary::Summary;

/// Changes some fields of a policy, and leaves the others.
pub fn run(session: &Session, args: &PolicySetArgs) -> anyhow::Result<Code> {
    let changes = Changes::of(&args.fields)?;
    let repository = session.open()?;
    let scope = super::scope(&repository, args.scope.source.as_deref(), args.scope.service.as_deref())?;
    changes.check(&scope)?;
    let (policy, revision) = repository.change_policy(&scope, |policy| changes.apply(policy))?;
    let policy = (!policy.is_empty()).then(|| (&policy).into());
    let summary = PolicySummary { scope: Names::of(&repository)?.scope(&scope), policy, revision };
    session.output.result(&Message::Summary(Summary::PolicySet(summary.clone())), summary)?;
    Ok(Code::Done)
}

/// What is to be changed; the lists are put together and in order.
struct Changes<'a> {
    fields: &'a FieldArgs,
    keep_tags: Option<Option<Vec<TagRule>>>,
    excludes: Option<Option<Vec<String>>>,
}

impl Changes<'_> {
    fn of(fields: &FieldArgs) -> anyhow::Result<Changes<'_>> {
        let mut keep_tags = list(&fields.keep_tags, "--keep-tag")?;
        if let Some(Some(tags)) = &mut keep_tags {
            tags.sort();
            tags.dedup();
        }
        let excludes = list(&fields.exclude, "--exclude")?;
        if let Some(Some(patterns)) = &excludes {
            check_patterns(patterns)?;
        }
        Ok(Changes { fields, keep_tags, excludes })
    }

    /// What could not take effect is not taken.
    fn check(&self, scope: &Scope) -> anyhow::Result<()> {
        let gives_patterns = matches!(&self.excludes, Some(Some(_)));
        match scope.service() {
            Some(service) if gives_patterns && service != source::FOLDER => {
                let what = format!("--exclude is for folders, and {service} has none to leave out of");
                Err(CliError::Usage { what, hint: "set it with --global, --service folder or a folder" }
                    .into())
            }
            _ => Ok(()),
        }
    }

    fn apply(&self, policy: &mut Policy) {
        let fields = self.fields;
        change(&mut policy.keep_last, &fields.keep_last);
        change(&mut policy.keep_hourly, &fields.keep_hourly);
        change(&mut policy.keep_daily, &fields.keep_daily);
        change(&mut policy.keep_weekly, &fields.keep_weekly);
        change(&mut policy.keep_monthly, &fields.keep_monthly);
        change(&mut policy.keep_yearly, &fields.keep_yearly);
        change(&mut policy.keep_within, &fields.keep_within);
        if let Some(tags) = &self.keep_tags {
            policy.keep_tags.clone_from(tags);
        }
        if let Some(chosen) = fields.compression {
            policy.compression = chosen.into();
        }
        if let Some(patterns) = &self.excludes {
            policy.excludes.clone_from(patterns);
        }
    }
}

/// A number that is 0 says that there is no such rule.
fn change<T: Clone + Default>(field: &mut Option<T>, change: &Option<Change<T>>) {
    match change {
        None => {}
        Some(Change::Inherit) => *field = None,
        Some(Change::None) => *field = Some(T::default()),
        Some(Change::To(value)) => *field = Some(value.clone()),
    }
}

/// What a list becomes, if anything: inherited, or these values.
fn list<T: Clone>(given: &[Change<T>], option: &str) -> Result<Option<Option<Vec<T>>>, CliError> {
    let values = given.iter().map(|change| match change {
        Change::To(value) => Some(value.clone()),
        Change::Inherit | Change::None => None,
    });
    match given {
        [] => Ok(None),
        [Change::Inherit] => Ok(Some(None)),
        [Change::None] => Ok(Some(Some(Vec::new()))),
        _ => match values.collect::<Option<Vec<T>>>() {
            Some(values) => Ok(Some(Some(values))),
            None => Err(CliError::Usage {
                what: format!("{option} is given a value, and `inherit` or `none`"),
                hint: "give `inherit` or `none` alone",
            }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_inherited_emptied_or_given_whole() {
        let to = |value: u8| Change::To(value);
        assert_eq!(list::<u8>(&[], "--x").unwrap(), None);
        assert_eq!(list::<u8>(&[Change::Inherit], "--x").unwrap(), Some(None));
        assert_eq!(list::<u8>(&[Change::None], "--x").unwrap(), Some(Some(vec![])));
        assert_eq!(list(&[to(2), to(1)], "--x").unwrap(), Some(Some(vec![2, 1])));
        assert!(list(&[to(2), Change::Inherit], "--x").is_err());
        assert!(list::<u8>(&[Change::None, Change::None], "--x").is_err());
    }
}
