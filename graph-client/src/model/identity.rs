//! Who: people, applications and groups as they stand beside what they did or may do.

use super::object::object;

object! {
    /// One actor, or one that may act.
    pub struct Identity {
        /// Within the directory; absent for those from elsewhere.
        id: Option<String> = "id",
        /// For people to read. It may be absent or old.
        display_name: Option<String> = "displayName",
        /// A mail address.
        email: Option<String> = "email",
        /// A name of SharePoint's own: `i:0#.f|membership|…`.
        login_name: Option<String> = "loginName",
    }
}

object! {
    /// The same actor by kind; mostly one of them is there, and boxed, because items have several sets.
    pub struct IdentitySet {
        /// A person.
        user: Option<Box<Identity>> = "user",
        /// A program.
        application: Option<Box<Identity>> = "application",
        /// A device.
        device: Option<Box<Identity>> = "device",
        /// A group of the directory.
        group: Option<Box<Identity>> = "group",
        /// A person as SharePoint knows them.
        site_user: Option<Box<Identity>> = "siteUser",
        /// A group of SharePoint's own.
        site_group: Option<Box<Identity>> = "siteGroup",
    }
}

object! {
    /// A user of the directory.
    pub struct User {
        /// A GUID; stays when names change.
        id: super::UserId = "id",
        /// The name they sign in with.
        user_principal_name: Option<String> = "userPrincipalName",
        /// For people to read.
        display_name: Option<String> = "displayName",
        /// Their main mail address.
        mail: Option<String> = "mail",
        /// `Member` or `Guest`.
        user_type: Option<String> = "userType",
        /// Whether they may sign in.
        account_enabled: Option<bool> = "accountEnabled",
    }
}
