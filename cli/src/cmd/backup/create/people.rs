//! Whose drives are backed up.

use std::collections::HashSet;

use futures::TryStreamExt;
use graph_client::model::User;
use graph_client::{Absence, Graph, GraphError, UserFilter};

use crate::args::BackupCreateArgs;
use crate::exit::CliError;

/// Somebody who was asked for.
#[derive(Debug, Clone)]
pub enum Person {
    Known(Box<User>),
    /// The directory has nobody of this name or ID.
    Unknown(String),
}

impl Person {
    /// What they are called.
    pub fn name(&self) -> &str {
        match self {
            Person::Known(user) => user.user_principal_name.as_deref().unwrap_or(user.id.as_str()),
            Person::Unknown(name) => name,
        }
    }
}

/// Finds everybody who was asked for and is not excluded, each once.
///
/// # Errors
/// What keeps the directory from answering; `NothingMatched` if nobody is left.
pub async fn find(graph: &Graph, args: &BackupCreateArgs) -> anyhow::Result<Vec<Person>> {
    let excluded: HashSet<String> = args.exclude_users.iter().map(|name| folded(name)).collect();
    let mut people = Vec::new();
    if args.users.iter().any(|name| name.trim() == "*") {
        let everybody: Vec<User> =
            graph.users(&UserFilter::without_guests())?.into_stream().try_collect().await?;
        people.extend(everybody.into_iter().map(|user| Person::Known(Box::new(user))));
    } else {
        for name in &args.users {
            people.push(match graph.user(name.trim()).await {
                Ok(user) => Person::Known(Box::new(user)),
                Err(GraphError::ResourceAbsent { absence: Absence::User, .. }) => {
                    Person::Unknown(name.trim().to_owned())
                }
                Err(error) => return Err(error.into()),
            });
        }
    }
    let mut seen = HashSet::new();
    people.retain(|person| !is_excluded(person, &excluded) && seen.insert(id(person)));
    if people.is_empty() {
        return Err(CliError::NothingMatched { what: "the users".into() }.into());
    }
    Ok(people)
}

fn is_excluded(person: &Person, excluded: &HashSet<String>) -> bool {
    excluded.contains(&folded(person.name())) || excluded.contains(&id(person))
}

fn id(person: &Person) -> String {
    match person {
        Person::Known(user) => folded(user.id.as_str()),
        Person::Unknown(name) => folded(name),
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_excluded_by_name_and_by_id() {
        let person = Person::Unknown("Adele@Example.com".into());
        let excluded = |name: &str| is_excluded(&person, &HashSet::from([folded(name)]));
        assert!(excluded(" adele@example.com"));
        assert!(!excluded("bo@example.com"));
    }
}
