//! The users of a tenant and their drives, which are built when first asked for.

use std::collections::HashMap;
use std::sync::OnceLock;

use parking_lot::RwLock;

use super::drive::Drive;
use super::ids::{self, Guid};
use super::pool::Pool;
use super::uploads::Uploads;
use crate::config::{TENANT_DOMAIN, TenantProfile};
use crate::seed::Seed;

const GIVEN: &[&str] =
    &["Adele", "Megan", "Diego", "Isaiah", "Johanna", "Lidia", "Lynne", "Miriam", "Nestor", "Pradeep"];
const SURNAMES: &[&str] =
    &["Vance", "Bowen", "Siciliani", "Langer", "Lorenz", "Holloway", "Robbins", "Graham", "Wilke"];

/// What a user has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Provision {
    Drive,
    NoDrive,
    NoLicense,
}

/// Someone in the directory.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub principal_name: String,
    pub display_name: String,
    pub given_name: &'static str,
    pub surname: &'static str,
    pub provision: Provision,
}

/// The seeded tenant.
pub struct Tenant {
    pub profile: TenantProfile,
    pub pool: Pool,
    pub uploads: Uploads,
    users: Vec<User>,
    by_key: HashMap<String, u32>,
    by_drive: HashMap<String, u32>,
    drives: Vec<OnceLock<RwLock<Drive>>>,
}

impl Tenant {
    /// Makes the users; their drives follow when they are asked for.
    pub fn new(profile: TenantProfile) -> Self {
        let seed = Seed(profile.seed);
        let total = profile.users + profile.users_without_drive + profile.users_without_license;
        let users: Vec<User> = (0..total).map(|index| user(&profile, index)).collect();
        let mut by_key = HashMap::new();
        for (user, index) in users.iter().zip(0..) {
            by_key.insert(user.id.clone(), index);
            by_key.insert(user.principal_name.to_lowercase(), index);
        }
        let by_drive = (0..profile.users).map(|index| (ids::drive(seed, index), index)).collect();
        let drives = (0..profile.users).map(|_| OnceLock::new()).collect();
        Tenant {
            pool: Pool::new(seed.named("pool")),
            uploads: Uploads::default(),
            users,
            by_key,
            by_drive,
            drives,
            profile,
        }
    }

    pub fn seed(&self) -> Seed {
        Seed(self.profile.seed)
    }

    /// All users; those with a drive come first, and their drive has their number.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// The number of a user, by id or principal name in any case.
    pub fn find_user(&self, key: &str) -> Option<u32> {
        self.by_key.get(&key.to_lowercase()).copied()
    }

    /// The number of a drive, by id.
    pub fn find_drive(&self, id: &str) -> Option<u32> {
        self.by_drive.get(id).copied()
    }

    /// How many drives there are.
    pub fn drive_count(&self) -> u32 {
        self.drives.len() as u32
    }

    /// The id of a drive.
    pub fn drive_id(&self, drive: u32) -> String {
        ids::drive(self.seed(), drive)
    }

    /// A drive by its number.
    pub fn drive(&self, drive: u32) -> Option<&RwLock<Drive>> {
        let slot = self.drives.get(drive as usize)?;
        Some(slot.get_or_init(|| RwLock::new(Drive::new(&self.profile, drive))))
    }
}

fn user(profile: &TenantProfile, index: u32) -> User {
    let seed = Seed(profile.seed);
    let own = seed.named("user").with(u64::from(index));
    let (given, surname) = (own.with(1).pick(GIVEN), own.with(2).pick(SURNAMES));
    let provision = if index < profile.users {
        Provision::Drive
    } else if index < profile.users + profile.users_without_drive {
        Provision::NoDrive
    } else {
        Provision::NoLicense
    };
    User {
        id: ids::guid(seed, Guid::User, u64::from(index)),
        principal_name: format!("{}.{}{index}@{TENANT_DOMAIN}", given.to_lowercase(), surname.to_lowercase()),
        display_name: format!("{given} {surname}"),
        given_name: given,
        surname,
        provision,
    }
}
