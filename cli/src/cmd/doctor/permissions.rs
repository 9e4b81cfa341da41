//! Which permissions an application needs, and which it has for nothing.

use graph_client::auth::Claims;

use crate::args::PurposeArg;
use crate::report::doctor::{Permission, Verdict};

/// A permission that is needed, and those that grant as much and more.
pub struct Need {
    pub name: &'static str,
    wider: &'static [&'static str],
}

const USERS: Need = Need {
    name: "User.Read.All",
    wider: &["User.ReadWrite.All", "Directory.Read.All", "Directory.ReadWrite.All"],
};
const READ_FILES: Need = Need {
    name: "Files.Read.All",
    wider: &[
        "Files.ReadWrite.All",
        "Sites.Read.All",
        "Sites.ReadWrite.All",
        "Sites.Manage.All",
        "Sites.FullControl.All",
    ],
};
const WRITE_FILES: Need = Need {
    name: "Files.ReadWrite.All",
    wider: &["Sites.ReadWrite.All", "Sites.Manage.All", "Sites.FullControl.All"],
};

/// What a purpose needs: a backup reads, a restore writes.
pub fn needs(purpose: PurposeArg) -> [Need; 2] {
    match purpose {
        PurposeArg::Backup => [USERS, READ_FILES],
        PurposeArg::Restore => [USERS, WRITE_FILES],
    }
}

/// Every permission that is needed or granted. A token that tells none is judged by the calls instead.
pub fn judge(claims: &Claims, purpose: PurposeArg) -> Vec<Permission> {
    let granted = claims.permissions();
    if granted.is_empty() {
        return Vec::new();
    }
    let permission = |name: &str, verdict| Permission { name: name.to_owned(), verdict };
    let mut judged = Vec::new();
    let mut used = Vec::new();
    for need in needs(purpose) {
        let exact = granted.iter().find(|name| **name == need.name);
        let wider = || granted.iter().find(|name| need.wider.contains(name));
        match (exact, exact.or_else(wider)) {
            (Some(name), _) => judged.push(permission(name, Verdict::Granted)),
            (None, Some(name)) => judged.push(permission(name, Verdict::Wider)),
            (None, None) => judged.push(permission(need.name, Verdict::Missing)),
        }
        used.extend(exact.or_else(wider));
    }
    let rest = granted.iter().filter(|name| !used.contains(name));
    judged.extend(rest.map(|name| permission(name, Verdict::Superfluous)));
    judged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(roles: &[&str], purpose: PurposeArg) -> Vec<(String, Verdict)> {
        let roles = roles.iter().map(|role| (*role).to_owned()).collect();
        let judged = judge(&Claims { roles, ..Claims::default() }, purpose);
        judged.into_iter().map(|it| (it.name, it.verdict)).collect()
    }

    #[test]
    fn what_is_missing_wide_or_too_much_is_told() {
        let found = verdicts(&["Files.ReadWrite.All", "Mail.Read"], PurposeArg::Backup);
        let wanted = [
            ("User.Read.All".to_owned(), Verdict::Missing),
            ("Files.ReadWrite.All".to_owned(), Verdict::Wider),
            ("Mail.Read".to_owned(), Verdict::Superfluous),
        ];
        assert_eq!(found, wanted);
        let restore = verdicts(&["Files.ReadWrite.All", "Directory.Read.All"], PurposeArg::Restore);
        let wanted = [
            ("Directory.Read.All".to_owned(), Verdict::Wider),
            ("Files.ReadWrite.All".to_owned(), Verdict::Granted),
        ];
        assert_eq!(restore, wanted);
        assert!(verdicts(&[], PurposeArg::Backup).is_empty());
    }
}
