//! Who may do what with an item.

use super::object::object;
use super::{IdentitySet, Moment, ParentReference, PermissionId};
use crate::secret::Secret;

object! {
    /// One grant: to somebody, to a group, or to whoever has a link.
    pub struct Permission {
        id: PermissionId = "id",
        /// `read`, `write`, `owner`, `sp.…`.
        roles: Vec<String> = "roles",
        /// To whom; `None` for links and open invitations.
        granted_to: Option<IdentitySet> = "grantedToV2",
        /// The same by its old name; used where the newer one is absent.
        granted_to_old: Option<IdentitySet> = "grantedTo",
        /// Who may use the link.
        granted_to_identities: Vec<IdentitySet> = "grantedToIdentitiesV2",
        granted_to_identities_old: Vec<IdentitySet> = "grantedToIdentities",
        link: Option<SharingLink> = "link",
        invitation: Option<Invitation> = "invitation",
        /// The folder that the grant comes from; absent if it is the item's own.
        inherited_from: Option<ParentReference> = "inheritedFrom",
        /// Its bearer may open the item.
        share_id: Option<Secret> = "shareId",
        expires: Option<Moment> = "expirationDateTime",
        has_password: Option<bool> = "hasPassword",
    }
}

impl Permission {
    /// Whether the item has it from a folder above.
    pub fn is_inherited(&self) -> bool {
        self.inherited_from.is_some()
    }

    /// All to whom it is granted, by the newer names where they are there.
    pub fn grantees(&self) -> impl Iterator<Item = &IdentitySet> {
        let one = self.granted_to.as_ref().or(self.granted_to_old.as_ref());
        let newer = &self.granted_to_identities;
        one.into_iter().chain(if newer.is_empty() { &self.granted_to_identities_old } else { newer })
    }
}

object! {
    /// A sharing link.
    pub struct SharingLink {
        /// `view`, `edit` or `embed`.
        kind: Option<String> = "type",
        /// `anonymous`, `organization` or `users`.
        scope: Option<String> = "scope",
        /// Its bearer may open the item.
        web_url: Option<Secret> = "webUrl",
        prevents_download: Option<bool> = "preventsDownload",
    }
}

object! {
    /// How somebody was asked.
    pub struct Invitation {
        email: Option<String> = "email",
        sign_in_required: Option<bool> = "signInRequired",
    }
}
